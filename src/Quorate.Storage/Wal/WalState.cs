using Quorate.Core;

namespace Quorate.Storage.Wal;

/// <summary>A segment's file, as far as the log needs to remember it.</summary>
internal sealed class WalSegment(ulong sequence, string path, long length)
{
    public ulong Sequence => sequence;

    public string Path => path;

    /// <summary>Length of the file in bytes.</summary>
    public long Length => length;

    /// <summary>Where the next batch goes, or where the last one ended.</summary>
    public uint End { get; set; }

    /// <summary>Runs of entries that some shard still needs from here.</summary>
    public int NeededRuns { get; set; }
}

/// <summary>Consecutive entries of a shard whose live copies are all in one segment.</summary>
internal sealed class EntryRun(WalSegment segment, ulong first, ulong last, long bytes)
{
    public WalSegment Segment => segment;

    public ulong First { get; private set; } = first;

    public ulong Last { get; private set; } = last;

    /// <summary>Bytes of their records, an estimate once the run was cut.</summary>
    public long Bytes { get; private set; } = bytes;

    public void Append(int recordBytes)
    {
        Last++;
        Bytes += recordBytes;
    }

    public void Cut(ulong first, ulong last)
    {
        Bytes = (long)((UInt128)Bytes * (last - first + 1) / (Last - First + 1));
        First = first;
        Last = last;
    }
}

/// <summary>What the log holds of a shard, without the entries themselves.</summary>
internal sealed class WalShard(ShardId id)
{
    public ShardId Id => id;

    public HardState HardState { get; private set; }

    public LogPosition Released { get; private set; }

    /// <summary>Index of the last entry, or of <see cref="Released"/> if there is none.</summary>
    public ulong LastIndex { get; private set; }

    public SortedSet<ReplicaId> Tombstones { get; } = [];

    /// <summary>Where the live entries are, ordered by index.</summary>
    public List<EntryRun> Runs { get; } = [];

    /// <summary>True if the log must say something of this shard in each new segment.</summary>
    public bool IsKnown => Tombstones.Count > 0 || HardState != default || Released != LogPosition.Zero || Runs.Count > 0;

    public void Apply(in WalRecord record, WalSegment segment)
    {
        switch (record.Type)
        {
            case WalRecordType.Entry: Append(record.Index.Value, record.Bytes, segment); break;
            case WalRecordType.Copy: PlaceCopy(record.Index.Value, record.Bytes, segment); break;
            case WalRecordType.HardState: HardState = record.HardState; break;
            case WalRecordType.Release: Release(record.Position); break;
            case WalRecordType.Reset: Reset(record.Position); break;
            case WalRecordType.Tombstone:
                HardState = default;
                Reset(LogPosition.Zero);
                Tombstones.Add(record.Replica);
                break;
            case WalRecordType.OldTombstone: Tombstones.Add(record.Replica); break;
            case WalRecordType.Forget:
                HardState = default;
                Reset(LogPosition.Zero);
                Tombstones.Clear();
                break;
            default: throw Invariant.Unreachable(record.Type);
        }
    }

    /// <summary>The run that holds an entry, if it is needed.</summary>
    public EntryRun? RunOf(ulong index) => Runs.Find(run => run.First <= index && index <= run.Last);

    private void Append(ulong index, int bytes, WalSegment segment)
    {
        while (Runs.Count > 0 && Runs[^1].Last >= index)
        {
            if (Runs[^1].First >= index) { RemoveRun(Runs.Count - 1); }
            else { Runs[^1].Cut(Runs[^1].First, index - 1); }
        }

        LastIndex = index;
        AddAfter(Runs.Count - 1, index, bytes, segment);
    }

    private void PlaceCopy(ulong index, int bytes, WalSegment segment)
    {
        if (index <= Released.Index.Value) { return; }
        int at = Runs.FindLastIndex(run => run.First <= index);
        if (at >= 0 && Runs[at].Last >= index)
        {
            // Copies are made from the front of a run to its end, so the run they leave never splits.
            EntryRun run = Runs[at];
            if (run.Segment == segment) { return; }
            Invariant.Holds(run.First == index, $"copy of {index} out of a run from {run.First}");
            if (run.Last == index) { RemoveRun(at); }
            else { run.Cut(index + 1, run.Last); }
            at--;
        }

        LastIndex = Math.Max(LastIndex, index);
        AddAfter(at, index, bytes, segment);
    }

    private void AddAfter(int at, ulong index, int bytes, WalSegment segment)
    {
        if (at >= 0 && Runs[at].Segment == segment && Runs[at].Last + 1 == index)
        {
            Runs[at].Append(bytes);
            return;
        }

        Runs.Insert(at + 1, new EntryRun(segment, index, index, bytes));
        segment.NeededRuns++;
    }

    private void Release(LogPosition upTo)
    {
        if (upTo.Index <= Released.Index) { return; }
        Released = upTo;
        LastIndex = Math.Max(LastIndex, upTo.Index.Value);
        while (Runs.Count > 0 && Runs[0].First <= upTo.Index.Value)
        {
            if (Runs[0].Last <= upTo.Index.Value) { RemoveRun(0); }
            else { Runs[0].Cut(upTo.Index.Value + 1, Runs[0].Last); }
        }
    }

    private void Reset(LogPosition position)
    {
        while (Runs.Count > 0) { RemoveRun(Runs.Count - 1); }
        Released = position;
        LastIndex = position.Index.Value;
    }

    private void RemoveRun(int at)
    {
        Runs[at].Segment.NeededRuns--;
        Runs.RemoveAt(at);
    }
}

/// <summary>What the log holds of all shards, without the entries themselves.</summary>
internal sealed class WalState
{
    private readonly Dictionary<ShardId, WalShard> _byId = [];
    private readonly SortedList<ShardId, WalShard> _ordered = [];

    /// <summary>Ordered by id.</summary>
    public IList<WalShard> Shards => _ordered.Values;

    public WalShard Shard(ShardId id)
    {
        if (!_byId.TryGetValue(id, out WalShard? shard))
        {
            shard = new WalShard(id);
            _byId.Add(id, shard);
            _ordered.Add(id, shard);
        }

        return shard;
    }

    /// <summary>Takes over a batch that is about to be written.</summary>
    public void Apply(WalBatch batch, WalSegment segment)
    {
        foreach (ref readonly WalRecord record in batch.Records)
        {
            WalShard shard = Shard(record.Shard);
            if (record.Type == WalRecordType.Entry)
            {
                ulong index = record.Index.Value;
                Invariant.Holds(index > shard.Released.Index.Value, $"{shard.Id}: entry {index} after release of {shard.Released}");
                Invariant.Holds(index <= shard.LastIndex + 1, $"{shard.Id}: entry {index} after {shard.LastIndex}");
            }

            shard.Apply(record, segment);
        }
    }

    /// <summary>Takes over records that were read back. They need not follow each other: copies may come late.</summary>
    public void Replay(WalBatch batch, WalSegment segment)
    {
        foreach (ref readonly WalRecord record in batch.Records) { Shard(record.Shard).Apply(record, segment); }
    }

    /// <summary>Adds to a batch all that makes earlier segments unnecessary, but for the entries.</summary>
    public void AddCheckpointTo(WalBatch batch)
    {
        foreach (WalShard shard in _ordered.Values)
        {
            foreach (ReplicaId replica in shard.Tombstones)
            {
                batch.Add(new(WalRecordType.OldTombstone, shard.Id, LogIndex.Zero, Term.Zero, replica.Value, 0));
            }

            if (shard.HardState != default) { batch.AddHardState(shard.Id, shard.HardState); }
            if (shard.Released != LogPosition.Zero) { batch.AddRelease(shard.Id, shard.Released); }
        }
    }
}
