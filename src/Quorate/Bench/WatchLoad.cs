using System.Buffers.Binary;
using Quorate.Core;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Bench;

/// <summary>
/// Puts to watched keys, and the events that come of them. A put is over once it is acknowledged and every watcher of its key has its
/// event: so a closed loop measures what can be delivered, and not how much piles up. The value says when the put was to start. One thread.
/// </summary>
internal sealed class WatchLoad : IBenchLoad
{
    /// <summary>Bytes at the beginning of a value that say which put it is of: start, number, slot.</summary>
    public const int StampBytes = 20;

    private readonly BenchPlan _plan;
    private readonly BenchStep[] _steps;
    private readonly KeyChooser _chooser;
    private readonly Slot[] _slots;
    private readonly Stack<int> _free = [];
    private readonly long _interval;
    private readonly long _most;
    private long _measureFrom;
    private long _next;
    private long _started;
    private long _number;
    private long _events;

    /// <summary>Creates the load.</summary>
    public WatchLoad(BenchPlan plan)
    {
        _plan = plan;
        var random = new Prng(plan.Seed);
        var template = new RequestTemplate(RequestKinds.Put.Build, plan, random);
        Zipfian? zipfian = plan.Distribution is KeyDistribution.Zipfian or KeyDistribution.Latest ? new Zipfian(plan.Keys) : null;
        _chooser = new KeyChooser(plan with { Connections = 1 }, zipfian, new KeySpace((uint)plan.Keys), 0, random);
        _steps = [.. Enumerable.Range(0, plan.Clients).Select(slot => new BenchStep(RequestKinds.Put, slot, template, null))];
        _slots = new Slot[plan.Clients];
        for (int i = plan.Clients - 1; i >= 0; i--) { _free.Push(i); }
        _most = plan.Total > 0 ? plan.Total : long.MaxValue;
        _interval = plan.Rate > 0 ? Math.Max(1, (long)(1e9 / plan.Rate)) : 0;
    }

    /// <summary>Nanoseconds from the (planned) start of a put to its event at a watcher.</summary>
    public Histogram Delays { get; } = new();

    /// <summary>Nanoseconds from the (planned) start of a put to its answer.</summary>
    public Histogram Puts { get; } = new();

    /// <summary>Failures after the warm-up, by kind.</summary>
    public SortedDictionary<string, long> Errors { get; } = new(StringComparer.Ordinal);

    /// <summary>When no more puts start; none does before <see cref="Begin"/>.</summary>
    public long End { get; private set; }

    /// <summary>When the last counted event came.</summary>
    public long LastEvent { get; private set; }

    /// <summary>Events so far, the warm-up's too; any thread may look.</summary>
    public long Count => Volatile.Read(ref _events);

    /// <summary>A watch or its stream has ended: the load cannot go on.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>Some event, or the answer to some put, has not come yet.</summary>
    public bool IsWaiting => _free.Count < _slots.Length;

    /// <summary>Begins with the warm-up.</summary>
    public void Begin(long now)
    {
        _next = now;
        _measureFrom = now + (long)(_plan.WarmUpSeconds * 1e9);
        End = _plan.Total > 0 ? long.MaxValue : _measureFrom + (long)(_plan.Seconds * 1e9);
    }

    /// <inheritdoc/>
    public bool TryPeek(long now, out long start)
    {
        start = _interval > 0 ? _next : now;
        bool hasMore = start < End && _started < _most && !IsBroken;
        if (_free.Count == 0) { start = long.MaxValue; }
        return hasMore;
    }

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Take(long start, out BenchTicket ticket)
    {
        _next += _interval;
        if (start >= _measureFrom) { _started++; }
        int slot = _free.Pop();
        uint key = _chooser.Next();
        _slots[slot] = new Slot { Number = ++_number, Left = WatchersOf(key) };
        BenchStep step = _steps[slot];
        ticket = new BenchTicket(step, key, 1);

        ReadOnlySpan<byte> message = step.Template.For(key, key);
        Span<byte> stamp = stackalloc byte[StampBytes];
        BinaryPrimitives.WriteInt64LittleEndian(stamp, start);
        BinaryPrimitives.WriteInt64LittleEndian(stamp[8..], _number);
        BinaryPrimitives.WriteInt32LittleEndian(stamp[16..], slot);
        step.Template.OverwriteValue(stamp);
        return message;
    }

    /// <inheritdoc/>
    public string? Judge(in BenchTicket ticket, long start, ReadOnlySpan<byte> answer) => ticket.Step.Kind.Judge(answer, ticket);

    /// <inheritdoc/>
    public void Done(in BenchTicket ticket, long start, long now)
    {
        if (start >= _measureFrom) { Puts.Record(now - start); }
        _slots[ticket.Step.Part].IsAnswered = true;
        Free(ticket.Step.Part);
    }

    /// <inheritdoc/>
    public void Failed(in BenchTicket ticket, long start, string kind)
    {
        // It may have happened all the same: what comes of it belongs to no put any more.
        if (start >= _measureFrom) { Add(kind); }
        _slots[ticket.Step.Part] = new Slot { IsAnswered = true };
        Free(ticket.Step.Part);
    }

    /// <summary>An event has come.</summary>
    /// <param name="value">What was put.</param>
    /// <param name="now">When it came.</param>
    public void Event(ReadOnlySpan<byte> value, long now)
    {
        if (value.Length < StampBytes)
        {
            Add("an event of somebody else's");
            return;
        }

        long start = BinaryPrimitives.ReadInt64LittleEndian(value);
        long number = BinaryPrimitives.ReadInt64LittleEndian(value[8..]);
        uint place = BinaryPrimitives.ReadUInt32LittleEndian(value[16..]);
        if (place >= _slots.Length || _slots[place].Number != number || _slots[place].Left == 0)
        {
            Add("an event of no put in flight");
            return;
        }

        Volatile.Write(ref _events, _events + 1);
        if (start >= _measureFrom)
        {
            Delays.Record(now - start);
            LastEvent = now;
        }

        if (--_slots[place].Left == 0) { Free((int)place); }
    }

    /// <summary>Something is wrong with a watch, though it goes on.</summary>
    public void Wrong(string kind) => Add(kind);

    /// <summary>A watch, a stream or a connection has ended.</summary>
    public void Break(string kind)
    {
        IsBroken = true;
        Add(kind);
    }

    /// <summary>Counts what should have come, or been started, and was not.</summary>
    public void CountMissing(long now)
    {
        long events = _slots.Sum(s => (long)s.Left);
        if (events > 0) { Errors["events that did not come"] = events; }
        int unanswered = _slots.Count(s => s is { Number: > 0, IsAnswered: false });
        if (unanswered > 0) { Errors[BenchErrors.NoAnswer] = unanswered; }
        if (_interval == 0) { return; }
        long until = Math.Min(now, End);
        long from = Math.Max(_next, _measureFrom);
        long missed = Math.Min(_most - _started, until > from ? (until - from + _interval - 1) / _interval : 0);
        if (missed > 0) { Errors[BenchErrors.NotStarted] = missed; }
    }

    /// <summary>Watchers of a key: watcher w watches key w modulo the number of keys.</summary>
    public int WatchersOf(uint key) => _plan.Watchers / _plan.Keys + (key < _plan.Watchers % _plan.Keys ? 1 : 0);

    private void Free(int slot)
    {
        if (_slots[slot] is { IsAnswered: true, Left: 0 }) { _free.Push(slot); }
    }

    private void Add(string kind) => Errors[kind] = Errors.GetValueOrDefault(kind) + 1;

    private struct Slot
    {
        public long Number;
        public int Left;
        public bool IsAnswered;
    }
}

/// <summary>One stream of watches: reads what the server tells, and sees that each watch is told every revision once, in order.</summary>
/// <param name="load">Takes the events.</param>
/// <param name="watchers">How many watches the stream gets.</param>
internal sealed class WatchStream(WatchLoad load, int watchers) : IBenchSink
{
    private const int EventKv = 2;
    private const int KvModRevision = 3;
    private const int KvValue = 5;

    private readonly long[] _revisions = new long[watchers];

    /// <summary>Watches that the server has created.</summary>
    public int Created { get; private set; }

    /// <inheritdoc/>
    public void Message(ReadOnlySpan<byte> message, long now)
    {
        ulong watch = 0;
        var fields = new ProtoWalker(message);
        while (fields.Next())
        {
            switch (fields.Field)
            {
                case WatchResponse.WatchIdFieldNumber: watch = fields.Number; break;
                case WatchResponse.CreatedFieldNumber when fields.Number != 0: Created++; break;
                case WatchResponse.CanceledFieldNumber when fields.Number != 0: load.Break("a watch was canceled"); break;
                case WatchResponse.EventsFieldNumber: Event(watch, fields.Bytes, now); break;
                default: break;
            }
        }

        if (fields.IsBroken) { load.Break("an answer to a watch cannot be read"); }
    }

    /// <inheritdoc/>
    public void Ended(string why) => load.Break($"a stream of watches has ended: {why}");

    private void Event(ulong watch, ReadOnlySpan<byte> bytes, long now)
    {
        ReadOnlySpan<byte> value = default;
        long revision = 0;
        for (var fields = new ProtoWalker(bytes); fields.Next();)
        {
            if (fields.Field != EventKv) { continue; }
            for (var pair = new ProtoWalker(fields.Bytes); pair.Next();)
            {
                if (pair.Field == KvModRevision) { revision = (long)pair.Number; }
                if (pair.Field == KvValue) { value = pair.Bytes; }
            }
        }

        // Servers number the watches of a stream from 0 on.
        if (watch >= (ulong)_revisions.Length || revision <= _revisions[watch])
        {
            load.Wrong("an event twice, out of order or of an unknown watch");
            return;
        }

        _revisions[watch] = revision;
        load.Event(value, now);
    }
}
