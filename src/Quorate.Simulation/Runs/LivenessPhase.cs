using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;

namespace Quorate.Simulation;

/// <summary>
/// What a healed cluster must be able to do, within a bound: one leader for each shard and equal replicas; then a write and a
/// read of every shard through every member, all of which must succeed; then a power cut of all nodes, after which the log
/// must give the same state again.
/// </summary>
internal static class LivenessPhase
{
    private const long AskAgainMicros = 200_000;

    public static void Run(SimCluster cluster, ImmutableArray<SimWorkload> workloads, TimeSpan within)
    {
        cluster.RunUntil(c => c.Now >= c.Network.LateUntil && c.ReplicasAgree(), within);
        AskEverywhere(cluster, within);
        cluster.RunUntil(c => c.ReplicasAgree(), within);
        foreach (SimWorkload workload in workloads) { workload.Settle(cluster); }
        cluster.RunUntil(c => c.ReplicasAgree(), within);
        Dictionary<(ShardId, int), ulong> before = Hashes(cluster);
        foreach (SimNode node in cluster.Nodes) { node.Crash(Disk.SimCrash.LoseUnsynced); }
        foreach (SimNode node in cluster.Nodes) { node.Start(); }
        cluster.RunUntil(c => c.ReplicasAgree(), within);
        foreach (((ShardId shard, int node), ulong hash) in Hashes(cluster))
        {
            bool isSame = !before.TryGetValue((shard, node), out ulong known) || known == hash;
            cluster.Demand(isSame, SimNet.States, $"{shard}: node {node + 1} has another state after its log was replayed");
        }
    }

    private static void AskEverywhere(SimCluster cluster, TimeSpan within)
    {
        int left = 0;
        foreach (SimNode node in cluster.Nodes)
        {
            foreach (ShardId shard in cluster.Shards)
            {
                if (!IsMember(cluster, shard, node) || node.IsLost) { continue; }
                left += 2;
                AskUntilDone(node, shard, (core, ended) => core.Propose(new Write { Shard = shard, Command = Command(), Ended = ended }));
                AskUntilDone(node, shard, (core, ended) => core.Read(new Read { Shard = shard, Ended = ended }));
            }
        }

        cluster.RunUntil(_ => left == 0, within);

        // A node that dies of what was done to it before the faults ended takes the question with it; one that is removed by a change
        // that was under way owes no answer.
        void AskUntilDone(SimNode node, ShardId shard, Action<NodeCore, Action<bool>> ask) => cluster.After(0, () =>
        {
            if (cluster.LeaderOf(shard) is not null && !IsMember(cluster, shard, node))
            {
                left--;
                return;
            }

            bool isEnded = false;
            int life = node.Lives;
            if (node.Core is not null) { node.Do(core => ask(core, End)); }
            cluster.After(AskAgainMicros, AskAgainIfDead);

            void End(bool isDone)
            {
                if (isEnded) { return; }
                isEnded = true;
                if (isDone) { left--; }
                else { cluster.After(AskAgainMicros, () => AskUntilDone(node, shard, ask)); }
            }

            void AskAgainIfDead()
            {
                if (isEnded) { return; }
                if (node.Lives != life || node.Core is null) { End(isDone: false); }
                else { cluster.After(AskAgainMicros, AskAgainIfDead); }
            }
        });
    }

    private static bool IsMember(SimCluster cluster, ShardId shard, SimNode node) =>
        cluster.LeaderOf(shard)?.Core?.StatusOf(shard)?.Members.Any(member => member.Node == node.Id) ?? false;

    private static byte[] Command()
    {
        // A transaction that changes nothing, since the histories of the clients must explain all that is in the store.
        var writer = new ByteWriter();
        new KvCommand.Txn([], [], []).Encode(writer);
        return writer.ToArray();
    }

    private static Dictionary<(ShardId, int), ulong> Hashes(SimCluster cluster)
    {
        var hashes = new Dictionary<(ShardId, int), ulong>();
        foreach (SimNode node in cluster.Nodes)
        {
            if (node.Core is not { } core) { continue; }
            foreach (ShardId shard in core.Shards)
            {
                // A replica that was removed without hearing of it stays where it was, and may stand elsewhere after a restart.
                if (!IsMember(cluster, shard, node)) { continue; }
                if (core.StatusOf(shard) is not null && node.HashOf(shard) is (_, ulong hash)) { hashes[(shard, node.Index)] = hash; }
            }
        }

        return hashes;
    }

    private sealed class Write : ProposeRequest
    {
        public required Action<bool> Ended { get; init; }

        public override void Complete(RequestOutcome outcome, ReadOnlySpan<byte> reply) => Ended(outcome == RequestOutcome.Done);
    }

    private sealed class Read : ReadRequest
    {
        public required Action<bool> Ended { get; init; }

        public override void Complete(RequestOutcome outcome, IReadView? view)
        {
            view?.Dispose();
            Ended(outcome == RequestOutcome.Done);
        }
    }
}
