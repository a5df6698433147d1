using System.Collections.Immutable;

namespace Quorate.Simulation.Tests.Planted;

internal static partial class PlantedBugs
{
    private const string ReplicaClock = "src/Quorate.Replication/Replica.Clock.cs";
    private const string LeaseBook = "src/Quorate.StateMachines/KeyValue/LeaseBook.cs";
    private const string VersionWriter = "src/Quorate.StateMachines/KeyValue/VersionWriter.cs";

    private static ImmutableArray<PlantedBug> InLeaseClock =>
    [
        new("lease-by-the-wall-clock", 20, ReplicaCommands,
            "SetClock(_clock + reader.Elapsed);", "SetClock(Math.Max(_clock, reader.Stamp.UnixMilliseconds));") { Scenario = "leases" },
        new("time-of-the-old-leader-counts-twice", 0, ReplicaClock, "_toldTicks = 0;", "_toldTicks = -Now;") { Scenario = "leases" },
        new("lease-time-is-not-told-while-idle", 0, ReplicaClock,
            "_wantsEntry = _isTimerDue || _ledTicks - _toldTicks >= Config.Raft.ElectionTicks;", "_wantsEntry = _isTimerDue;") { Scenario = "leases" },
        new("clock-not-read-at-start", 0, ReplicaCommands, "SetClock((long)reader.VarUInt());", "reader.VarUInt();") { Scenario = "leases" },
    ];

    private static ImmutableArray<PlantedBug> InLeases =>
    [
        new("lease-has-its-whole-time-after-a-restart", 0, LeaseBook,
            "LookAhead(store, time: 0, id: 0);",
            "foreach (LeaseRecord lease in LeaseStore.ReadAll((IStoreReader)store)) { LeaseStore.Write((IStoreWriter)store, lease with { Deadline = lease.Deadline + (1000 * lease.Seconds) }); }\nLookAhead(store, time: 0, id: 0);") { Scenario = "leases" },
        new("expiry-leaves-a-key", 0, VersionWriter,
            "while (!keys.AtEnd)\n{\nReadOnlySpan<byte> userKey = keys.Bytes();\nWriteTombstone(KeyFor(userKey));",
            "while (!keys.AtEnd)\n{\nReadOnlySpan<byte> userKey = keys.Bytes();\nif (keys.AtEnd) { break; }\nWriteTombstone(KeyFor(userKey));") { Scenario = "leases" },
        new("renewal-does-not-count", 0, LeaseBook, "if (lease.Deadline <= due)", "if (lease.LookAt <= due)") { Scenario = "leases" },
        new("agenda-is-not-moved", 0, LeaseBook, "LeaseStore.AddToAgenda(store, lease.Deadline, id);", "") { Scenario = "leases" },
    ];
}
