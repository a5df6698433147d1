using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Raft;
using Xunit;
using static Quorate.Tests.Raft.Bench;

namespace Quorate.Tests.Raft;

/// <summary>How much a leader sends, holds and hands out, and how it finds out about losses.</summary>
public sealed class FlowControlTests
{
    [Fact]
    public void A_full_window_stops_the_stream_but_not_the_news_of_commits()
    {
        Bench bench = Streaming(Plain with { MaxInflightMessages = 3 });
        for (int i = 0; i < 5; i++)
        {
            Propose(bench, 10);
            Assert.Equal(i < 3 ? 1 : 0, To(2, bench).Length);
        }

        Assert.Equal((3, true), (Follower(bench).InflightMessages, Follower(bench).Paused));

        // The other one accepts all: a commit, told without entries.
        bench.Accept(3, 6);
        AppendEntries news = Assert.Single(To(2, bench));
        Assert.Equal((0, new LogIndex(6)), (news.Entries.Length, news.Commit));
        Assert.Empty(To(2, bench));

        // The first answer makes room for one message, with all that waits.
        bench.Accept(2, 2);
        Assert.Equal([5, 6], Assert.Single(To(2, bench)).Entries.Select(static entry => (int)entry.Index.Value));
    }

    [Fact]
    public void Messages_and_windows_are_bounded_in_bytes_but_a_large_entry_still_goes()
    {
        Bench bench = Streaming(Plain with { MaxAppendBytes = 4096, MaxInflightBytes = 8192 });
        for (int i = 0; i < 10; i++) { bench.Core.Propose(new byte[2000], out _); }
        bench.Core.Propose(new byte[50_000], out _);
        ImmutableArray<AppendEntries> sent = To(2, bench);
        Assert.Equal([2, 2, 2], sent.Select(static append => append.Entries.Length)); // 12,000 bytes: the third message passes 8192.
        bench.Accept(2, 7);
        sent = To(2, bench);
        Assert.Equal([2, 2, 1], sent.Select(static append => append.Entries.Length)); // One message may pass the window's limit.
        Assert.Equal(50_000, sent[2].Entries[0].Payload.Length);
        Propose(bench, 1);
        Assert.Empty(To(2, bench));
    }

    [Fact]
    public void Proposals_between_two_Readys_travel_together()
    {
        Bench bench = Streaming(Plain);
        for (int i = 0; i < 100; i++) { bench.Core.Propose(new byte[10], out _); }
        Assert.Equal(100, Assert.Single(To(2, bench)).Entries.Length);
    }

    [Fact]
    public void A_refusal_in_the_stream_makes_the_leader_probe_and_old_refusals_do_not()
    {
        Bench bench = Streaming(Plain);
        Propose(bench, 1);
        Propose(bench, 1);
        To(2, bench);
        bench.Step(new AppendEntriesReply(bench.From(2, 1), false, new(1), At(0, 0)));
        Assert.Equal(ProgressState.Replicate, Follower(bench).State); // It had accepted 1: this refusal is older.
        bench.Step(new AppendEntriesReply(bench.From(2, 1), false, new(2), At(1, 1)));
        Assert.Equal((ProgressState.Probe, new LogIndex(2)), (Follower(bench).State, Follower(bench).Next));
        Assert.Equal(At(1, 1), Assert.Single(To(2, bench)).Previous);
        Assert.True(Follower(bench).Paused);
        Propose(bench, 1);
        Assert.Empty(To(2, bench)); // One probe at a time.
        bench.Accept(2, 3);
        Assert.Equal(ProgressState.Replicate, Follower(bench).State);
    }

    [Fact]
    public void Lost_appends_are_found_out_with_the_next_heartbeat()
    {
        Bench bench = Streaming(Plain);
        Propose(bench, 1);
        Assert.Single(To(2, bench)); // Lost.
        bench.Step(new HeartbeatReply(bench.From(2, 1), 0));
        AppendEntries probe = Assert.Single(To(2, bench));
        Assert.Equal((At(2, 1), 0), (probe.Previous, probe.Entries.Length));
        bench.Step(new AppendEntriesReply(bench.From(2, 1), false, new(2), At(1, 1)));
        Assert.Equal([2], Assert.Single(To(2, bench)).Entries.Select(static entry => (int)entry.Index.Value));
    }

    [Fact]
    public void After_a_lost_connection_the_leader_waits_for_a_sign_of_life_and_then_probes()
    {
        Bench bench = Streaming(Plain);
        bench.Core.ReportUnreachable(new(2));
        Propose(bench, 1);
        Assert.Empty(To(2, bench));
        bench.Step(new HeartbeatReply(bench.From(2, 1), 0));
        Assert.Single(Assert.Single(To(2, bench)).Entries);
        bench.Accept(2, 2);
        Assert.Equal(ProgressState.Replicate, Follower(bench).State);
    }

    [Fact]
    public void A_follower_behind_the_compacted_log_gets_a_snapshot_once_it_shows_life()
    {
        Bench bench = new Bench(options: Plain).Lead();
        bench.Drain();
        bench.Accept(3, 1);
        for (int i = 0; i < 9; i++) { Propose(bench, 1); }
        bench.Drain();
        bench.Accept(3, 10);
        bench.Drain();
        bench.Core.CompactLog(new(10));
        bench.Drain();
        bench.Step(new AppendEntriesReply(bench.From(2, 1), false, new(0), LogPosition.Zero));
        Assert.Empty(To(2, bench));
        Assert.Equal([new(2)], bench.Core.SnapshotsWanted);

        bench.Core.SnapshotStarted(new(2), At(10, 1));
        Propose(bench, 1);
        Assert.Empty(To(2, bench));
        Assert.Empty(bench.Core.SnapshotsWanted);
        bench.Core.ReportSnapshot(new(2), succeeded: false);
        bench.Step(new HeartbeatReply(bench.From(2, 1), 0));
        Assert.Equal([new(2)], bench.Core.SnapshotsWanted);

        bench.Core.SnapshotStarted(new(2), At(10, 1));
        bench.Accept(2, 10); // Its answer comes before the host's report.
        Assert.Equal(ProgressState.Replicate, Follower(bench).State);
        bench.Core.ReportSnapshot(new(2), succeeded: true);
        Assert.Equal([11], Assert.Single(To(2, bench)).Entries.Select(static entry => (int)entry.Index.Value));
    }

    [Fact]
    public void Too_many_uncommitted_bytes_are_refused_until_some_are_committed()
    {
        Bench bench = new Bench(options: Plain with { MaxUncommittedBytes = 100 }).LeadAndCommit();
        Assert.Equal(ProposeOutcome.Appended, bench.Core.Propose(new byte[500], out LogPosition large)); // Alone, any size goes.
        Assert.Equal(ProposeOutcome.TooMuchUncommitted, bench.Core.Propose(new byte[1], out _));
        Assert.Equal(ProposeOutcome.Appended, bench.Core.Propose(default, out _));
        bench.Drain();
        bench.Accept(2, (int)large.Index.Value);
        Assert.Equal(ProposeOutcome.Appended, bench.Core.Propose(new byte[60], out _));
        Assert.Equal(ProposeOutcome.Appended, bench.Core.Propose(new byte[40], out _));
        Assert.Equal(ProposeOutcome.TooMuchUncommitted, bench.Core.Propose(new byte[1], out _));
    }

    [Fact]
    public void Committed_entries_are_handed_out_in_slices_and_a_large_one_alone()
    {
        Bench bench = new Bench(voters: 1, options: Plain with { MaxCommittedBytes = 100 }).Lead();
        foreach (int size in (int[])[60, 40, 1, 500, 30]) { bench.Core.Propose(new byte[size], out _); }
        Ready ready = bench.Core.TakeReady();
        bench.Core.Persisted(ready.PersistToken);
        var slices = new List<int>();
        while (bench.Core.HasReady) { slices.Add(bench.Core.TakeReady().Committed.Length); }
        Assert.Equal([2, 1, 1, 1], slices);
    }

    [Fact]
    public void A_commit_index_alone_costs_no_write()
    {
        var bench = new Bench(terms: [1, 1], term: 1);
        bench.Step(new Heartbeat(bench.From(2, 1), new(2), 0));
        Ready ready = bench.Core.TakeReady();
        Assert.Null(ready.HardState);
        Assert.Equal((0UL, 2), (ready.PersistToken, ready.Committed.Length));
        bench.Append(1, At(2, 1), 2, 1);
        Assert.Equal(new HardState(new(1), default, new(2)), bench.Core.TakeReady().HardState);
    }

    [Fact]
    public void An_answer_that_needs_no_write_is_not_held_back()
    {
        var bench = new Bench(terms: [1, 1], term: 1);
        bench.Append(1, At(2, 1), 0);
        Ready ready = bench.Core.TakeReady();
        Assert.Equal((0UL, 1, 0), (ready.PersistToken, ready.Messages.Length, ready.MessagesAfterPersist.Length));
        Assert.False(bench.Core.HasReady);
    }

    [Fact]
    public void Compacting_frees_bytes_and_keeps_the_last_term()
    {
        Bench bench = new Bench(voters: 1, options: Plain).LeadAndCommit();
        for (int i = 0; i < 40; i++) { Propose(bench, 100); }
        bench.Drain();
        Assert.Equal(4000, bench.Core.LogBytes);
        bench.Core.CompactLog(new(31));
        Assert.Equal((1000, new LogIndex(32), new Term(1)), (bench.Core.LogBytes, bench.Core.Status.FirstIndex, bench.Core.TermAt(new(31))));
        Assert.Null(bench.Core.TermAt(new(30)));
        Assert.Throws<InvariantException>(() => bench.Core.CompactLog(new(99)));
    }

    private static Bench Streaming(RaftOptions options) => new Bench(options: options).LeadAndCommit();

    private static void Propose(Bench bench, int bytes) => Assert.Equal(ProposeOutcome.Appended, bench.Core.Propose(new byte[bytes], out _));

    private static ImmutableArray<AppendEntries> To(int id, Bench bench) => [.. bench.Drain<AppendEntries>().Where(append => append.To.Value == (ulong)id)];

    private static FollowerProgress Follower(Bench bench) => bench.Core.Status.Followers[0];
}
