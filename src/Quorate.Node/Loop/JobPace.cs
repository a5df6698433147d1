using System.Diagnostics;

namespace Quorate.Node.Loop;

/*
 * Bounds what merges write, in bytes a second. A job thread enters its pace before it runs a merge; from then on each write of a
 * file on that thread waits its turn. Flushes and all else on the disk are never held up here.
 */
internal sealed class JobPace : IDisposable
{
    private const int PeriodMilliseconds = 100;

    [ThreadStatic]
    private static JobPace? _current;

    private readonly object _gate = new();
    private readonly PaceTuner _tuner;
    private readonly LatencyCounter _syncs;
    private readonly Func<int> _pressure;
    private readonly long[] _lastSyncs = new long[2]; // Count and ticks at the last look.
    private Timer? _timer;
    private long _rate = PaceTuner.Unlimited;
    private double _due; // When the next write may begin, in seconds of the stopwatch.
    private long _waitedTicks;
    private bool _isStopping;

    public JobPace(TimeSpan target, LatencyCounter syncs, Func<int> pressure)
    {
        _tuner = new(target);
        _syncs = syncs;
        _pressure = pressure;
        IsLimiting = target > TimeSpan.Zero;
    }

    // The pace of the thread's job, if it has one.
    public static JobPace? Current => _current;

    public bool IsLimiting { get; }

    // Bytes a second that merges may write now.
    public long Rate => Volatile.Read(ref _rate);

    // How long merges have waited here, in all.
    public TimeSpan Waited => new(Volatile.Read(ref _waitedTicks));

    public void Start()
    {
        if (IsLimiting) { _timer = new Timer(static self => ((JobPace)self!).Look(), this, PeriodMilliseconds, PeriodMilliseconds); }
    }

    // Runs something at this pace.
    public void Run(Action job)
    {
        _current = this;
        try { job(); }
        finally { _current = null; }
    }

    // Waits until so many bytes may be written.
    public void Take(int bytes)
    {
        lock (_gate)
        {
            double now = Now();
            double begin = Math.Max(now, _due);
            _due = _rate == PaceTuner.Unlimited ? now : begin + ((double)bytes / _rate);
            while (!_isStopping && _rate != PaceTuner.Unlimited && (now = Now()) < begin)
            {
                long before = Stopwatch.GetTimestamp();
                Monitor.Wait(_gate, Math.Clamp((int)((begin - now) * 1000), 1, PeriodMilliseconds));
                _waitedTicks += Stopwatch.GetElapsedTime(before).Ticks;
            }
        }
    }

    // Jobs that are out run to their end as fast as they can.
    public void Dispose()
    {
        _timer?.Dispose();
        lock (_gate)
        {
            _isStopping = true;
            Monitor.PulseAll(_gate);
        }
    }

    private void Look()
    {
        int pressure = _pressure();
        LatencySummary syncs = _syncs.Read();
        lock (_gate)
        {
            long count = syncs.Count - _lastSyncs[0];
            long ticks = syncs.Total.Ticks - _lastSyncs[1];
            (_lastSyncs[0], _lastSyncs[1]) = (syncs.Count, syncs.Total.Ticks);
            _rate = _tuner.Next(new(pressure, count, count > 0 ? new TimeSpan(ticks / count) : TimeSpan.Zero));
            if (_rate == PaceTuner.Unlimited) { _due = 0; }
            Monitor.PulseAll(_gate);
        }
    }

    private static double Now() => (double)Stopwatch.GetTimestamp() / Stopwatch.Frequency;
}
