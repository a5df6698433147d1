using Quorate.Core;
using Quorate.Raft;
using Quorate.Storage.Engine;
using Quorate.Storage.Wal;

namespace Quorate.Replication;

/// <summary>Snapshots: a leader streams its flushed files to followers whose next entries are gone; they use them whole.</summary>
internal sealed partial class Replica
{
    private readonly List<SnapshotSender> _senders = [];
    private SnapshotReceiver? _receiver;
    private (StorageEngine Engine, int Generation, LogPosition Position)? _received;
    private int _lastGeneration;
    private LogIndex _catchUpFrom;
    private long _catchUpUntil;

    private void StartSnapshots()
    {
        if (_raft.Role != Role.Leader)
        {
            foreach (SnapshotSender sender in _senders) { sender.Close(); }
            _senders.Clear();
            return;
        }

        foreach (ReplicaId to in _raft.SnapshotsWanted)
        {
            NodeId node = PlaceOf(to);
            if (node == NodeId.None || _senders.Exists(sender => sender.To == to)) { continue; }

            // Without entries it would tell the follower nothing, not even who the members are.
            if (_engine.Flushed.Index == LogIndex.Zero)
            {
                RequestFlush();
                continue;
            }

            EngineCheckpoint checkpoint = _engine.OpenCheckpoint();
            var offer = new SnapshotOffer(
                Shard, _machineId, Id, to, _raft.Term, _node.NextStream(), checkpoint.Position, checkpoint.Files,
                checkpoint.Manifest);
            _raft.SnapshotStarted(to, checkpoint.Position);
            _senders.Add(new(this, checkpoint, offer, node, ReplicaStore.Generation(Directory, _generation)));
            _node.Report(
                Shard, "snapshot-started", $"to={to} index={offer.Position.Index} bytes={offer.Files.Sum(file => file.Length)}");
        }
    }

    // What a follower needs behind the snapshot that it gets, or has just got, is kept for it, or it would need the next one at
    // once; up to a limit, since the log is in memory.
    private LogIndex LastToForget
    {
        get
        {
            LogIndex last = Now < _catchUpUntil ? _catchUpFrom : new LogIndex(ulong.MaxValue);
            foreach (SnapshotSender sender in _senders) { last = LogIndex.Min(last, sender.Position.Index); }
            return _raft.LogBytes > 8 * Config.LogRetainBytes ? new LogIndex(ulong.MaxValue) : last;
        }
    }

    private void TickSnapshots()
    {
        for (int i = _senders.Count - 1; i >= 0; i--)
        {
            if (!_senders[i].Tick()) { EndSender(_senders[i], succeeded: false); }
        }
    }

    /// <summary>A follower says how far it is with a snapshot from here.</summary>
    public void SnapshotProgressed(in SnapshotProgress progress)
    {
        ulong stream = progress.Stream;
        if (_senders.Find(sender => sender.Stream == stream) is { } sender && sender.Progressed(progress) is { } succeeded)
        {
            EndSender(sender, succeeded);
        }
    }

    private void EndSender(SnapshotSender sender, bool succeeded)
    {
        _senders.Remove(sender);
        sender.Close();
        if (succeeded)
        {
            _catchUpFrom = Now < _catchUpUntil ? LogIndex.Min(_catchUpFrom, sender.Position.Index) : sender.Position.Index;
            _catchUpUntil = Now + (10L * Config.Raft.ElectionTicks);
        }

        _raft.ReportSnapshot(sender.To, succeeded);
        _node.Report(Shard, succeeded ? "snapshot-sent" : "snapshot-gave-up", $"to={sender.To} index={sender.Position.Index}");
        MarkDirty();
    }

    /// <summary>A leader offers a snapshot.</summary>
    public void SnapshotOffered(NodeId from, SnapshotOffer offer)
    {
        if (IsTombstoned || offer.To != Id || offer.Term < _raft.Term) { return; }
        if (_receiver is { } receiver)
        {
            if (receiver.Offer.Stream == offer.Stream)
            {
                receiver.OfferedAgain();
                return;
            }

            if (receiver.IsFinishing) { return; } // It is whole; the newcomer is offered again if it is still needed.
            Probes.SnapshotReplaced.Hit();
            receiver.Abandon();
        }

        _receiver = new(
            this, offer, from, ReplicaStore.Incoming(Directory, offer.Stream), ++_lastGeneration);
        _receiverFrom = from;
    }

    private NodeId _receiverFrom;

    /// <summary>A piece of a snapshot.</summary>
    public void SnapshotChunkReceived(in SnapshotChunk chunk)
    {
        if (Buggify("lose-piece")) { return; }
        if (_receiver is { } receiver && receiver.Offer.Stream == chunk.Stream) { receiver.Received(chunk); }
    }

    /// <summary>All files are here, verified, under their final name.</summary>
    public void SnapshotReceived(SnapshotReceiver receiver)
    {
        _receiver = null;
        SnapshotOffer offer = receiver.Offer;
        int generation = receiver.Generation;
        if (offer.Position.Index > _raft.Commit && offer.Position.Index > _engine.Applied.Index)
        {
            StorageEngine engine = StorageEngine.Open(Files, ReplicaStore.Generation(Directory, generation), Config.Engine, _keys, _node.Cache);
            Membership membership = MembershipIn(engine);
            Invariant.Holds(engine.Flushed == offer.Position, $"files stand at {engine.Flushed}, offered {offer.Position}");
            _received = (engine, generation, offer.Position);
            var header = new MessageHeader(Shard, offer.From, Id, offer.Term);
            _raft.Step(new InstallSnapshot(header, new(offer.Position, membership)));
            MarkDirty();
            _node.CollectNow(this);
        }

        // The Raft core did not want it (we have caught up, or a newer leader rules): then it is of no use.
        if (_received is { } unused)
        {
            Probes.SnapshotUnused.Hit();
            unused.Engine.Dispose();
            _received = null;
        }

        if (_generation != generation) { DeleteGeneration(generation); }
        PeerFrame.AddProgress(FrameTo(_receiverFrom), new(Shard, offer.Stream, SnapshotState.Installed, 0));
    }

    /// <summary>The disk is full, or what came is damaged: the leader tries again later.</summary>
    public void SnapshotFailed(SnapshotReceiver receiver, Exception failure)
    {
        _node.Report(Shard, "snapshot-refused", $"reason=\"{failure.Message}\"");
        PeerFrame.AddProgress(FrameTo(_receiverFrom), new(Shard, receiver.Offer.Stream, SnapshotState.Failed, 0));
        _receiver = null;
        receiver.Abandon();
    }

    private Membership MembershipIn(StorageEngine engine) =>
        engine.TryGet(HostRecords.MembershipKey, out ReadOnlySpan<byte> record) &&
        HostRecords.TryReadMembership(record, out Membership? membership, new()) && membership is not null
            ? membership
            : throw new CorruptFileException(Directory, 0, "the received snapshot has no membership record");

    // The Raft core took the snapshot: its engine replaces ours, its log starts behind it.
    private void UseSnapshot(SnapshotMeta snapshot, WalBatch batch)
    {
        Invariant.Holds(
            _received is { } r && r.Position == snapshot.Position, $"took {snapshot.Position}, received {_received?.Position}");
        StorageEngine old = _engine;
        int oldGeneration = _generation;
        (_engine, _generation, _) = _received!.Value;
        _received = null;
        foreach (SnapshotSender sender in _senders) { sender.Close(); }
        _senders.Clear();
        old.Dispose();
        DeleteGeneration(oldGeneration);
        IsBlank = false;

        if (_committed.Count > 0) { Probes.SnapshotOverLog.Hit(); }
        _committed.Clear();
        _logMarks.Clear();
        _markBytes = 0;
        if (_engine.TryGet(HostRecords.MembershipKey, out ReadOnlySpan<byte> record))
        {
            HostRecords.TryReadMembership(record, out _, _places);
        }

        _voters = default;
        EndHash();
        _machine.Open(_engine);
        _forgottenBefore = _machine.Forgotten;
        ReadAppliedRecords();
        batch.AddReset(Shard, snapshot.Position);
        _raft.Applied(snapshot.Position.Index);
        PublishKeyspaces();
        CompleteFromSnapshot();
        ServeReads();
        _node.Published(Shard);
        _node.Report(Shard, "snapshot-installed", $"index={snapshot.Position.Index} term={snapshot.Position.Term}");
    }

    private void CompleteFromSnapshot()
    {
        var found = new List<ProposeRequest>();
        _pending.ForEach(request =>
        {
            if (_sessions.Contains(_node.Session, request.Sequence)) { found.Add(request); }
        });
        foreach (ProposeRequest request in found) { CompleteFromRecord(request.Sequence, request.FirstIndex); }
    }

    private void DeleteGeneration(int generation) => _node.Run(new FileJob(
        $"{Shard} delete old files",
        () => ReplicaStore.DeleteGeneration(Files, Directory, generation),
        static failure => _ = failure)); // What is left is deleted when the node starts.

    private void CloseSnapshots()
    {
        foreach (SnapshotSender sender in _senders) { sender.Close(); }
        _senders.Clear();
        _received?.Engine.Dispose();
    }
}
