using System.Text.Json.Nodes;
using Quorate.Cli;
using Quorate.Core;
using Quorate.Storage.Wal;

namespace Quorate.Inspect;

/// <summary>A log's items as text, or as one JSON object a line.</summary>
internal sealed class WalWriter
{
    private readonly TextWriter _output;
    private readonly bool _isJson;
    private readonly bool _withRecords;

    /// <summary>Creates the writer.</summary>
    public WalWriter(TextWriter output, bool isJson, bool withRecords)
    {
        _output = output;
        _isJson = isJson;
        _withRecords = withRecords;
    }

    /// <summary>Writes a whole log.</summary>
    /// <returns>Integrity if the log would be refused.</returns>
    public ExitCode Write(IFileSystem files, string directory)
    {
        ExitCode code = ExitCode.Ok;
        foreach (WalItem item in WalInspector.Inspect(files, directory))
        {
            switch (item)
            {
                case WalSegmentItem segment: Write(segment); break;
                case WalBatchItem batch: Write(batch); break;
                case WalVerdictItem verdict:
                    Write(verdict);
                    code = verdict.Defect is null ? ExitCode.Ok : ExitCode.Integrity;
                    break;
                default: throw Invariant.Unreachable(item);
            }
        }

        return code;
    }

    private void Write(WalSegmentItem segment)
    {
        if (!_isJson)
        {
            _output.WriteLine($"segment {segment.File}  {segment.Role}  {segment.Bytes} bytes");
            return;
        }

        Json(new JsonObject
        {
            ["type"] = "segment",
            ["file"] = segment.File,
            ["sequence"] = segment.Sequence,
            ["bytes"] = segment.Bytes,
            ["role"] = segment.Role,
        });
    }

    private void Write(WalBatchItem batch)
    {
        if (!_isJson)
        {
            string state = !batch.IsWhole ? "  DAMAGED" : !batch.IsReachable ? "  beyond the end" : "";
            _output.WriteLine(
                $"  batch at {batch.Offset}  {batch.Bytes} bytes  {batch.Kind}  {batch.Records.Length} records  synced to {batch.Synced}{state}");
            foreach (WalRecordItem record in batch.Records.Where(r => _withRecords || r.Defect is not null))
            {
                _output.WriteLine(
                    record.Defect is { } defect
                        ? $"    at {record.Offset}  {record.Bytes} bytes  DAMAGED: {defect}"
                        : $"    at {record.Offset}  {record.Type}  shard {record.Shard}  index {record.Index}  term {record.Term}"
                            + $"  extra {record.Extra:x}  payload {record.PayloadBytes} bytes");
            }

            return;
        }

        var json = new JsonObject
        {
            ["type"] = "batch",
            ["file"] = batch.File,
            ["offset"] = batch.Offset,
            ["bytes"] = batch.Bytes,
            ["kind"] = batch.Kind,
            ["synced"] = batch.Synced.ToString(),
            ["firstLive"] = batch.FirstLive,
            ["whole"] = batch.IsWhole,
            ["reachable"] = batch.IsReachable,
            ["recordCount"] = batch.Records.Length,
        };
        if (_withRecords || !batch.IsWhole) { json["records"] = new JsonArray([.. batch.Records.Select(JsonOf)]); }
        Json(json);
    }

    private void Write(WalVerdictItem verdict)
    {
        if (!_isJson)
        {
            _output.WriteLine(
                verdict.Defect is { } defect
                    ? $"DAMAGED, would be refused: {defect}"
                    : $"good: {verdict.Shards} shards, {verdict.Entries} entries still needed, {verdict.TornBytes} torn bytes at the end");
            return;
        }

        Json(new JsonObject
        {
            ["type"] = "verdict",
            ["defect"] = verdict.Defect,
            ["tornBytes"] = verdict.TornBytes,
            ["shards"] = verdict.Shards,
            ["entries"] = verdict.Entries,
        });
    }

    private static JsonObject JsonOf(WalRecordItem record) => new()
    {
        ["offset"] = record.Offset,
        ["bytes"] = record.Bytes,
        ["record"] = record.Type?.ToString(),
        ["shard"] = record.Shard,
        ["index"] = record.Index,
        ["term"] = record.Term,
        ["extra"] = record.Extra,
        ["payloadBytes"] = record.PayloadBytes,
        ["defect"] = record.Defect,
    };

    private void Json(JsonObject json) => _output.WriteLine(json.ToJsonString());
}
