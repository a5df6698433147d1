using Quorate.Core;

namespace Quorate.Bench;

/// <summary>Writes a share of all keys once, each client waiting for its answer. Failed writes are counted, not repeated.</summary>
internal sealed class FillLoad : IBenchLoad
{
    private readonly RequestBytes _bytes;
    private readonly uint _end;
    private readonly uint _step;
    private uint _next;

    /// <summary>Takes the keys first, first + step, ... below the plan's number of keys.</summary>
    public FillLoad(BenchPlan plan, int first, int step)
    {
        _bytes = new RequestBytes(plan with { Operation = BenchOperation.Put }, new Prng(plan.Seed + (ulong)first));
        _end = (uint)plan.Keys;
        _step = (uint)step;
        _next = (uint)first;
    }

    /// <summary>Writes that did not succeed, or null.</summary>
    public string? Failure { get; private set; }

    /// <inheritdoc/>
    public bool TryPeek(long now, out long start)
    {
        start = now;
        return _next < _end && Failure is null;
    }

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Take()
    {
        ReadOnlySpan<byte> message = _bytes.For(_next);
        _next += _step;
        return message;
    }

    /// <inheritdoc/>
    public void Done(long start, long now)
    {
    }

    /// <inheritdoc/>
    public void Failed(long start, string kind) => Failure ??= kind;
}

/// <summary>The measured load of one connection: warm-up, then counting.</summary>
internal sealed class MeasuredLoad : IBenchLoad
{
    private readonly RequestBytes _bytes;
    private readonly long _measureFrom;
    private readonly long _end;
    private readonly long _interval;
    private readonly long _most;
    private long _next;
    private long _started;

    /// <summary>Creates the load.</summary>
    /// <param name="plan">What to do.</param>
    /// <param name="connection">0 to the number of connections.</param>
    /// <param name="begin">When the warm-up begins; the same for all connections.</param>
    public MeasuredLoad(BenchPlan plan, int connection, long begin)
    {
        _bytes = new RequestBytes(plan, new Prng(plan.Seed).Split((ulong)connection));
        _measureFrom = begin + (long)(plan.WarmUpSeconds * 1e9);
        _end = plan.Total > 0 ? long.MaxValue : _measureFrom + (long)(plan.Seconds * 1e9);
        _most = plan.Total == 0 ? long.MaxValue : plan.Total / plan.Connections + (connection < plan.Total % plan.Connections ? 1 : 0);
        if (plan.Rate > 0)
        {
            // Connections take turns, so that the starts of all of them are evenly spaced.
            double between = 1e9 / plan.Rate;
            _interval = Math.Max(1, (long)(between * plan.Connections));
            _next = begin + (long)(between * connection);
        }
    }

    /// <summary>Latencies in nanoseconds.</summary>
    public Histogram Latency { get; } = new();

    /// <summary>Failures after the warm-up, by kind.</summary>
    public SortedDictionary<string, long> Errors { get; } = new(StringComparer.Ordinal);

    /// <summary>When the last counted answer came.</summary>
    public long LastDone { get; private set; }

    /// <inheritdoc/>
    public bool TryPeek(long now, out long start)
    {
        // Open: starts as planned, though the server be late, and counts from the plan. Closed: now.
        start = _interval > 0 ? _next : now;
        return start < _end && _started < _most;
    }

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Take()
    {
        long start = _interval > 0 ? _next : BenchClock.Now();
        _next += _interval;
        if (start >= _measureFrom) { _started++; }
        return _bytes.Next();
    }

    /// <inheritdoc/>
    public void Done(long start, long now)
    {
        if (start < _measureFrom) { return; }
        Latency.Record(now - start);
        LastDone = Math.Max(LastDone, now);
    }

    /// <inheritdoc/>
    public void Failed(long start, string kind)
    {
        if (start >= _measureFrom) { Errors[kind] = Errors.GetValueOrDefault(kind) + 1; }
    }

    /// <summary>Counts what an open load had to start and did not: leaving it out would hide how late the server is.</summary>
    public void CountNotStarted(long now)
    {
        if (_interval == 0) { return; }
        long until = Math.Min(now, _end);
        long from = Math.Max(_next, _measureFrom);
        long missed = Math.Min(_most - _started, until > from ? (until - from + _interval - 1) / _interval : 0);
        if (missed > 0) { Errors[BenchErrors.NotStarted] = Errors.GetValueOrDefault(BenchErrors.NotStarted) + missed; }
    }
}
