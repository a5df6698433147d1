using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Raft;
using Xunit;
using static Quorate.Tests.Raft.Bench;

namespace Quorate.Tests.Raft;

/// <summary>A replica that starts again asks what it has promised (RaftCore.Recall.cs); its disk may be an old copy.</summary>
public sealed class RecallTests
{
    private static readonly Membership Three = Membership.Of(new ReplicaId(1), new(2), new(3));

    // Goal: the vote that the disk forgot is not given a second time.
    [Fact]
    public void A_vote_that_the_disk_forgot_is_not_given_again()
    {
        var cluster = new TestCluster(3);
        Action restore = cluster[2].Image();
        cluster.Passes = static message => message.From != new ReplicaId(3) && message.To != new ReplicaId(3);
        cluster.Elect(1);
        Term term = cluster[1].Core.Term;
        cluster.Passes = static _ => true;
        restore();
        cluster.Settle();
        cluster[2].Core.ForgetLeader(); // A leader that it knew would be a reason of its own to refuse.
        cluster[2].Core.Step(new RequestVote(new(TestReplica.Shard, new(3), new(2), term), At(9, 9), false, true));
        Assert.False(Votes(cluster[2]).Single().Granted);
    }

    // Goal: an entry that a majority confirmed survives, though one of them forgot it and the third never had it.
    [Fact]
    public void Nobody_is_elected_without_what_the_disk_forgot()
    {
        var cluster = new TestCluster(3);
        cluster.Elect(1);
        Action restore = cluster[2].Image();
        cluster.Passes = static message => message.From != new ReplicaId(3) && message.To != new ReplicaId(3);
        LogPosition kept = cluster.Propose(1, "kept");
        cluster.Settle();
        Assert.Equal(kept.Index, cluster[1].Core.Commit);

        cluster.Passes = static _ => true;
        restore();
        cluster[2].Settle();
        cluster.Collect(cluster[2]);
        cluster.Deliver(cluster.Network.Single(static message => message is Recall && message.To == new ReplicaId(1)));
        cluster.Deliver(cluster.Network.Single(static message => message is Recall && message.To == new ReplicaId(3)));
        cluster.Network.Clear();
        foreach (TestReplica replica in cluster.Replicas.Values)
        {
            replica.Settle();
            cluster.Collect(replica);
        }

        foreach (RaftMessage answer in cluster.Network.OfType<RecallReply>()) { cluster.Deliver(answer); }
        cluster.Network.Clear();
        Assert.False(cluster[2].Core.IsRecalling);

        // The leader is cut off; the two others must not elect one of them.
        cluster.Passes = static message => message.From != new ReplicaId(1) && message.To != new ReplicaId(1);
        cluster[3].Core.ForgetLeader();
        cluster[3].Core.Campaign();
        cluster.Settle();
        cluster[2].Core.Campaign();
        cluster.Settle();
        Assert.NotEqual(Role.Leader, cluster[2].Core.Role);
        Assert.NotEqual(Role.Leader, cluster[3].Core.Role);

        cluster.Passes = static _ => true;
        cluster.Tick(30);
        foreach (TestReplica replica in cluster.Replicas.Values) { Assert.True(replica.Applied >= kept.Index, $"{replica.Id} lacks it"); }
    }

    // Goal: until all have answered, nothing is promised: no vote, no confirmed entry, no confirmed leader; then at once.
    [Fact]
    public void Nothing_is_promised_before_all_have_answered()
    {
        TestReplica replica = Started(new() { PreVote = false });
        replica.Core.Step(new AppendEntries(From(2, 5), At(2, 3), Entries(3, 5), new(2)));
        replica.Core.Step(new Heartbeat(From(2, 5), new(3), 7));
        replica.Core.Step(new RequestVote(From(3, 6), At(9, 5), false, true));
        replica.Core.Step(new RecallReply(From(2, 5), 1, At(3, 5), new(0), Three));
        replica.Core.Step(new RecallReply(From(3, 5), 99, At(3, 5), new(0), Three)); // Of another run.
        replica.Settle();
        Assert.Equal([0ul], replica.Outbox.OfType<HeartbeatReply>().Select(static reply => reply.ReadRound));
        Assert.DoesNotContain(replica.Outbox, static message => message is AppendEntriesReply or RequestVoteReply);
        replica.Core.Campaign();
        Assert.Equal(Role.Follower, replica.Core.Role);

        replica.Core.Step(new RecallReply(From(3, 5), 1, At(3, 5), new(0), Three));
        replica.Settle();
        Assert.Equal([new LogIndex(3)], replica.Outbox.OfType<AppendEntriesReply>().Where(static reply => reply.Accepted).Select(static reply => reply.Index));
        Assert.Equal(new RecallOutcome(new(5), At(3, 5), At(3, 5), 0), replica.Core.Recalled);
    }

    // Goal: a member that is gone for good does not keep a group from being started: after five election timeouts it goes on without.
    [Fact]
    public void A_voter_that_is_gone_is_waited_for_only_so_long()
    {
        var options = new RaftOptions();
        TestReplica replica = Started(options);
        for (int tick = 1; tick < 5 * options.ElectionTicks; tick++) { replica.Core.Tick(); }
        replica.Core.Step(new RecallReply(From(2, 8), 1, At(9, 4), new(0), Three));
        Assert.True(replica.Core.IsRecalling);
        replica.Core.Tick();
        Assert.Equal(new RecallOutcome(new(8), At(9, 4), At(2, 3), 1), replica.Core.Recalled);
        Assert.Equal((new Term(8), new ReplicaId(1)), (replica.Core.Status.Term, replica.Core.Status.Vote));

        // Whoever holds up to 9@4 is gone as well: again only so long.
        replica.Core.Campaign();
        Assert.Equal(Role.Follower, replica.Core.Role);
        for (int tick = 0; tick < 5 * options.ElectionTicks; tick++) { replica.Core.Tick(); }
        replica.Core.Campaign();
        Assert.Equal(Role.PreCandidate, replica.Core.Role);
    }

    // Goal: who is asked are the members of now, not those of the disk.
    [Fact]
    public void Members_that_the_disk_does_not_know_are_asked_too()
    {
        TestReplica replica = Started(new());
        Membership now = Membership.Of(new ReplicaId(1), new(2), new(4));
        replica.Core.Step(new RecallReply(From(2, 5), 1, At(9, 5), new(8), now));
        replica.Core.Step(new RecallReply(From(3, 5), 1, At(2, 3), new(0), Three));
        replica.Settle();
        Assert.True(replica.Core.IsRecalling);
        replica.Outbox.Clear();
        for (int tick = 0; tick < 2; tick++) { replica.Core.Tick(); }
        replica.Settle();
        Assert.Contains(replica.Outbox, static message => message is Recall && message.To == new ReplicaId(4));
        replica.Core.Step(new RecallReply(From(4, 5), 1, At(9, 5), new(8), now));
        Assert.False(replica.Core.IsRecalling);
    }

    // Goal: a replica whose files know it as the only voter, but whose log says that others have joined, asks those.
    [Fact]
    public void Members_that_only_the_log_knows_are_asked()
    {
        LogEntry[] entries =
        [
            .. new ulong[] { 2, 3 }.Select(static id => new LogEntry(
                new(id), new(3), EntryKind.Membership,
                MembershipCodec.Encode(new([(MembershipStep.AddVoter, new ReplicaId(id))], JointTransition.Auto, default)))),
        ];
        RaftState state = State([3], 3, 0, 0, Membership.Of(new ReplicaId(1)));
        var replica = new TestReplica(new(1), state with { Entries = [.. state.Entries, .. entries], HardState = new(new(3), default, new(3)) }, new(), 1);
        replica.StartAgain();
        replica.Core.Tick(); // Before any entry is applied.
        Assert.True(replica.Core.IsRecalling);
        replica.Settle();
        replica.Core.Tick();
        replica.Settle();
        Assert.Equal([new(2), new(3)], replica.Outbox.OfType<Recall>().Select(static question => question.To).Distinct().Order());
        replica.Core.Campaign();
        Assert.Equal(Role.Follower, replica.Core.Role);
        replica.Core.Step(new RecallReply(From(2, 3), 1, At(3, 3), new(3), Three));
        replica.Core.Step(new RecallReply(From(3, 3), 1, At(3, 3), new(3), Three));
        Assert.False(replica.Core.IsRecalling);
    }

    // Goal: what a restarted follower lacks of what it had confirmed is sent to it again, and not counted meanwhile.
    [Fact]
    public void A_leader_sends_again_what_a_follower_forgot()
    {
        var cluster = new TestCluster(3);
        cluster.Elect(1);
        Action restore = cluster[2].Image();
        for (int i = 0; i < 5; i++) { cluster.Propose(1, $"{i}"); }
        cluster.Tick(2);
        restore();
        cluster.Tick(5);
        Assert.Equal(Role.Leader, cluster[1].Core.Role);
        Assert.Equal(cluster[1].Applied, cluster[2].Applied);
    }

    // Goal: a commit index that was told for entries this run does not hold commits nothing: they may differ.
    [Fact]
    public void A_heartbeat_commits_only_what_this_run_has_compared()
    {
        var bench = new Bench(terms: [1, 1, 2], term: 4);
        bench.Replica.StartAgain();
        bench.Step(new Heartbeat(bench.From(2, 4), new(3), 0));
        Assert.Equal(LogIndex.Zero, bench.Core.Commit);
        bench.Step(new AppendEntries(bench.From(2, 4), At(2, 1), [], new(0)));
        bench.Step(new Heartbeat(bench.From(2, 4), new(3), 0));
        Assert.Equal(new LogIndex(2), bench.Core.Commit);
    }

    // Goal: a follower is not stuck if a confirmation of its last run comes to the leader after the question of the new one.
    // Method: the leader then takes it to hold all, and the message that tells of the commit gets lost. Nothing is proposed any more.
    [Theory]
    [InlineData(false)]
    [InlineData(true)] // Its disk is an old copy: the entry must come again.
    public void A_late_confirmation_of_the_last_run_leaves_nobody_behind(bool isOld)
    {
        var cluster = new TestCluster(3);
        cluster.Elect(1);
        cluster.Tick(2);
        cluster.Passes = static message => message.To != new ReplicaId(3);
        Action restore = cluster[2].Image();
        LogPosition kept = cluster.Propose(1, "kept");
        cluster[1].Settle();
        cluster.Collect(cluster[1]);
        RaftMessage append = cluster.Network.Single(static message => message is AppendEntries);
        cluster.Network.Clear();
        cluster.Deliver(append);
        cluster[2].Settle();
        RaftMessage late = cluster[2].Outbox.Single(static message => message is AppendEntriesReply);
        if (isOld) { restore(); }
        else { cluster[2].StartAgain(); }

        cluster[2].Settle();
        RaftMessage question = cluster[2].Outbox.Single(static message => message is Recall && message.To == new ReplicaId(1));
        cluster.Deliver(question);
        cluster.Deliver(late);
        cluster[1].Settle();
        cluster[1].Outbox.Clear();
        Assert.Equal(kept.Index, cluster[1].Core.Commit);

        cluster.Passes = static _ => true;
        cluster.Tick(20);
        Assert.Equal(Role.Leader, cluster[1].Core.Role);
        Assert.Equal(kept.Index, cluster[2].Applied);
    }

    // Goal: the floor lapses also if the leader vanished after the start, though who may not campaign does not forget it.
    [Fact]
    public void A_floor_lapses_though_its_leader_was_heard()
    {
        var options = new RaftOptions();
        TestReplica replica = Started(options);
        replica.Core.Step(new RecallReply(From(2, 5), 1, At(9, 5), new(0), Three));
        replica.Core.Step(new RecallReply(From(3, 5), 1, At(2, 3), new(0), Three));
        replica.Core.Step(new Heartbeat(From(2, 5), new(0), 0));
        for (int tick = 0; tick < 9 * options.ElectionTicks; tick++) { replica.Core.Tick(); }
        Assert.Equal(Role.PreCandidate, replica.Core.Role);
    }

    // Replica 1 of three, with two entries of term 3 on its disk, in its second life.
    private static TestReplica Started(RaftOptions options)
    {
        var replica = new TestReplica(new(1), State([3, 3], 3, 0, 0, Three), options, 1);
        replica.StartAgain();
        replica.Settle();
        replica.Outbox.Clear();
        return replica;
    }

    private static MessageHeader From(int from, int term) => new(TestReplica.Shard, new((ulong)from), new(1), new((ulong)term));

    private static ImmutableArray<RequestVoteReply> Votes(TestReplica replica)
    {
        replica.Settle();
        return [.. replica.Outbox.OfType<RequestVoteReply>()];
    }
}
