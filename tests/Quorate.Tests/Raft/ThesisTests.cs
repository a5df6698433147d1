using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Raft;
using Xunit;
using static Quorate.Tests.Raft.Bench;

namespace Quorate.Tests.Raft;

/// <summary>Membership, snapshots, transfer, reads, pre-vote, parallel writes: sections 6 and 7 of the paper and Ongaro's thesis.</summary>
public sealed class ThesisTests
{
    private static readonly RaftOptions Full = new();

    private static Membership Joint => new([new(1), new(4), new(5)], [new(1), new(2), new(3)], [], [], false);

    [Fact]
    public void S6_In_joint_consensus_an_entry_needs_both_majorities()
    {
        Bench bench = new Bench(options: Plain, membership: Joint).LeadAndCommit();
        bench.Core.Propose(new byte[] { 1 }, out LogPosition position);
        bench.Drain();
        bench.Accept(4, (int)position.Index.Value);
        bench.Accept(5, (int)position.Index.Value);
        Assert.True(bench.Core.Commit < position.Index, "only the incoming majority holds it");
        bench.Accept(2, (int)position.Index.Value);
        Assert.Equal(position.Index, bench.Core.Commit);
    }

    [Fact]
    public void S6_In_joint_consensus_an_election_needs_both_majorities()
    {
        var bench = new Bench(membership: Joint);
        bench.Core.Campaign();
        Assert.Equal([new(2), new(3), new(4), new(5)], bench.Drain<RequestVote>().Select(static request => request.To));
        bench.Step(new RequestVoteReply(bench.From(4, 1), false, true)).Step(new RequestVoteReply(bench.From(5, 1), false, true));
        Assert.Equal(Role.Candidate, bench.Core.Role);
        bench.Step(new RequestVoteReply(bench.From(3, 1), false, true));
        Assert.Equal(Role.Leader, bench.Core.Role);
    }

    [Fact]
    public void S6_Several_voters_are_replaced_through_joint_consensus_left_by_itself()
    {
        var cluster = new TestCluster(3);
        cluster.Elect(1);
        Assert.Equal(ProposeOutcome.Appended, Change(cluster[1].Core, JointTransition.Auto, (MembershipStep.AddVoter, 4), (MembershipStep.AddVoter, 5), (MembershipStep.Remove, 2), (MembershipStep.AddLearner, 3)));
        cluster.Add(new(4), Membership.Empty);
        cluster.Add(new(5), Membership.Empty);
        cluster[1].Settle();
        for (int i = 0; i < 5; i++)
        {
            cluster.SendSnapshots(cluster[1]);
            cluster.Tick(2);
        }

        Membership expected = Membership.Of(new ReplicaId(1), new(4), new(5)) with { Learners = [new(3)] };
        foreach (int id in (int[])[1, 3, 4, 5]) { Assert.Equal(expected, cluster[id].Core.Membership); }
    }

    [Fact]
    public void S6_A_removed_replica_does_not_disturb_the_others()
    {
        var cluster = new TestCluster(3, Full with { PreVote = false });
        cluster.Elect(1);
        cluster.Passes = static message => message.To != new ReplicaId(3);
        Change(cluster[1].Core, JointTransition.Auto, (MembershipStep.Remove, 3));
        cluster.Settle();
        Term term = cluster[1].Core.Term;
        cluster.Tick(60); // It does not know, hears nothing, and asks for votes with ever newer terms.
        Assert.True(cluster[3].Core.Term > term);
        Assert.Equal((Role.Leader, term), (cluster[1].Core.Role, cluster[1].Core.Term));
    }

    [Fact]
    public void S7_A_snapshot_replaces_a_log_that_does_not_hold_its_last_entry()
    {
        var bench = new Bench(terms: [1, 1, 1], term: 3);
        var snapshot = new SnapshotMeta(At(3, 2), Membership.Of(new ReplicaId(1), new(2)));
        bench.Step(new InstallSnapshot(bench.From(2, 3), snapshot));
        Assert.Equal((new LogIndex(3), LogIndex.Zero), (bench.Core.Commit, bench.Core.DurableIndex));
        Assert.Empty(bench.WithoutSync());
        Assert.Equal((true, new LogIndex(3)), (bench.Drain<AppendEntriesReply>() is [{ Accepted: true } reply], new LogIndex(3)));
        Assert.Equal((new LogIndex(4), new LogIndex(3), snapshot.Membership), (bench.Core.Status.FirstIndex, bench.Core.Status.LastIndex, bench.Core.Membership));
        bench.Replica.Restart();
        Assert.Equal((new LogIndex(3), snapshot.Membership), (bench.Core.Commit, bench.Core.Membership));
    }

    [Fact]
    public void S7_A_snapshot_of_entries_the_log_holds_only_tells_of_their_commitment()
    {
        var bench = new Bench(terms: [1, 1, 2, 2], term: 3);
        bench.Step(new InstallSnapshot(bench.From(2, 3), new SnapshotMeta(At(3, 2), Membership.Of(new ReplicaId(9)))));
        AppendEntriesReply reply = bench.One<AppendEntriesReply>();
        Assert.Equal((true, new LogIndex(3)), (reply.Accepted, reply.Index));
        Assert.Equal([1, 1, 2, 2], bench.Terms());
        Assert.Equal(new LogIndex(3), bench.Replica.Applied);
        Assert.Equal(3, bench.Core.Membership.Voters.Length);
    }

    [Fact]
    public void S7_An_old_snapshot_is_ignored()
    {
        var bench = new Bench(terms: [1, 1, 2], term: 3, commit: 3);
        bench.Step(new InstallSnapshot(bench.From(2, 3), new SnapshotMeta(At(2, 1), Membership.Empty)));
        AppendEntriesReply reply = bench.One<AppendEntriesReply>();
        Assert.Equal((true, new LogIndex(3)), (reply.Accepted, reply.Index));
        Assert.Equal([1, 1, 2], bench.Terms());
    }

    [Fact]
    public void S7_No_campaign_before_a_received_snapshot_is_on_disk()
    {
        var bench = new Bench(term: 3);
        bench.Step(new InstallSnapshot(bench.From(2, 3), new SnapshotMeta(At(3, 2), Membership.Of(new ReplicaId(1), new(2)))));
        bench.WithoutSync();
        bench.Core.Campaign();
        Assert.Equal(Role.Follower, bench.Core.Role);
        bench.Drain();
        bench.Core.Campaign();
        Assert.Equal(Role.Candidate, bench.Core.Role);
    }

    [Fact]
    public void S3_10_Leadership_goes_at_once_to_a_follower_that_has_all()
    {
        var cluster = new TestCluster(3, Full);
        cluster.Elect(1);
        cluster[1].Core.TransferLeadership(new(2));
        cluster.Settle();
        Assert.Equal((Role.Leader, new Term(2)), (cluster[2].Core.Role, cluster[2].Core.Term));
        Assert.Equal(Role.Follower, cluster[1].Core.Role);
    }

    [Fact]
    public void S3_10_A_follower_that_lags_is_brought_up_to_date_first()
    {
        Bench bench = new Bench(options: Full).LeadAndCommit();
        bench.Core.Propose(new byte[] { 1 }, out LogPosition position);
        bench.Core.TransferLeadership(new(2));
        Assert.Empty(bench.Drain<TimeoutNow>());
        Assert.Equal(ProposeOutcome.Transferring, bench.Core.Propose(default, out _));
        bench.Accept(2, (int)position.Index.Value);
        Assert.Equal(new ReplicaId(2), bench.One<TimeoutNow>().To);
    }

    [Fact]
    public void S3_10_A_transfer_is_given_up_after_an_election_timeout()
    {
        Bench bench = new Bench(options: Full with { CheckQuorum = false }).LeadAndCommit();
        bench.Core.TransferLeadership(new(2));
        for (int tick = 0; tick < 10; tick++)
        {
            Assert.Equal(ProposeOutcome.Transferring, bench.Core.Propose(default, out _));
            bench.Core.Tick();
        }

        Assert.Equal(ProposeOutcome.Appended, bench.Core.Propose(default, out _));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(9)]
    public void S3_10_Nobody_but_another_voter_can_be_transferred_to(int to)
    {
        Bench bench = new Bench(membership: Membership.Of(new ReplicaId(1), new(2), new(3)) with { Learners = [new(4)] }).LeadAndCommit();
        bench.Core.TransferLeadership(new((ulong)to));
        Assert.Equal((ReplicaId.None, ProposeOutcome.Appended), (bench.Core.Status.Transferee, bench.Core.Propose(default, out _)));
    }

    [Fact]
    public void S3_10_A_follower_asks_the_leader_to_transfer()
    {
        var cluster = new TestCluster(3, Full);
        cluster.Elect(1);
        cluster[3].Core.TransferLeadership(new(3));
        cluster.Settle();
        Assert.Equal(Role.Leader, cluster[3].Core.Role);
    }

    [Fact]
    public void S4_1_No_change_before_an_entry_of_the_own_term_is_committed()
    {
        Bench bench = new Bench(terms: [1], commit: 1).Lead();
        Assert.Equal(ProposeOutcome.MembershipRefused, Change(bench.Core, JointTransition.Auto, (MembershipStep.AddVoter, 4)));
        bench.Drain();
        bench.Accept(2, 2);
        bench.Drain();
        Assert.Equal(ProposeOutcome.Appended, Change(bench.Core, JointTransition.Auto, (MembershipStep.AddVoter, 4)));
        Assert.Equal(ProposeOutcome.MembershipRefused, Change(bench.Core, JointTransition.Auto, (MembershipStep.AddVoter, 5)));
        bench.Drain();
        bench.Accept(2, 3);
        Assert.Equal(ProposeOutcome.MembershipRefused, Change(bench.Core, JointTransition.Auto, (MembershipStep.AddVoter, 5)));
        bench.Drain(); // Applies.
        Assert.Equal(ProposeOutcome.Appended, Change(bench.Core, JointTransition.Auto, (MembershipStep.AddVoter, 5)));
    }

    [Fact]
    public void S4_1_No_campaign_while_a_committed_change_is_not_applied()
    {
        var bench = new Bench(voters: 3);
        byte[] change = MembershipCodec.Encode(new([(MembershipStep.AddVoter, new(4))], JointTransition.Auto, default));
        bench.Step(new AppendEntries(bench.From(2, 1), LogPosition.Zero, [new(new(1), new(1), EntryKind.Membership, change)], new(0)));
        bench.WithoutSync();
        bench.Core.Campaign();
        Assert.Equal(Role.Candidate, bench.Core.Role); // Not known to be committed: it may never be.
        bench.Step(new Heartbeat(bench.From(2, 2), new(1), 0));
        bench.WithoutSync();
        bench.Core.Campaign();
        Assert.Equal(Role.Follower, bench.Core.Role);
        bench.Drain(); // Applies.
        bench.Core.Campaign();
        Assert.Equal([new(2), new(3), new(4)], bench.Drain<RequestVote>().Where(static request => request.Term == new Term(3)).Select(static request => request.To));
    }

    [Fact]
    public void S4_2_1_Learners_get_the_log_and_decide_nothing()
    {
        Membership membership = Membership.Of(new ReplicaId(1), new(2), new(3)) with { Learners = [new(4), new(5)] };
        Bench bench = new Bench(membership: membership).LeadAndCommit();
        bench.Core.Propose(new byte[] { 1 }, out LogPosition position);
        Assert.Equal([new(2), new(3), new(4), new(5)], bench.Drain<AppendEntries>().Select(static append => append.To));
        bench.Accept(4, (int)position.Index.Value);
        bench.Accept(5, (int)position.Index.Value);
        Assert.True(bench.Core.Commit < position.Index);

        var learner = new Bench(membership: new([new(2), new(3)], [], [new(1)], [], false));
        for (int tick = 0; tick < 100; tick++) { learner.Core.Tick(); }
        learner.Core.Campaign();
        Assert.Equal((Role.Follower, Term.Zero), (learner.Core.Role, learner.Core.Term));
    }

    [Fact]
    public void S4_2_1_A_learner_votes_when_asked_for_it_may_be_a_voter_without_knowing()
    {
        var learner = new Bench(membership: new([new(2), new(3)], [], [new(1)], [], false));
        learner.Step(new RequestVote(learner.From(2, 1), LogPosition.Zero, false, false));
        Assert.True(learner.One<RequestVoteReply>().Granted);
    }

    [Fact]
    public void S4_2_1_A_replica_without_a_membership_waits_for_a_snapshot()
    {
        var cluster = new TestCluster(1);
        cluster.Elect(1);
        cluster.Add(new(2), Membership.Empty);
        Change(cluster[1].Core, JointTransition.Auto, (MembershipStep.AddVoter, 2));
        cluster.Settle();
        Assert.Equal([new(2)], cluster[1].Core.SnapshotsWanted);
        Assert.Equal(LogIndex.Zero, cluster[2].Core.Status.LastIndex);
        cluster.SendSnapshots(cluster[1]);
        cluster.Settle();
        Assert.Equal(Membership.Of(new ReplicaId(1), new(2)), cluster[2].Core.Membership);
        Assert.Empty(cluster[1].Core.SnapshotsWanted);
    }

    [Theory]
    [InlineData(true, Role.Follower)]
    [InlineData(false, Role.Leader)]
    public void S4_2_2_A_leader_outside_the_membership_counts_others_only_and_steps_down(bool stepsDown, Role role)
    {
        Bench bench = new Bench(voters: 3, options: Plain with { StepDownOnRemoval = stepsDown }).LeadAndCommit();
        Change(bench.Core, JointTransition.Auto, (MembershipStep.Remove, 1));
        bench.Drain();
        bench.Accept(2, 2);
        bench.Drain();
        Assert.Equal((role, Membership.Of(new ReplicaId(2), new(3))), (bench.Core.Role, bench.Core.Membership));
        if (!stepsDown) { Assert.Equal(ProposeOutcome.NotLeader, bench.Core.Propose(default, out _)); }
        bench.Core.Campaign();
        Assert.Equal(role, bench.Core.Role);
    }

    // Two voters; the leader is removed, knows it, and has a longer log. The other one holds the removal, but no news of it.
    [Fact]
    public void S4_2_2_A_vote_tells_what_is_committed()
    {
        var cluster = new TestCluster(2, Full);
        cluster.Elect(1);
        cluster.Passes = static message => message is not (AppendEntries { Commit.Value: > 1 } or AppendEntries { LastIndex.Value: > 2 } or Heartbeat);
        Change(cluster[1].Core, JointTransition.Auto, (MembershipStep.Remove, 1));
        cluster[1].TakeReady();
        cluster.Collect(cluster[1]);
        cluster.Propose(1, "later");
        cluster.Settle();
        Assert.Equal((Role.Follower, new LogIndex(3)), (cluster[1].Core.Role, cluster[1].Core.Status.LastIndex));
        Assert.Equal((new LogIndex(2), 2), (cluster[2].Core.Status.LastIndex, cluster[2].Core.Membership.Voters.Length));
        cluster.Passes = static _ => true;
        cluster.Tick(60);
        Assert.Equal(Role.Leader, cluster[2].Core.Role);
    }

    // Two voters; the leader is removed and gone. The other one holds the removal without knowing that it is committed, and asks it.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void S4_2_2_A_removed_replica_tells_a_candidate_what_is_committed(bool preVote)
    {
        var cluster = new TestCluster(2, Full with { PreVote = preVote });
        cluster.Elect(1);
        cluster.Passes = static message => message is not (AppendEntries { Commit.Value: > 1 } or Heartbeat);
        Change(cluster[1].Core, JointTransition.Auto, (MembershipStep.Remove, 1));
        cluster.Settle();
        Assert.Equal((Role.Follower, 1), (cluster[1].Core.Role, cluster[1].Core.Membership.Voters.Length));
        Assert.Equal(2, cluster[2].Core.Membership.Voters.Length);
        RequestVote? asked = null;
        cluster.Passes = message =>
        {
            asked = message as RequestVote ?? asked;
            return false;
        };
        cluster.Tick(60);
        cluster[2].Core.Step(cluster[1].Core.RefuseAsRemoved(asked!));
        cluster.Tick(60);
        Assert.Equal(Role.Leader, cluster[2].Core.Role);
    }

    [Fact]
    public void S4_2_3_A_removed_replica_that_asks_for_votes_is_told_what_is_committed()
    {
        var bench = new Bench(options: Full, term: 1);
        bench.Append(1, LogPosition.Zero, 0);
        bench.Drain();
        bench.Step(new RequestVote(bench.From(9, 2), LogPosition.Zero, true, false));
        RequestVoteReply reply = bench.One<RequestVoteReply>();
        Assert.Equal((false, new Term(1), new ReplicaId(9)), (reply.Granted, reply.Term, reply.To));
    }

    // No honest replica asks in term 0, but the codec lets it pass.
    [Fact]
    public void S4_2_3_A_pre_vote_of_term_0_is_answered()
    {
        var bench = new Bench(options: Full);
        var request = new RequestVote(bench.From(9, 0), LogPosition.Zero, true, false);
        Assert.False(bench.Core.RefuseAsRemoved(request).Granted);
    }

    [Fact]
    public void S4_2_3_While_a_leader_lives_votes_are_ignored_unless_it_asked_for_the_election()
    {
        var bench = new Bench(options: Full, term: 1);
        bench.Append(1, LogPosition.Zero, 0);
        bench.Drain();
        bench.Step(new RequestVote(bench.From(3, 9), At(9, 9), false, false)).Step(new RequestVote(bench.From(3, 9), At(9, 9), true, false));
        Assert.Empty(bench.Drain());
        Assert.Equal(new Term(1), bench.Core.Term);
        bench.Step(new RequestVote(bench.From(3, 9), At(9, 9), false, true));
        Assert.True(bench.One<RequestVoteReply>().Granted);

        var silent = new Bench(options: Full, term: 1);
        silent.Append(1, LogPosition.Zero, 0);
        silent.Core.SetElectionTimeout(1000);
        for (int tick = 0; tick < 10; tick++) { silent.Core.Tick(); }
        silent.Drain();
        silent.Step(new RequestVote(silent.From(3, 9), At(9, 9), false, false));
        Assert.True(silent.One<RequestVoteReply>().Granted);
    }

    [Fact]
    public void S6_2_A_leader_that_hears_no_majority_steps_down()
    {
        Bench bench = new Bench(voters: 5, options: Full).LeadAndCommit();
        for (int period = 0; period < 3; period++)
        {
            for (int tick = 0; tick < 10; tick++) { bench.Core.Tick(); }
            Assert.Equal(Role.Leader, bench.Core.Role);
            bench.Step(new HeartbeatReply(bench.From(2, 1), 0)).Step(new HeartbeatReply(bench.From(3, 1), 0));
        }

        for (int tick = 0; tick < 10; tick++) { bench.Core.Tick(); }
        bench.Step(new HeartbeatReply(bench.From(2, 1), 0));
        for (int tick = 0; tick < 10; tick++) { bench.Core.Tick(); }
        Assert.Equal((Role.Follower, new Term(1), ReplicaId.None), (bench.Core.Role, bench.Core.Term, bench.Core.Leader));
    }

    [Fact]
    public void S6_4_A_read_waits_for_the_first_commit_of_the_term()
    {
        Bench bench = new Bench(terms: [1, 1], commit: 1).Lead();
        bench.Drain();
        bench.Core.ReadIndex(7);
        Assert.Empty(bench.Drain<Heartbeat>());
        bench.Accept(2, 3);
        ulong round = bench.Drain<Heartbeat>()[0].ReadRound;
        bench.Step(new HeartbeatReply(bench.From(2, 2), round));
        bench.Drain();
        Assert.Equal([new(7, new(3))], bench.Replica.Reads);
    }

    [Fact]
    public void S6_4_Reads_share_a_round_and_a_round_confirms_only_reads_that_came_before_it()
    {
        Bench bench = new Bench().LeadAndCommit();
        bench.Core.ReadIndex(1);
        bench.Step(new ReadIndexRequest(bench.From(3, 1), 50));
        ImmutableArray<Heartbeat> first = bench.Drain<Heartbeat>();
        Assert.Equal(2, first.Length);
        bench.Core.ReadIndex(2);
        Assert.True(bench.Drain<Heartbeat>()[0].ReadRound > first[0].ReadRound);
        bench.Step(new HeartbeatReply(bench.From(2, 1), first[0].ReadRound));
        ReadIndexReply reply = bench.One<ReadIndexReply>();
        Assert.Equal((new ReplicaId(3), 50UL, new LogIndex(1)), (reply.To, reply.Context, reply.Index));
        Assert.Equal([new(1, new(1))], bench.Replica.Reads);
        bench.Core.Tick(); // A heartbeat repeats the open round: the first one may be lost.
        bench.Step(new HeartbeatReply(bench.From(3, 1), bench.Drain<Heartbeat>()[0].ReadRound));
        bench.Drain();
        Assert.Equal([new(1, new(1)), new(2, new(1))], bench.Replica.Reads);
    }

    [Fact]
    public void S6_4_A_deposed_leader_answers_no_read()
    {
        var cluster = new TestCluster(3, Full with { CheckQuorum = false });
        cluster.Elect(1);
        cluster.Passes = static message => message.From != new ReplicaId(1) && message.To != new ReplicaId(1);
        cluster[2].Core.ForgetLeader();
        cluster[3].Core.ForgetLeader();
        cluster.Elect(2);
        cluster.Propose(2, "new");
        cluster[1].Core.ReadIndex(1);
        cluster.Tick(30);
        Assert.Empty(cluster[1].Reads);
        cluster.Passes = static _ => true;
        cluster.Tick(3);
        Assert.Empty(cluster[1].Reads);
        Assert.Equal([1UL], cluster[1].DroppedReads);
    }

    [Fact]
    public void S6_4_1_A_lease_answers_at_once_until_it_ends()
    {
        Bench bench = new Bench(options: Full with { LeaseReads = true }, voters: 3);
        for (int tick = 0; tick < 10; tick++) { bench.Core.Tick(); } // No campaign before old promises have ended.
        bench.LeadAndCommit();
        bench.Core.Tick();
        bench.Core.ReadIndex(1);
        Assert.Empty(bench.Replica.Reads);
        ulong round = bench.Drain<Heartbeat>()[^1].ReadRound;
        bench.Step(new HeartbeatReply(bench.From(2, 1), round));
        bench.Drain();
        Assert.Single(bench.Replica.Reads);
        for (ulong read = 2; read <= 8; read++)
        {
            bench.Core.ReadIndex(read);
            bench.Drain();
            Assert.Equal((int)read, bench.Replica.Reads.Count);
            bench.Core.Tick();
        }

        bench.Core.Tick();
        bench.Core.ReadIndex(99);
        bench.Drain();
        Assert.Equal(8, bench.Replica.Reads.Count);
    }

    [Fact]
    public void S6_4_1_No_vote_for_an_election_timeout_after_a_restart_under_lease_reads()
    {
        var bench = new Bench(options: Full with { LeaseReads = true });
        for (int tick = 0; tick < 10; tick++)
        {
            bench.Step(new RequestVote(bench.From(2, 1), LogPosition.Zero, false, false));
            Assert.Empty(bench.Drain());
            bench.Core.Tick();
        }

        bench.Step(new RequestVote(bench.From(2, 1), LogPosition.Zero, false, false));
        Assert.True(bench.One<RequestVoteReply>().Granted);
    }

    [Fact]
    public void S9_6_A_pre_vote_leaves_no_trace()
    {
        var bench = new Bench(options: Full, term: 4);
        bench.Step(new RequestVote(bench.From(2, 5), LogPosition.Zero, true, false));
        RequestVoteReply reply = bench.One<RequestVoteReply>();
        Assert.Equal((true, true, new Term(5)), (reply.IsPreVote, reply.Granted, reply.Term));
        Assert.Equal((new Term(4), new HardState(new(4), default, default)), (bench.Core.Term, bench.Replica.DiskHardState));
        bench.Core.Campaign();
        Assert.Equal((Role.PreCandidate, new Term(4)), (bench.Core.Role, bench.Core.Term));
        Assert.All(bench.Drain<RequestVote>(), static request => Assert.Equal((true, new Term(5)), (request.IsPreVote, request.Term)));
        bench.Step(new RequestVoteReply(bench.From(2, 5), true, true));
        Assert.Equal((Role.Candidate, new Term(5)), (bench.Core.Role, bench.Core.Term));
    }

    [Fact]
    public void S9_6_A_partitioned_replica_comes_back_without_disturbing_anybody()
    {
        var cluster = new TestCluster(3, Full);
        cluster.Elect(1);
        cluster.Passes = static message => message.From != new ReplicaId(3) && message.To != new ReplicaId(3);
        cluster.Propose(1, "a");
        cluster.Tick(100);
        cluster.Passes = static _ => true;
        cluster.Tick(50);
        Assert.All(cluster.Replicas.Values, static replica => Assert.Equal((new Term(1), new ReplicaId(1)), (replica.Core.Term, replica.Core.Leader)));
    }

    [Fact]
    public void S10_2_1_A_leader_sends_before_it_syncs_and_counts_itself_only_after()
    {
        Bench bench = new Bench(voters: 3).LeadAndCommit();
        bench.Core.Propose(new byte[] { 1 }, out LogPosition position);
        Assert.Equal(2, bench.WithoutSync().Length);
        bench.Accept(2, (int)position.Index.Value);
        Assert.True(bench.Core.Commit < position.Index, "one follower alone is no majority");
        bench.Drain();
        Assert.Equal(position.Index, bench.Core.Commit);
        bench.Core.Propose(new byte[] { 2 }, out position);
        bench.WithoutSync();
        bench.Accept(2, (int)position.Index.Value);
        bench.Accept(3, (int)position.Index.Value);
        Assert.Equal(position.Index, bench.Core.Commit); // A majority without the leader's own disk.
    }

    // Entry 1 of term 2 is written; before that completes it is replaced, and another entry 1 of term 2's leader comes back.
    [Fact]
    public void S10_2_1_A_late_write_of_a_replaced_entry_does_not_count()
    {
        Bench bench = new Bench(voters: 3, term: 1).Lead();
        Ready written = bench.Core.TakeReady();
        bench.Append(3, LogPosition.Zero, 0, 3);
        Ready replaced = bench.Core.TakeReady();
        Assert.Equal(LogIndex.Zero, bench.Core.DurableIndex);
        bench.Core.Persisted(written.PersistToken);
        Assert.Equal(LogIndex.Zero, bench.Core.DurableIndex);
        bench.Core.Persisted(replaced.PersistToken);
        Assert.Equal(new LogIndex(1), bench.Core.DurableIndex);
        Assert.Single(replaced.MessagesAfterPersist.OfType<AppendEntriesReply>());
    }

    [Fact]
    public void A_campaign_asks_for_real_votes_only_once_term_and_log_are_on_disk()
    {
        var bench = new Bench(voters: 3);
        bench.Append(1, LogPosition.Zero, 0, 1);
        bench.Core.Campaign();
        Assert.Empty(bench.WithoutSync());
        Assert.Equal(2, bench.Drain<RequestVote>().Length);
        Assert.Equal((new HardState(new(2), new(1), default), new LogIndex(1)), (bench.Replica.DiskHardState, bench.Replica.DiskLastIndex));
    }

    private static ProposeOutcome Change(RaftCore core, JointTransition transition, params (MembershipStep Step, int Id)[] steps) =>
        core.ProposeMembership(new([.. steps.Select(static step => (step.Step, new ReplicaId((ulong)step.Id)))], transition, default), out _);
}
