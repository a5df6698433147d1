using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Storage.Wal;

/// <summary>Something found in a log's directory; made for printing as text or JSON.</summary>
public abstract record WalItem;

/// <summary>A segment's file.</summary>
/// <param name="File">Its path.</param>
/// <param name="Sequence">Its number.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Role">"log"; "free" if the log needs nothing of it (a spare, or prepared, or never synced); "unknown" in a damaged log.</param>
public sealed record WalSegmentItem(string File, ulong Sequence, long Bytes, string Role) : WalItem;

/// <summary>A batch whose header is as it was written.</summary>
/// <param name="File">The segment's path.</param>
/// <param name="Offset">Where the batch begins.</param>
/// <param name="Bytes">Its bytes with header and padding.</param>
/// <param name="Kind">"records", "checkpoint" or "clean stop".</param>
/// <param name="Synced">How far the log was synced when the batch was written.</param>
/// <param name="FirstLive">The earliest segment the log needed with this batch.</param>
/// <param name="IsWhole">True if its records are as they were written.</param>
/// <param name="IsReachable">False if it lies beyond a place where the segment's batches end: it is not part of the log.</param>
/// <param name="Records">Its records, those of a damaged batch as far as they can be told apart.</param>
public sealed record WalBatchItem(
    string File, long Offset, long Bytes, string Kind, WalPosition Synced, ulong FirstLive, bool IsWhole, bool IsReachable,
    ImmutableArray<WalRecordItem> Records) : WalItem;

/// <summary>A record.</summary>
/// <param name="Offset">Where in the file it begins.</param>
/// <param name="Bytes">Its bytes.</param>
/// <param name="Type">What it says; null if it is damaged.</param>
/// <param name="Shard">Of which shard.</param>
/// <param name="Index">Index of the entry or position; the commit index of a hard state.</param>
/// <param name="Term">Term of the entry, position or hard state.</param>
/// <param name="Extra">The entry's kind, the hard state's vote or the tombstone's replica.</param>
/// <param name="PayloadBytes">Bytes of the entry's payload.</param>
/// <param name="Defect">What is wrong with it; null if nothing is.</param>
public sealed record WalRecordItem(
    long Offset, int Bytes, WalRecordType? Type, ulong Shard, ulong Index, ulong Term, ulong Extra, int PayloadBytes,
    string? Defect) : WalItem;

/// <summary>The last item: what opening this log would say.</summary>
/// <param name="Defect">Why it would be refused; null if it would open.</param>
/// <param name="TornBytes">See <see cref="WalRecovery.TornBytes"/>.</param>
/// <param name="Shards">Shards in it.</param>
/// <param name="Entries">Entries in it that are still needed.</param>
public sealed record WalVerdictItem(string? Defect, long TornBytes, int Shards, long Entries) : WalItem;

/// <summary>Reads a log's directory for people: every segment, batch and record, damaged or not. Changes nothing.</summary>
public static class WalInspector
{
    /// <summary>Walks the log, segment by segment. Damage is reported, never thrown. Not while the log is open.</summary>
    /// <exception cref="DiskException">The disk refused; <see cref="DiskFault.NotFound"/> if there is no such directory.</exception>
    public static IEnumerable<WalItem> Inspect(IFileSystem files, string directory)
    {
        LogRecovery? log = null;
        string? defect = null;
        try
        {
            log = LogRecovery.Read(files, directory);
        }
        catch (CorruptFileException e)
        {
            defect = e.Message;
        }

        foreach (string name in files.List(directory))
        {
            if (!SegmentReader.TryParseName(name, out ulong sequence)) { continue; }
            using var reader = new SegmentReader(files, $"{directory}/{name}", sequence);
            uint? end = log?.EndOf(sequence);
            string role = log is null ? "unknown" : end is null ? "free" : "log";
            yield return new WalSegmentItem(reader.Path, sequence, reader.Length, role);
            foreach (WalBatchItem batch in Batches(reader, end)) { yield return batch; }
        }

        WalRecovery found = log?.Found ?? new WalRecovery([], 0);
        yield return new WalVerdictItem(
            defect, found.TornBytes, found.Shards.Length, found.Shards.Sum(shard => (long)shard.Entries.Length));
    }

    private static IEnumerable<WalBatchItem> Batches(SegmentReader reader, long? end)
    {
        bool reachable = true;
        for (long offset = 0; offset + BatchHeader.Bytes <= reader.Length;)
        {
            bool whole = reader.ReadBatch(offset, null, out BatchHeader header, out _) is null;
            reachable &= whole && (end is null || offset < end);
            if (whole || reader.TryReadHeader(offset, null, out header))
            {
                yield return Batch(reader, header, whole, reachable);
            }

            offset = whole ? header.End : offset + BatchHeader.SectorBytes;
        }
    }

    private static WalBatchItem Batch(SegmentReader reader, in BatchHeader header, bool whole, bool reachable)
    {
        string kind = header.Flags.HasFlag(BatchFlags.Checkpoint) ? "checkpoint"
            : header.Flags.HasFlag(BatchFlags.CleanStop) ? "clean stop" : "records";
        return new WalBatchItem(
            reader.Path, header.Position.Offset, BatchHeader.Padded(header.BodyBytes), kind, header.Synced, header.FirstLive,
            whole, reachable, Records(reader, header));
    }

    private static ImmutableArray<WalRecordItem> Records(SegmentReader reader, in BatchHeader header)
    {
        ImmutableArray<WalRecordItem>.Builder records = ImmutableArray.CreateBuilder<WalRecordItem>();
        long offset = header.Position.Offset + BatchHeader.Bytes;
        ReadOnlySpan<byte> rest = reader.Bytes(offset, (int)Math.Min(header.BodyBytes, int.MaxValue));
        while (!rest.IsEmpty)
        {
            string? defect = WalRecord.Read(rest, out WalRecord record, out ReadOnlySpan<byte> payload);
            int bytes = defect is null ? record.Bytes : Math.Min(rest.Length, WalRecord.ClaimedBytes(rest));
            records.Add(new WalRecordItem(
                offset, bytes, defect is null ? record.Type : null, record.Shard.Value, record.Index.Value, record.Term.Value,
                record.Extra, payload.Length, defect));
            offset += bytes;
            rest = rest[bytes..];
        }

        return records.ToImmutable();
    }
}
