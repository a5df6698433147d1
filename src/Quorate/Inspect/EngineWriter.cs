using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Quorate.Cli;
using Quorate.Core;
using Quorate.Storage.Engine;

namespace Quorate.Inspect;

/// <summary>Reports on tables and manifests as text or JSON.</summary>
internal static class EngineWriter
{
    /// <summary>A table: properties, blocks and damage.</summary>
    public static ExitCode Table(TextWriter output, TableReport report, bool isJson)
    {
        if (isJson)
        {
            output.WriteLine(new JsonObject
            {
                ["type"] = "table",
                ["file"] = report.Path,
                ["bytes"] = report.Length,
                ["number"] = report.Number,
                ["records"] = report.Records,
                ["tombstones"] = report.Tombstones,
                ["keyBytes"] = report.KeyBytes,
                ["valueBytes"] = report.ValueBytes,
                ["smallest"] = Hex(report.Smallest),
                ["largest"] = Hex(report.Largest),
                ["blocks"] = new JsonArray([.. report.Blocks.Select(b => new JsonObject
                {
                    ["offset"] = b.Offset,
                    ["bytes"] = b.Length,
                    ["unpackedBytes"] = b.UnpackedLength,
                    ["kind"] = b.Kind,
                    ["records"] = b.Records,
                })]),
                ["damage"] = Json(report.Damage),
            }.ToJsonString());
            return CodeOf(report.Damage);
        }

        output.WriteLine(
            $"table {report.Path}  {report.Length} bytes  {report.Records} records, {report.Tombstones} of them deletions  "
            + $"keys {report.KeyBytes} bytes  values {report.ValueBytes} bytes");
        output.WriteLine($"  data  {Ratio(report)}");
        output.WriteLine($"  from {Printable(report.Smallest.Span)}");
        output.WriteLine($"  to   {Printable(report.Largest.Span)}");
        foreach (InspectedBlock block in report.Blocks)
        {
            string unpacked = block.UnpackedLength == block.Length ? "" : $", {block.UnpackedLength} unpacked";
            output.WriteLine($"  {block.Kind} block at {block.Offset}  {block.Length} bytes{unpacked}  {block.Records} records");
        }

        WriteDamage(output, report.Damage);
        return CodeOf(report.Damage);
    }

    /// <summary>A record of a table.</summary>
    public static void Record(TextWriter output, InspectedRecord record, bool isJson)
    {
        if (isJson)
        {
            output.WriteLine(new JsonObject
            {
                ["type"] = "record",
                ["key"] = Hex(record.Key),
                ["value"] = record.Value is { } value ? Hex(value) : null,
            }.ToJsonString());
            return;
        }

        output.WriteLine(record.Value is { } bytes
            ? $"    {Printable(record.Key.Span)} = {bytes.Length} bytes"
            : $"    {Printable(record.Key.Span)} deleted");
    }

    /// <summary>A manifest: edits, the files they lead to, and damage.</summary>
    public static ExitCode Manifest(TextWriter output, ManifestReport report, bool isJson)
    {
        if (isJson)
        {
            output.WriteLine(new JsonObject
            {
                ["type"] = "manifest",
                ["file"] = report.Path,
                ["bytes"] = report.Length,
                ["generation"] = report.Generation,
                ["position"] = Json(report.Position),
                ["nextFile"] = report.NextFile,
                ["sealed"] = report.IsSealed,
                ["tornBytes"] = report.TornBytes,
                ["edits"] = new JsonArray([.. report.Edits.Select(e => new JsonObject
                {
                    ["offset"] = e.Offset,
                    ["position"] = e.Position is { } position ? Json(position) : null,
                    ["removed"] = new JsonArray([.. e.Removed.Select(n => JsonValue.Create(n))]),
                    ["added"] = new JsonArray([.. e.Added.Select(Json)]),
                })]),
                ["tables"] = new JsonArray([.. report.Tables.Select(Json)]),
                ["damage"] = Json(report.Damage),
            }.ToJsonString());
            return CodeOf(report.Damage);
        }

        output.WriteLine(
            $"manifest {report.Path}  {report.Length} bytes  generation {report.Generation}  holds entries up to "
            + $"index {report.Position.Index} of term {report.Position.Term}  "
            + (report.IsSealed ? "sealed" : $"not sealed, {report.TornBytes} torn bytes at the end"));
        foreach (InspectedEdit edit in report.Edits)
        {
            output.WriteLine(
                $"  edit at {edit.Offset}" + (edit.Position is { } position ? $"  up to index {position.Index}" : "")
                + string.Concat(edit.Added.Select(t => $"  +{t.Name}@{t.Level}")) + string.Concat(edit.Removed.Select(n => $"  -{n}")));
        }

        foreach (InspectedTable table in report.Tables)
        {
            output.WriteLine(
                $"  level {table.Level}  {table.Name}  {table.Length} bytes  {table.Records} records  "
                + $"{Printable(table.Smallest.Span)} to {Printable(table.Largest.Span)}");
        }

        WriteDamage(output, report.Damage);
        return CodeOf(report.Damage);
    }

    private static string Ratio(TableReport report)
    {
        long stored = report.Blocks.Where(b => b.Kind == "data").Sum(b => (long)b.Length);
        long unpacked = report.Blocks.Where(b => b.Kind == "data").Sum(b => (long)b.UnpackedLength);
        return stored == unpacked
            ? $"{stored} bytes, not compressed"
            : string.Create(CultureInfo.InvariantCulture, $"{stored} bytes, compressed {(double)unpacked / stored:0.00} to 1");
    }

    private static void WriteDamage(TextWriter output, IReadOnlyCollection<FileDamage> damage)
    {
        foreach (FileDamage item in damage) { output.WriteLine($"  DAMAGED at {item.Offset}: {item.Defect}"); }
        if (damage.Count == 0) { output.WriteLine("  good: every byte is as it was written"); }
    }

    private static ExitCode CodeOf(IReadOnlyCollection<FileDamage> damage) => damage.Count == 0 ? ExitCode.Ok : ExitCode.Integrity;

    private static JsonArray Json(IEnumerable<FileDamage> damage) =>
        [.. damage.Select(d => new JsonObject { ["offset"] = d.Offset, ["defect"] = d.Defect })];

    private static JsonObject Json(LogPosition position) =>
        new() { ["index"] = position.Index.Value, ["term"] = position.Term.Value };

    private static JsonObject Json(InspectedTable table) => new()
    {
        ["level"] = table.Level,
        ["name"] = table.Name,
        ["bytes"] = table.Length,
        ["records"] = table.Records,
        ["smallest"] = Hex(table.Smallest),
        ["largest"] = Hex(table.Largest),
    };

    private static string Hex(ReadOnlyMemory<byte> bytes) => Convert.ToHexStringLower(bytes.Span);

    // Keys of the key-value machine are text between binary marks: show what can be read.
    private static string Printable(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder("\"");
        foreach (byte b in bytes[..Math.Min(bytes.Length, 64)])
        {
            if (b is >= 0x20 and < 0x7f and not ((byte)'"' or (byte)'\\')) { text.Append((char)b); }
            else { text.Append(CultureInfo.InvariantCulture, $"\\x{b:x2}"); }
        }

        return text.Append(bytes.Length > 64 ? "..\"" : "\"").ToString();
    }
}
