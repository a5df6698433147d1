namespace Quorate.Client;

/// <summary>A moment by both clocks: the one that never jumps, and the one that goes on while the machine is suspended.</summary>
/// <param name="Timestamp">Monotonic.</param>
/// <param name="Wall">The wall clock.</param>
internal readonly record struct Moment(long Timestamp, DateTimeOffset Wall)
{
    public static Moment Now(TimeProvider time) => new(time.GetTimestamp(), time.GetUtcNow());

    /// <summary>
    /// Time since then, by the clock that says more. Linux's monotonic clock stands still while a machine is suspended, and the servers' do not;
    /// a wall clock that is set forward only makes a lease look lost too early, which is safe.
    /// </summary>
    public TimeSpan Elapsed(TimeProvider time)
    {
        TimeSpan monotonic = time.GetElapsedTime(Timestamp);
        TimeSpan wall = time.GetUtcNow() - Wall;
        return monotonic > wall ? monotonic : wall;
    }
}

/// <summary>
/// Until when a lease surely lives. A server counts from when it handled a renewal; the client counts from before it sent it, and takes off
/// a margin for clocks that run at different speeds.
/// </summary>
internal static class LeaseMath
{
    // 10 % is far more than clocks differ; half a second is for the time that a callback needs to act.
    private static readonly TimeSpan LeastMargin = TimeSpan.FromMilliseconds(500);

    /// <summary>How long after the sending of a renewal its answer may be relied on. Never more than the TTL.</summary>
    public static TimeSpan SafeLife(TimeSpan ttl)
    {
        TimeSpan margin = ttl / 10 > LeastMargin ? ttl / 10 : LeastMargin;
        return ttl > 2 * margin ? ttl - margin : ttl / 2;
    }

    /// <summary>Between the sendings of two renewals: a lost one leaves time for two more.</summary>
    public static TimeSpan RenewalInterval(TimeSpan ttl) => ttl / 3;
}
