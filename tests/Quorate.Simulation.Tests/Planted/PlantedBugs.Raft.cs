using System.Collections.Immutable;

namespace Quorate.Simulation.Tests.Planted;

internal static partial class PlantedBugs
{
    private const string RaftReplication = "src/Quorate.Raft/RaftCore.Replication.cs";
    private const string RaftReads = "src/Quorate.Raft/RaftCore.Reads.cs";
    private const string RaftReady = "src/Quorate.Raft/RaftCore.Ready.cs";

    private static ImmutableArray<PlantedBug> Raft =>
    [
        new("read-without-a-round", 5, RaftReads, "if (HasCommittedInTerm && HoldsLease)", "if (HasCommittedInTerm)") { Scenario = "isolation", Seeds = 10 },
        new("leader-commits-alone", 2, RaftReplication, "var index = new LogIndex(Quorum.Reached(_membership, _indexHeld));", "var index = _log.LastIndex;") { Seeds = 10 },
        new("promises-before-sync", 1, RaftReady,
            "private void SendAfterPersist(RaftMessage message) => _messagesAfterPersist.Add(message);",
            "private void SendAfterPersist(RaftMessage message) => _messages.Add(message);") { Seeds = 20 },
    ];
}
