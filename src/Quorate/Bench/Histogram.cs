using System.Numerics;

namespace Quorate.Bench;

/// <summary>
/// Counts values in buckets whose width grows with the value: exact below 128, within 0.8 % above, whatever the range.
/// 58 KB, no allocation per value. Not for several threads at once: one each, then <see cref="Add"/>.
/// </summary>
internal sealed class Histogram
{
    // 128 buckets per power of two: a bucket is at most 1/128 of its values wide.
    private const int SubBits = 7;
    private const int SubCount = 1 << SubBits;

    private readonly long[] _counts = new long[(64 - SubBits) * SubCount];

    /// <summary>Values recorded.</summary>
    public long Count { get; private set; }

    /// <summary>The largest value, exact; 0 if there is none.</summary>
    public long Max { get; private set; }

    /// <summary>Sum of all values.</summary>
    public double Sum { get; private set; }

    /// <summary>Counts a value; a negative one counts as 0.</summary>
    public void Record(long value)
    {
        if (value < 0) { value = 0; }
        _counts[IndexOf(value)]++;
        Count++;
        Sum += value;
        if (value > Max) { Max = value; }
    }

    /// <summary>A histogram of the values of all of these.</summary>
    public static Histogram Of(IEnumerable<Histogram> all)
    {
        var sum = new Histogram();
        foreach (Histogram one in all) { sum.Add(one); }
        return sum;
    }

    /// <summary>The mean; 0 if there are no values.</summary>
    public double Mean => Count == 0 ? 0 : Sum / Count;

    /// <summary>Adds all values of another histogram.</summary>
    public void Add(Histogram other)
    {
        for (int i = 0; i < _counts.Length; i++) { _counts[i] += other._counts[i]; }
        Count += other.Count;
        Sum += other.Sum;
        Max = Math.Max(Max, other.Max);
    }

    /// <summary>The value that a share of all values does not exceed: the top of its bucket, never above <see cref="Max"/>.</summary>
    /// <param name="share">0 to 1: 0.99 is p99.</param>
    public long Percentile(double share)
    {
        if (Count == 0) { return 0; }
        long rank = Math.Clamp((long)Math.Ceiling(share * Count), 1, Count);
        long seen = 0;
        for (int i = 0; i < _counts.Length; i++)
        {
            seen += _counts[i];
            if (seen >= rank) { return Math.Min(TopOf(i), Max); }
        }

        return Max;
    }

    private static int IndexOf(long value)
    {
        if (value < SubCount) { return (int)value; }
        int shift = 63 - SubBits - BitOperations.LeadingZeroCount((ulong)value);
        return (shift + 1) * SubCount + (int)(value >> shift) - SubCount;
    }

    private static long TopOf(int index)
    {
        if (index < SubCount) { return index; }
        int shift = index / SubCount - 1;
        long mantissa = index % SubCount + SubCount;
        return ((mantissa + 1) << shift) - 1;
    }
}
