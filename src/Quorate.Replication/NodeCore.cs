using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Raft;
using Quorate.Storage.Engine;
using Quorate.Storage.Wal;

namespace Quorate.Replication;

/// <summary>
/// All replicas of a node as one deterministic state machine: messages, ticks, requests and results of jobs in; frames, log
/// batches, jobs and completions out, through <see cref="INodeHost"/>. One thread calls it. After any calls the host
/// calls <see cref="Flush"/>, which does the work that they queued.
/// </summary>
public sealed partial class NodeCore : IDisposable
{
    private const int FullFrameBytes = 4 * 1024 * 1024;
    internal const string WalDirectory = "wal";

    private readonly INodeHost _host;
    private readonly SortedDictionary<NodeId, ByteWriter> _frames = [];
    private readonly Queue<(WalBatch Batch, AfterPersist After)> _inFlight = [];
    private readonly Stack<(WalBatch Batch, AfterPersist After)> _idle = [];
    private readonly List<QueuedCommand> _received = [];
    private readonly List<ulong> _receivedSequences = [];
    private readonly Prng _random;
    private List<Replica> _dirty = [];
    private List<Replica> _dirtySpare = [];
    private SortedDictionary<ShardId, Replica> _replicas = [];
    private AfterPersist _after = new();
    private ulong _streams;
    private bool _isStopping;
    private bool _isClosed;
    private AfterPersist? _lastInFlight;
    private readonly ulong _directory;
    private readonly PeerDirectories _peers;
    private readonly KeyspaceKeeper _keeper;
    private readonly MembershipFollower _follower;
    private long _toldTick;

    private NodeCore(IFileSystem files, ulong directory, NodeConfig config, INodeHost host, ulong session, Prng random)
    {
        Files = files;
        _directory = directory;
        _peers = new(files);
        Config = config;
        _host = host;
        Session = session;
        _random = random;
        Cache = new(config.BlockCacheBytes);
        _keeper = new(this);
        _follower = new(this);
    }

    /// <summary>The shards of this node, ordered by id.</summary>
    public ImmutableArray<ShardId> Shards => [.. _replicas.Keys];

    /// <summary>The keyspaces beside the first shard, as far as this node has applied them; a shard may be there a moment later. Any thread.</summary>
    public KeyspaceList Keyspaces { get; private set; } = KeyspaceList.Empty;

    /// <summary>
    /// While true, ordinary commands (<see cref="CommandUrgency"/>) are refused with <see cref="RequestOutcome.NoSpace"/>; the
    /// others and reads go on. When it becomes true, leaderships are handed over, once: the others may have room, and if they
    /// have not, leadership must not go round.
    /// </summary>
    public bool DiskNearlyFull
    {
        get => _diskNearlyFull;
        set
        {
            bool isNew = value && !_diskNearlyFull;
            _diskNearlyFull = value;
            if (!isNew) { return; }
            foreach (Replica replica in _replicas.Values) { replica.TransferToBest(); }
        }
    }

    private bool _diskNearlyFull;

    /// <summary>True once no leadership is left that could be handed over, and nothing waits to be persisted.</summary>
    public bool ReadyToStop => _inFlight.Count == 0 && _replicas.Values.All(replica => !replica.HoldsLeadership);

    internal IFileSystem Files { get; }

    internal NodeConfig Config { get; }

    internal ulong Session { get; }

    internal BlockCache Cache { get; }

    internal long Now { get; private set; }

    internal long UnixMilliseconds { get; private set; }

    internal WalBatch Batch { get; private set; } = new();

    /// <summary>The entry of the first shard as of which <see cref="Keyspaces"/> is.</summary>
    internal LogIndex KeyspacesAt { get; private set; }

    internal bool IsStopping => _isStopping;

    /// <summary>Opens the data directory (created if empty): checks its identity, opens log and engines, replays.</summary>
    /// <param name="files">The data directory.</param>
    /// <param name="config">What the node is.</param>
    /// <param name="host">Its surroundings; not called before this returns.</param>
    /// <param name="session">Identifies this run of the node in the deduplication of retried commands; never used before by any node.</param>
    /// <param name="random">Election timeouts.</param>
    /// <param name="log">The opened log: the host writes the batches to it.</param>
    /// <exception cref="WrongDataDirectoryException">It belongs to another cluster or node, or to a format this build does not know. Nothing was changed.</exception>
    /// <exception cref="CorruptFileException">Something durable does not read back as written. Nothing was dropped.</exception>
    /// <exception cref="DiskException">The disk refused.</exception>
    public static NodeCore Open(
        IFileSystem files, NodeConfig config, INodeHost host, ulong session, Prng random, out WriteAheadLog log)
    {
        ulong directory = NodeIdentity.CheckOrCreate(files, config.Cluster, config.Node, random.Next());
        ReplicaStore.CheckHasLog(files, WalDirectory);
        files.CreateDirectory(WalDirectory);
        files.CreateDirectory(ReplicaStore.Root);
        files.SyncDirectory("");
        WalOptions options = config.Wal with { LogId = random.Next() };
        var node = new NodeCore(files, directory, config, host, session, random);
        WriteAheadLog? opened = null;
        try
        {
            // The shards that are there first: opening the log begins a segment, and a node that is damaged and started again and
            // again must not fill its disk with them. New shards after it: see CheckHasLog.
            opened = WriteAheadLog.Open(files, WalDirectory, options, node.OpenReplicas);
            node.CreateReplicas();
        }
        catch
        {
            node.Dispose();
            opened?.Dispose();
            throw;
        }

        log = opened;
        return node;
    }

    /// <summary>Looks whose data a directory holds, without opening it; null if it is new.</summary>
    /// <exception cref="WrongDataDirectoryException">It is of a format that this build does not know.</exception>
    /// <exception cref="CorruptFileException">It does not read back as written.</exception>
    public static DirectoryOwner? OwnerOf(IFileSystem files)
    {
        ArgumentNullException.ThrowIfNull(files);
        if (NodeIdentity.Read(files) is not (var cluster, var node)) { return null; }
        ShardId[] shards = [.. ReplicaStore.List(files)];
        return new(cluster, node, shards.Length == 0 || ReplicaStore.ReadDescriptor(files, shards[0]).Descriptor.Voters.IsEmpty);
    }

    /// <summary>A tick has passed.</summary>
    /// <param name="unixMilliseconds">The wall clock; used only to stamp entries, never for safety.</param>
    public void Tick(long unixMilliseconds)
    {
        Now++;
        UnixMilliseconds = unixMilliseconds;
        foreach (Replica replica in _replicas.Values) { replica.Tick(); }
        _keeper.Tick();
        _follower.Tick();
        TickScrub();
        if (Now % Config.Raft.ElectionTicks == 0) { GreetStrangers(); }
    }

    // Followers do not talk to each other until there is an election, and then it would be too late to tell who has lost its disk.
    private void GreetStrangers()
    {
        var strangers = new SortedSet<NodeId>();
        foreach (Replica replica in _replicas.Values) { strangers.UnionWith(replica.Members.Where(node => !_peers.Knows(node))); }
        strangers.Remove(Config.Node);
        foreach (NodeId stranger in strangers) { PeerFrame.AddGreeting(FrameTo(stranger), wantsAnswer: true); }
    }

    /// <summary>Takes a frame from a peer whose identity the host has checked. The buffer may be reused when this returns.</summary>
    /// <returns>False if the frame is malformed: the host closes the connection. Nothing was done with the malformed part.</returns>
    /// <exception cref="DiskException">The peer is new, and the disk failed to note it. Final.</exception>
    public bool Receive(NodeId from, ReadOnlyMemory<byte> frame)
    {
        if (frame.Length < PeerFrame.HeaderBytes) { return false; }
        ulong directory = PeerFrame.DirectoryOf(frame.Span);
        frame = frame[PeerFrame.HeaderBytes..];
        try
        {
            if (!_peers.IsSame(from, directory))
            {
                Disown(from, directory);
                return true;
            }
        }
        catch (DiskException e) when (e.Fault == DiskFault.Full)
        {
            return true; // Who cannot be noted is not heard until there is room again.
        }

        while (!frame.IsEmpty)
        {
            if (!PeerFrame.TryNext(ref frame, out PeerItem item, out ReadOnlyMemory<byte> body) || !ReceiveItem(from, item, body))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The connection to a peer broke: what was sent last may be lost.</summary>
    public void Disconnected(NodeId peer)
    {
        foreach (Replica replica in _replicas.Values) { replica.Disconnected(peer); }
    }

    /// <summary>Takes a command. Followers forward it; retries after a change of leader take effect at most once.</summary>
    public void Propose(ProposeRequest request)
    {
        if (_isStopping) { request.Complete(RequestOutcome.Stopping, default); }
        else if (FindReplica(request.Shard) is { } replica) { replica.Propose(request); }
        else { request.Complete(RequestOutcome.NoShard, default); }
    }

    /// <summary>Takes a linearizable read. (For local reads see <see cref="OpenLocalView"/>.)</summary>
    public void Read(ReadRequest request)
    {
        if (_isStopping) { request.Complete(RequestOutcome.Stopping, null); }
        else if (FindReplica(request.Shard) is { } replica) { replica.Read(request); }
        else { request.Complete(RequestOutcome.NoShard, null); }
    }

    /// <summary>What this node has applied of a shard, or null if it has no such shard. Any thread.</summary>
    /// <exception cref="ObjectDisposedException">The state was just replaced by a snapshot: call again.</exception>
    public IReadView? OpenLocalView(ShardId shard) =>
        _replicas.TryGetValue(shard, out Replica? replica) && !replica.IsBlank ? replica.Engine.OpenReadView() : null;

    /// <summary>The batch given to <see cref="INodeHost.Persist"/> is durable. Batches come back in order.</summary>
    public void Persisted(WalBatch batch)
    {
        (WalBatch expected, AfterPersist after) = _inFlight.Dequeue();
        Invariant.Holds(ReferenceEquals(batch, expected), $"a batch of {batch.Bytes} bytes came back out of order");
        Release(after);
        batch.Clear();
        _idle.Push((batch, after));
    }

    /// <summary>A job has run.</summary>
    /// <param name="job">The job.</param>
    /// <param name="failure">What <see cref="NodeJob.Run"/> threw, or null. What the node cannot survive is thrown again.</param>
    public void JobDone(NodeJob job, Exception? failure)
    {
        if (!_isClosed) { ((CoreJob)job).Finished(failure); }
    }

    /// <summary>Does what the calls since the last flush have queued: appends, messages, applying (a slice), replies.</summary>
    /// <returns>True if there is more to do: call again soon, though nothing new came in.</returns>
    public bool Flush()
    {
        _keeper.Look();
        _follower.Look();
        foreach ((ShardId shard, string damage) in _found) { ReportDamage(shard, damage); }
        _found.Clear();

        // What applying a slice brings about (a read's view, the next entries) goes out with the same batch and frames.
        List<Replica> dirty = TakeDirty();
        foreach (Replica replica in dirty) { replica.CollectReady(Batch, _after); }
        PersistBatch();
        foreach (Replica replica in dirty) { Apply(replica); }

        SendFrames();
        return _dirty.Count > 0 || _keeper.HasNews || _follower.HasNews;
    }

    /// <summary>Proposes a change of a shard's membership, if this node leads it.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="change">The change; its context is filled in here.</param>
    /// <param name="places">Where replicas that the change adds live.</param>
    public ProposeOutcome ChangeMembership(ShardId shard, MembershipChange change, ImmutableArray<ReplicaPlace> places) =>
        FindReplica(shard)?.ChangeMembership(change, places) ?? ProposeOutcome.NotLeader;

    /// <summary>Hands leadership of a shard to another replica, if this node leads it.</summary>
    public void TransferLeadership(ShardId shard, ReplicaId to) => FindReplica(shard)?.TransferLeadership(to);

    /// <summary>Starts to give back the disk space of what a shard's machine has forgotten, on this node, in the background.</summary>
    public void Reclaim(ShardId shard) => FindReplica(shard)?.Reclaim();

    /// <summary>As <see cref="TransferLeadership"/>, with an answer: false too if this node does not lead the shard, or the other is no voter.</summary>
    public void HandOver(HandOverRequest request)
    {
        if (FindReplica(request.Shard) is { } replica && !_isStopping) { replica.HandOver(request); }
        else { request.Complete(false); }
    }

    /// <summary>True if this node's replica of the shard was removed from its group. Any thread.</summary>
    public bool IsRemovedFrom(ShardId shard) => _replicas.TryGetValue(shard, out Replica? replica) && replica.IsTombstoned;

    /// <summary>First step of a graceful stop: refuses new requests and hands every leadership over to the most advanced follower.</summary>
    public void BeginStop()
    {
        _isStopping = true;
        foreach (Replica replica in _replicas.Values) { replica.TransferToBest(); }
    }

    /// <summary>State of a shard, or null if this node has no such shard.</summary>
    public ShardStatus? StatusOf(ShardId shard) => FindReplica(shard)?.Status();

    /// <summary>Hash of a shard's logical state and the index it is as of; for comparing replicas. Costly.</summary>
    public (LogIndex Applied, ulong Hash) HashOf(ShardId shard) => _replicas[shard].Hash();

    /// <summary>Completes what still waits (unknown, or nothing happened) and closes files. The log is the host's to close.</summary>
    public void Dispose()
    {
        _isStopping = true;
        _isClosed = true;
        foreach (Replica replica in _replicas.Values) { replica.Close(); }
        _replicas = [];
    }

    internal ByteWriter FrameTo(NodeId node)
    {
        if (!_frames.TryGetValue(node, out ByteWriter? frame))
        {
            frame = new(1024);
            _frames.Add(node, frame);
        }

        if (frame.Length == 0) { frame.U64(_directory); }

        // A frame must fit the peer's limit: this much, and the largest item on top of it, is far below that.
        if (frame.Length >= FullFrameBytes)
        {
            _host.Send(node, frame.WrittenMemory);
            frame.Clear();
            frame.U64(_directory);
        }

        return frame;
    }

    internal void Run(NodeJob job) => _host.Run(job);

    internal void Published(ShardId shard) => _host.Published(shard);

    /// <summary>The first shard's state has moved on. Before its commands are answered: who made a keyspace finds it.</summary>
    internal void KeyspacesPublished(KeyspaceList keyspaces, LogIndex applied)
    {
        Keyspaces = keyspaces;
        KeyspacesAt = applied;
    }

    /// <summary>Runs the action once all that is in the batch now is durable.</summary>
    internal void AfterBatch(Action action) => _after.Actions.Add(action);

    internal bool Has(ShardId shard) => _replicas.ContainsKey(shard);

    internal Replica? Find(ShardId shard) => FindReplica(shard);

    /// <summary>A tombstone too.</summary>
    internal Replica? FindAny(ShardId shard) => _replicas.GetValueOrDefault(shard);

    internal Prng SplitRandom(ulong use) => _random.Split(use);

    internal void ReportAlarming(ShardId shard, string name, string detail) => _host.Report(new(shard, name, detail) { IsAlarming = true });

    internal void Report(ShardId shard, string name, string detail) => _host.Report(new(shard, name, detail));

    internal void MarkDirty(Replica replica)
    {
        if (replica.IsDirty) { return; }
        replica.IsDirty = true;
        _dirty.Add(replica);
    }

    /// <summary>Takes a replica's output at once, for a step whose outcome the caller must know.</summary>
    internal void CollectNow(Replica replica) => replica.CollectReady(Batch, _after);

    /// <summary>An id for a new node: random, so that none ever comes again.</summary>
    internal NodeId FreshNode()
    {
        if (Config.FreshNode is { } fresh) { return fresh(); }
        ulong id = _random.Next();
        return new NodeId(id == 0 ? 1 : id);
    }

    /// <summary>An id for a stream of snapshot pieces that no other stream has, in this run or another.</summary>
    internal ulong NextStream() => unchecked(Session + (++_streams * 0x9E3779B97F4A7C15));

    internal void AddReplica(Replica replica)
    {
        // Copied, because other threads look shards up for local reads.
        _replicas = new(_replicas) { { replica.Shard, replica } };
        replica.AfterOpen(Batch);
        MarkDirty(replica);
    }

    /// <summary>The shard is not here any more, as far as anybody can see.</summary>
    internal void RemoveReplica(ShardId shard)
    {
        Replica removed = _replicas[shard];
        var left = new SortedDictionary<ShardId, Replica>(_replicas);
        left.Remove(shard);
        _replicas = left;
        removed.Discard();
    }

    private Replica? FindReplica(ShardId shard) =>
        _replicas.TryGetValue(shard, out Replica? replica) && !replica.IsTombstoned ? replica : null;

    private void OpenReplicas(WalRecovery recovery)
    {
        ReplicaStore.CheckHasAll(Files, recovery);
        foreach (ShardId shard in ReplicaStore.List(Files))
        {
            // The first shard is open by now, as of what is in its files: this keyspace's deletion is on disk.
            if (Keyspaces.IsDeleted(shard))
            {
                _keeper.FoundDeleted(shard);
                continue;
            }

            OpenReplica(shard, recovery.Shards.FirstOrDefault(candidate => candidate.Shard == shard), isNew: false);
        }
    }

    private void CreateReplicas()
    {
        ReplicaStore.DeleteLeftOver(Files);
        foreach (ShardDescriptor descriptor in Config.Bootstrap)
        {
            if (_replicas.ContainsKey(descriptor.Shard)) { continue; }
            if (descriptor.Voters.IsEmpty)
            {
                // It joins a group that is there: its leader will find it under the number that members' replicas have.
                ReplicaStore.Create(Files, descriptor, new ReplicaId(Config.Node.Value));
                OpenReplica(descriptor.Shard, recovered: null, isNew: true);
                continue;
            }

            foreach (ReplicaPlace voter in descriptor.Voters)
            {
                if (voter.Node != Config.Node) { continue; }
                ReplicaStore.Create(Files, descriptor, voter.Replica);
                OpenReplica(descriptor.Shard, recovered: null, isNew: true);
            }
        }
    }

    private void OpenReplica(ShardId shard, RecoveredShard? recovered, bool isNew)
    {
        (ShardDescriptor descriptor, ReplicaId self) = ReplicaStore.ReadDescriptor(Files, shard);
        try
        {
            AddReplica(new(this, descriptor, self, recovered, isNew, _random.Split(shard.Value)));
        }
        catch (CorruptFileException damage) when (_peers.KnowsAny)
        {
            string directory = ReplicaStore.DirectoryOf(shard);
            RepairMark.Write(Files, directory, ReplicaStore.LastGeneration(Files, directory), damage.Message);
            AddReplica(new(this, descriptor, self, recovered, isNew, _random.Split(shard.Value)));
            _found.Add((shard, damage.Message));
        }
    }

    // A leader speaks to a replica that does not exist here yet: it was added to the group. It starts empty and learns. Or a
    // candidate asks for its vote: the leader that added it may never have reached us, and without our vote there is no other.
    private Replica? Join(ShardId shard, ReplicaId self, int machine)
    {
        if (shard != Config.MetaShard && Config.Bootstrap.All(known => known.Shard != shard))
        {
            _keeper.Asked(shard, self);
            return null;
        }

        if (_replicas.ContainsKey(shard) || _isStopping || Config.Machines(shard, machine) is null) { return null; }
        var descriptor = new ShardDescriptor(shard, machine, []);
        ReplicaStore.Create(Files, descriptor, self);
        var replica = new Replica(this, descriptor, self, null, isNew: true, _random.Split(shard.Value));
        AddReplica(replica);
        Report(shard, "replica-created", $"replica={self}");
        return replica;
    }

    private bool ReceiveItem(NodeId from, PeerItem item, ReadOnlyMemory<byte> body)
    {
        switch (item)
        {
            case PeerItem.Raft:
                var reader = new ByteReader(body.Span);
                if (!RaftMessageCodec.TryDecode(ref reader, out RaftMessage? message) || !reader.AtEnd) { return false; }
                if (message is RequestVote && !_replicas.ContainsKey(message.Shard)) { Probes.JoinedByVote.Hit(); }
                int machine = Config.Bootstrap.FirstOrDefault(known => known.Shard == message.Shard)?.Machine ?? 0;
                (_replicas.GetValueOrDefault(message.Shard) ??
                    (message.IsFromLeader || message is RequestVote ? Join(message.Shard, message.To, machine) : null))?.Step(message, from);
                return true;

            case PeerItem.Forward:
                _received.Clear();
                if (!PeerFrame.TryReadForward(body, out ShardId shard, _received)) { return false; }
                FindReplica(shard)?.Forwarded(from, _received);
                return true;

            case PeerItem.ForwardRefused:
                _receivedSequences.Clear();
                if (!PeerFrame.TryReadForwardRefused(body.Span, out ShardId refusing, _receivedSequences)) { return false; }
                FindReplica(refusing)?.ForwardRefused(_receivedSequences);
                return true;

            case PeerItem.SnapshotOffer:
                if (!PeerFrame.TryReadOffer(body.Span, out SnapshotOffer? offer) || offer is null) { return false; }
                (FindReplica(offer.Shard) ?? Join(offer.Shard, offer.To, offer.Machine))?.SnapshotOffered(from, offer);
                return true;

            case PeerItem.SnapshotChunk:
                if (!PeerFrame.TryReadChunk(body, out SnapshotChunk chunk)) { return false; }
                FindReplica(chunk.Shard)?.SnapshotChunkReceived(chunk);
                return true;

            case PeerItem.SnapshotProgress:
                if (!PeerFrame.TryReadProgress(body.Span, out SnapshotProgress progress)) { return false; }
                FindReplica(progress.Shard)?.SnapshotProgressed(progress);
                return true;

            case PeerItem.Greeting:
                if (body.Length != 1 || body.Span[0] > 1) { return false; }
                if (body.Span[0] == 1) { PeerFrame.AddGreeting(FrameTo(from), wantsAnswer: false); }
                return true;

            case PeerItem.Disowned:
                if (!PeerFrame.TryReadDisowned(body.Span, out ulong disowned)) { return false; }
                if (disowned == _directory && IsTimeToTell())
                {
                    Report(default, "disowned", $"by={from} directory={_directory:x16} reason=\"it knows this node by another data " +
                        "directory: what this node had promised is lost; remove this member and add a new one, at another peer URL\"");
                }

                return true;

            default:
                return false;
        }
    }

    // It may not vote or acknowledge anything: it no longer knows what it had promised. It is told, so that its operator learns of it.
    private void Disown(NodeId from, ulong directory)
    {
        Probes.Disowned.Hit();
        if (!IsTimeToTell()) { return; }
        PeerFrame.AddDisowned(FrameTo(from), directory);
        Report(default, "peer-disowned", $"node={from} directory={directory:x16} reason=\"it came back without its data directory\"");
    }

    private bool IsTimeToTell()
    {
        if (_toldTick != 0 && Now - _toldTick < 10L * Config.Raft.ElectionTicks) { return false; }
        _toldTick = Now;
        return true;
    }

    private List<Replica> TakeDirty()
    {
        (_dirty, _dirtySpare) = (_dirtySpare, _dirty);
        _dirty.Clear();
        foreach (Replica replica in _dirtySpare) { replica.IsDirty = false; }
        return _dirtySpare;
    }

    // All that the replicas want durable goes into one batch and one sync. Messages that wait for durability wait for the batches
    // before them too; with nothing to write and nothing in flight they need not wait at all.
    private void PersistBatch()
    {
        if (Batch.IsEmpty)
        {
            if (_after.IsEmpty) { return; }
            if (_inFlight.Count == 0) { Release(_after); }
            else { _lastInFlight!.MoveFrom(_after); }
            return;
        }

        _inFlight.Enqueue((Batch, _after));
        _lastInFlight = _after;
        _host.Persist(Batch);
        (Batch, _after) = _idle.TryPop(out (WalBatch, AfterPersist) idle) ? idle : (new(), new());
    }

    private static void Release(AfterPersist after)
    {
        foreach ((Replica replica, ulong token, ImmutableArray<RaftMessage> messages) in after.Items)
        {
            replica.Persisted(token, messages);
        }

        after.Items.Clear();
        foreach (Action action in after.Actions) { action(); }
        after.Actions.Clear();
    }

    private void SendFrames()
    {
        foreach ((NodeId node, ByteWriter frame) in _frames)
        {
            if (frame.Length == 0 || (Config.Buggify?.Fires("hold-frame") ?? false)) { continue; }
            _host.Send(node, frame.WrittenMemory);
            frame.Clear();
        }
    }

    /// <summary>What may be said once a batch is durable.</summary>
    internal sealed class AfterPersist
    {
        public List<(Replica Replica, ulong Token, ImmutableArray<RaftMessage> Messages)> Items { get; } = [];

        public List<Action> Actions { get; } = [];

        public bool IsEmpty => Items.Count == 0 && Actions.Count == 0;

        public void MoveFrom(AfterPersist other)
        {
            Items.AddRange(other.Items);
            other.Items.Clear();
            Actions.AddRange(other.Actions);
            other.Actions.Clear();
        }

        public void Add(Replica replica, ulong token, ImmutableArray<RaftMessage> messages) => Items.Add((replica, token, messages));
    }
}
