using System.Collections.Immutable;

namespace Quorate.Simulation.Tests.Planted;

internal static partial class PlantedBugs
{
    private const string RaftElections = "src/Quorate.Raft/RaftCore.Elections.cs";
    private const string RaftMembership = "src/Quorate.Raft/RaftCore.Membership.cs";
    private const string RaftReads = "src/Quorate.Raft/RaftCore.Reads.cs";
    private const string RaftRecall = "src/Quorate.Raft/RaftCore.Recall.cs";
    private const string RaftReady = "src/Quorate.Raft/RaftCore.Ready.cs";
    private const string RaftReplication = "src/Quorate.Raft/RaftCore.Replication.cs";
    private const string RaftQuorum = "src/Quorate.Raft/Quorum.cs";

    private static ImmutableArray<PlantedBug> InDurability =>
    [
        new("promises-before-sync", 1, RaftReady,
            "private void SendAfterPersist(RaftMessage message) => _messagesAfterPersist.Add(message);",
            "private void SendAfterPersist(RaftMessage message) => _messages.Add(message);") { Scenario = "recovery", From = 10 },
        new("leader-counts-itself-before-sync", 1, RaftReplication,
            "private ulong HeldBy(ReplicaId voter) => Peer(voter)?.Counted.Value ?? 0;",
            "private ulong HeldBy(ReplicaId voter) => voter == _id ? _log.LastIndex.Value : Peer(voter)?.Counted.Value ?? 0;") { Scenario = "recovery", From = 16 },
        new("campaigns-before-its-vote-is-durable", 1,
            new Edit(RaftElections, "_vote = _id;\n// Our own vote counts once it is on disk: see Persisted.", "_vote = _id; _votes[_id] = true;"),
            new Edit(RaftElections, "votes that were given to the longer one.\nSendAfterPersist(request);", "votes that were given to the longer one.\nSend(request);")) { Scenario = "candidates", From = 2 },
        new("vote-not-persisted", 3,
            new Edit(RaftReady, "private HardState CurrentHardState => new(_term, _vote, _commit);", "private HardState CurrentHardState => new(_term, ReplicaId.None, _commit);"),
            new Edit(RaftReady, "_term != _savedHardState.Term || _vote != _savedHardState.Vote;", "_term != _savedHardState.Term;")) { Scenario = "elections" },
        new("vote-persisted-with-the-next-entry", 3, RaftReady,
            "private bool IsHardStateDue => _term != _savedHardState.Term || _vote != _savedHardState.Vote;",
            "private bool IsHardStateDue => _term != _savedHardState.Term;") { Scenario = "elections", From = 92 },
        new("term-persisted-with-the-next-entry", 3, RaftReady,
            "private bool IsHardStateDue => _term != _savedHardState.Term || _vote != _savedHardState.Vote;",
            "private static bool IsHardStateDue => false;") { Scenario = "elections" },
    ];

    private static ImmutableArray<PlantedBug> InElections =>
    [
        new("votes-twice", 0, RaftElections,
            "bool free = _vote == request.From || (_vote.IsNone && _leader.IsNone)", "bool free = _leader.IsNone") { Scenario = "elections", From = 2 },
        new("half-is-a-majority-of-votes", 0, RaftQuorum, "int needed = (voters.Length / 2) + 1;", "int needed = (voters.Length + 1) / 2;") { Scenario = "members", From = 8 },
        new("half-is-a-majority-of-logs", 2, RaftQuorum, "return values[(voters.Length - 1) / 2];", "return values[voters.Length / 2];") { Scenario = "members", From = 5 },
        new("minority-is-a-majority-of-logs", 2, RaftQuorum, "return values[(voters.Length - 1) / 2];", "return values[^1];") { Scenario = "elections", From = 4 },
    ];

    private static ImmutableArray<PlantedBug> InRecall =>
    [
        new("forgotten-vote-is-given-again", 7, RaftRecall, "if (_vote.IsNone) { _vote = _id; }", "")
        {
            Test = new(UnitTests, "Quorate.Tests.Raft.RecallTests.A_vote_that_the_disk_forgot_is_not_given_again", RareInRuns),
        },
        new("elects-who-lacks-what-was-forgotten", 7, RaftElections,
            "IsUpToDate(request.Last) && IsAtLeast(request.Last, _floor)", "IsUpToDate(request.Last)")
        {
            Test = new(UnitTests, "Quorate.Tests.Raft.RecallTests.Nobody_is_elected_without_what_the_disk_forgot", RareInRuns),
        },
        new("heartbeat-commits-what-was-forgotten", 0, RaftReplication,
            "_hasRunBefore ? _sharedWithLeader : _log.LastIndex", "_log.LastIndex") { Scenario = "old-disks", From = 13 },
        new("confirms-before-it-has-asked", 7, RaftReplication,
            "SendAfterPersist(new HoldsUncounted(HeaderTo(leader), shared));\nreturn;", "")
        {
            Test = new(UnitTests, "Quorate.Tests.Raft.RecallTests.Nothing_is_promised_before_all_have_answered", RareInRuns),
        },
    ];

    private const string RareInRuns = "it needs an image, a partition and an election within milliseconds: 100 seeds of old-disks do not show it";

    private static ImmutableArray<PlantedBug> InReplication =>
    [
        new("leader-commits-alone", 2, RaftReplication,
            "var index = new LogIndex(Quorum.Reached(_membership, _indexHeld));", "var index = _log.LastIndex;") { Scenario = "isolation", From = 2 },
        new("old-term-committed-by-counting", 4, RaftReplication,
            "Probes.OldTermCounted.Hit();\nreturn;", "Probes.OldTermCounted.Hit();") { Scenario = "elections", From = 2 },
        new("heartbeat-names-any-commit-index", 0, RaftReplication, "LogIndex.Min(_commit, peer.Match)", "_commit") { Scenario = "isolation", From = 2 },
        new("append-that-comes-twice-cuts-the-log", 22, RaftReplication,
            "if (_log.Matches(entry.Position)) { continue; }", "") { Scenario = "elections", From = 2 },
        new("conflicting-entries-stay", 0, RaftReplication,
            "if (_log.Matches(entry.Position)) { continue; }", "if (entry.Index <= _log.LastIndex) { continue; }") { Scenario = "isolation", From = 2 },
        new("refused-append-counts-as-accepted", 2, RaftReplication, "if (!reply.Accepted)", "if (!reply.Accepted && reply.Index > _commit)") { Scenario = "isolation" },
    ];

    private static ImmutableArray<PlantedBug> InReads =>
    [
        new("read-without-a-round", 5, RaftReads, "if (HasCommittedInTerm && HoldsLease)", "if (HasCommittedInTerm)") { Scenario = "isolation", From = 2 },
        new("read-confirmed-by-the-leader-alone", 5, RaftReads,
            "Peer(voter)?.ReadRound ?? 0", "_reads.LastRound") { Scenario = "isolation", From = 2 },
    ];

    private static ImmutableArray<PlantedBug> InReadLeases =>
    [
        new("lease-ignores-drift", 6, RaftReads, "_ticks - sent < _options.ElectionTicks - 2", "_ticks - sent < _options.ElectionTicks") { Scenario = "read-leases", From = 59, Seeds = 200 },
        new("lease-outlives-a-transfer", 6, RaftReads, "_options.LeaseReads && !_mayBeDeposed &&", "_options.LeaseReads &&") { Scenario = "read-leases", From = 11 },
    ];

    private static ImmutableArray<PlantedBug> InMembership =>
    [
        new("two-membership-changes-at-once", 0, RaftMembership,
            "_applied >= _pendingMembership && HasCommittedInTerm", "HasCommittedInTerm") { Scenario = "members" },
        new("leadership-goes-to-a-follower-that-lags", 0, RaftElections,
            "if (peer.Id == _transferee && peer.Match == _log.LastIndex)", "if (peer.Id == _transferee)")
        {
            Test = new(
                UnitTests, "Quorate.Tests.Raft.ThesisTests.S3_10_A_follower_that_lags_is_brought_up_to_date_first",
                "votes still go to up-to-date logs only, so all that is lost is some time"),
        },
        new("membership-change-before-a-commit-in-the-term", 0, RaftMembership,
            "_applied >= _pendingMembership && HasCommittedInTerm", "_applied >= _pendingMembership")
        {
            Test = new(
                UnitTests, "Quorate.Tests.Raft.ThesisTests.S4_1_No_change_before_an_entry_of_the_own_term_is_committed",
                "it takes two leaders that each change the members while they cannot hear each other, and a third who was told of neither"),
        },
    ];
}
