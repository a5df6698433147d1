using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Storage.Wal;

/// <summary>Sizes of the write-ahead log.</summary>
public sealed record WalOptions
{
    /// <summary>Bytes of a segment, zero-filled ahead. Default: 64 MiB, as in etcd.</summary>
    public int SegmentBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Freed segments kept for reuse. Default: 2; our own choice.</summary>
    public int SpareSegments { get; init; } = 2;

    /// <summary>A shard that still needs a segment this many segments behind the newest is rewritten. Default: 8; our own choice.</summary>
    public int MaxSegmentsBehind { get; init; } = 8;

    /// <summary>Says what is wrong with these options, in the operator's words. Empty if nothing is.</summary>
    public IEnumerable<string> Problems()
    {
        if (SegmentBytes < 16 * 1024) { yield return $"wal.segmentBytes is {SegmentBytes}; the least is 16384."; }
        if (SegmentBytes % 4096 != 0) { yield return $"wal.segmentBytes is {SegmentBytes}; it must be a multiple of 4096."; }
        if (SpareSegments < 0) { yield return $"wal.spareSegments is {SpareSegments}; the least is 0."; }
        if (MaxSegmentsBehind < 2) { yield return $"wal.maxSegmentsBehind is {MaxSegmentsBehind}; the least is 2."; }
    }
}

/// <summary>What one sync makes durable: records of any number of shards. Built by the loop, written by the sync thread, reused.</summary>
public sealed class WalBatch
{
    /// <summary>True if it holds nothing.</summary>
    public bool IsEmpty => throw new NotSupportedException();

    /// <summary>Bytes of its records.</summary>
    public int Bytes => throw new NotSupportedException();

    /// <summary>An entry. If its index is not beyond the shard's last one, the old suffix from it on is gone.</summary>
    public void AddEntry(ShardId shard, in LogEntry entry) => throw new NotSupportedException();

    /// <summary>A shard's hard state.</summary>
    public void AddHardState(ShardId shard, in HardState state) => throw new NotSupportedException();

    /// <summary>The shard needs no entry up to here any more: its engine has them durably.</summary>
    public void AddRelease(ShardId shard, LogPosition upTo) => throw new NotSupportedException();

    /// <summary>A snapshot replaced the shard's state: all entries before this are gone, the log goes on after the position.</summary>
    public void AddReset(ShardId shard, LogPosition snapshot) => throw new NotSupportedException();

    /// <summary>The replica was removed; its id must never come back here. Entries are gone, the tombstone stays.</summary>
    public void AddTombstone(ShardId shard, ReplicaId replica) => throw new NotSupportedException();

    /// <summary>Empties it for reuse.</summary>
    public void Clear() => throw new NotSupportedException();
}

/// <summary>What the log holds of a shard.</summary>
/// <param name="Shard">The shard.</param>
/// <param name="HardState">Last durable hard state.</param>
/// <param name="Released">Position up to which entries may be missing.</param>
/// <param name="Entries">All entries after <paramref name="Released"/>, without gaps.</param>
/// <param name="Tombstones">Replicas of this shard that were removed from this node.</param>
public sealed record RecoveredShard(
    ShardId Shard, HardState HardState, LogPosition Released, ImmutableArray<LogEntry> Entries,
    ImmutableArray<ReplicaId> Tombstones);

/// <summary>What was found when the log was opened.</summary>
/// <param name="Shards">Ordered by id.</param>
/// <param name="TornBytes">Bytes of an unfinished write that were dropped; 0 after a clean stop.</param>
public sealed record WalRecovery(ImmutableArray<RecoveredShard> Shards, long TornBytes);

/// <summary>
/// The node's one log: hard states and entries of all shards. After <see cref="Sync"/> returns, everything written before it
/// survives a power cut. Used by one thread at a time (the sync thread).
/// </summary>
public sealed class WriteAheadLog : IDisposable
{
    /// <summary>Opens or creates the log and reads what it holds.</summary>
    /// <exception cref="CorruptFileException">A record that was synced does not read back as written. Nothing was changed.</exception>
    /// <exception cref="DiskException">The disk refused.</exception>
    public static WriteAheadLog Open(IFileSystem files, string directory, WalOptions options, out WalRecovery recovery) =>
        throw new NotSupportedException();

    /// <summary>Writes a batch behind the last one; not durable yet. Frees or recycles segments that the batch's releases made useless.</summary>
    /// <exception cref="DiskException">The log may not be used any more.</exception>
    public void Write(WalBatch batch) => throw new NotSupportedException();

    /// <summary>Makes all written batches durable.</summary>
    /// <exception cref="DiskException">What was not durable may be lost for good. The log may not be used any more.</exception>
    public void Sync() => throw new NotSupportedException();

    /// <summary>Bytes on disk, spare segments included.</summary>
    public long DiskBytes => throw new NotSupportedException();

    /// <summary>Closes the files; a clean stop writes a last batch that marks all before it as synced.</summary>
    public void Dispose() => throw new NotSupportedException();
}
