using Quorate.Core;
using Quorate.Raft;
using Quorate.Simulation.Disk;
using Xunit;

namespace Quorate.Simulation.Tests;

/// <summary>Leaders that hand leadership on: before they stop, are removed, or have no room.</summary>
public sealed class HandOverTests
{
    // Goal: leadership goes to a member that answers, not to a dead one that held as much of the log when it died.
    [Fact]
    public void Leadership_is_not_handed_to_the_dead()
    {
        ShardId shard = new(1);
        using var cluster = SimCluster.Start(3, new SimOptions());
        cluster.RunUntil(c => c.LeaderOf(shard) is not null && c.ReplicasAgree(), TimeSpan.FromSeconds(10));
        SimNode leader = cluster.LeaderOf(shard)!;
        SimNode[] others = [.. cluster.Nodes.Where(node => node != leader)];
        others[0].Crash(SimCrash.Mixed);
        long until = cluster.Now + 3_000_000;
        cluster.RunUntil(c => c.Now >= until, TimeSpan.FromSeconds(4));
        Assert.Same(leader, cluster.LeaderOf(shard));
        leader.Do(core => core.BeginStop());
        cluster.RunUntil(_ => others[1].Core!.StatusOf(shard) is { Role: Role.Leader }, TimeSpan.FromSeconds(10));
    }
}
