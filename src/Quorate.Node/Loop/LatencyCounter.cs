namespace Quorate.Node.Loop;

/// <summary>How long something took, over the life of the node; a copy.</summary>
/// <param name="Count">How often it happened.</param>
/// <param name="Bytes">Bytes handled in all.</param>
/// <param name="Total">Time spent in all.</param>
/// <param name="Last">The last one.</param>
/// <param name="Longest">The longest one.</param>
/// <param name="Buckets">Counts by duration: bucket i holds those under 2^(i+4) microseconds that are in no lower one; the last, the rest.</param>
public sealed record LatencySummary(
    long Count, long Bytes, TimeSpan Total, TimeSpan Last, TimeSpan Longest, IReadOnlyList<long> Buckets);

// Written by one thread, read by any. Readers may see a sum and a count of two different moments; that is good enough here.
internal sealed class LatencyCounter
{
    private const int LeastBits = 4;
    private readonly long[] _buckets = new long[20]; // 16 us, 32 us ... 8.4 s, and beyond.
    private long _count;
    private long _bytes;
    private long _totalTicks;
    private long _lastTicks;
    private long _longestTicks;

    public void Add(TimeSpan elapsed, long bytes)
    {
        ulong microseconds = (ulong)Math.Max(0, elapsed.Ticks / TimeSpan.TicksPerMicrosecond);
        int bucket = Math.Clamp(64 - System.Numerics.BitOperations.LeadingZeroCount(microseconds) - LeastBits, 0, _buckets.Length - 1);
        Volatile.Write(ref _buckets[bucket], _buckets[bucket] + 1);
        Volatile.Write(ref _count, _count + 1);
        Volatile.Write(ref _bytes, _bytes + bytes);
        Volatile.Write(ref _totalTicks, _totalTicks + elapsed.Ticks);
        Volatile.Write(ref _lastTicks, elapsed.Ticks);
        if (elapsed.Ticks > _longestTicks) { Volatile.Write(ref _longestTicks, elapsed.Ticks); }
    }

    public LatencySummary Read()
    {
        var buckets = new long[_buckets.Length];
        for (int i = 0; i < buckets.Length; i++) { buckets[i] = Volatile.Read(ref _buckets[i]); }
        return new LatencySummary(
            Volatile.Read(ref _count), Volatile.Read(ref _bytes), new TimeSpan(Volatile.Read(ref _totalTicks)),
            new TimeSpan(Volatile.Read(ref _lastTicks)), new TimeSpan(Volatile.Read(ref _longestTicks)), buckets);
    }
}
