using System.Net;
using Quorate.Core;
using Quorate.Node.Files;
using Quorate.Node.Logging;
using Quorate.Node.Loop;
using Quorate.Node.Peers;
using Quorate.Raft;
using Quorate.Replication;
using Quorate.Storage.Wal;

namespace Quorate.Node;

/// <summary>What a node takes from its machine. The defaults are the real things; tests replace them.</summary>
public sealed record NodeSurroundings
{
    /// <summary>Makes the file system of a data directory. Default: <see cref="RealFileSystem"/>.</summary>
    public Func<string, IFileSystem>? Files { get; init; }

    /// <summary>Tells the room on the disk. Default: <see cref="RealFileSystem.Space"/>.</summary>
    public Func<DiskSpace>? Space { get; init; }

    /// <summary>Wall clock; stamps entries, never decides about safety.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}

/// <summary>
/// A running node: threads, links and files around <see cref="NodeCore"/>. It moves bytes and time; what they mean is
/// decided in NodeCore. Stop the doors before the node: views must not be read after it.
/// </summary>
public sealed class NodeRuntime : INodeClient, IAsyncDisposable
{
    private readonly NodeRuntimeOptions _options;
    private readonly INodeLog _log;
    private readonly LoopGuard _guard = new();
    private readonly Inbox _inbox;
    private readonly LatencyCounter _syncLatency = new();
    private readonly TaskCompletionSource<FatalError> _fatal = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _stopGate = new();
    private readonly DataDirectoryLock _lock;
    private readonly NodeLoop _loop;
    private readonly PeerNetwork _network;
    private readonly NodeCore _core;
    private readonly WriteAheadLog _wal;
    private readonly SyncThread _sync;
    private readonly JobThreads _jobs;
    private readonly JobPace _pace;
    private readonly SpaceWatch _space;
    private Task? _stopped;
    private int _isFailing;
    private volatile bool _isStopping;

    private NodeRuntime(NodeRuntimeOptions options, INodeLog log, NodeSurroundings surroundings, DataDirectoryLock? held)
    {
        _options = options;
        _log = log;
        _inbox = new Inbox(options.MaxInboxRequests, options.MaxInboxBytes);

        var disk = new RealFileSystem(options.DataDirectory);
        _lock = held ?? DataDirectoryLock.Take(disk.Root);
        try
        {
            // A leader that reads by lease must see all the time in which its lease could have run out.
            RaftOptions raft = options.Node.Raft;
            var clock = new TickClock(
                options.Node.TickMilliseconds, TickClock.DefaultMostAtOnce + (raft.LeaseReads ? 2 * raft.ElectionTicks : 0));
            _loop = new NodeLoop(_inbox, log, surroundings.Clock, clock, _guard, Fail);
            var self = PeerIdentity.New(options.Node.Cluster, options.Node.Node);
            _network = new PeerNetwork(self, options.Peer, _loop, log);
            try
            {
                // The session names this run in the deduplication of commands; the incarnation is as unique, but may be seen by anyone.
                _core = NodeCore.Open(
                    surroundings.Files?.Invoke(disk.Root) ?? disk, options.Node, _loop, PeerHandshake.NewNonce(), new Prng(PeerHandshake.NewNonce()),
                    out _wal);
            }
            catch
            {
                _network.Dispose();
                throw;
            }
        }
        catch
        {
            _lock.Dispose();
            throw;
        }

        _sync = new SyncThread(_wal, _syncLatency, Persisted, Fail);
        _pace = new JobPace(options.SyncTarget, _syncLatency, () => _loop.Statuses.Select(static status => status.WritePressure).DefaultIfEmpty().Max());
        _jobs = new JobThreads(options.JobThreads, (job, failure) => _inbox.Post(new InboxItem(InboxKind.JobDone, job, failure)), _pace);
        _space = new SpaceWatch(
            options.ReserveBytes, surroundings.Space ?? disk.Space, log, isNearlyFull => Post(core => core.DiskNearlyFull = isNearlyFull));
    }

    /// <summary>Starts a node: locks and opens its data directory, replays, listens, and begins to take part.</summary>
    /// <param name="options">What it needs.</param>
    /// <param name="log">Takes its lines.</param>
    /// <param name="surroundings">For tests; null: the real machine.</param>
    /// <param name="held">The directory's lock if the caller has taken it, which becomes the node's; null: it is taken here.</param>
    /// <exception cref="ArgumentException">The options have problems; the message lists them.</exception>
    /// <exception cref="DataDirectoryInUseException">Another process has the directory.</exception>
    /// <exception cref="WrongDataDirectoryException">The directory is another node's. Nothing was changed.</exception>
    /// <exception cref="CorruptFileException">Something durable is damaged. Nothing was dropped.</exception>
    /// <exception cref="DiskException">The disk refused.</exception>
    /// <exception cref="IOException">The peer port cannot be listened on.</exception>
    public static NodeRuntime Start(
        NodeRuntimeOptions options, INodeLog log, NodeSurroundings? surroundings = null, DataDirectoryLock? held = null)
    {
        string[] problems = [.. options.Problems()];
        if (problems.Length > 0) { throw new ArgumentException(string.Join(Environment.NewLine, problems), nameof(options)); }

        var node = new NodeRuntime(options, log, surroundings ?? new NodeSurroundings(), held);
        node.Begin();
        return node;
    }

    /// <inheritdoc/>
    public ClusterId Cluster => _options.Node.Cluster;

    /// <inheritdoc/>
    public NodeId Node => _options.Node.Node;

    /// <summary>Where it listens for peers.</summary>
    public IPEndPoint PeerEndPoint => _network.Local;

    /// <summary>Completes if the node stops by itself: a failed write or sync, damage, a bug. The process must exit then.</summary>
    public Task<FatalError> Fatal => _fatal.Task;

    /// <inheritdoc/>
    public ValueTask<ProposeResult> ProposeAsync(
        ShardId shard, ReadOnlyMemory<byte> command, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(command.Length, _options.MaxCommandBytes, nameof(command));
        var request = new PendingProposal(_guard) { Shard = shard, Command = command };
        if (cancellationToken.CanBeCanceled) { request.CancelWith(cancellationToken); }
        RequestOutcome? refusal = _inbox.PostRequest(new InboxItem(InboxKind.Proposal, request), command.Length, out bool helps);
        if (refusal is { } outcome) { request.Refuse(outcome); }
        if (helps) { _loop.Help(); }
        return request.Task;
    }

    /// <inheritdoc/>
    public ValueTask<ReadResult> ReadAsync(ShardId shard, ReadLevel level, CancellationToken cancellationToken = default)
    {
        if (level == ReadLevel.Local) { return new(ReadLocal(shard)); }
        var request = new PendingRead(_guard) { Shard = shard };
        if (cancellationToken.CanBeCanceled) { request.CancelWith(cancellationToken); }
        RequestOutcome? refusal = _inbox.PostRequest(new InboxItem(InboxKind.Read, request), commandBytes: 0, out bool helps);
        if (refusal is { } outcome) { request.Refuse(outcome); }
        if (helps) { _loop.Help(); }
        return request.Task;
    }

    /// <inheritdoc/>
    public void Reclaim(ShardId shard) => Post(core => core.Reclaim(shard));

    /// <inheritdoc/>
    public void Damaged(ShardId shard, CorruptFileException damage) => Post(core => core.Damaged(shard, damage));

    /// <inheritdoc/>
    public ShardStatus? StatusOf(ShardId shard) => _loop.StatusOf(shard);

    /// <inheritdoc/>
    public IDisposable Subscribe(ShardId shard, Action published) => _loop.Listeners.Add(shard, published);

    /// <inheritdoc/>
    public KeyspaceList Keyspaces => _core.Keyspaces;

    /// <summary>State of all shards, at most one tick old.</summary>
    public IReadOnlyCollection<ShardStatus> Statuses => _loop.Statuses;

    /// <summary>Adds a peer, or changes where it is looked for; a connection that stands is kept.</summary>
    public void SetPeer(PeerAddress address) => _network.SetPeer(address);

    /// <summary>Ends the link to a peer and refuses it from now on.</summary>
    public void RemovePeer(NodeId peer) => _network.RemovePeer(peer);

    /// <inheritdoc/>
    public ValueTask<bool> HandOverAsync(ShardId shard, NodeId to)
    {
        var request = new PendingHandOver { Shard = shard, To = to };
        return Post(core => core.HandOver(request)) ? new(request.Task) : new(false);
    }

    /// <summary>True if this node was a member of the shard's group and was removed from it: it will never take part again. Any thread.</summary>
    public bool IsRemovedFrom(ShardId shard) => _core.IsRemovedFrom(shard);

    /// <summary>Hash of a shard's state; see <see cref="NodeCore.HashOf"/>. Holds the loop while it is computed.</summary>
    /// <exception cref="OperationCanceledException">The node stopped first.</exception>
    public Task<(LogIndex Applied, ulong Hash)> HashAsync(ShardId shard) => CallAsync(core => core.HashOf(shard));

    /// <summary>What the node can be measured by.</summary>
    public NodeCounters Counters()
    {
        (int syncBatches, long syncBytes) = _sync.Waiting;
        (int requests, long requestBytes) = _inbox.Waiting;
        (int waiting, int running) = _jobs.Counts;
        return new NodeCounters(
            _syncLatency.Read(), syncBatches, syncBytes, requests, requestBytes, waiting, running, _loop.Turns,
            _loop.SkippedTicks, _space.FreeBytes, _space.IsNearlyFull, _pace.Rate, _pace.Waited,
            [.. _network.Links.Values.Select(static link => Counters(link.Peer, link.Counts))]);
    }

    /// <summary>Stops gracefully: hands leaderships over, makes durable what was taken, closes. Bounded by the stop timeout.</summary>
    /// <remarks>Safe to call more than once. After <see cref="Fatal"/> it only lets go of threads, sockets and the lock.</remarks>
    public Task StopAsync() => Stop(isGraceful: true);

    /// <summary>Stops as a crash would: nothing is handed over, finished or flushed. For tests and embedding.</summary>
    public Task AbandonAsync() => Stop(isGraceful: false);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await StopAsync().ConfigureAwait(false);

    private void Persisted(List<WalBatch> batches)
    {
        if (_inbox.PostPersisted(batches)) { _loop.Help(); }
    }

    private void Begin()
    {
        _space.Start(TimeSpan.FromSeconds(1));
        _core.DiskNearlyFull = _space.IsNearlyFull;
        foreach (PeerAddress peer in _options.Peers)
        {
            if (peer.Node != Node) { _network.SetPeer(peer); }
        }

        _log.Write(
            LogSeverity.Info, "node-started", new("node", Node.ToString()), new("cluster", Cluster.ToString()),
            new("peer-address", _network.Local.ToString()), new("data-directory", _options.DataDirectory));
        _sync.Start();
        _jobs.Start();
        _pace.Start();
        _loop.Start(_core, _network, _sync, _jobs);
        _network.Start();
    }

    private ReadResult ReadLocal(ShardId shard)
    {
        while (!_isStopping && !_guard.HasFailed)
        {
            try
            {
                return _core.OpenLocalView(shard) is { } view
                    ? new ReadResult(RequestOutcome.Done, view)
                    : new ReadResult(RequestOutcome.NoShard, null);
            }
            catch (ObjectDisposedException)
            {
                // A snapshot has just replaced the state, or the node stops: look again.
                Thread.Yield();
            }
        }

        return new ReadResult(RequestOutcome.Stopping, null);
    }

    // Final. Any thread. From the first line on nothing is acknowledged and nothing is sent.
    private void Fail(Exception cause)
    {
        _guard.HasFailed = true;
        if (Interlocked.Exchange(ref _isFailing, 1) != 0) { return; }
        _inbox.Close();
        var error = new FatalError(cause);
        bool isDisk = cause is DiskException or CorruptFileException;
        _log.Write(
            LogSeverity.Error, "fatal", new("exit-code", error.ExitCode), new("kind", cause.GetType().Name),
            new("reason", cause.Message), new("stack", isDisk ? "-" : cause.StackTrace ?? "-"));
        _fatal.TrySetResult(error);
    }

    private Task Stop(bool isGraceful)
    {
        lock (_stopGate)
        {
            _isStopping = true;
            // Joins threads, so it must not run on the caller's, which may be a continuation of one of ours.
            return _stopped ??= Task.Factory.StartNew(
                () => StopThreads(isGraceful), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
    }

    private void StopThreads(bool isGraceful)
    {
        long until = Environment.TickCount64 + (long)_options.StopTimeout.TotalMilliseconds;
        _space.Dispose();
        _pace.Dispose();
        if (isGraceful) { Post(core => _loop.StopBy(core, until)); }
        else { Abandon(); }

        // A loop that hangs is given two seconds more than the time it was told.
        bool loopEnded = _loop.Join(Left(until) + TimeSpan.FromSeconds(2));
        bool wasGraceful = loopEnded && !_guard.HasFailed;
        if (wasGraceful) { _network.Close(TimeSpan.FromSeconds(1)); }
        else { _network.Dispose(); }

        bool isQuiet = _jobs.Stop(Left(until) + TimeSpan.FromSeconds(1)) & _sync.Stop(Left(until) + TimeSpan.FromSeconds(1)) & loopEnded;
        wasGraceful &= isQuiet && !_guard.HasFailed; // The last sync of all may have failed after the loop had ended.
        if (wasGraceful)
        {
            // Only now: closing the log marks everything in it as synced, which after a failure would be a lie.
            _core.Dispose();
            _wal.Dispose();
        }
        else if (loopEnded)
        {
            _guard.Pending.AbandonAll(RequestOutcome.Unknown);
        }

        _log.Write(
            isQuiet ? LogSeverity.Info : LogSeverity.Warning, "node-stopped", new("node", Node.ToString()),
            new("graceful", wasGraceful ? "yes" : "no"));

        // While a thread of ours may still write there, the directory is not free for another node.
        if (isQuiet) { _lock.Dispose(); }
    }

    private void Abandon()
    {
        _guard.HasFailed = true;
        Interlocked.Exchange(ref _isFailing, 1);
        _inbox.Close();
    }

    private static TimeSpan Left(long until) => TimeSpan.FromMilliseconds(Math.Max(0, until - Environment.TickCount64));

    private bool Post(Action<NodeCore> action) => _inbox.Post(new InboxItem(InboxKind.Call, new LoopAction(action)));

    private Task<T> CallAsync<T>(Func<NodeCore, T> function)
    {
        var call = new LoopFunction<T>(function);
        if (!_inbox.Post(new InboxItem(InboxKind.Call, call))) { call.Abandon(); }
        return call.Task;
    }

    private static PeerCounters Counters(NodeId peer, PeerLinkCounts counts) => new(
        peer, counts.IsConnected, counts.QueuedBytes, counts.SentBytes, counts.SentFrames, counts.ReceivedBytes,
        counts.ReceivedFrames, counts.DroppedFrames, counts.Connects);

    private sealed class LoopAction(Action<NodeCore> action) : ILoopCall
    {
        public void Run(NodeCore core) => action(core);

        public void Abandon()
        {
        }
    }

    private sealed class LoopFunction<T>(Func<NodeCore, T> function) : ILoopCall
    {
        private readonly TaskCompletionSource<T> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<T> Task => _result.Task;

        // An exception is NodeCore's and ends the loop, as everywhere.
        public void Run(NodeCore core)
        {
            try { _result.SetResult(function(core)); }
            catch
            {
                Abandon();
                throw;
            }
        }

        public void Abandon() => _result.TrySetCanceled();
    }
}
