using Quorate.Core;

namespace Quorate.Storage.Wal;

// How segments come, go and are freed of laggards.
public sealed partial class WriteAheadLog
{
    private const int MaxBatchBytes = 1024 * 1024 * 1024;
    private const string UnfinishedName = "next.tmp";

    private int _firstInChain; // Of _chain: the first segment that is still needed.
    private WalSegment? _next; // Has its full length and a durable name; holds no batch of its own.
    private bool _copying;

    /// <summary>
    /// Does ahead what a later <see cref="Write"/> would have to do itself: makes the next segment ready, deletes segments
    /// beyond the spare ones, copies the entries of laggards out of the oldest segment. For the sync thread when it is idle.
    /// </summary>
    /// <exception cref="DiskException">
    /// With <see cref="DiskFault.Full"/> there is no room for another segment: the log is whole and may be used on, but a
    /// later <see cref="Write"/> will fail for good unless this succeeds before. All other faults are final.
    /// </exception>
    public void PrepareNext()
    {
        FailIfUnusable();
        try
        {
            if (_next is null) { PrepareSegment(_options.SegmentBytes); }
        }
        catch (DiskException e) when (e.Fault == DiskFault.Full)
        {
            throw;
        }
        catch
        {
            _failed = true;
            throw;
        }

        try
        {
            TrimSpares();
            if (_chain.Count - 1 >= _options.MaxSegmentsBehind) { CopyOldest(); }
        }
        catch
        {
            _failed = true;
            throw;
        }
    }

    // Room for the closing batch is kept in every segment, so that a clean stop never needs a new one.
    private static long RoomIn(WalSegment segment) => segment.Length - segment.End - BatchHeader.Padded(0);

    private bool RotateFor(WalBatch batch)
    {
        long bytes = BatchHeader.Padded(batch.Bytes);
        if (bytes <= RoomIn(Current)) { return false; }
        _own.Clear();
        _state.AddCheckpointTo(_own);
        OpenNext(bytes);
        Append(_own, BatchFlags.Checkpoint);
        return true;
    }

    // Makes the next segment current. It has room for the checkpoint in _own and this many bytes behind it.
    private void OpenNext(long bytes)
    {
        long least = BatchHeader.Padded(_own.Bytes) + bytes + BatchHeader.Padded(0);
        long length = Math.Max(_options.SegmentBytes, (least + 4095) / 4096 * 4096);
        Invariant.Holds(length <= int.MaxValue, $"a segment of {length} bytes");
        if (length > _options.SegmentBytes) { Probes.LargeSegment.Hit(); }
        if (_next is not null && _next.Length < length)
        {
            _free.Add(_next);
            _next = null;
        }

        if (_next is null)
        {
            PrepareSegment(length);
            TrimSpares();
        }

        if (_file is not null) { _unsynced.Add(_file); }
        _file = null;
        _file = _files.Open(_next!.Path, OpenMode.ReadWrite);
        _chain.Add(_next);
        _next = null;
    }

    // A segment's name never appears before all of its bytes are written, so a short one is always damage.
    private void PrepareSegment(long length)
    {
        string path = $"{_directory}/{SegmentReader.NameOf(_highestSequence + 1)}";
        int spare = _free.FindIndex(segment => segment.Length == length);
        if (spare >= 0)
        {
            Probes.SegmentReused.Hit();
            _files.Rename(_free[spare].Path, path);
            _free.RemoveAt(spare);
        }
        else
        {
            string unfinished = $"{_directory}/{UnfinishedName}";
            if (_files.Exists(unfinished)) { _files.Delete(unfinished); }
            try
            {
                using IFile file = _files.Open(unfinished, OpenMode.Create);
                byte[] zeros = new byte[(int)Math.Min(length, 1024 * 1024)];
                for (long offset = 0; offset < length; offset += zeros.Length)
                {
                    file.Write(offset, zeros.AsSpan(0, (int)Math.Min(zeros.Length, length - offset)));
                }

                file.Sync();
            }
            catch (DiskException e) when (e.Fault == DiskFault.Full)
            {
                // Others need the room too. If there was no room for its name, it is not there.
                if (_files.Exists(unfinished)) { _files.Delete(unfinished); }
                throw;
            }

            _files.Rename(unfinished, path);
        }

        _highestSequence++;
        _files.SyncDirectory(_directory);
        _next = new WalSegment(_highestSequence, path, length);
    }

    private void TrimSpares()
    {
        while (_free.Count > _options.SpareSegments || _free.Any(segment => segment.Length != _options.SegmentBytes))
        {
            int odd = _free.FindIndex(segment => segment.Length != _options.SegmentBytes);
            WalSegment victim = _free[Math.Max(0, odd)];
            _files.Delete(victim.Path);
            _free.Remove(victim);
        }
    }

    // Entries that shards still need from the oldest segment go to the newest, so that the oldest can be freed. Not if they
    // fill much of a segment: then copying would fill the log faster than it frees it, and only a flush helps.
    private void CopyOldest()
    {
        while (_chain[_firstInChain].NeededRuns == 0 && _firstInChain < _chain.Count - 1) { _firstInChain++; }
        WalSegment oldest = _chain[_firstInChain];
        if (_copying || oldest == Current || _chain.Count - 1 - _firstInChain < _options.MaxSegmentsBehind) { return; }
        long live = _state.Shards.Sum(shard => shard.Runs.Where(run => run.Segment == oldest).Sum(run => run.Bytes));
        if (live > _options.SegmentBytes / 4) { return; }
        Probes.LaggardCopied.Hit();
        _copying = true;
        CopyLive(oldest);
        _copying = false;
    }

    private void CopyLive(WalSegment oldest)
    {
        using var reader = new SegmentReader(_files, oldest.Path, oldest.Sequence);
        SortedDictionary<(ShardId Shard, LogIndex Index), (long Offset, int Bytes)> live = FindLive(reader, oldest);
        var copies = new WalBatch();
        foreach (((ShardId shard, LogIndex index), (long offset, int bytes)) in live)
        {
            string? defect = WalRecord.Read(reader.Bytes(offset, bytes), out WalRecord record, out ReadOnlySpan<byte> payload);
            if (defect is not null) { throw new CorruptFileException(oldest.Path, offset, defect); }
            Invariant.Holds(record.Shard == shard && record.Index == index, $"{record} where {shard} {index} was");
            copies.Add(record with { Type = WalRecordType.Copy }, payload);
            if (copies.Bytes >= _options.SegmentBytes / 16) { WriteCopies(copies); }
        }

        if (!copies.IsEmpty) { WriteCopies(copies); }
        Invariant.Holds(oldest.NeededRuns == 0, $"{oldest.NeededRuns} runs are left in segment {oldest.Sequence}");
    }

    private void WriteCopies(WalBatch copies)
    {
        RotateFor(copies);
        _state.Apply(copies, Current);
        Append(copies, BatchFlags.None);
        copies.Clear();
    }

    // If an entry was replaced within the segment, its last record there is the live one.
    private SortedDictionary<(ShardId Shard, LogIndex Index), (long Offset, int Bytes)> FindLive(
        SegmentReader reader, WalSegment segment)
    {
        var live = new SortedDictionary<(ShardId Shard, LogIndex Index), (long Offset, int Bytes)>();
        for (uint offset = 0; offset < segment.End;)
        {
            string? defect = reader.ReadBatch(offset, _logId, out BatchHeader header, out ReadOnlySpan<byte> body);
            if (defect is not null) { throw new CorruptFileException(segment.Path, offset, defect); }
            long at = offset + BatchHeader.Bytes;
            while (!body.IsEmpty)
            {
                defect = WalRecord.Read(body, out WalRecord record, out _);
                if (defect is not null) { throw new CorruptFileException(segment.Path, at, defect); }
                if (record.Type is WalRecordType.Entry or WalRecordType.Copy
                    && _state.Shard(record.Shard).RunOf(record.Index.Value)?.Segment == segment)
                {
                    live[(record.Shard, record.Index)] = (at, record.Bytes);
                }

                body = body[record.Bytes..];
                at += record.Bytes;
            }

            offset = (uint)header.End;
        }

        return live;
    }
}
