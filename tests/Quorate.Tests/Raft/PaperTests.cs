using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Raft;
using Xunit;
using static Quorate.Tests.Raft.Bench;

namespace Quorate.Tests.Raft;

/// <summary>The rules of Ongaro and Ousterhout's paper (2014), one by one, at a single replica. The section is in each name.</summary>
public sealed class PaperTests
{
    [Theory]
    [InlineData(Role.Follower)]
    [InlineData(Role.Candidate)]
    [InlineData(Role.Leader)]
    public void S5_1_A_newer_term_makes_anybody_a_follower(Role role)
    {
        Bench bench = In(role);
        int term = (int)bench.Core.Term.Value + 1;
        bench.Append(term, LogPosition.Zero, 0);
        Assert.Equal((Role.Follower, new Term((ulong)term), new ReplicaId(2)), (bench.Core.Role, bench.Core.Term, bench.Core.Leader));
    }

    [Theory]
    [InlineData(Role.Follower)]
    [InlineData(Role.Candidate)]
    [InlineData(Role.Leader)]
    public void S5_1_Requests_of_an_older_term_are_refused_with_ours(Role role)
    {
        Bench bench = In(role);
        Term term = bench.Core.Term;
        bench.Drain();
        int[] log = bench.Terms();
        int older = (int)term.Value - 1;
        bench.Append(older, LogPosition.Zero, 1, older);
        bench.Step(new RequestVote(bench.From(3, older), At(99, older), false, false));
        ImmutableArray<RaftMessage> answers = bench.Drain();
        Assert.Contains(answers, answer => answer is AppendEntriesReply { Accepted: false } && answer.Term == term);
        Assert.Contains(answers, answer => answer is RequestVoteReply { Granted: false } && answer.Term == term);
        Assert.Equal((role, term), (bench.Core.Role, bench.Core.Term));
        Assert.Equal(log, bench.Terms());
    }

    [Fact]
    public void S5_2_Servers_start_as_followers_in_the_term_they_had() =>
        Assert.Equal((Role.Follower, new Term(4)), (new Bench(term: 4).Core.Role, new Bench(term: 4).Core.Term));

    [Fact]
    public void S5_2_A_leader_sends_heartbeats_every_interval()
    {
        Bench bench = new Bench(options: Plain with { HeartbeatTicks = 2 }).LeadAndCommit();
        bench.Core.Tick();
        Assert.Empty(bench.Drain());
        bench.Core.Tick();
        Assert.Equal([new(2), new(3)], bench.Drain<Heartbeat>().Select(static heartbeat => heartbeat.To));
    }

    [Fact]
    public void S5_2_A_silent_election_timeout_starts_a_campaign_and_so_does_the_next()
    {
        var bench = new Bench(terms: [1, 2]);
        for (ulong term = 3; term <= 5; term++)
        {
            bench.Core.SetElectionTimeout(10);
            for (int tick = 0; tick < 10; tick++)
            {
                Assert.Equal(new Term(term - 1), bench.Core.Term);
                bench.Core.Tick();
            }

            Assert.Equal((Role.Candidate, new Term(term)), (bench.Core.Role, bench.Core.Term));
            ImmutableArray<RequestVote> requests = bench.Drain<RequestVote>();
            Assert.Equal([new(2), new(3)], requests.Select(static request => request.To));
            Assert.All(requests, request => Assert.Equal((new Term(term), At(2, 2)), (request.Term, request.Last)));
            Assert.Equal(new HardState(new(term), new(1), new(0)), bench.Replica.DiskHardState);
        }
    }

    [Fact]
    public void S5_2_Heartbeats_and_granted_votes_restart_the_election_timer()
    {
        var bench = new Bench();
        bench.Core.SetElectionTimeout(10);
        bench.Step(new Heartbeat(bench.From(2, 1), new(0), 0));
        bench.Core.SetElectionTimeout(10);
        Tick(bench, 9);
        bench.Step(new Heartbeat(bench.From(2, 1), new(0), 0));
        Tick(bench, 9);
        Assert.Equal(Role.Follower, bench.Core.Role);
        bench.Step(new RequestVote(bench.From(3, 2), At(0, 0), false, false));
        bench.Core.SetElectionTimeout(10);
        Tick(bench, 9);
        Assert.Equal(Role.Follower, bench.Core.Role);
        Tick(bench, 1);
        Assert.Equal(Role.Candidate, bench.Core.Role);
    }

    [Theory]
    [InlineData(1, 0, 0, Role.Leader)]
    [InlineData(3, 1, 0, Role.Leader)]
    [InlineData(3, 0, 0, Role.Candidate)]
    [InlineData(3, 0, 1, Role.Candidate)]
    [InlineData(3, 0, 2, Role.Follower)]
    [InlineData(4, 1, 0, Role.Candidate)]
    [InlineData(4, 2, 0, Role.Leader)]
    [InlineData(5, 2, 2, Role.Leader)]
    [InlineData(5, 1, 2, Role.Candidate)]
    [InlineData(5, 1, 3, Role.Follower)]
    public void S5_2_A_majority_of_votes_decides(int voters, int granted, int refused, Role outcome)
    {
        var bench = new Bench(voters);
        bench.Core.Campaign();
        bench.Drain();
        for (int i = 0; i < granted + refused; i++)
        {
            RequestVoteReply reply = new(bench.From(2 + i, 1), false, i < granted);
            bench.Step(reply).Step(reply); // Twice from one voter is one vote.
        }

        Assert.Equal((outcome, new Term(1)), (bench.Core.Role, bench.Core.Term));
    }

    [Fact]
    public void S5_2_Votes_from_strangers_do_not_count()
    {
        var bench = new Bench(voters: 3);
        bench.Core.Campaign();
        bench.Drain();
        bench.Step(new RequestVoteReply(bench.From(8, 1), false, true)).Step(new RequestVoteReply(bench.From(9, 1), false, true));
        Assert.Equal(Role.Candidate, bench.Core.Role);
    }

    [Theory]
    [InlineData(0, 2, true)]
    [InlineData(0, 3, true)]
    [InlineData(2, 2, true)]
    [InlineData(2, 3, false)]
    [InlineData(1, 2, false)]
    public void S5_2_One_vote_per_term_first_come_first_served(int votedFor, int candidate, bool granted)
    {
        var bench = new Bench(term: 5, vote: votedFor);
        bench.Step(new RequestVote(bench.From(candidate, 5), At(0, 0), false, false));
        Assert.Equal(granted, bench.One<RequestVoteReply>().Granted);
        bench.Step(new RequestVote(bench.From(candidate == 2 ? 3 : 2, 6), At(0, 0), false, false));
        Assert.True(bench.One<RequestVoteReply>().Granted, "a new term, a new vote");
    }

    [Fact]
    public void Figure_2_A_vote_is_on_disk_before_it_is_sent_and_outlives_a_crash()
    {
        var bench = new Bench(term: 5);
        bench.Step(new RequestVote(bench.From(2, 6), At(0, 0), false, false));
        Assert.Empty(bench.WithoutSync());
        Assert.True(bench.One<RequestVoteReply>().Granted);
        bench.Replica.Restart();
        bench.Step(new RequestVote(bench.From(3, 6), At(0, 0), false, false));
        Assert.False(bench.One<RequestVoteReply>().Granted);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void S5_2_A_candidate_yields_to_a_leader_of_its_term_or_a_newer_one(int ahead)
    {
        var bench = new Bench(term: 3);
        bench.Core.Campaign();
        bench.Append(4 + ahead, LogPosition.Zero, 0);
        Assert.Equal((Role.Follower, new Term((ulong)(4 + ahead)), new ReplicaId(2)), (bench.Core.Role, bench.Core.Term, bench.Core.Leader));
    }

    [Fact]
    public void S5_2_Two_leaders_of_one_term_are_a_bug_that_stops_the_node()
    {
        Bench bench = new Bench(term: 3).Lead();
        Assert.Throws<InvariantException>(() => bench.Append(4, LogPosition.Zero, 0));
        var follower = new Bench(term: 3);
        follower.Append(3, LogPosition.Zero, 0);
        Assert.Throws<InvariantException>(() => follower.Step(new Heartbeat(follower.From(3, 3), new(0), 0)));
    }

    [Fact]
    public void S5_2_Election_timeouts_are_spread_over_the_whole_range()
    {
        var seen = new SortedSet<int>();
        var replica = new TestReplica(new(1), RaftState.Founding(Membership.Of(new ReplicaId(1), new(2))), Plain, 7);
        for (int i = 0; i < 300; i++)
        {
            int ticks = 0;
            for (Term term = replica.Core.Term; replica.Core.Term == term; ticks++) { replica.Core.Tick(); }
            seen.Add(ticks);
            replica.Settle();
        }

        Assert.Equal(Enumerable.Range(10, 10), seen);
    }

    [Fact]
    public void S5_3_A_leader_sends_new_entries_to_all_with_the_one_before()
    {
        Bench bench = new Bench(terms: [1]).LeadAndCommit();
        bench.Core.Propose(new byte[] { 9 }, out LogPosition position);
        ImmutableArray<AppendEntries> appends = bench.Drain<AppendEntries>();
        Assert.Equal(At(3, 2), position);
        Assert.Equal([new(2), new(3)], appends.Select(static append => append.To));
        Assert.All(appends, static append => Assert.Equal((At(2, 2), 1, new LogIndex(2)), (append.Previous, append.Entries.Length, append.Commit)));
    }

    [Theory]
    [InlineData(1, 0, true)]
    [InlineData(3, 0, false)]
    [InlineData(3, 1, true)]
    [InlineData(5, 1, false)]
    [InlineData(5, 2, true)]
    public void S5_3_An_entry_is_committed_once_a_majority_holds_it(int voters, int acceptedBy, bool committed)
    {
        Bench bench = new Bench(voters).LeadAndCommit();
        bench.Core.Propose(new byte[] { 9 }, out LogPosition position);
        bench.Drain();
        for (int i = 0; i < acceptedBy; i++) { bench.Accept(2 + i, (int)position.Index.Value); }
        Assert.Equal(committed, bench.Core.Commit == position.Index);
        bench.Drain();
        Assert.Equal(committed, bench.Replica.Applied == position.Index);
    }

    [Fact]
    public void S5_3_Committing_an_entry_commits_all_before_it_also_of_other_leaders()
    {
        Bench bench = new Bench(terms: [1, 1, 2]).Lead();
        bench.Drain();
        Assert.Equal(LogIndex.Zero, bench.Core.Commit);
        bench.Accept(2, 4);
        bench.Drain();
        Assert.Equal(new LogIndex(4), bench.Replica.Applied);
        Assert.Equal([new(1), new(1), new(2), new(3)], bench.Replica.AppliedEntries.Select(static entry => entry.Term));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(2, 2)]
    [InlineData(3, 3)]
    [InlineData(9, 3)]
    public void S5_3_A_follower_commits_what_the_leader_did_but_nothing_beyond_the_last_new_entry(int leaderCommit, int commit)
    {
        // Entries 4 and 5 are its own; the leader speaks of 3 at most.
        var bench = new Bench(terms: [1, 1, 1, 1, 1], term: 2);
        bench.Append(2, At(2, 1), leaderCommit, 1);
        Assert.Equal(new LogIndex((ulong)commit), bench.Core.Commit);
    }

    [Theory]
    [InlineData(0, 0, true)]
    [InlineData(1, 1, true)]
    [InlineData(2, 2, true)]
    [InlineData(2, 1, false)]
    [InlineData(2, 3, false)]
    [InlineData(3, 3, false)]
    public void S5_3_A_follower_refuses_entries_that_do_not_fit_its_log(int index, int term, bool accepted)
    {
        var bench = new Bench(terms: [1, 2], term: 3);
        bench.Append(3, At(index, term), 0);
        AppendEntriesReply reply = bench.One<AppendEntriesReply>();
        Assert.Equal((accepted, new LogIndex((ulong)index)), (reply.Accepted, reply.Index));
    }

    [Theory]
    [InlineData(2, 2, new[] { 3 }, new[] { 1, 2, 3 })]
    [InlineData(1, 1, new[] { 3, 4 }, new[] { 1, 3, 4 })]
    [InlineData(0, 0, new[] { 1 }, new[] { 1, 2 })]
    [InlineData(0, 0, new[] { 3 }, new[] { 3 })]
    [InlineData(1, 1, new int[0], new[] { 1, 2 })]
    public void S5_3_A_conflict_deletes_what_follows_and_agreement_deletes_nothing(int index, int term, int[] sent, int[] log)
    {
        var bench = new Bench(terms: [1, 2], term: 4);
        bench.Append(4, At(index, term), 0, sent);
        bench.Drain();
        Assert.Equal(log, bench.Terms());
        Assert.Equal(new LogIndex((ulong)log.Length), bench.Replica.DiskLastIndex);
    }

    [Fact]
    public void S5_3_A_refusal_lets_the_leader_skip_whole_terms()
    {
        // We have many entries of term 3 that the leader, at term 5, never saw.
        var bench = new Bench(terms: [1, 1, 3, 3, 3, 3], term: 5);
        bench.Append(5, At(6, 2), 0);
        Assert.Equal(At(2, 1), bench.One<AppendEntriesReply>().Hint);

        // The leader's side: the follower's last entry is of term 1, so all of our terms 2 to 4 are skipped.
        Bench leader = new Bench(terms: [1, 2, 2, 3, 4, 4]).Lead();
        leader.Drain();
        leader.Step(new AppendEntriesReply(leader.From(2, 5), false, new(6), At(5, 1)));
        Assert.Equal(At(1, 1), Assert.Single(leader.Drain<AppendEntries>(), static append => append.To == new ReplicaId(2)).Previous);
    }

    [Theory]
    [InlineData(new[] { 1, 1, 1, 4, 4, 5, 5, 6, 6 })]
    [InlineData(new[] { 1, 1, 1, 4 })]
    [InlineData(new[] { 1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6 })]
    [InlineData(new[] { 1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7 })]
    [InlineData(new[] { 1, 1, 1, 4, 4, 4, 4 })]
    [InlineData(new[] { 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3 })]
    public void Figure_7_A_new_leader_repairs_any_follower(int[] follower)
    {
        int[] leader = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
        Membership membership = Membership.Of(new ReplicaId(1), new(2), new(3));
        var cluster = new TestCluster(
            new TestReplica(new(1), State(leader, 7, 0, 0, membership), Plain, 1),
            new TestReplica(new(2), State(follower, 7, 0, 0, membership), Plain, 2),
            new TestReplica(new(3), State([], 7, 0, 0, membership), Plain, 3));
        cluster.Elect(1);
        cluster.Tick(3);
        Assert.All(cluster.Replicas.Values, static replica => Assert.Equal(new LogIndex(11), replica.Applied));
        for (int i = 1; i <= 11; i++)
        {
            Assert.Equal(cluster[1].Core.TermAt(new((ulong)i)), cluster[2].Core.TermAt(new((ulong)i)));
        }
    }

    [Theory]
    [InlineData(new[] { 1 }, 1, 1, true)]
    [InlineData(new[] { 1 }, 2, 1, true)]
    [InlineData(new[] { 1, 1 }, 1, 1, false)]
    [InlineData(new[] { 1 }, 1, 2, true)]
    [InlineData(new[] { 1, 1 }, 1, 2, true)]
    [InlineData(new[] { 2 }, 2, 1, false)]
    [InlineData(new[] { 1, 2 }, 9, 1, false)]
    public void S5_4_1_A_vote_goes_only_to_a_log_at_least_as_up_to_date(int[] log, int lastIndex, int lastTerm, bool granted)
    {
        var bench = new Bench(terms: log);
        bench.Step(new RequestVote(bench.From(2, 3), At(lastIndex, lastTerm), false, false));
        Assert.Equal(granted, bench.One<RequestVoteReply>().Granted);
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(3, 3)]
    public void S5_4_2_Entries_of_earlier_terms_are_not_committed_by_counting(int accepted, int commit)
    {
        Bench bench = new Bench(terms: [1, 2]).Lead();
        bench.Drain();
        bench.Accept(2, accepted);
        Assert.Equal(new LogIndex((ulong)commit), bench.Core.Commit);
    }

    // S1 leads term 2 and replicates entry 2 to S2; S5 leads term 3 with another entry 2; S1 leads term 4 and brings its old
    // entry 2 to S3, a majority. In (d) S5 may still overwrite it; in (e), with an entry of term 4 on a majority, it cannot win.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Figure_8_An_old_entry_on_a_majority_is_safe_only_below_one_of_the_leaders_own_term(bool ownEntryReplicated)
    {
        Membership membership = Membership.Of(Enumerable.Range(1, 5).Select(static i => new ReplicaId((ulong)i)));
        int[][] logs = [[1, 2], [1, 2], [1], [1], [1, 3]];
        var cluster = new TestCluster([.. logs.Select((log, i) => new TestReplica(new((ulong)i + 1), State(log, i is 2 or 3 ? 2 : log[^1], 0, 1, membership), Plain, (ulong)i))]);
        cluster[1].Core.Step(new RequestVoteReply(new(TestReplica.Shard, new(2), new(1), new(3)), false, false)); // It hears of term 3.

        // S1 reaches S2 and S3; of its AppendEntries only the old entry arrives, until (e).
        cluster.Passes = message => message.From.Value <= 3 && message.To.Value <= 3 &&
            (ownEntryReplicated || message is not AppendEntries append || append.LastIndex.Value <= 2);
        cluster[1].Core.Campaign();
        cluster.Settle();
        cluster[1].Core.Step(new AppendEntriesReply(new(TestReplica.Shard, new(3), new(1), new(4)), false, new(2), At(1, 1)));
        cluster.Settle();
        Assert.Equal(Role.Leader, cluster[1].Core.Role);
        if (!ownEntryReplicated)
        {
            // (c): hand the old entry over by itself; a majority holds it now.
            cluster[3].Core.Step(new AppendEntries(new(TestReplica.Shard, new(1), new(3), new(4)), At(1, 1), Entries(2, 2), new(1)));
            cluster.Settle();
            Assert.Equal(new Term(2), cluster[3].Core.TermAt(new(2)));
        }

        Assert.Equal(new LogIndex(ownEntryReplicated ? 3UL : 1UL), cluster[1].Core.Commit);

        // (d): S5 comes back; S2, S3 and S4 can hear it. It asks twice, for it starts from term 3.
        cluster.Passes = static message => message.From.Value != 1 && message.To.Value != 1;
        for (int i = 0; i < 3 && cluster[5].Core.Role != Role.Leader; i++)
        {
            cluster[5].Core.Campaign();
            cluster.Settle();
        }

        Assert.Equal(!ownEntryReplicated, cluster[5].Core.Role == Role.Leader);
        Assert.Equal(new Term(ownEntryReplicated ? 2UL : 3UL), cluster[2].Core.TermAt(new(2)));
    }

    private static Bench In(Role role)
    {
        var bench = new Bench(term: 3, terms: [1]);
        switch (role)
        {
            case Role.Candidate: bench.Core.Campaign(); break;
            case Role.Leader: bench.Lead(); break;
            default: break;
        }

        Assert.Equal(role, bench.Core.Role);
        return bench;
    }

    private static void Tick(Bench bench, int ticks)
    {
        for (; ticks > 0; ticks--) { bench.Core.Tick(); }
    }
}
