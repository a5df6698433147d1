using System.Collections.Immutable;

namespace Quorate.Simulation.Tests.Planted;

internal static partial class PlantedBugs
{
    private const string Machine = "src/Quorate.StateMachines/KeyValue/KeyValueMachine.cs";
    private const string CompactionFilter = "src/Quorate.StateMachines/KeyValue/KvCompactionFilter.cs";
    private const string RangeReader = "src/Quorate.StateMachines/KeyValue/RangeReader.cs";
    private const string TxnConditions = "src/Quorate.StateMachines/KeyValue/TxnConditions.cs";
    private const string TxnRun = "src/Quorate.StateMachines/KeyValue/TxnRun.cs";
    private const string VersionScan = "src/Quorate.StateMachines/KeyValue/VersionScan.cs";

    private static ImmutableArray<PlantedBug> InMachine =>
    [
        new("state-hash-skips-leases", 0, "src/Quorate.StateMachines/KeyValue/KvStateHash.cs",
            "if (_visible!.Keep(records.Key, records.Value, isBottommost: true))",
            "if (records.Key[0] != 4 && _visible!.Keep(records.Key, records.Value, isBottommost: true))") { Scenario = "silent" },
        new("condition-of-a-txn-sees-an-older-state", 0, TxnRun,
            "holds = holds && TxnConditions.Holds(_store, _before.Current, compare);",
            "holds = holds && TxnConditions.Holds(_store, _before.Current - 1, compare);") { Scenario = "isolation" },
        new("condition-of-a-txn-is-ignored", 0, TxnRun,
            "holds = holds && TxnConditions.Holds(_store, _before.Current, compare);",
            "holds = TxnConditions.Holds(_store, _before.Current, compare) || holds;") { Scenario = "store" },
        new("condition-compares-lengths", 0, TxnConditions,
            "KvCompareTarget.Value => version.Value.SequenceCompareTo(compare.Value.Span),",
            "KvCompareTarget.Value => version.Value.Length.CompareTo(compare.Value.Length),") { Scenario = "isolation" },
        new("put-of-a-txn-runs-twice", 0, TxnRun,
            "KvRefusal refusal = Writer.TryPut(new KvCommand.PutFields(put), reply);",
            "Writer.TryPut(new KvCommand.PutFields(put), new());\nKvRefusal refusal = Writer.TryPut(new KvCommand.PutFields(put), reply);") { Scenario = "store" },
        new("read-in-a-txn-misses-its-writes", 0, TxnRun,
            "private long Revision => _writer?.Revision ?? _before.Current;", "private long Revision => _before.Current;") { Scenario = "store" },
        new("revision-is-not-increased", 0, Machine,
            "Refuse(reply, KvRefusal.Malformed);\n}\nif (_writer.HasChanged) { SetMeta(Meta with { Current = _writer.Revision }); }",
            "Refuse(reply, KvRefusal.Malformed);\n}") { Scenario = "store" },
        new("range-stops-before-a-deleted-key", 0, VersionScan,
            "else if (VersionValue.IsTombstoneValue(_cursor.Value))\n{\nisValid = MoveToNextKey();",
            "else if (VersionValue.IsTombstoneValue(_cursor.Value))\n{\nisValid = false;") { Scenario = "store" },
        new("range-of-the-past-shows-the-present", 0, RangeReader,
            "long revision = query.Revision <= 0 ? current : query.Revision;\nif (revision > current)", "long revision = current;\nif (revision > current)") { Scenario = "store" },
        new("delete-keeps-the-version-number", 0, VersionWriter,
            "_recent.Set(VersionKeys.Prefix(key), createRevision: 0, version: 0, lease: 0);", "") { Scenario = "store" },
        new("compaction-drops-a-version-that-is-read", 0, CompactionFilter,
            "if (revision > _compacted) { return true; }", "if (revision > _compacted + 1) { return true; }") { Scenario = "store", From = 23 },
        new("compaction-brings-a-deleted-key-back", 0, CompactionFilter,
            "return !(isBottommost && revision < _compacted && VersionValue.IsTombstoneValue(value));",
            "return !VersionValue.IsTombstoneValue(value);") { Scenario = "store", From = 2 },
        new("recent-keys-survive-a-snapshot", 12, Machine, "_isMetaWritten = true;\n_writer.Forget();", "_isMetaWritten = true;") { Scenario = "snapshots" },
        new("revision-survives-a-snapshot", 12, Machine, "_meta = KvMeta.Read(store);", "_meta ??= KvMeta.Read(store);") { Scenario = "snapshots" },
    ];
}
