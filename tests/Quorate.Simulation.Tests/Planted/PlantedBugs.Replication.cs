using System.Collections.Immutable;

namespace Quorate.Simulation.Tests.Planted;

internal static partial class PlantedBugs
{
    private const string Replica = "src/Quorate.Replication/Replica.cs";
    private const string ReplicaCommands = "src/Quorate.Replication/Replica.Commands.cs";
    private const string ReplicaReads = "src/Quorate.Replication/Replica.Reads.cs";
    private const string ReplicaSnapshots = "src/Quorate.Replication/Replica.Snapshots.cs";
    private const string NodeCore = "src/Quorate.Replication/NodeCore.cs";
    private const string Peers = "src/Quorate.Replication/PeerDirectories.cs";

    private static ImmutableArray<PlantedBug> InCommands =>
    [
        new("applied-commands-are-not-remembered", 11, ReplicaCommands,
            "_sessions.Add(session, sequence, index);\nWriteAppliedCommand", "WriteAppliedCommand") { Scenario = "isolation" },
        new("retries-are-not-recognized", 11, ReplicaCommands,
            "if (_sessions.Contains(session, sequence))\n{\nProbes.Retried.Hit();", "if (session == 0)\n{\nProbes.Retried.Hit();") { Scenario = "isolation" },
        new("applied-commands-not-read-at-start", 11, Replica, "ReadAppliedRecords();\n_raft = new(", "_raft = new(") { Scenario = "recovery", From = 13 },
        new("applied-commands-not-read-at-snapshot", 11, ReplicaSnapshots,
            "ReadAppliedRecords();\nbatch.AddReset", "batch.AddReset") { Scenario = "snapshots", From = 4 },
        new("applied-commands-not-in-the-store", 11, ReplicaCommands,
            "_engine.Put(HostRecords.AppliedKey(index, key), _record.Written);", "HostRecords.AppliedKey(index, key);") { Scenario = "snapshots", From = 4 },
        new("commands-of-any-age-are-applied", 0, ReplicaCommands,
            "if (entry.Index.Value > firstIndex.Value + (ulong)Config.DedupeEntries)", "if (session == 0)") { Scenario = "snapshots", From = 2 },
        new("session-is-used-again-after-restart", 0, NodeCore, "Session = session;", "Session = config.Node.Value;") { Scenario = "recovery", From = 2 },
        new("answers-a-command-of-another-node", 0, ReplicaCommands,
            "if (session == _node.Session && _pending.Take(sequence) is { } request)", "if (_pending.Take(sequence) is { } request)") { Scenario = "isolation" },
        new("reply-before-the-view", 0, ReplicaCommands,
            "_machine.Finish(_engine);\n_engine.Publish(position);",
            "foreach ((ProposeRequest request, int start, int length) in _applied) { request.Complete(RequestOutcome.Done, _replies.Written.Slice(start, length)); }\n_applied.Clear();\n_machine.Finish(_engine);\n_engine.Publish(position);") { Scenario = "isolation" },
    ];

    private static ImmutableArray<PlantedBug> InReplicaReads =>
    [
        new("linearizable-read-from-the-local-store", 5, ReplicaReads,
            "request.DeadlineTick = Now + Config.RequestTicks;", "request.Complete(RequestOutcome.Done, _engine.OpenReadView());\nif (Now >= 0) { return; }") { Scenario = "isolation" },
        new("read-before-it-is-applied", 5, ReplicaReads, "if (round.Index is not { } index || index > applied)", "if (round.Index is null)") { Scenario = "isolation", From = 3 },
        new("read-joins-a-round-that-was-asked", 5, ReplicaReads,
            "_newReads.Add(request);\n_waitingReads++;", "if (_rounds.Count > 0) { _rounds[^1].Requests.Add(request); } else { _newReads.Add(request); }\n_waitingReads++;") { Scenario = "isolation" },
    ];

    private static ImmutableArray<PlantedBug> InSnapshots =>
    [
        new("log-released-up-to-applied", 0, Replica, "_node.Batch.AddRelease(Shard, flushed);", "_node.Batch.AddRelease(Shard, _engine.Applied);") { Scenario = "recovery" },
        new("log-not-reset-at-snapshot", 12, ReplicaSnapshots, "batch.AddReset(Shard, snapshot.Position);", "") { Scenario = "snapshots" },
        new("snapshot-told-before-it-is-whole", 0, "src/Quorate.Replication/Snapshots/SnapshotReceiver.cs",
            "else if (_written == _total && !IsFinishing)", "else if (_written >= _total / 2 && !IsFinishing)") { Scenario = "snapshots" },
        new("node-with-an-old-disk-asks-nobody", 7, Replica, "Life = isNew ? 0 : node.NextStream()", "Life = 0") { Scenario = "old-disks" },
        new("damaged-files-are-not-set-aside", 0, Replica,
            "if (_mark is not null) { ReplicaStore.Quarantine(Files, Directory, _mark.Through); }", "") { Scenario = "damage" },
        new("a-minority-is-trusted", 0, "src/Quorate.Replication/Replica.Check.cs",
            "foreach (StateReport report in check.Wrong)", "foreach (StateReport report in check.Reports.Where(report => check.Wrong.Any() && report.Hash == check.Agreed))") { Scenario = "silent" },
        new("refilled-replica-reuses-sequences", 11, "src/Quorate.Replication/Replica.Repair.cs",
            "_pending.ContinueAfter(damaged._pending);", "") { Scenario = "damage" },
        new("node-that-lost-its-disk-votes", 7, Peers, "return known == directory;", "return known != 0;")
        {
            Test = new(
                "Quorate.Simulation.Tests", "Quorate.Simulation.Tests.ClusterTests.A_node_that_lost_its_disk_has_no_vote",
                "a node that lost its disk never takes part again, so runs that demand all replicas in the end have no such fault"),
        },
    ];
}
