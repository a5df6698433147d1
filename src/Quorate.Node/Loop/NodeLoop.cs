using Quorate.Core;
using Quorate.Node.Logging;
using Quorate.Node.Peers;
using Quorate.Replication;
using Quorate.Storage.Wal;

namespace Quorate.Node.Loop;

// Something to be done with NodeCore on the loop.
internal interface ILoopCall
{
    void Run(NodeCore core);

    // The loop ended first.
    void Abandon();
}

/*
 * NodeCore is called by one thread at a time: this loop's, or, while that sleeps, the thread that brings it work (Help). A turn: take all that waits, hand it to NodeCore, make the ticks that are due, flush.
 * What NodeCore wants done goes out through INodeHost, to threads that never wait for this one.
 */
internal sealed class NodeLoop : INodeHost, IPeerReceiver
{
    private readonly Inbox _inbox;
    private readonly INodeLog _log;
    private readonly TimeProvider _wallClock;
    private readonly Action<Exception> _failed;
    private readonly LoopGuard _guard;
    private readonly TickClock _clock;
    private readonly Thread _thread;
    private NodeCore? _core;
    private PeerNetwork? _network;
    private SyncThread? _sync;
    private JobThreads? _jobs;
    private volatile Dictionary<ShardId, ShardStatus> _statuses = []; // Replaced as a whole, never changed.
    private bool _statusChanged;
    private bool _statusUrgent;
    private long _stopUntil = long.MaxValue;
    private long _turns;

    public NodeLoop(
        Inbox inbox, INodeLog log, TimeProvider wallClock, TickClock clock, LoopGuard guard, Action<Exception> failed)
    {
        _inbox = inbox;
        _log = log;
        _wallClock = wallClock;
        _guard = guard;
        _failed = failed;
        _clock = clock;
        _thread = new Thread(Run) { IsBackground = true, Name = "quorate-loop" };
    }

    public PublishListeners Listeners { get; } = new();

    public long Turns => Volatile.Read(ref _turns);

    public long SkippedTicks => _clock.Skipped;

    public ShardStatus? StatusOf(ShardId shard) => _statuses.GetValueOrDefault(shard);

    public IReadOnlyCollection<ShardStatus> Statuses => _statuses.Values;

    public void Start(NodeCore core, PeerNetwork network, SyncThread sync, JobThreads jobs)
    {
        _core = core;
        _network = network;
        _sync = sync;
        _jobs = jobs;
        PublishStatus(core);
        _thread.Start();
    }

    public bool Join(TimeSpan timeout) => _thread.Join(timeout);

    // On the loop: from now on the loop ends as soon as NodeCore is ready to stop, or at the time given (Environment.TickCount64).
    public void StopBy(NodeCore core, long until)
    {
        core.BeginStop();
        _stopUntil = until;
    }

    void INodeHost.Send(NodeId to, ReadOnlyMemory<byte> frame)
    {
        if (!_guard.HasFailed) { _network!.Send(to, frame.Span); }
    }

    void INodeHost.Persist(WalBatch batch) => _sync!.Post(batch);

    void INodeHost.Run(NodeJob job) => _jobs!.Post(job);

    void INodeHost.Report(NodeEvent change)
    {
        // Who leads, and in which term, must not be a tick late in what doors are told.
        _statusUrgent = true;
        _log.Write(
            change.IsAlarming ? LogSeverity.Error : LogSeverity.Info, change.Name, new LogField("shard", (long)change.Shard.Value), new LogField("detail", change.Detail));
    }

    void INodeHost.Published(ShardId shard) => Listeners.Tell(shard);

    void IPeerReceiver.Received(PeerLink link, PeerConnection connection, ReadOnlyMemory<byte> frame) =>
        _inbox.Post(new InboxItem(InboxKind.Frame, link, connection, link.Peer, frame));

    void IPeerReceiver.Disconnected(NodeId peer) => _inbox.Post(new InboxItem(InboxKind.Disconnected, Peer: peer));

    void IPeerReceiver.Failed(Exception bug) => _failed(bug);

    private void Run()
    {
        try
        {
            RunTurns(_core!);
        }
        catch (Exception e)
        {
            // A bug or damage: the state in memory cannot be trusted, so nothing more may be said in its name.
            _failed(e);
        }

        EndWaiting();
    }

    private void RunTurns(NodeCore core)
    {
        bool hasMore = true; // Opening may have left something to do.
        while (!_guard.HasFailed)
        {
            hasMore = RunTurn(core, _inbox.Take(hasMore ? 0 : _clock.MillisecondsLeft()));
            if (_stopUntil != long.MaxValue && (core.ReadyToStop || Environment.TickCount64 >= _stopUntil)) { return; }
        }
    }

    // In place of the sleeping loop, on the thread that brought it work: two wake-ups of threads less for a lone client. A few
    // turns at most; what is left is the loop's.
    public void Help()
    {
        bool hasMore = true;
        try
        {
            for (int turn = 0; turn < 3 && hasMore && !_guard.HasFailed; turn++)
            {
                hasMore = RunTurn(_core!, _inbox.TakeToHelp());
            }
        }
        catch (Exception e)
        {
            _failed(e);
        }
        finally
        {
            _inbox.EndHelp(hasMore || _stopUntil != long.MaxValue || _guard.HasFailed);
        }
    }

    // One turn; true if there is more to do. Called by one thread at a time, which the inbox sees to.
    private bool RunTurn(NodeCore core, ReadOnlySpan<InboxItem> items)
    {
        // Time first: what waited through a pause must not be answered as if no time had passed.
        int ticks = _clock.TakeDue();
        for (int i = 0; i < ticks; i++) { core.Tick(_wallClock.GetUtcNow().ToUnixTimeMilliseconds()); }
        foreach (ref readonly InboxItem item in items)
        {
            _statusChanged = true;
            Handle(core, item);
        }

        bool hasMore = core.Flush();
        _turns++;
        if (_statusUrgent || (_statusChanged && ticks > 0)) { PublishStatus(core); }
        return hasMore;
    }

    private void Handle(NodeCore core, in InboxItem item)
    {
        switch (item.Kind)
        {
            case InboxKind.Proposal:
                var proposal = (PendingProposal)item.Subject!;
                _guard.Pending.Add(proposal);
                core.Propose(proposal);
                break;
            case InboxKind.Read:
                var read = (PendingRead)item.Subject!;
                _guard.Pending.Add(read);
                core.Read(read);
                break;
            case InboxKind.Frame:
                HandleFrame(core, (PeerLink)item.Subject!, (PeerConnection)item.Detail!, item.Bytes);
                break;
            case InboxKind.Disconnected: core.Disconnected(item.Peer); break;
            case InboxKind.Persisted: core.Persisted((WalBatch)item.Subject!); break;
            case InboxKind.JobDone: core.JobDone((NodeJob)item.Subject!, (Exception?)item.Detail); break;
            case InboxKind.Call: ((ILoopCall)item.Subject!).Run(core); break;
            default: throw Invariant.Unreachable(item.Kind);
        }
    }

    private static void HandleFrame(NodeCore core, PeerLink link, PeerConnection connection, ReadOnlyMemory<byte> frame)
    {
        if (!connection.IsPoisoned && !core.Receive(link.Peer, frame))
        {
            connection.IsPoisoned = true;
            link.Detach(connection, "sent a malformed frame");
        }

        link.Release(frame.Length);
    }

    private void PublishStatus(NodeCore core)
    {
        _statusChanged = false;
        _statusUrgent = false;
        Dictionary<ShardId, ShardStatus> before = _statuses;
        var statuses = new Dictionary<ShardId, ShardStatus>(before.Count);
        bool isNew = false;
        foreach (ShardId shard in core.Shards)
        {
            if (core.StatusOf(shard) is not { } status) { continue; }
            statuses[shard] = status;
            isNew |= !ReferenceEquals(status, before.GetValueOrDefault(shard));
        }

        if (isNew || statuses.Count != before.Count) { _statuses = statuses; }
    }

    // The loop has ended. Nobody may be left waiting for it.
    private void EndWaiting()
    {
        _inbox.Close();
        foreach (ref readonly InboxItem item in _inbox.Take(0))
        {
            // NodeCore never saw these, so nothing happened.
            switch (item.Subject)
            {
                case PendingProposal proposal: proposal.Refuse(RequestOutcome.Stopping); break;
                case PendingRead read: read.Refuse(RequestOutcome.Stopping); break;
                case ILoopCall call: call.Abandon(); break;
                default: break;
            }
        }

        // What NodeCore has may have happened, or may happen yet. After a graceful end its Dispose says so itself.
        if (_guard.HasFailed) { _guard.Pending.AbandonAll(RequestOutcome.Unknown); }
    }
}
