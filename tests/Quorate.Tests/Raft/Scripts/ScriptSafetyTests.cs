using Quorate.Core;
using Quorate.Raft;
using Xunit;

namespace Quorate.Tests.Raft.Scripts;

/// <summary>The safety checks behind every script do catch what they are for.</summary>
public sealed class ScriptSafetyTests
{
    private static readonly ReplicaId One = new(1);
    private static readonly ReplicaId Two = new(2);

    [Fact]
    public void Different_entries_applied_at_one_index_are_caught()
    {
        ScriptSafety safety = new();
        safety.CheckApplied(Node(1), Entry(1, 1, 7));
        safety.CheckApplied(Node(2), Entry(1, 1, 7));
        Assert.Throws<SafetyException>(() => safety.CheckApplied(Node(2), Entry(1, 1, 8)));
        Assert.Throws<SafetyException>(() => safety.CheckApplied(Node(2), Entry(1, 2, 7)));
    }

    [Fact]
    public void A_second_vote_in_a_term_is_caught()
    {
        ScriptSafety safety = new();
        ScriptNode node = Node(1, new HardState(new Term(3), Two, LogIndex.Zero));
        safety.CheckSent(node, Vote(3, to: 2));
        Assert.Throws<SafetyException>(() => safety.CheckSent(node, Vote(3, to: 3)));

        // Its disk has moved on; the memory of what was sent has not.
        ScriptNode later = Node(1, new HardState(new Term(4), ReplicaId.None, LogIndex.Zero));
        Assert.Throws<SafetyException>(() => safety.CheckSent(later, Vote(3, to: 3)));
    }

    [Fact]
    public void A_promise_that_is_not_on_disk_is_caught()
    {
        ScriptSafety safety = new();
        ScriptNode node = Node(1, new HardState(new Term(2), ReplicaId.None, LogIndex.Zero), Entry(1, 1, 7));
        safety.CheckSent(node, Acknowledge(term: 2, index: 1));
        Assert.Throws<SafetyException>(() => safety.CheckSent(node, Acknowledge(term: 2, index: 2)));
        Assert.Throws<SafetyException>(() => safety.CheckSent(node, Acknowledge(term: 3, index: 1)));
        Assert.Throws<SafetyException>(() => safety.CheckSent(node, Vote(3, to: 2)));
    }

    [Fact]
    public void Logs_that_agree_further_on_but_not_before_are_caught()
    {
        ScriptNode left = Node(1, default, Entry(1, 1, 7), Entry(2, 3, 7));
        ScriptSafety.CheckLogs([left, Node(2, default, Entry(1, 1, 7), Entry(2, 2, 7))]);
        ScriptNode right = Node(2, default, Entry(1, 2, 7), Entry(2, 3, 7));
        Assert.Throws<SafetyException>(() => ScriptSafety.CheckLogs([left, right]));
    }

    [Fact]
    public void A_disk_takes_no_gap_and_no_step_back()
    {
        ScriptDisk disk = new() { HardState = new HardState(new Term(2), One, new LogIndex(5)) };
        Assert.Throws<SafetyException>(() => disk.Write(Write(null, Entry(2, 1, 7))));
        Assert.Throws<SafetyException>(() => disk.Write(Write(new HardState(new Term(1), One, new LogIndex(5)))));
        Assert.Throws<SafetyException>(() => disk.Write(Write(new HardState(new Term(2), Two, new LogIndex(5)))));
        Assert.Throws<SafetyException>(() => disk.Write(Write(new HardState(new Term(2), One, new LogIndex(4)))));
        disk.Write(Write(new HardState(new Term(3), Two, new LogIndex(5)), Entry(1, 1, 7)));
        Assert.Equal(new LogIndex(1), disk.LastIndex);
    }

    private static ScriptNode Node(ulong id, HardState hardState = default, params LogEntry[] entries)
    {
        ScriptDisk disk = new() { HardState = hardState };
        disk.Entries.AddRange(entries);
        return new ScriptNode(new ReplicaId(id), new RaftOptions(), isAsync: false, disk);
    }

    private static LogEntry Entry(ulong index, ulong term, byte payload) =>
        new(new LogIndex(index), new Term(term), EntryKind.Command, new[] { payload });

    private static MessageHeader Header(ulong term, ulong to) =>
        new(ScriptNode.Shard, One, new ReplicaId(to), new Term(term));

    private static RequestVoteReply Vote(ulong term, ulong to) => new(Header(term, to), IsPreVote: false, Granted: true);

    private static AppendEntriesReply Acknowledge(ulong term, ulong index) =>
        new(Header(term, 2), Accepted: true, new LogIndex(index), LogPosition.Zero);

    private static Ready Write(HardState? hardState, params LogEntry[] entries) =>
        new(hardState, [.. entries], null, 1, [], [], [], [], []);
}
