using System.Collections.Immutable;

namespace Quorate.Simulation.Tests.Planted;

internal static partial class PlantedBugs
{
    private const string RaftElections = "src/Quorate.Raft/RaftCore.Elections.cs";
    private const string RaftReads = "src/Quorate.Raft/RaftCore.Reads.cs";
    private const string RaftReady = "src/Quorate.Raft/RaftCore.Ready.cs";
    private const string RaftReplication = "src/Quorate.Raft/RaftCore.Replication.cs";

    private static ImmutableArray<PlantedBug> InDurability =>
    [
        new("promises-before-sync", 1, RaftReady,
            "private void SendAfterPersist(RaftMessage message) => _messagesAfterPersist.Add(message);",
            "private void SendAfterPersist(RaftMessage message) => _messages.Add(message);") { Scenario = "recovery", Seeds = 25 },
        new("leader-counts-itself-before-sync", 1, RaftReplication,
            "private ulong HeldBy(ReplicaId voter) => Peer(voter)?.Match.Value ?? 0;",
            "private ulong HeldBy(ReplicaId voter) => voter == _id ? _log.LastIndex.Value : Peer(voter)?.Match.Value ?? 0;") { Scenario = "recovery", Seeds = 25 },
        new("campaigns-before-its-vote-is-durable", 1,
            new Edit(RaftElections, "_vote = _id;\n// Our own vote counts once it is on disk: see Persisted.", "_vote = _id; _votes[_id] = true;"),
            new Edit(RaftElections, "votes that were given to the longer one.\nSendAfterPersist(request);", "votes that were given to the longer one.\nSend(request);"))
        {
            Scenario = "elections",
            Seeds = 150,
        },
    ];

    private static ImmutableArray<PlantedBug> InReplication =>
    [
        new("leader-commits-alone", 2, RaftReplication,
            "var index = new LogIndex(Quorum.Reached(_membership, _indexHeld));", "var index = _log.LastIndex;") { Scenario = "isolation" },
    ];

    private static ImmutableArray<PlantedBug> InReads =>
    [
        new("read-without-a-round", 5, RaftReads, "if (HasCommittedInTerm && HoldsLease)", "if (HasCommittedInTerm)") { Scenario = "isolation" },
    ];
}
