using System.Collections.Immutable;

namespace Quorate.Simulation.Tests.Planted;

internal static partial class PlantedBugs
{
    private const string Wal = "src/Quorate.Storage/Wal/WriteAheadLog.cs";
    private const string WalSegments = "src/Quorate.Storage/Wal/WriteAheadLog.Segments.cs";
    private const string LogRecovery = "src/Quorate.Storage/Wal/LogRecovery.cs";
    private const string WalReader = "src/Quorate.Storage/Wal/SegmentReader.cs";
    private const string Manifest = "src/Quorate.Storage/Engine/ManifestWriter.cs";
    private const string EngineJobs = "src/Quorate.Storage/Engine/Jobs.cs";

    private static ImmutableArray<PlantedBug> InWal =>
    [
        new("log-is-never-synced", 1,
            new Edit(Wal, "file.Sync();\nfile.Dispose();", "file.Dispose();"), new Edit(Wal, "_file!.Sync();", "")) { Scenario = "recovery" },
        new("earlier-segment-is-not-synced", 1, Wal, "file.Sync();\nfile.Dispose();", "file.Dispose();") { Scenario = "recovery", From = 5 },
        new("new-segment-has-no-durable-name", 10, WalSegments,
            "_files.SyncDirectory(_directory);\n_next = new", "_next = new") { Scenario = "recovery" },
        new("torn-batch-is-read-as-data", 8, WalReader,
            "if (body.Length < header.BodyBytes || Crc32C.Compute(body) != header.BodyCrc)", "if (body.Length < header.BodyBytes)") { Scenario = "recovery", From = 14 },
        new("log-carries-nothing-over", 0, Wal, "if (!found.Carried.IsEmpty)", "if (found.Carried.Bytes < 0)") { Scenario = "recovery" },
        new("failed-sync-is-swallowed", 21, Wal,
            "SyncFiles();\n}\ncatch\n{\n_failed = true;\nthrow;", "SyncFiles();\n}\ncatch (DiskException)\n{\n_synced = _end;") { Scenario = "refusals", From = 8 },
        new("failed-sync-is-tried-again", 21, Wal,
            "SyncFiles();\n}\ncatch\n{\n_failed = true;\nthrow;", "SyncFiles();\n}\ncatch (DiskException)\n{\nSyncFiles();") { Scenario = "refusals", From = 8 },
        new("readable-is-taken-for-durable", 21, LogRecovery,
            "bool isDurable = header.Position < Synced;", "bool isDurable = true;") { Scenario = "refusals" },
        new("damage-in-the-middle-of-the-log-is-a-torn-tail", 9, LogRecovery,
            "if (Synced > last.EndPosition) { throw Damage(last.Path, last.End, last.Defect); }", "")
        {
            Test = new(
                UnitTests, "Quorate.Tests.Storage.Wal.WalDamageTests.A_flipped_bit_is_told_or_does_no_harm",
                "the runs damage a minority, and what it forgets the others still have"),
        },
    ];

    private static ImmutableArray<PlantedBug> InEngine =>
    [
        new("new-table-is-not-synced", 10, "src/Quorate.Storage/Engine/TableWriter.cs", "_file.Sync();", "") { Scenario = "recovery" },
        new("new-table-has-no-durable-name", 10, EngineJobs, "if (Begun > 0) { context.Files.SyncDirectory(context.Directory); }", "") { Scenario = "recovery" },
        new("manifest-edit-is-not-synced", 10, Manifest, "_file!.Write(_end, _buffer.Written);\n_file.Sync();", "_file!.Write(_end, _buffer.Written);") { Scenario = "recovery" },
        new("manifest-renamed-before-sync", 10, Manifest, "file.Sync();\nfiles.Rename(path, FinalPath);", "files.Rename(path, FinalPath);") { Scenario = "recovery" },
        new("manifest-renamed-without-directory-sync", 10, Manifest,
            "files.Rename(path, FinalPath);\nfiles.SyncDirectory(directory);", "files.Rename(path, FinalPath);") { Scenario = "recovery", From = 2 },
        new("compaction-keeps-the-older-version", 0, "src/Quorate.Storage/Engine/Compaction.cs",
            "foreach (TableFile table in _inputs[0])", "foreach (TableFile table in _inputs[0].Reverse())") { Scenario = "recovery", From = 2 },
    ];
}
