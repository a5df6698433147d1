namespace Quorate.Storage.Wal;

/// <summary>Sizes of the write-ahead log.</summary>
public sealed record WalOptions
{
    /// <summary>Bytes of a segment, zero-filled ahead. Default: 64 MiB, as in etcd. At least 16 KiB.</summary>
    public int SegmentBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Freed segments kept for reuse, the prepared one not counted. Default: 2; our own choice.</summary>
    public int SpareSegments { get; init; } = 2;

    /// <summary>A shard that still needs a segment this many segments behind the newest is rewritten. Default: 8; our own choice.</summary>
    public int MaxSegmentsBehind { get; init; } = 8;

    /// <summary>
    /// Random number that marks every batch of a log; used only when the log is created, read from disk ever after. It
    /// keeps a client's value from passing for a batch, and another node's segment from passing for ours. Default: 0,
    /// which is fit for tests.
    /// </summary>
    public ulong LogId { get; init; }

    /// <summary>Says what is wrong with these options, in the operator's words. Empty if nothing is.</summary>
    public IEnumerable<string> Problems()
    {
        if (SegmentBytes < 16 * 1024) { yield return $"wal.segmentBytes is {SegmentBytes}; the least is 16384."; }
        if (SegmentBytes > 1024 * 1024 * 1024) { yield return $"wal.segmentBytes is {SegmentBytes}; the most is 1073741824."; }
        if (SegmentBytes % 4096 != 0) { yield return $"wal.segmentBytes is {SegmentBytes}; it must be a multiple of 4096."; }
        if (SpareSegments < 0) { yield return $"wal.spareSegments is {SpareSegments}; the least is 0."; }
        if (MaxSegmentsBehind < 2) { yield return $"wal.maxSegmentsBehind is {MaxSegmentsBehind}; the least is 2."; }
    }
}
