using Google.Protobuf;
using Quorate.Core;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;

namespace Quorate.FrontDoors.Etcd;

/// <summary>
/// The watches of one stream: takes its requests, keeps what it is to be told, and brings up watches that are behind. One thread
/// at a time, but for what the hub calls (<see cref="TryTell"/> and its neighbours).
/// </summary>
internal sealed class WatchSession
{
    /// <summary>The id in an answer that is about all watches of the stream, or about none.</summary>
    public const long AllWatches = -1;

    // A response must stay below protobuf's 2 GiB: beyond this, a revision comes in parts even for those that did not ask for parts.
    private const long MostBytesInOne = 512 * 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly WatchHub _hub;
    private readonly Func<IReadView?> _open;
    private readonly Func<long, ResponseHeader> _header;
    private readonly Action _wake;
    private readonly long _fragmentBytes;
    private readonly long _mostQueuedBytes;
    private readonly Dictionary<long, Watcher> _watchers = [];
    private readonly WatcherSet _behind = new();
    private readonly WatchPass _pass = new();
    private readonly Queue<Item> _queue = [];
    private readonly List<Watcher> _fallen = [];
    private readonly HashSet<long> _progressQueued = [];
    private bool _isProgressAsked;
    private long _queuedBytes;
    private long _nextId;

    // The rest of an item that goes out in parts.
    private Item? _fragmented;
    private int _fragmentAt;

    /// <param name="hub">Of the shard.</param>
    /// <param name="open">As the hub's.</param>
    /// <param name="header">Makes a header of a revision.</param>
    /// <param name="wake">Called when there is something new to take. Any thread.</param>
    /// <param name="fragmentBytes">Size of the parts of a response, for watches that want parts.</param>
    /// <param name="mostQueuedBytes">
    /// What a stream that is not read may keep in memory. Beyond it, its watches fall behind, and read the store when it is read again.
    /// </param>
    public WatchSession(
        WatchHub hub, Func<IReadView?> open, Func<long, ResponseHeader> header, Action wake, long fragmentBytes, long mostQueuedBytes)
    {
        _mostQueuedBytes = mostQueuedBytes;
        _hub = hub;
        _open = open;
        _header = header;
        _wake = wake;
        _fragmentBytes = fragmentBytes;
    }

    private enum Kind
    {
        Events,
        Created,
        Refused,
        Canceled,
        Compacted,
        Progress,
    }

    /// <summary>Why the stream must end, its client to go elsewhere: this node does not hold the shard (any more). Null as long as it does.</summary>
    public EtcdError? Failure { get; private set; }

    /// <summary>All that live.</summary>
    public IReadOnlyCollection<Watcher> Watchers => _watchers.Values;

    /// <summary>Some of them are to be brought up by <see cref="CatchUp"/>, which reads the store for them.</summary>
    public bool IsBehind
    {
        get { lock (_gate) { return _behind.Count + _fallen.Count > 0; } }
    }

    /// <summary>Carries a request out. What is malformed beyond etcd's own answers is ignored, as in etcd.</summary>
    public void Take(WatchRequest request)
    {
        switch (request.RequestUnionCase)
        {
            case WatchRequest.RequestUnionOneofCase.CreateRequest:
                Create(request.CreateRequest);
                break;
            case WatchRequest.RequestUnionOneofCase.CancelRequest:
                if (_watchers.GetValueOrDefault(request.CancelRequest.WatchId) is { } watcher)
                {
                    End(watcher);
                    Enqueue(new Item(Kind.Canceled, watcher.Id, CurrentRevision()));
                }

                break;
            case WatchRequest.RequestUnionOneofCase.ProgressRequest:
                _isProgressAsked = _watchers.Count > 0;
                break;
            default:
                break;
        }
    }

    /// <summary>Answers a request for a watch with the reason why there is none.</summary>
    public void Refuse(string reason) => Enqueue(new Item(Kind.Refused, AllWatches, CurrentRevision()) { Reason = reason });

    /// <summary>Takes the next response. False: none is there now.</summary>
    public bool TryTake(out EncodedWatchResponse response)
    {
        Item item;
        if (_fragmented is { } rest)
        {
            item = rest;
        }
        else
        {
            lock (_gate)
            {
                if (!_queue.TryDequeue(out Item? next))
                {
                    response = null!;
                    return false;
                }

                item = next;
                _queuedBytes -= item.Bytes;
                if (item.Kind == Kind.Progress) { _progressQueued.Remove(item.WatchId); }
            }
        }

        response = item.Kind == Kind.Events ? Events(item) : Message(item);
        return true;
    }

    /// <summary>Brings watches that are behind a bounded step forward, if there is room for what they are told; answers for progress.</summary>
    /// <returns>True if another step could be made at once.</returns>
    public bool CatchUp()
    {
        bool hasMore = Step();
        if (!hasMore && _isProgressAsked && _hub.TellProgress(this)) { _isProgressAsked = false; }
        return hasMore;
    }

    private bool Step()
    {
        lock (_gate)
        {
            foreach (Watcher watcher in _fallen)
            {
                if (!watcher.IsGone) { _behind.Add(watcher); }
            }

            _fallen.Clear();
            if (_behind.Count == 0 || _queuedBytes > _mostQueuedBytes / 2) { return false; }
        }

        using (IReadView? view = _open())
        {
            if (view is null)
            {
                Failure = EtcdErrors.Of(RequestOutcome.NoShard);
                return false;
            }

            long current = KvQueries.CurrentRevision(view);
            long compacted = KvQueries.CompactedRevision(view);
            long dropped = KvQueries.DroppedBelow(view);
            foreach (Watcher watcher in _behind.ToList().Where(watcher => watcher.Next < (watcher.WasSynced ? dropped : compacted)))
            {
                End(watcher);
                Enqueue(new Item(Kind.Compacted, watcher.Id, Revision: 0) { CompactRevision = compacted }); // Without a revision, as etcd's.
            }

            if (_behind.Count == 0) { return false; }
            long from = Next();
            if (from <= current)
            {
                if (_pass.RunBehind(view, _behind, from, current, dropped) < current) { return true; }
            }
        }

        return !_hub.TryJoin(_behind, Next());
    }

    /// <summary>Ends all watches: the stream has ended.</summary>
    public void Close()
    {
        foreach (Watcher watcher in _watchers.Values) { _hub.Remove(watcher); }
        _watchers.Clear();
    }

    /// <summary>The hub has taken note of the watcher: it may be told something from now on.</summary>
    public void Created(Watcher watcher, long revision)
    {
        _watchers.Add(watcher.Id, watcher);
        Enqueue(new Item(Kind.Created, watcher.Id, revision));
    }

    /// <summary>Queues a notice that everything up to the revision was told.</summary>
    /// <returns>False: the last one was not taken yet; a stream that is not read keeps one per watch.</returns>
    public bool Progress(long watchId, long revision)
    {
        lock (_gate)
        {
            if (!_progressQueued.Add(watchId)) { return false; }
        }

        Enqueue(new Item(Kind.Progress, watchId, revision));
        return true;
    }

    /// <summary>Queues the watcher's events, unless too much is queued already.</summary>
    /// <returns>False: nothing was queued.</returns>
    public bool TryTell(Watcher watcher, long revision)
    {
        lock (_gate)
        {
            if (_queuedBytes > _mostQueuedBytes) { return false; }
        }

        Tell(watcher, revision);
        return true;
    }

    /// <summary>Queues the watcher's events, all of its revisions up to the one given.</summary>
    public void Tell(Watcher watcher, long revision)
    {
        long bytes = watcher.EventBytes;
        Enqueue(new Item(Kind.Events, watcher.Id, revision) { Watcher = watcher, Events = watcher.TakeEvents(), Bytes = bytes });
    }

    /// <summary>The hub tells the watcher no more: it is this session's to bring up.</summary>
    public void FellBehind(Watcher watcher)
    {
        lock (_gate) { _fallen.Add(watcher); }
        _wake();
    }

    private void Create(WatchCreateRequest request)
    {
        byte[] key = request.Key.IsEmpty ? [0] : request.Key.ToByteArray();
        byte[]? end = request.RangeEnd.IsEmpty ? null : request.RangeEnd.Span is [0] ? [] : request.RangeEnd.ToByteArray();
        long id = request.WatchId;
        string? refusal = request.StartRevision < 0 ? EtcdErrors.Compacted.Message
            : end is { Length: > 0 } && key.AsSpan().SequenceCompareTo(end) >= 0 ? EtcdErrors.EmptyWatchRange
            : id != 0 && _watchers.ContainsKey(id) ? EtcdErrors.DuplicateWatchId
            : null;
        if (refusal is not null)
        {
            Refuse(refusal);
            return;
        }

        if (id == 0)
        {
            while (_watchers.ContainsKey(_nextId)) { _nextId++; }
            id = _nextId++;
        }

        var watcher = new Watcher
        {
            Session = this,
            Id = id,
            Key = key,
            End = end,
            NoPuts = request.Filters.Contains(WatchCreateRequest.Types.FilterType.Noput),
            NoDeletes = request.Filters.Contains(WatchCreateRequest.Types.FilterType.Nodelete),
            WantsPrevious = request.PrevKv,
            WantsFragments = request.Fragment,
            WantsProgress = request.ProgressNotify,
        };
        bool? isSynced = _hub.Add(watcher, request.StartRevision);
        if (isSynced is null) { Failure = EtcdErrors.Of(RequestOutcome.NoShard); }
        else if (isSynced == false) { _behind.Add(watcher); }
    }

    // Whether the hub has it, it is behind, or about to be.
    private void End(Watcher watcher)
    {
        _hub.Remove(watcher);
        _watchers.Remove(watcher.Id);
        if (watcher.Home == _behind) { _behind.Remove(watcher); }
    }

    private long Next() => _behind.ToList().Min(watcher => watcher.Next);

    private long CurrentRevision()
    {
        using IReadView? view = _open();
        return view is null ? 0 : KvQueries.CurrentRevision(view);
    }

    private void Enqueue(Item item)
    {
        lock (_gate)
        {
            _queue.Enqueue(item);
            _queuedBytes += item.Bytes;
        }

        _wake();
    }

    private EncodedWatchResponse Message(Item item)
    {
        bool isRefusal = item.Kind == Kind.Refused;
        return new EncodedWatchResponse
        {
            Header = _header(item.Revision),
            WatchId = item.WatchId,
            Created = isRefusal || item.Kind == Kind.Created,
            Canceled = isRefusal || item.Kind is Kind.Canceled or Kind.Compacted,
            CancelReason = item.Reason,
            CompactRevision = item.CompactRevision,
        };
    }

    private EncodedWatchResponse Events(Item item)
    {
        var response = new EncodedWatchResponse { Header = _header(item.Revision), WatchId = item.WatchId };
        long most = item.Watcher!.WantsFragments ? _fragmentBytes : MostBytesInOne;
        if (item.Bytes <= most)
        {
            response.Events.AddRange(item.Events);
            return response;
        }

        long bytes = 0;
        do
        {
            bytes += item.Events[_fragmentAt].Length;
            response.Events.Add(item.Events[_fragmentAt++]);
        }
        while (_fragmentAt < item.Events.Count && bytes + item.Events[_fragmentAt].Length <= most);

        response.Fragment = _fragmentAt < item.Events.Count;
        _fragmented = response.Fragment ? item : null;
        if (!response.Fragment) { _fragmentAt = 0; }
        return response;
    }

    private sealed record Item(Kind Kind, long WatchId, long Revision)
    {
        public Watcher? Watcher { get; init; }

        public IReadOnlyList<ByteString> Events { get; init; } = [];

        public long Bytes { get; init; }

        public string Reason { get; init; } = "";

        public long CompactRevision { get; init; }
    }
}
