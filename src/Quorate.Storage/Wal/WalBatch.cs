using Quorate.Core;

namespace Quorate.Storage.Wal;

/// <summary>What one sync makes durable: records of any number of shards. Built by the loop, written by the sync thread, reused.</summary>
/// <remarks>All of its records take effect or, if the power goes out before the sync, none. Bytes are copied when they are added.</remarks>
public sealed class WalBatch
{
    // A batch that was once this large gives its buffer back when it is emptied. Our own choice.
    private const int KeepBytes = 8 * 1024 * 1024;

    private ByteWriter _bytes = new(4096);
    private WalRecord[] _records = new WalRecord[16];
    private int _count;

    /// <summary>An empty batch.</summary>
    public WalBatch() => Clear();

    /// <summary>True if it holds nothing.</summary>
    public bool IsEmpty => _count == 0;

    /// <summary>Bytes of its records.</summary>
    public int Bytes => _bytes.Length - BatchHeader.Bytes;

    internal ReadOnlySpan<WalRecord> Records => _records.AsSpan(0, _count);

    /// <summary>An entry. If its index is not beyond the shard's last one, the old suffix from it on is gone.</summary>
    public void AddEntry(ShardId shard, in LogEntry entry) =>
        Add(new(WalRecordType.Entry, shard, entry.Index, entry.Term, (ulong)entry.Kind, 0), entry.Payload.Span);

    /// <summary>A shard's hard state.</summary>
    public void AddHardState(ShardId shard, in HardState state) =>
        Add(new(WalRecordType.HardState, shard, state.Commit, state.Term, state.Vote.Value, 0));

    /// <summary>The shard needs no entry up to here any more: its engine has them durably.</summary>
    public void AddRelease(ShardId shard, LogPosition upTo) =>
        Add(new(WalRecordType.Release, shard, upTo.Index, upTo.Term, 0, 0));

    /// <summary>A snapshot replaced the shard's state: all entries before this are gone, the log goes on after the position.</summary>
    public void AddReset(ShardId shard, LogPosition snapshot) =>
        Add(new(WalRecordType.Reset, shard, snapshot.Index, snapshot.Term, 0, 0));

    /// <summary>
    /// The replica was removed; its id must never come back here. The shard's entries, hard state and release position are
    /// gone, the tombstone stays.
    /// </summary>
    public void AddTombstone(ShardId shard, ReplicaId replica) =>
        Add(new(WalRecordType.Tombstone, shard, LogIndex.Zero, Term.Zero, replica.Value, 0));

    /// <summary>
    /// The shard was deleted: its entries, hard state, release position and tombstones are gone. Whoever adds this has it durably
    /// elsewhere that the shard must not be created again.
    /// </summary>
    public void AddForget(ShardId shard) => Add(new(WalRecordType.Forget, shard, LogIndex.Zero, Term.Zero, 0, 0));

    /// <summary>Empties it for reuse.</summary>
    public void Clear()
    {
        if (_bytes.Length > KeepBytes) { _bytes = new ByteWriter(4096); }
        _bytes.Clear();
        _bytes.Reserve(BatchHeader.Bytes);
        _count = 0;
    }

    internal void Add(in WalRecord record, ReadOnlySpan<byte> payload = default)
    {
        if (_count == _records.Length) { Array.Resize(ref _records, 2 * _count); }
        _records[_count++] = record.WriteTo(_bytes, payload);
    }

    /// <summary>All records of another batch, as they are.</summary>
    internal void AddAll(WalBatch other)
    {
        _bytes.Raw(other._bytes.Written[BatchHeader.Bytes..]);
        if (_records.Length < _count + other._count) { Array.Resize(ref _records, 2 * (_count + other._count)); }
        other.Records.CopyTo(_records.AsSpan(_count));
        _count += other._count;
    }

    internal uint BodyCrc() => Crc32C.Compute(_bytes.Written[BatchHeader.Bytes..]);

    /// <summary>Header, records and padding, as they go to disk in one write.</summary>
    internal ReadOnlySpan<byte> Seal(in BatchHeader header)
    {
        header.WriteTo(_bytes.Patch(0, BatchHeader.Bytes));
        int length = _bytes.Length;
        _bytes.Reserve((int)BatchHeader.Padded(Bytes) - length).Clear();
        ReadOnlySpan<byte> sealedBytes = _bytes.Written;
        _bytes.Truncate(length);
        return sealedBytes;
    }
}
