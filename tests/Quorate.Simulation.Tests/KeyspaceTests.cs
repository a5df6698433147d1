using Quorate.Core;
using Quorate.Raft;
using Quorate.Replication;
using Quorate.Simulation.Disk;
using Quorate.StateMachines.KeyValue;
using Xunit;

namespace Quorate.Simulation.Tests;

/// <summary>Keyspaces come and go with the first shard's state, whatever happens to nodes and disks meanwhile.</summary>
public sealed class KeyspaceTests
{
    private static readonly ShardId First = new(1);
    private static readonly ShardId Second = new(2);

    // Goal: a power cut in any change of the disk while a keyspace is created and written to loses neither the keyspace nor the write.
    // Method: one node, so nobody else can heal it; the cut comes at the n-th change after the command, for every n there is.
    [Fact]
    public void A_power_cut_anywhere_in_a_creation_leaves_a_keyspace_that_serves()
    {
        int cuts = 0;
        bool wasCut = true;
        for (long change = 1; wasCut; change++)
        {
            using var cluster = SimCluster.Start((ulong)change, new SimOptions { Nodes = 1 });
            SimNode node = cluster.Nodes[0];
            cluster.RunUntil(c => c.LeaderOf(First) is not null, TimeSpan.FromSeconds(10));
            int lives = node.Lives;
            node.CutPowerAtChange(node.Disk.Changes + change, "P3");
            Do(cluster, First, new KvCommand.KeyspaceCreate("a", 0));
            Do(cluster, Second, new KvCommand.Put("k"u8.ToArray(), "v"u8.ToArray()));
            wasCut = node.Lives > lives;
            cuts += wasCut ? 1 : 0;
            node.CutPowerAtChange(0, "P3");
            node.Crash(SimCrash.Mixed);
            node.Start();
            cluster.RunUntil(_ => ValueOf(node, Second, "k") == "v", TimeSpan.FromSeconds(10));
            cluster.CompareStates();
        }

        Assert.True(cuts >= 8, $"only {cuts} changes of the disk were met");
    }

    // Goal: a power cut in any change of the disk while a keyspace is deleted leaves it deleted, and in the end no file of it; and a
    // keyspace of the same name that is made then is empty.
    [Fact]
    public void A_power_cut_anywhere_in_a_deletion_leaves_nothing_of_the_keyspace()
    {
        int cuts = 0;
        bool wasCut = true;
        for (long change = 1; wasCut; change++)
        {
            using var cluster = SimCluster.Start((ulong)change, new SimOptions { Nodes = 1 });
            SimNode node = cluster.Nodes[0];
            cluster.RunUntil(c => c.LeaderOf(First) is not null, TimeSpan.FromSeconds(10));
            Do(cluster, First, new KvCommand.KeyspaceCreate("a", 0));
            Do(cluster, Second, new KvCommand.Put("k"u8.ToArray(), "v"u8.ToArray()));
            int lives = node.Lives;
            node.CutPowerAtChange(node.Disk.Changes + change, "P3");
            Do(cluster, First, new KvCommand.KeyspaceDelete("a"));
            cluster.RunUntil(_ => IsGone(node, Second), TimeSpan.FromSeconds(20));
            wasCut = node.Lives > lives;
            cuts += wasCut ? 1 : 0;
            node.CutPowerAtChange(0, "P3");
            node.Crash(SimCrash.Mixed);
            node.Start();
            cluster.RunUntil(_ => IsGone(node, Second), TimeSpan.FromSeconds(20));
            Do(cluster, First, new KvCommand.KeyspaceCreate("a", 0));
            cluster.RunUntil(c => c.LeaderOf(new(3)) is not null, TimeSpan.FromSeconds(10));
            Assert.Null(ValueOf(node, new(3), "k"));
        }

        Assert.True(cuts >= 8, $"only {cuts} changes of the disk were met");
    }

    // Goal: a node that was down makes what was made meanwhile, and gives back what was deleted; so does one that gets a snapshot of
    // the first shard instead of its log.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_node_that_was_down_follows(bool getsSnapshot)
    {
        using var cluster = SimCluster.Start(7, new SimOptions());
        cluster.RunUntil(c => c.LeaderOf(First) is not null, TimeSpan.FromSeconds(10));
        Do(cluster, First, new KvCommand.KeyspaceCreate("old", 0));
        Do(cluster, Second, new KvCommand.Put("k"u8.ToArray(), "v"u8.ToArray()));
        cluster.RunUntil(c => c.Nodes.All(node => node.Core!.StatusOf(Second) is not null), TimeSpan.FromSeconds(10));
        SimNode late = cluster.Nodes.First(node => node != cluster.LeaderOf(First));
        late.Crash(SimCrash.Mixed);
        Do(cluster, First, new KvCommand.KeyspaceDelete("old"));
        Do(cluster, First, new KvCommand.KeyspaceCreate("new", 0));
        Do(cluster, new(3), new KvCommand.Put("k"u8.ToArray(), "w"u8.ToArray()));
        if (getsSnapshot)
        {
            for (int i = 0; i < 300; i++) { Do(cluster, First, new KvCommand.Put("filler"u8.ToArray(), new byte[1000])); }
        }

        late.Start();
        cluster.RunUntil(_ => ValueOf(late, new(3), "k") == "w" && IsGone(late, Second), TimeSpan.FromSeconds(60));
        Assert.Equal(getsSnapshot, cluster.Reported.ContainsKey("snapshot-installed"));
        cluster.RunUntil(c => c.ReplicasAgree(), TimeSpan.FromSeconds(30));
    }

    // Goal: who waits for a deleted keyspace is answered, and nobody finds it afterwards, on any node.
    [Fact]
    public void A_deleted_keyspace_answers_nobody()
    {
        using var cluster = SimCluster.Start(11, new SimOptions());
        cluster.RunUntil(c => c.LeaderOf(First) is not null, TimeSpan.FromSeconds(10));
        Do(cluster, First, new KvCommand.KeyspaceCreate("a", 0));
        cluster.RunUntil(c => c.LeaderOf(Second) is not null, TimeSpan.FromSeconds(10));

        // Two followers are gone: the command is in the leader's log and can neither be committed nor be known to fail.
        SimNode leader = cluster.LeaderOf(Second)!;
        RequestOutcome? waiting = null;
        cluster.Network.Shape((from, to) => (from == leader.Index) != (to == leader.Index));
        leader.Do(core => core.Propose(new Command { Shard = Second, Command = Bytes(new KvCommand.Put("k"u8.ToArray(), default)), Done = (o, _) => waiting = o }));
        cluster.RunUntil(c => c.Nodes.Any(node => node != leader && node.Core!.StatusOf(First) is { Role: Role.Leader }), TimeSpan.FromSeconds(10));
        Do(cluster, First, new KvCommand.KeyspaceDelete("a"), except: leader);
        Assert.Null(waiting);
        cluster.Network.Heal();
        cluster.RunUntil(_ => waiting is not null, TimeSpan.FromSeconds(5));
        Assert.Equal(RequestOutcome.Unknown, waiting);
        cluster.RunUntil(c => c.Nodes.All(node => IsGone(node, Second)), TimeSpan.FromSeconds(20));
        RequestOutcome? asked = null;
        leader.Do(core => core.Propose(new Command { Shard = Second, Command = Bytes(new KvCommand.Put("k"u8.ToArray(), default)), Done = (o, _) => asked = o }));
        cluster.RunUntil(_ => asked is not null, TimeSpan.FromSeconds(1));
        Assert.Equal(RequestOutcome.NoShard, asked);
    }

    // Goal: the groups of keyspaces follow the members of the first shard, the leader included, without a word to anybody; what was
    // acknowledged moves along.
    [Fact]
    public void Keyspaces_follow_the_members_of_the_first_shard()
    {
        using var cluster = SimCluster.Start(13, new SimOptions { Spares = 2 });
        cluster.RunUntil(c => c.LeaderOf(First) is not null, TimeSpan.FromSeconds(10));
        Do(cluster, First, new KvCommand.KeyspaceCreate("a", 0));
        Do(cluster, Second, new KvCommand.Put("k"u8.ToArray(), "v"u8.ToArray()));
        for (int i = 0; i < 2; i++)
        {
            SimNode spare = cluster.Nodes[3 + i];
            var newcomer = new ReplicaId(100 + (ulong)i);
            Change(cluster, new([(MembershipStep.AddVoter, newcomer)], JointTransition.Auto, default), [new(newcomer, spare.Id)]);
            cluster.RunUntil(_ => ValueOf(spare, Second, "k") == "v" && spare.Core!.StatusOf(Second) is { IsLearner: false }, TimeSpan.FromSeconds(20));
        }

        // All that the keyspace began with are gone in the end, its leaders each time first.
        for (int left = 5; left > 2; left--)
        {
            SimNode leader = cluster.LeaderOf(Second)!;
            if (leader.Index >= 3)
            {
                SimNode other = cluster.Nodes.First(node => node.Index < 3 && cluster.LeaderOf(First)!.Core!.StatusOf(First)!.Members.Any(m => m.Node == node.Id));
                ReplicaId to = other.Core!.StatusOf(Second)!.Replica;
                leader.Do(core => core.TransferLeadership(Second, to));
                cluster.RunUntil(c => c.LeaderOf(Second) == other, TimeSpan.FromSeconds(20));
                leader = other;
            }

            ReplicaId gone = leader.Core!.StatusOf(First)!.Replica;
            Change(cluster, new([(MembershipStep.Remove, gone)], JointTransition.Auto, default), []);
            int expected = left - 1;
            cluster.RunUntil(
                c => c.LeaderOf(Second)?.Core?.StatusOf(Second) is { } status && status.Members.Length == expected &&
                    status.Members.All(member => member.Node != leader.Id),
                TimeSpan.FromSeconds(60));
        }

        Do(cluster, Second, new KvCommand.Put("k"u8.ToArray(), "w"u8.ToArray()));
        cluster.RunUntil(c => c.Nodes.Skip(3).All(node => ValueOf(node, Second, "k") == "w"), TimeSpan.FromSeconds(10));
    }

    // Goal: whatever goes wrong, each keyspace keeps its promises, nothing of one shows in another, and in the end all nodes have
    // those that are left and nothing of the others.
    [Fact]
    public void Every_seed_of_the_sweep_holds()
    {
        ulong[] seeds = [.. Enumerable.Range(0, Seeds.SweepCount / 5).Select(i => Seeds.SweepFirst + (ulong)i).Concat(Seeds.Keyspaces)];
        SimResult[] failed = [.. seeds.AsParallel().WithDegreeOfParallelism(2)
            .Select(seed => SimRun.Execute(Scenarios.All.Single(scenario => scenario.Name == "keyspaces").Plan(seed)))
            .Where(result => result.Failure is not null)];
        Assert.True(failed.Length == 0, $"{failed.Length} seeds failed\n" + string.Join('\n', failed.Take(5).Select(result =>
            $"quorate sim --scenario keyspaces --seed {result.Seed}: {result.Failure!.Net}: {result.Failure.Message}")));
    }

    private static void Change(SimCluster cluster, MembershipChange change, ReplicaPlace[] places)
    {
        ProposeOutcome outcome = ProposeOutcome.NotLeader;
        cluster.RunUntil(
            c =>
            {
                if (outcome != ProposeOutcome.Appended) { c.LeaderOf(First)?.Do(core => outcome = core.ChangeMembership(First, change, [.. places])); }
                return outcome == ProposeOutcome.Appended;
            },
            TimeSpan.FromSeconds(30));
    }

    private static bool IsGone(SimNode node, ShardId shard) =>
        node.Core is { } core && core.StatusOf(shard) is null && core.Keyspaces.IsDeleted(shard) &&
        !node.Disk.Exists($"shards/{shard.Value}") && !node.Disk.Exists($"shards/deleted-{shard.Value}");

    private static string? ValueOf(SimNode node, ShardId shard, string key)
    {
        using IReadView? view = node.Core?.OpenLocalView(shard);
        if (view is null) { return null; }
        RangeResult result = KvQueries.Range(view, new RangeQuery { Key = System.Text.Encoding.UTF8.GetBytes(key) });
        return result.Records.IsEmpty ? null : System.Text.Encoding.UTF8.GetString(result.Records[0].Value.Span);
    }

    // Again and again until it is done: whoever dies takes what it was asked with it, and each command here may be repeated.
    private static void Do(SimCluster cluster, ShardId shard, KvCommand command, SimNode? except = null)
    {
        bool isDone = false;
        bool isAsked = false;
        long asked = 0;
        cluster.RunUntil(
            c =>
            {
                if (isDone) { return true; }
                if (isAsked && c.Now - asked < 8_000_000) { return false; }
                SimNode? node = c.Nodes.FirstOrDefault(n => n != except && n.Core?.StatusOf(shard) is { Role: Role.Leader });
                if (node is null) { return false; }
                int life = node.Lives;
                (isAsked, asked) = (true, c.Now);
                node.Do(core => core.Propose(new Command
                {
                    Shard = shard,
                    Command = Bytes(command),
                    Done = (outcome, _) =>
                    {
                        isDone |= outcome == RequestOutcome.Done;
                        isAsked = isDone;
                    },
                }));
                isAsked &= node.Lives == life;
                return isDone;
            },
            TimeSpan.FromSeconds(60));
    }

    private static byte[] Bytes(KvCommand command)
    {
        var bytes = new ByteWriter();
        command.Encode(bytes);
        return bytes.ToArray();
    }

    private sealed class Command : ProposeRequest
    {
        public required Action<RequestOutcome, byte[]> Done { get; init; }

        public override void Complete(RequestOutcome outcome, ReadOnlySpan<byte> reply) => Done(outcome, reply.ToArray());
    }
}
