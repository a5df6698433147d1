using System.Diagnostics;

namespace Quorate.Node.Loop;

/*
 * Turns monotonic time into ticks. After a pause (a stopped process, a starved machine) at most a few ticks are made up
 * for and the rest is skipped: otherwise a node would wake up, see a thousand ticks of silence before the messages that wait
 * in its sockets, and start an election that nobody needs.
 */
internal sealed class TickClock
{
    // A tenth of a second at the default tick: far less than an election timeout.
    public const int DefaultMostAtOnce = 10;

    private readonly long _period;
    private readonly int _mostAtOnce;
    private readonly Func<long> _now;
    private long _next;

    // The clock counts in units of Stopwatch.Frequency.
    public TickClock(int milliseconds, int mostAtOnce = DefaultMostAtOnce, Func<long>? now = null)
    {
        _mostAtOnce = mostAtOnce;
        _now = now ?? Stopwatch.GetTimestamp;
        _period = Stopwatch.Frequency * milliseconds / 1000;
        _next = _now() + _period;
    }

    public long Skipped { get; private set; }

    // Whole milliseconds until the next tick, at least 1 if it is not due.
    public int MillisecondsLeft()
    {
        long left = _next - _now();
        return left <= 0 ? 0 : (int)Math.Max(1, left * 1000 / Stopwatch.Frequency);
    }

    // How many ticks are due now.
    public int TakeDue()
    {
        long late = _now() - _next;
        if (late < 0) { return 0; }
        long due = (late / _period) + 1;
        _next += due * _period;
        if (due <= _mostAtOnce) { return (int)due; }
        Skipped += due - _mostAtOnce;
        return _mostAtOnce;
    }
}
