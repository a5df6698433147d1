using System.Collections.Immutable;

namespace Quorate.Simulation.Tests.Planted;

internal static partial class PlantedBugs
{
    private const string Replica = "src/Quorate.Replication/Replica.cs";
    private const string ReplicaCommands = "src/Quorate.Replication/Replica.Commands.cs";
    private const string ReplicaReads = "src/Quorate.Replication/Replica.Reads.cs";
    private const string ReplicaSnapshots = "src/Quorate.Replication/Replica.Snapshots.cs";
    private const string NodeCore = "src/Quorate.Replication/NodeCore.cs";

    private static ImmutableArray<PlantedBug> InCommands =>
    [
        new("applied-commands-not-read-at-start", 11, Replica, "ReadAppliedRecords();\n_raft = new(", "_raft = new(") { Scenario = "recovery", Seeds = 60 },
        new("applied-commands-not-read-at-snapshot", 11, ReplicaSnapshots,
            "ReadAppliedRecords();\nbatch.AddReset", "batch.AddReset") { Scenario = "snapshots" },
        new("applied-commands-not-in-the-store", 11, ReplicaCommands,
            "_engine.Put(HostRecords.AppliedKey(entry.Index, key), _record.Written);", "HostRecords.AppliedKey(entry.Index, key);") { Scenario = "snapshots" },
        new("session-is-used-again-after-restart", 0, NodeCore, "Session = session;", "Session = config.Node.Value;") { Scenario = "recovery" },
        new("answers-a-command-of-another-node", 0, ReplicaCommands, "bool isOurs = session == _node.Session;", "bool isOurs = true;") { Scenario = "isolation" },
    ];

    private static ImmutableArray<PlantedBug> InReplicaReads =>
    [
        new("linearizable-read-from-the-local-store", 5, ReplicaReads,
            "request.DeadlineTick = Now + Config.RequestTicks;", "request.Complete(RequestOutcome.Done, _engine.OpenReadView());\nif (Now >= 0) { return; }") { Scenario = "isolation" },
        new("read-before-it-is-applied", 5, ReplicaReads, "if (round.Index is not { } index || index > applied)", "if (round.Index is null)") { Scenario = "isolation" },
        new("read-joins-a-round-that-was-asked", 5, ReplicaReads,
            "_newReads.Add(request);\n_waitingReads++;", "if (_rounds.Count > 0) { _rounds[^1].Requests.Add(request); } else { _newReads.Add(request); }\n_waitingReads++;") { Scenario = "isolation" },
    ];

    private static ImmutableArray<PlantedBug> InSnapshots =>
    [
        new("log-released-up-to-applied", 0, Replica, "_node.Batch.AddRelease(Shard, flushed);", "_node.Batch.AddRelease(Shard, _engine.Applied);") { Scenario = "recovery" },
        new("log-not-reset-at-snapshot", 12, ReplicaSnapshots, "batch.AddReset(Shard, snapshot.Position);", "") { Scenario = "snapshots" },
    ];
}
