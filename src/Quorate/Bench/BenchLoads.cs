using Quorate.Core;

namespace Quorate.Bench;

/// <summary>Sends one kind of request for a share of all keys, each once, each client waiting for its answer. Ends at the first failure.</summary>
internal sealed class EachKeyLoad : IBenchLoad
{
    private readonly BenchStep _step;
    private readonly uint _end;
    private readonly uint _stride;
    private uint _next;
    private long _done;

    /// <summary>Takes the keys first, first + stride, ... below the plan's number of keys.</summary>
    public EachKeyLoad(RequestKind kind, BenchPlan plan, int first, int stride)
    {
        _step = new BenchStep(kind, 0, new RequestTemplate(kind.Build, plan, new Prng(plan.Seed + (ulong)first)), null);
        _end = (uint)plan.Keys;
        _stride = (uint)stride;
        _next = (uint)first;
    }

    /// <summary>What kept a request from success, or null.</summary>
    public string? Failure { get; private set; }

    /// <summary>Requests that succeeded; any thread may look.</summary>
    public long Count => Volatile.Read(ref _done);

    /// <inheritdoc/>
    public bool TryPeek(long now, out long start)
    {
        start = now;
        return _next < _end && Failure is null;
    }

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Take(long start, out BenchTicket ticket)
    {
        uint key = _next;
        _next += _stride;
        ticket = new BenchTicket(_step, key, 1);
        return _step.Template.For(key, key);
    }

    /// <inheritdoc/>
    public string? Judge(in BenchTicket ticket, long start, ReadOnlySpan<byte> answer) => ticket.Step.Kind.Judge(answer, ticket);

    /// <inheritdoc/>
    public void Done(in BenchTicket ticket, long start, long now) => Volatile.Write(ref _done, _done + 1);

    /// <inheritdoc/>
    public void Failed(in BenchTicket ticket, long start, string kind) => Failure ??= kind;
}

/// <summary>The measured load of one connection: warm-up, then counting.</summary>
internal sealed class MeasuredLoad : IBenchLoad
{
    private readonly BenchPlan _plan;
    private readonly Prng _random;
    private readonly KeySpace _space;
    private readonly KeyChooser _chooser;
    private readonly BenchStep[] _first;
    private readonly Queue<(long Start, BenchTicket Ticket)> _followUps = [];
    private readonly long _measureFrom;
    private readonly long _end;
    private readonly long _interval;
    private readonly long _most;
    private long _next;
    private long _started;
    private long _done;

    /// <summary>Creates the load.</summary>
    /// <param name="plan">What to do.</param>
    /// <param name="space">The keys that exist; the same for all connections.</param>
    /// <param name="zipfian">The draw of skewed distributions; the same for all connections, null if there is none.</param>
    /// <param name="connection">0 to the number of connections.</param>
    /// <param name="begin">When the warm-up begins; the same for all connections.</param>
    public MeasuredLoad(BenchPlan plan, KeySpace space, Zipfian? zipfian, int connection, long begin)
    {
        _plan = plan;
        _random = new Prng(plan.Seed).Split((ulong)connection);
        _space = space;
        _chooser = new KeyChooser(plan, zipfian, space, connection, _random.Split(1));
        _first = [.. plan.Workload.Parts.Select((part, i) => Step(part.Kind, i))];
        Latencies = [.. plan.Workload.Parts.Select(_ => new Histogram())];
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

    /// <summary>Latencies in nanoseconds, of each part of the workload.</summary>
    public Histogram[] Latencies { get; }

    /// <summary>Failures after the warm-up, by kind.</summary>
    public SortedDictionary<string, long> Errors { get; } = new(StringComparer.Ordinal);

    /// <summary>Answers after the warm-up that show that keys are not there, if they need not be.</summary>
    public SortedDictionary<string, long> Misses { get; } = new(StringComparer.Ordinal);

    /// <summary>When no more requests start.</summary>
    public long End => _end;

    /// <summary>When the last counted answer came.</summary>
    public long LastDone { get; private set; }

    /// <summary>Good answers, the warm-up's too; any thread may look.</summary>
    public long Count => Volatile.Read(ref _done);

    /// <inheritdoc/>
    public bool TryPeek(long now, out long start)
    {
        if (_followUps.TryPeek(out (long Start, BenchTicket) next))
        {
            start = next.Start;
            return true;
        }

        // Open: starts as planned, though the server be late, and counts from the plan. Closed: now.
        start = _interval > 0 ? _next : now;
        return start < _end && _started < _most;
    }

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Take(long start, out BenchTicket ticket)
    {
        if (_followUps.TryDequeue(out (long, BenchTicket Ticket) next))
        {
            ticket = next.Ticket;
            return ticket.Step.Template.For(ticket.Key, ticket.Key);
        }

        _next += _interval;
        if (start >= _measureFrom) { _started++; }
        BenchStep step = Draw();
        (uint key, uint count) = KeysOf(step.Kind.Keys);
        ticket = new BenchTicket(step, key, _plan.Limit > 0 ? Math.Min(count, (uint)_plan.Limit) : count);
        return step.Template.For(key, key + count - 1);
    }

    /// <inheritdoc/>
    public string? Judge(in BenchTicket ticket, long start, ReadOnlySpan<byte> answer)
    {
        string? wrong = ticket.Step.Kind.Judge(answer, ticket);
        if (wrong is null || _plan.KeysExist || ticket.Step.Kind.IsStream) { return wrong; }
        if (start >= _measureFrom) { Misses[wrong] = Misses.GetValueOrDefault(wrong) + 1; }
        return null;
    }

    /// <inheritdoc/>
    public void Done(in BenchTicket ticket, long start, long now)
    {
        if (ticket.Step.Next is { } follow)
        {
            _followUps.Enqueue((start, ticket with { Step = follow }));
            return;
        }

        if (ticket.Step.Kind.Keys == KeyUse.New) { _space.Inserted(ticket.Key); }
        Volatile.Write(ref _done, _done + 1);
        if (start < _measureFrom) { return; }
        Latencies[ticket.Step.Part].Record(now - start);
        LastDone = Math.Max(LastDone, now);
    }

    /// <inheritdoc/>
    public void Failed(in BenchTicket ticket, long start, string kind)
    {
        if (ticket.Step.Kind.Keys == KeyUse.New) { _space.Inserted(ticket.Key); }
        Failed(start, kind);
    }

    /// <summary>Counts a failure that is of no request.</summary>
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

    private BenchStep Step(RequestKind kind, int part) => new(
        kind, part, new RequestTemplate(kind.Build, _plan, _random.Split((ulong)part)), kind.Then is { } then ? Step(then, part) : null);

    private BenchStep Draw()
    {
        if (_first.Length == 1) { return _first[0]; }
        int dice = _random.Below(100);
        for (int i = 0; ; i++)
        {
            dice -= _plan.Workload.Parts[i].Percent;
            if (dice < 0) { return _first[i]; }
        }
    }

    private (uint Key, uint Count) KeysOf(KeyUse use)
    {
        switch (use)
        {
            case KeyUse.New: return (_space.Take(), 1);
            case KeyUse.Block:
                uint key = _chooser.Next();
                key -= key % (uint)_plan.RangeSize;
                return (key, Math.Min((uint)_plan.RangeSize, (uint)_plan.Keys - key));
            case KeyUse.Scan:
                uint first = _chooser.Next();
                return (first, Math.Min((uint)_random.Below(_plan.MostScanned) + 1, _space.Readable - first));
            default: return (_chooser.Next(), 1);
        }
    }
}
