namespace Quorate.Simulation;

/// <summary>
/// The clocks of one node. The wall clock may stand anywhere; the rate is that of the whole node, so that its ticks come
/// faster or slower too.
/// </summary>
public sealed class SimClock
{
    private readonly Func<long> _now;
    private long _since;
    private long _micros;
    private int _ratePercent = 100;

    internal SimClock(Func<long> now) => _now = now;

    /// <summary>Milliseconds by which the wall clock is ahead of what its rate alone makes of simulated time.</summary>
    public long OffsetMillis { get; set; }

    /// <summary>Percent of simulated time that it shows. Default: 100. At least 1.</summary>
    public int RatePercent
    {
        get => _ratePercent;
        set
        {
            _micros = Elapsed;
            _since = _now();
            _ratePercent = value;
        }
    }

    /// <summary>The wall clock.</summary>
    public long WallMillis => (Elapsed / 1000) + OffsetMillis;

    /// <summary>Simulated microseconds that this many of its own take.</summary>
    internal long ToSimulated(long micros) => micros * 100 / _ratePercent;

    private long Elapsed => _micros + ((_now() - _since) * _ratePercent / 100);
}
