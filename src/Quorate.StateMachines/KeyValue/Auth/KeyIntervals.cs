namespace Quorate.StateMachines.KeyValue;

/// <summary>A set of keys, as the union of ranges. Does not change.</summary>
internal sealed class KeyIntervals
{
    // In order, and neither overlapping nor touching. An end of null is behind all keys.
    private readonly List<(byte[] Start, byte[]? End)> _intervals = [];

    /// <param name="ranges">Keys and range ends that <see cref="KvPermission.IsValid"/> lets through.</param>
    public KeyIntervals(IEnumerable<KvPermission> ranges)
    {
        foreach (KvPermission range in ranges.OrderBy(static range => range.Key, KeyOrder))
        {
            byte[]? end = range.RangeEnd.IsEmpty ? [.. range.Key.Span, 0]
                : range.RangeEnd.Span is [0] ? null
                : range.RangeEnd.ToArray();
            if (_intervals.Count == 0 || !Reaches(_intervals[^1].End, range.Key.Span))
            {
                _intervals.Add((range.Key.ToArray(), end));
            }
            else if (_intervals[^1].End is { } last && (end is null || last.AsSpan().SequenceCompareTo(end) < 0))
            {
                _intervals[^1] = (_intervals[^1].Start, end);
            }
        }
    }

    private static Comparer<ReadOnlyMemory<byte>> KeyOrder { get; } =
        Comparer<ReadOnlyMemory<byte>>.Create(static (left, right) => left.Span.SequenceCompareTo(right.Span));

    /// <summary>True if all keys of a range are in the set; of one whose end is not behind its start, which holds none, its first key counts (etcd).</summary>
    /// <param name="key">The first key.</param>
    /// <param name="rangeEnd">As <see cref="RangeQuery.RangeEnd"/>.</param>
    public bool Cover(ReadOnlySpan<byte> key, ReadOnlySpan<byte> rangeEnd)
    {
        bool isOpen = rangeEnd is [0];
        int index = LastAtOrBefore(key);
        if (index < 0) { return false; }
        if (_intervals[index].End is not { } end) { return true; }
        return !isOpen && key.SequenceCompareTo(end) < 0 && (rangeEnd.IsEmpty || rangeEnd.SequenceCompareTo(end) <= 0);
    }

    private static bool Reaches(byte[]? end, ReadOnlySpan<byte> key) => end is null || key.SequenceCompareTo(end) <= 0;

    private int LastAtOrBefore(ReadOnlySpan<byte> key)
    {
        int low = 0;
        int high = _intervals.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (key.SequenceCompareTo(_intervals[middle].Start) < 0) { high = middle; }
            else { low = middle + 1; }
        }

        return low - 1;
    }
}
