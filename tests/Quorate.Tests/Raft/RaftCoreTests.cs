using Quorate.Core;
using Quorate.Raft;
using Xunit;

namespace Quorate.Tests.Raft;

public sealed class RaftCoreTests
{
    [Fact]
    public void A_single_voter_elects_itself_and_commits_alone()
    {
        var cluster = new TestCluster(1);
        cluster.Elect(1);
        LogPosition position = cluster.Propose(1, "a");
        cluster[1].Core.ReadIndex(5);
        cluster.Settle();
        Assert.Equal(position.Index, cluster[1].Core.Commit);
        Assert.Equal(["", "a"], cluster.AppliedPayloads(9));
        Assert.Equal(new ReadState(5, new LogIndex(1)), Assert.Single(cluster[1].Reads));
    }

    [Fact]
    public void A_silent_group_elects_a_leader_and_keeps_it()
    {
        var cluster = new TestCluster(3);
        cluster.Tick(40);
        Assert.NotNull(cluster.Leader);
        ReplicaId leader = cluster.Leader.Id;
        Term term = cluster.Leader.Core.Term;
        cluster.Tick(100);
        Assert.All(cluster.Replicas.Values, replica => Assert.Equal((leader, term), (replica.Core.Leader, replica.Core.Term)));
    }

    [Fact]
    public void Proposals_reach_everybody_in_order()
    {
        var cluster = new TestCluster(5, learners: 2);
        cluster.Elect(3);
        for (int i = 0; i < 100; i++) { cluster.Propose(3, $"{i}"); }
        cluster.Settle();
        Assert.Equal(["", .. Enumerable.Range(0, 100).Select(static i => $"{i}")], cluster.AppliedPayloads(200));
        Assert.All(cluster.Replicas.Values, static replica => Assert.Equal(new LogIndex(101), replica.Applied));
    }

    [Fact]
    public void Only_the_leader_takes_proposals()
    {
        var cluster = new TestCluster(3);
        cluster.Elect(1);
        Assert.Equal(ProposeOutcome.NotLeader, cluster[2].Core.Propose(default, out _));
        Assert.Equal(ProposeOutcome.NotLeader, cluster[2].Core.ProposeMembership(MembershipChange.Leave, out _));
    }

    [Fact]
    public void Reads_of_leader_and_follower_wait_for_a_majority()
    {
        var cluster = new TestCluster(3);
        cluster.Elect(1);
        cluster.Passes = static message => message is not Heartbeat;
        cluster[1].Core.ReadIndex(10);
        cluster[1].Core.ReadIndex(11);
        cluster[2].Core.ReadIndex(20);
        cluster.Settle();
        Assert.Empty(cluster[1].Reads);
        Assert.Empty(cluster[2].Reads);

        cluster.Passes = static message => message.To != new ReplicaId(3);
        cluster.Tick();
        Assert.Equal([new(10, new(1)), new(11, new(1))], cluster[1].Reads);
        Assert.Equal([new(20, new(1))], cluster[2].Reads);
    }

    [Fact]
    public void Reads_without_a_known_leader_are_dropped()
    {
        var cluster = new TestCluster(3);
        cluster[1].Core.ReadIndex(1);
        cluster.Settle();
        Assert.Equal([1UL], cluster[1].DroppedReads);
    }

    [Fact]
    public void A_leader_that_steps_down_drops_its_waiting_reads()
    {
        var cluster = new TestCluster(3);
        cluster.Elect(1);
        cluster.Passes = static _ => false;
        cluster[1].Core.ReadIndex(1);
        cluster.Settle();
        cluster[1].Core.ReadIndex(2);
        cluster.Tick(25);
        Assert.NotEqual(Role.Leader, cluster[1].Core.Role);
        Assert.Equal([1UL, 2UL], cluster[1].DroppedReads);
    }

    [Fact]
    public void A_follower_that_was_away_catches_up()
    {
        var cluster = new TestCluster(3);
        cluster.Elect(1);
        cluster.Passes = static message => message.To != new ReplicaId(3);
        for (int i = 0; i < 50; i++) { cluster.Propose(1, $"{i}"); }
        cluster.Settle();
        cluster.Passes = static _ => true;
        cluster.Tick(3);
        Assert.Equal(cluster[1].Core.Commit, cluster[3].Applied);
    }
}
