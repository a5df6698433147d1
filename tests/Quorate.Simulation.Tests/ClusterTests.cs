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
        History history = cluster.Run(TimeSpan.FromSeconds(30), new RegisterWorkload());
        Assert.Equal(0, history.Unknown);
        Assert.True(history.Acknowledged >= 300, $"only {history.Acknowledged} writes: the run proves too little");
        cluster.RunUntil(c => c.ReplicasAgree(), within: TimeSpan.FromSeconds(5));
        Linearizability.Check(history);
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
        History history = cluster.Run(
            TimeSpan.FromMinutes(1),
            new RegisterWorkload(),
            new CrashLeader { Interval = TimeSpan.FromSeconds(5) },
            new LossyNetwork());
        cluster.Heal();
        cluster.RunUntil(c => c.ReplicasAgree(), within: TimeSpan.FromSeconds(30));
        Linearizability.Check(history);
        Assert.True(history.Acknowledged >= 300, $"only {history.Acknowledged} writes: the run proves too little");
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
        History history = cluster.Run(TimeSpan.FromMinutes(1), new RegisterWorkload { ThinkMillis = 10 });
        away.Start();
        cluster.RunUntil(c => c.ReplicasAgree(), within: TimeSpan.FromSeconds(30));
        Assert.True(cluster.Reported.GetValueOrDefault("snapshot-installed") >= 1, string.Join(',', cluster.Reported));
        Linearizability.Check(history);
    }

    // Goal: the seed is the only input. Method: run it twice, with all faults; any difference changes the hash of the trace.
    [Theory]
    [InlineData(1UL)]
    [InlineData(42UL)]
    [InlineData(4711UL)]
    public void The_same_seed_gives_the_same_trace(ulong seed)
    {
        (ulong Hash, long Events) first = Swarm.Run(seed);
        (ulong Hash, long Events) second = Swarm.Run(seed);
        Assert.Equal(first, second);
        Assert.NotEqual(first, Swarm.Run(seed + 1));
    }
}
