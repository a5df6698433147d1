namespace Quorate.FrontDoors.Etcd;

/// <summary>The <c>grpc-timeout</c> header: up to eight digits and a unit (gRPC over HTTP/2, "Timeout").</summary>
internal static class GrpcTimeout
{
    /// <summary>Reads the header.</summary>
    /// <returns>Null if it is not a timeout; else at most some 13,000 years, cut to what a timer takes.</returns>
    public static TimeSpan? Parse(ReadOnlySpan<char> text)
    {
        if (text.Length is < 2 or > 9) { return null; }
        long count = 0;
        foreach (char digit in text[..^1])
        {
            if (!char.IsAsciiDigit(digit)) { return null; }
            count = (count * 10) + (digit - '0');
        }

        long ticksPerUnit = text[^1] switch
        {
            'H' => TimeSpan.TicksPerHour,
            'M' => TimeSpan.TicksPerMinute,
            'S' => TimeSpan.TicksPerSecond,
            'm' => TimeSpan.TicksPerMillisecond,
            'u' => TimeSpan.TicksPerMicrosecond,
            'n' => 0,
            _ => -1,
        };
        if (ticksPerUnit < 0) { return null; }
        TimeSpan timeout = ticksPerUnit == 0 ? new TimeSpan(count / 100) : new TimeSpan(count * ticksPerUnit);
        return timeout > Longest ? Longest : timeout;
    }

    // CancellationTokenSource takes no more than this.
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(uint.MaxValue - 1);
}
