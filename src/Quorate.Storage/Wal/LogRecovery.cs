using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Storage.Wal;

/// <summary>Reads a log's directory without changing it: which segments are the log, where it ends, what it holds.</summary>
/// <remarks>
/// The segments are linked backwards: the first batch of each says where the segment before it ended. Where the links or the
/// batches break, either a crash cut short what was never synced, or synced bytes are damaged; the headers that lie beyond
/// tell which, since each says how far the log was synced when it was written (DESIGN.md, "Torn or damaged").
/// </remarks>
internal sealed class LogRecovery
{
    private readonly IFileSystem _files;
    private readonly string _directory;
    private readonly List<SegmentScan> _scans = [];
    private readonly SortedDictionary<ShardId, ReplayedEntries> _entries = [];
    private readonly WalState _whole = new(); // The state at the end.
    private List<(SegmentScan Scan, uint End)> _links = []; // All of the log, oldest segment first.
    private WalPosition _end;

    private LogRecovery(IFileSystem files, string directory) => (_files, _directory) = (files, directory);

    /// <summary>Segments of the log as far as it is known to be durable, oldest first; empty if there are none.</summary>
    public List<WalSegment> Chain { get; } = [];

    /// <summary>Files without any batch of their own: may be reused at once.</summary>
    public List<WalSegment> Blank { get; } = [];

    /// <summary>Files that hold nothing the log needs once <see cref="Carried"/> is durable elsewhere.</summary>
    public List<WalSegment> Free { get; } = [];

    /// <summary>The state at <see cref="Synced"/>.</summary>
    public WalState State { get; } = new();

    /// <summary>
    /// What the log holds beyond <see cref="Synced"/>. It reads well, but may be in the system's cache only: after a failed
    /// sync a page stays readable and no later sync writes it (Rebello et al., ATC 2020). So it must be written again,
    /// elsewhere, since overwriting it could tear what was durable after all.
    /// </summary>
    public WalBatch Carried { get; } = new();

    /// <summary>Everything before this is known to be durable.</summary>
    public WalPosition Synced { get; private set; }

    public ulong? LogId { get; private set; }

    public ulong HighestSequence { get; private set; }

    public WalRecovery Found { get; private set; } = new([], 0);

    /// <exception cref="CorruptFileException">Synced bytes are damaged or missing.</exception>
    public static LogRecovery Read(IFileSystem files, string directory)
    {
        var recovery = new LogRecovery(files, directory);
        recovery.Scan();
        recovery._links = recovery.FindChain();
        foreach ((SegmentScan scan, uint end) in recovery._links) { recovery.Replay(scan, end); }
        foreach (SegmentScan scan in recovery._scans)
        {
            if (recovery.Chain.Exists(segment => segment.Sequence == scan.Sequence)) { continue; }
            List<WalSegment> rest = scan.First is null && scan.TornEnd == 0 ? recovery.Blank : recovery.Free;
            rest.Add(new WalSegment(scan.Sequence, scan.Path, scan.Length));
        }

        recovery.Finish();
        return recovery;
    }

    /// <summary>Where the log's part of a segment ends; null if the segment is not part of the log.</summary>
    public uint? EndOf(ulong sequence)
    {
        int at = _links.FindIndex(link => link.Scan.Sequence == sequence);
        return at < 0 ? null : _links[at].End;
    }

    private void Scan()
    {
        var segments = new List<(ulong Sequence, string Path)>();
        foreach (string name in _files.List(_directory))
        {
            if (SegmentReader.TryParseName(name, out ulong sequence)) { segments.Add((sequence, $"{_directory}/{name}")); }
        }

        segments.Sort();
        foreach ((ulong sequence, string path) in segments)
        {
            HighestSequence = sequence;
            using var reader = new SegmentReader(_files, path, sequence);
            CheckLength(reader, path);
            CheckVersion(reader, path);
            if (reader.ReadBatch(0, null, out BatchHeader first, out _) is not null) { continue; }
            LogId ??= first.LogId;
            if (first.LogId != LogId) { throw new CorruptFileException(path, 8, "it belongs to another log"); }
            if (reader.Length < first.SegmentBytes)
            {
                throw new CorruptFileException(path, reader.Length, $"the file is shorter than its {first.SegmentBytes} bytes");
            }
        }

        foreach ((ulong sequence, string path) in segments)
        {
            using var reader = new SegmentReader(_files, path, sequence);
            SegmentScan scan = SegmentScan.Run(reader, sequence, path, LogId);
            _scans.Add(scan);
            Synced = WalPosition.Max(Synced, scan.Evidence);
        }
    }

    // A segment gets its name only once it has its full length, so no crash leaves a shorter one.
    private static void CheckLength(SegmentReader reader, string path)
    {
        if (reader.Length < 4096 || reader.Length % 4096 != 0)
        {
            throw new CorruptFileException(path, reader.Length, "the file is cut short");
        }

        if (reader.Length > int.MaxValue) { throw new CorruptFileException(path, int.MaxValue, "the file is too long"); }
    }

    private static void CheckVersion(SegmentReader reader, string path)
    {
        if (reader.TryReadHeader(0, null, out BatchHeader header) && header.Version != BatchHeader.CurrentVersion)
        {
            throw new CorruptFileException(
                path, 4, $"format version {header.Version}; this program reads {BatchHeader.CurrentVersion}");
        }
    }

    // The newest segment whose links reach back without a break is the log's last one.
    private List<(SegmentScan Scan, uint End)> FindChain()
    {
        for (int i = _scans.Count - 1; i >= 0; i--)
        {
            if (_scans[i].First is null) { continue; }
            List<(SegmentScan Scan, uint End)> chain = [(_scans[i], _scans[i].End)];
            if (!FollowLinks(chain)) { continue; }
            SegmentScan last = _scans[i];
            if (Synced > last.EndPosition) { throw Damage(last.Path, last.End, last.Defect); }
            _end = last.EndPosition;
            chain.Reverse();
            return chain;
        }

        if (Synced > WalPosition.Zero) { throw Damage(_scans[0].Path, 0, "no segment begins with a whole batch"); }
        return [];
    }

    // False if the newest segments were not synced and what they link to did not survive: they never happened.
    private bool FollowLinks(List<(SegmentScan Scan, uint End)> chain)
    {
        ulong firstLive = chain[0].Scan.Last.FirstLive;
        WalPosition link = chain[0].Scan.First!.Value.Previous;
        while (link.Sequence >= Math.Max(1, firstLive))
        {
            SegmentScan? before = _scans.Find(scan => scan.Sequence == link.Sequence);
            if (before?.First is null || before.End < link.Offset)
            {
                var hole = new WalPosition(link.Sequence, before?.End ?? 0);
                if (Synced <= hole)
                {
                    Probes.SegmentsUndone.Hit();
                    return false;
                }

                string path = before?.Path ?? $"{_directory}/{SegmentReader.NameOf(link.Sequence)}";
                throw Damage(path, hole.Offset, before?.Defect ?? "the file is missing");
            }

            chain.Add((before, link.Offset));
            link = before.First!.Value.Previous;
        }

        return true;
    }

    private CorruptFileException Damage(string path, long offset, string defect) =>
        new(path, offset, $"{defect}, but the log was synced up to {Synced}");

    private void Replay(SegmentScan scan, uint end)
    {
        var segment = new WalSegment(scan.Sequence, scan.Path, scan.Length) { End = end };
        var whole = new WalSegment(scan.Sequence, scan.Path, scan.Length);
        bool isOldest = scan == _links[0].Scan;
        using var reader = new SegmentReader(_files, scan.Path, scan.Sequence);
        uint offset = 0;
        while (offset < end)
        {
            string? defect = reader.ReadBatch(offset, LogId, out BatchHeader header, out ReadOnlySpan<byte> body);
            if (defect is not null) { throw new CorruptFileException(scan.Path, offset, defect); }
            bool isDurable = header.Position < Synced;
            bool isState = header.Flags.HasFlag(BatchFlags.Checkpoint);
            while (!body.IsEmpty)
            {
                defect = WalRecord.Read(body, out WalRecord record, out ReadOnlySpan<byte> payload);
                if (defect is not null) { throw new CorruptFileException(scan.Path, offset, defect); }
                body = body[record.Bytes..];
                if (record.Type == WalRecordType.Carried)
                {
                    isState = false;
                    continue;
                }

                _whole.Shard(record.Shard).Apply(record, whole);
                EntriesOf(record.Shard).Apply(record, payload);

                // A checkpoint repeats what came before it, so only the oldest one says anything.
                if (isDurable || (isState && isOldest)) { State.Shard(record.Shard).Apply(record, segment); }
                else if (!isState) { Carried.Add(record, payload); }
            }

            isOldest = false;
            offset = (uint)header.End;
        }

        if (offset != end)
        {
            throw new CorruptFileException(scan.Path, offset, $"the next segment says that this one ended at {end}");
        }

        if (segment.Sequence > Synced.Sequence) { return; }
        if (segment.Sequence == Synced.Sequence) { segment.End = Synced.Offset; }
        Chain.Add(segment);
    }

    private ReplayedEntries EntriesOf(ShardId shard)
    {
        if (!_entries.TryGetValue(shard, out ReplayedEntries? entries)) { _entries.Add(shard, entries = new ReplayedEntries()); }
        return entries;
    }

    private void Finish()
    {
        ImmutableArray<RecoveredShard>.Builder shards = ImmutableArray.CreateBuilder<RecoveredShard>();
        foreach (WalShard shard in _whole.Shards)
        {
            if (!shard.IsKnown) { continue; }
            ImmutableArray<LogEntry> entries = EntriesOf(shard.Id).After(shard.Released.Index, shard.LastIndex, out ulong missing);
            if (missing != 0)
            {
                throw new CorruptFileException(_directory, 0, $"{shard.Id} lacks entry {missing} of {shard.LastIndex}");
            }

            shards.Add(new RecoveredShard(shard.Id, shard.HardState, shard.Released, entries, [.. shard.Tombstones]));
        }

        long torn = 0;
        foreach (SegmentScan scan in _scans)
        {
            if (scan.Sequence > _end.Sequence) { torn += scan.TornEnd; }
            else if (scan.Sequence == _end.Sequence) { torn += scan.TornEnd - scan.End; }
        }

        if (torn > 0) { Probes.TornTail.Hit(); }
        Found = new WalRecovery(shards.ToImmutable(), torn);
    }
}

/// <summary>The entries of a shard while the log is replayed.</summary>
internal sealed class ReplayedEntries
{
    private readonly List<LogEntry> _written = [];
    private readonly SortedList<ulong, LogEntry> _copies = [];

    public void Apply(in WalRecord record, ReadOnlySpan<byte> payload)
    {
        switch (record.Type)
        {
            case WalRecordType.Entry:
                DropFrom(record.Index);
                _written.Add(Entry(record, payload));
                break;
            case WalRecordType.Copy:
                _copies[record.Index.Value] = Entry(record, payload);
                break;
            case WalRecordType.Release:
                // What was written last is without gaps, so indexes are places in the list.
                ulong released = _written.Count == 0 ? 0 : record.Index.Value + 1 - Math.Min(record.Index.Value + 1, _written[0].Index.Value);
                _written.RemoveRange(0, (int)Math.Min((ulong)_written.Count, released));
                break;
            case WalRecordType.Reset or WalRecordType.Tombstone or WalRecordType.Forget:
                _written.Clear();
                _copies.Clear();
                break;
        }
    }

    /// <summary>The entries after one index up to another.</summary>
    /// <param name="released">Exclusive.</param>
    /// <param name="last">Inclusive.</param>
    /// <param name="missing">An entry between them that is not there; 0 if none is missing.</param>
    public ImmutableArray<LogEntry> After(LogIndex released, ulong last, out ulong missing)
    {
        ImmutableArray<LogEntry>.Builder entries = ImmutableArray.CreateBuilder<LogEntry>();
        int next = _written.FindIndex(entry => entry.Index > released);
        missing = 0;
        for (ulong index = released.Value + 1; index <= last; index++)
        {
            if (next >= 0 && next < _written.Count && _written[next].Index.Value == index) { entries.Add(_written[next++]); }
            else if (_copies.TryGetValue(index, out LogEntry copy)) { entries.Add(copy); }
            else
            {
                missing = index;
                return [];
            }
        }

        return entries.ToImmutable();
    }

    private static LogEntry Entry(in WalRecord record, ReadOnlySpan<byte> payload) => new(
        record.Index, record.Term, (EntryKind)record.Extra, payload.IsEmpty ? default : payload.ToArray());

    private void DropFrom(LogIndex index)
    {
        int keep = _written.Count;
        while (keep > 0 && _written[keep - 1].Index >= index) { keep--; }
        _written.RemoveRange(keep, _written.Count - keep);
        while (_copies.Count > 0 && _copies.GetKeyAtIndex(_copies.Count - 1) >= index.Value) { _copies.RemoveAt(_copies.Count - 1); }
    }
}
