using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Raft;
using Quorate.Simulation.Checkers;
using Quorate.Simulation.Disk;
using Xunit;

namespace Quorate.Simulation.Tests;

public sealed class ClusterTests
{
    // Goal: without faults, a cluster of any usual size elects a leader, answers everything, and its replicas agree.
    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 1)]
    [InlineData(5, 3)]
    public void A_healthy_cluster_answers_everything(int nodes, int shards)
    {
        using var cluster = SimCluster.Start(7, new SimOptions { Nodes = nodes, Shards = shards });
        var workload = new RegisterWorkload();
        cluster.Run(TimeSpan.FromSeconds(30), workload);
        History history = workload.History;
        Assert.Equal(0, history.Unknown);
        Assert.True(workload.Acknowledged >= 300, $"only {workload.Acknowledged} writes: the run proves too little");
        cluster.RunUntil(c => c.ReplicasAgree(), within: TimeSpan.FromSeconds(5));
        workload.Check();
    }

    // Goal: a write that was acknowledged survives the loss of the leader that acknowledged it.
    // Method: keep crashing the leader, dropping what it had not synced; then heal, and check the history.
    [Theory]
    [InlineData(1UL)]
    [InlineData(2UL)]
    [InlineData(3UL)]
    public void Acknowledged_writes_survive_leader_crashes(ulong seed)
    {
        using var cluster = SimCluster.Start(seed, new SimOptions { Nodes = 5, Shards = 3 });
        var workload = new RegisterWorkload();
        cluster.Run(
            TimeSpan.FromMinutes(1),
            workload,
            new CrashLeader { Interval = TimeSpan.FromSeconds(5) },
            new LossyNetwork());
        cluster.Heal();
        cluster.RunUntil(c => c.ReplicasAgree(), within: TimeSpan.FromSeconds(30));
        workload.Check();
        Assert.True(workload.Acknowledged >= 300, $"only {workload.Acknowledged} writes: the run proves too little");
    }

    // Goal: a crashed leader is replaced in well under the election timeout, since the broken connections tell of it.
    [Fact]
    public void A_crashed_leader_is_replaced_within_a_second()
    {
        for (ulong seed = 1; seed <= 20; seed++)
        {
            using var cluster = SimCluster.Start(seed, new SimOptions());
            cluster.RunUntil(c => c.LeaderOf(new(1)) is not null, within: TimeSpan.FromSeconds(10));
            SimNode old = cluster.LeaderOf(new(1))!;
            old.Crash(SimCrash.LoseUnsynced);
            cluster.RunUntil(c => c.LeaderOf(new(1)) is { } leader && leader != old, within: TimeSpan.FromSeconds(1));
        }
    }

    // Goal: a follower that was away for longer than the log reaches back is brought up by a snapshot.
    [Fact]
    public void A_follower_that_fell_far_behind_gets_a_snapshot()
    {
        using var cluster = SimCluster.Start(11, new SimOptions { LogRetainBytes = 4096 });
        cluster.RunUntil(c => c.LeaderOf(new(1)) is not null, within: TimeSpan.FromSeconds(10));
        SimNode away = cluster.Nodes.First(node => node != cluster.LeaderOf(new(1)));
        away.Crash(SimCrash.LoseUnsynced);
        var workload = new RegisterWorkload { ThinkMillis = 10 };
        cluster.Run(TimeSpan.FromMinutes(1), workload);
        away.Start();
        cluster.RunUntil(c => c.ReplicasAgree(), within: TimeSpan.FromSeconds(30));
        Assert.True(cluster.Reported.GetValueOrDefault("snapshot-installed") >= 1, string.Join(",", cluster.Reported));
        workload.Check();
    }

    // Goal: a snapshot may come while the engine that it replaces is at work; what that work brings is of no use any more.
    // Method: a follower whose engine takes seconds for everything is cut off until the log has gone on without it.
    [Fact]
    public void A_snapshot_replaces_an_engine_at_work()
    {
        for (ulong seed = 1; seed <= 5; seed++)
        {
            using var cluster = SimCluster.Start(seed, new SimOptions { LogRetainBytes = 1_000, FlushEntries = 20, MaxJobMicros = 2_000 });
            cluster.RunUntil(c => c.LeaderOf(new(1)) is not null, within: TimeSpan.FromSeconds(10));
            SimNode away = cluster.Nodes.First(node => node != cluster.LeaderOf(new(1)));
            away.HoldJob = name => name.Contains("snapshot", StringComparison.Ordinal) ? null : 30_000_000;
            var workload = new RegisterWorkload { Clients = 60, ThinkMillis = 40, PaddingBytes = 300 };
            cluster.Run(TimeSpan.FromSeconds(2), workload);
            cluster.Network.Partition(new SortedSet<int> { away.Index });
            cluster.Run(TimeSpan.FromSeconds(5), workload);
            cluster.Heal();
            cluster.Run(TimeSpan.FromSeconds(40), workload);
            cluster.RunUntil(c => c.ReplicasAgree(), within: TimeSpan.FromSeconds(60));
            Assert.True(cluster.Reported.GetValueOrDefault("snapshot-installed") >= 1, string.Join(",", cluster.Reported));
            away.Crash(SimCrash.Mixed);
            away.Start();
            cluster.RunUntil(c => c.ReplicasAgree(), within: TimeSpan.FromSeconds(60));
        }
    }

    // Goal: membership at the level of the node: a spare learns, is promoted and serves; a voter is replaced; whoever is
    // removed leaves a tombstone that outlives a restart; and all that was acknowledged is there.
    [Theory]
    [InlineData(1UL)]
    [InlineData(2UL)]
    [InlineData(3UL)]
    public void A_spare_learns_is_promoted_and_replaces_a_voter(ulong seed)
    {
        ShardId shard = new(1);
        using var cluster = SimCluster.Start(seed, new SimOptions { Spares = 2 });
        var workload = new RegisterWorkload { ThinkMillis = 30 };
        cluster.RunUntil(c => c.LeaderOf(shard) is not null, within: TimeSpan.FromSeconds(10));
        workload.Start(cluster, long.MaxValue);

        Change([(MembershipStep.AddLearner, new(4))], [new(new(4), new(4))]);
        Reach(c => c.Nodes[3].Core?.StatusOf(shard) is { IsLearner: true, Applied.Value: > 0 } learner && learner.Members.Length == 4);

        Change([(MembershipStep.AddVoter, new(4))], []);
        Reach(c => c.Nodes[3].Core?.StatusOf(shard) is { IsLearner: false });

        // Two voters change at once, so this goes through joint consensus.
        SimNode leaving = cluster.Nodes.First(node => node.Index < 3 && node != cluster.LeaderOf(shard));
        ReplicaId removed = leaving.Core!.StatusOf(shard)!.Replica;
        Change([(MembershipStep.Remove, removed), (MembershipStep.AddVoter, new(5))], [new(new(5), new(5))]);
        Reach(c => c.Nodes[4].Core?.StatusOf(shard) is { IsLearner: false, Applied.Value: > 0 } && leaving.Core?.StatusOf(shard) is null);
        Reach(c => c.LeaderOf(shard)?.Core?.StatusOf(shard)?.Members.Length == 4);

        // The rest of the founders goes as well, the leader last: only those that joined remain.
        foreach (int index in (int[])[0, 1, 2])
        {
            var founder = new ReplicaId((ulong)index + 1);
            if (founder == removed) { continue; }
            Change([(MembershipStep.Remove, founder)], []);
            Reach(c => c.LeaderOf(shard)?.Core?.StatusOf(shard)?.Members.All(member => member.Replica != founder) ?? false);
        }

        leaving.Crash(SimCrash.LoseUnsynced);
        leaving.Start();
        cluster.RunUntil(c => c.Now > 0, within: TimeSpan.FromSeconds(1));
        Assert.Null(leaving.Core!.StatusOf(shard));
        foreach (SimNode node in cluster.Nodes.Skip(3))
        {
            node.Crash(SimCrash.Mixed);
            node.Start();
        }

        cluster.RunUntil(c => c.ReplicasAgree(), within: TimeSpan.FromSeconds(30));
        workload.Finish(cluster);
        workload.Check();
        Assert.True(workload.Acknowledged >= 10, $"only {workload.Acknowledged} writes: the run proves too little");

        void Change(ImmutableArray<(MembershipStep, ReplicaId)> steps, ImmutableArray<ReplicaPlace> places)
        {
            ProposeOutcome outcome = ProposeOutcome.NotLeader;
            Reach(c =>
            {
                if (outcome != ProposeOutcome.Appended) { c.LeaderOf(shard)?.Do(core => outcome = core.ChangeMembership(shard, new(steps, JointTransition.Auto, default), places)); }

                return outcome == ProposeOutcome.Appended;
            });
        }

        void Reach(Func<SimCluster, bool> condition) => cluster.RunUntil(condition, within: TimeSpan.FromSeconds(30));
    }

    // Goal: a node that lost its disk must not vote as if it had never promised anything.
    // Method: two of three have all writes; of these one is down and the other comes back empty, while the third, which missed
    // them, is back: a majority that knows nothing. Nobody may lead until the one that has the writes is there.
    [Theory]
    [InlineData(1UL)]
    [InlineData(2UL)]
    [InlineData(3UL)]
    public void A_node_that_lost_its_disk_has_no_vote(ulong seed)
    {
        ShardId shard = new(1);
        using var cluster = SimCluster.Start(seed, new SimOptions());
        cluster.RunUntil(c => c.ReplicasAgree(), within: TimeSpan.FromSeconds(10));
        SimNode keeps = cluster.LeaderOf(shard)!;
        SimNode[] others = [.. cluster.Nodes.Where(node => node != keeps)];
        SimNode misses = others[0];
        SimNode loses = others[1];
        cluster.Network.Partition(new SortedSet<int> { misses.Index });
        var workload = new RegisterWorkload { ThinkMillis = 20 };
        cluster.Run(TimeSpan.FromSeconds(30), workload);
        Assert.True(workload.Acknowledged >= 10, $"only {workload.Acknowledged} writes: the run proves too little");

        keeps.Crash(SimCrash.LoseUnsynced);
        loses.Crash(SimCrash.LoseUnsynced);
        loses.Disk.Erase();
        loses.Start();
        cluster.Network.Heal();
        cluster.Run(TimeSpan.FromSeconds(20), workload);
        Assert.Null(cluster.LeaderOf(shard));
        Assert.True(cluster.Reported.GetValueOrDefault("peer-disowned") >= 1);
        Assert.True(cluster.Reported.GetValueOrDefault("disowned") >= 1);

        keeps.Start();
        cluster.RunUntil(c => c.LeaderOf(shard) is not null, within: TimeSpan.FromSeconds(10));
        Assert.NotEqual(loses, cluster.LeaderOf(shard));
        cluster.Run(TimeSpan.FromSeconds(5), workload);
        workload.Check();
    }

    // Goal: the seed is the only input. Method: run it twice, with all faults; any difference changes the hash of the trace.
    [Theory]
    [InlineData(1UL)]
    [InlineData(42UL)]
    [InlineData(4711UL)]
    public void The_same_seed_gives_the_same_trace(ulong seed)
    {
        ulong first = TraceOf(seed);
        Assert.Equal(first, TraceOf(seed));
        Assert.NotEqual(first, TraceOf(seed + 1));

        static ulong TraceOf(ulong seed)
        {
            SimResult result = SimRun.Execute(Scenarios.Swarm.Plan(seed));
            Assert.Null(result.Failure);
            return result.TraceHash;
        }
    }
}
