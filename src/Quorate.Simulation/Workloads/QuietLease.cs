using Quorate.Core;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;

namespace Quorate.Simulation;

/// <summary>
/// A lease that nobody renews, on a healed cluster, while the power of every leader is cut and wall clocks jump: it must end neither before
/// its time, nor later than its time, the time without a leader, and what each leader may have had left to tell.
/// </summary>
internal static class QuietLease
{
    private const long Second = 1_000_000;
    private const long Seconds = 20;
    private const long Id = 0x7EA5E;

    public static void Follow(SimCluster cluster, ShardId shard)
    {
        bool isGranted = false;
        Propose(cluster, shard, new KvCommand.LeaseGrant(Id, Seconds), () => isGranted = true);
        long granted = cluster.Now;
        cluster.RunUntil(_ => isGranted, TimeSpan.FromSeconds(10));
        Propose(cluster, shard, new KvCommand.Put("quiet"u8.ToArray(), default) { Lease = Id }, () => isGranted = false);
        cluster.RunUntil(_ => !isGranted, TimeSpan.FromSeconds(10));

        long changes = 0;
        long without = 0;
        long next = granted + (6 * Second);
        while (true)
        {
            long before = cluster.Now;
            cluster.RunUntil(c => c.Now > before, TimeSpan.FromSeconds(1));
            if (cluster.LeaderOf(shard) is not { } leader) { without += cluster.Now - before; }
            else if (IsGone(leader, shard)) { break; }
            else if (cluster.Now >= next && changes < 2)
            {
                changes++;
                next += 6 * Second;
                foreach (SimNode node in cluster.Nodes) { node.Clock.OffsetMillis = cluster.Random.Between(-3_600_000, 3_600_000); }
                leader.Crash(Disk.SimCrash.LoseUnsynced);
                cluster.After(Second / 2, leader.Start);
            }

            // The granularity of this loop, a commit, the timer's ticks; a leader counts from when it has applied what it took over.
            long allowed = (Seconds * Second) + without + (changes * (cluster.Options.Raft.ElectionTicks * TickMicros(cluster) + Second)) + Second;
            cluster.Demand(cluster.Now - granted <= allowed, SimNet.Liveness, $"a lease of {Seconds} s is there after {cluster.Now - granted} us, {changes} changes of leader, {without} us without one");
        }

        cluster.Demand(
            cluster.Now - granted >= Seconds * Second, SimNet.Histories,
            $"a lease of {Seconds} s is gone after {cluster.Now - granted} us, {changes} changes of leader, {without} us without one");
        cluster.RunUntil(c => c.ReplicasAgree(), TimeSpan.FromSeconds(60));
    }

    private static long TickMicros(SimCluster cluster) => cluster.Options.TickMilliseconds * 1000L;

    private static bool IsGone(SimNode leader, ShardId shard)
    {
        if (leader.Core?.OpenLocalView(shard) is not { } view) { return false; }
        using (view)
        {
            bool isLease = LeaseQueries.Find(view, Id) is not null;
            bool isKey = KvQueries.Range(view, new RangeQuery { Key = "quiet"u8.ToArray() }).Count > 0;
            return !isLease && !isKey;
        }
    }

    private static void Propose(SimCluster cluster, ShardId shard, KvCommand command, Action done)
    {
        var bytes = new ByteWriter();
        command.Encode(bytes);
        cluster.LeaderOf(shard)!.Do(core => core.Propose(new Request { Shard = shard, Command = bytes.ToArray(), Done = done }));
    }

    private sealed class Request : ProposeRequest
    {
        public required Action Done { get; init; }

        public override void Complete(RequestOutcome outcome, ReadOnlySpan<byte> reply)
        {
            if (outcome == RequestOutcome.Done) { Done(); }
        }
    }
}
