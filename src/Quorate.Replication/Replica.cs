using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Raft;
using Quorate.Storage.Engine;
using Quorate.Storage.Wal;

namespace Quorate.Replication;

/// <summary>
/// One shard's copy on this node: its Raft core, its state machine on its engine, and the requests that wait for it.
/// This file: opening, ticks, and what is done with each <see cref="Ready"/>.
/// </summary>
internal sealed partial class Replica
{
    private const int ReclaimAtPart = 8;

    private readonly NodeCore _node;
    private readonly EngineKeys _keys;
    private readonly IStateMachine _machine;
    private readonly int _machineId;
    private readonly SortedDictionary<ReplicaId, NodeId> _places = [];
    private readonly Queue<LogEntry> _committed = [];
    private readonly ByteWriter _scratch = new();
    private readonly RaftCore _raft;
    private StorageEngine _engine;
    private int _generation;
    private Role _reportedRole;
    private long _leaderChanges;
    private ReplicaId _reportedLeader;
    private Term _reportedTerm;
    private long _retryJobsTick;
    private LogIndex _flushAskedFor;
    private ImmutableArray<ReplicaPlace> _voters;
    private bool _isDiscarded;
    private long _forgottenBefore;
    private ShardStatus? _status;
    private StatusKey _statusKey;

    public Replica(NodeCore node, ShardDescriptor descriptor, ReplicaId self, RecoveredShard? recovered, bool isNew, Prng random)
    {
        _node = node;
        Shard = descriptor.Shard;
        Id = self;
        Directory = ReplicaStore.DirectoryOf(Shard);
        _machineId = descriptor.Machine;
        _machine = node.Config.Machines(descriptor.Shard, descriptor.Machine) ??
            throw new WrongDataDirectoryException(
                $"{Shard} holds a state machine of kind {descriptor.Machine}, which this build does not know; use a newer build");
        _keys = new(FilterPrefixLength, _machine.CreateCompactionFilter);
        _mark = RepairMark.Read(Files, Directory);
        if (_mark is not null) { ReplicaStore.Quarantine(Files, Directory, _mark.Through); }
        LogIndex released = _mark is null && recovered is not null ? recovered.Released.Index : LogIndex.Zero;
        (_engine, _generation) = ReplicaStore.OpenEngine(
            Files, Directory, Config.Engine, _keys, node.Cache, released, first: (_mark?.Through ?? 0) + 1);
        IsBlank = _mark is not null && _engine.Flushed.Index == LogIndex.Zero;
        _lastGeneration = _generation;
        _lastContext = node.Session;
        Membership membership = ReadMembership(_engine, descriptor);
        _machine.Open(_engine);
        _forgottenBefore = _machine.Forgotten;
        BeginChecks();
        ReadAppliedRecords();
        _raft = new(Shard, Id, Config.Raft, StateFrom(recovered, membership) with
        {
            Life = isNew ? 0 : node.NextStream(),
            HasForgotten = _mark is not null,
        }, random);
        IsTombstoned = recovered?.Tombstones.Contains(Id) ?? false;

        // Alone, there is nobody to wait for: a single node serves as soon as it has started.
        if (!IsTombstoned && membership.Voters.Length == 1 && membership.IsVoter(Id)) { _raft.Campaign(); }
    }

    public ShardId Shard { get; }

    public ReplicaId Id { get; }

    /// <summary>Directory of the shard; the engine is in a generation below it.</summary>
    public string Directory { get; }

    /// <summary>True once the replica was removed from its group, or its shard deleted: it takes no part any more, under this id.</summary>
    public bool IsTombstoned { get; private set; }

    /// <summary>True if it is in the list of replicas that the next flush looks at.</summary>
    public bool IsDirty { get; set; }

    public NodeConfig Config => _node.Config;

    public IFileSystem Files => _node.Files;

    public long Now => _node.Now;

    public StorageEngine Engine => _engine;

    /// <summary>Bytes that scrubs of its engines have read, and those of replicas in whose place it is.</summary>
    public long ScrubbedBytes { get; private set; }

    /// <summary>Files that they found damaged or unreadable.</summary>
    public long ScrubDamage { get; private set; }

    public Role Role => _raft.Role;

    /// <summary>As of the last applied entry.</summary>
    public Membership Membership => _raft.Membership;

    public LogIndex Applied => _engine.Applied.Index;

    /// <summary>True if this replica leads and somebody else could.</summary>
    public bool HoldsLeadership => !IsTombstoned && _raft.Role == Role.Leader && _raft.Membership.Voters.Length > 1;

    /// <summary>The nodes that hold replicas of the shard, as far as known.</summary>
    public IEnumerable<NodeId> Members => _raft.Membership.All.Select(PlaceOf).Where(node => node != NodeId.None);

    public ByteWriter FrameTo(NodeId node) => _node.FrameTo(node);

    public void Run(CoreJob job) => _node.Run(job);

    public void Step(RaftMessage message, NodeId from)
    {
        if (message.To != Id) { return; }
        _places.TryAdd(message.From, from);
        _heardTick[message.From] = Now;
        if (IsTombstoned)
        {
            if (message is RequestVote request) { Send(_raft.RefuseAsRemoved(request)); }
            else if (message is Recall question) { Send(_raft.AnswerRecall(question)); }
            return;
        }

        _raft.Step(message);
        MarkDirty();
    }

    public void Tick()
    {
        if (!IsTombstoned)
        {
            _raft.Tick();
            TickRequests();
            TickReads();
            TickSnapshots();
            TickClock();
            TickAdmission();
            TickRepair();
            TickHandOvers();
            TickCheck();
        }

        if (_retryJobsTick != 0 && Now >= _retryJobsTick)
        {
            _retryJobsTick = 0;
            StartEngineJobs();
        }

        MarkDirty();
    }

    public void Disconnected(NodeId peer)
    {
        if (IsTombstoned) { return; }
        if (PlaceOf(_raft.Leader) == peer) { _raft.LeaderUnreachable(); }
        foreach ((ReplicaId replica, NodeId node) in _places)
        {
            if (node == peer && replica != Id) { _raft.ReportUnreachable(replica); }
        }

        MarkDirty();
    }

    /// <summary>Puts what the Raft core wants done into the node's batch, frames and queues.</summary>
    public void CollectReady(WalBatch batch, NodeCore.AfterPersist after)
    {
        if (IsTombstoned) { return; }
        FeedCommands();
        FeedReads();
        while (_raft.HasReady)
        {
            Ready ready = _raft.TakeReady();
            if (ready.Snapshot is { } snapshot) { UseSnapshot(snapshot, batch); }
            if (ready.HardState is { } state) { batch.AddHardState(Shard, state); }
            foreach (LogEntry entry in ready.Entries)
            {
                batch.AddEntry(Shard, entry);
                NoteStamp(entry);
            }

            foreach (RaftMessage message in ready.Messages) { Send(message); }
            if (ready.PersistToken != 0) { after.Add(this, ready.PersistToken, ready.MessagesAfterPersist); }
            foreach (LogEntry entry in ready.Committed) { _committed.Enqueue(entry); }
            TakeReadStates(ready);
        }

        ReportChanges();
        StartSnapshots();
        if (_isRemoved && _committed.Count == 0) { Retire(); }
    }

    /// <summary>A batch with this token's writes is durable: what it promised may be said.</summary>
    public void Persisted(ulong token, ImmutableArray<RaftMessage> messages)
    {
        if (IsTombstoned) { return; }
        foreach (RaftMessage message in messages) { Send(message); }
        _raft.Persisted(token);
        MarkDirty();
    }

    /// <summary>True if committed entries wait to be applied.</summary>
    public bool HasCommitted => _committed.Count > 0;

    public void MarkDirty() => _node.MarkDirty(this);

    public void TransferLeadership(ReplicaId to)
    {
        _raft.TransferLeadership(to);
        MarkDirty();
    }

    /// <summary>Hands leadership to the voter that holds most of the log, if possible to one that answers.</summary>
    /// <param name="among">Whom it may be; everybody if null.</param>
    public void TransferToBest(Func<ReplicaId, bool>? among = null)
    {
        if (!HoldsLeadership) { return; }
        RaftStatus status = _raft.Status;
        if (!status.Transferee.IsNone) { return; }
        FollowerProgress? best = null;
        foreach (FollowerProgress follower in status.Followers)
        {
            if (follower.Id == Id || !status.Membership.Voters.Contains(follower.Id) || among?.Invoke(follower.Id) == false) { continue; }
            if (best is not { } known || (IsHeard(follower.Id), follower.Match).CompareTo((IsHeard(known.Id), known.Match)) > 0) { best = follower; }
        }

        if (best is { } chosen) { TransferLeadership(chosen.Id); }
    }

    public ProposeOutcome ChangeMembership(MembershipChange change, ImmutableArray<ReplicaPlace> places)
    {
        if (IsTombstoned) { return ProposeOutcome.NotLeader; }
        var context = new ByteWriter();
        HostRecords.WritePlaces(context, places);
        ProposeOutcome outcome = ProposeChange(change with { Context = context.Detach() }, places);
        MarkDirty();
        return outcome;
    }

    /// <summary>Its state; the same object as long as nothing has changed, since a node asks all its replicas each tick.</summary>
    public ShardStatus Status()
    {
        var key = new StatusKey(
            _raft.Role, _raft.Term, _raft.Vote, _raft.Leader, _raft.Commit, _raft.LogBytes, _engine.Applied.Index, _raft.Membership,
            _engine.DiskBytes + _engine.UnflushedBytes, _engine.HeldBytes, _leaderChanges, _places.Count, _engine.Pressure, _engine.MergedBytes,
            _checkCounts, ScrubbedBytes, ScrubDamage);
        if (_status is { } known && key == _statusKey) { return known; }
        _statusKey = key;
        return _status = MakeStatus();
    }

    private ShardStatus MakeStatus()
    {
        RaftStatus raft = _raft.Status;
        return new(
            Shard, Id, raft.Role, raft.Term, raft.Leader, PlaceOf(raft.Leader), raft.Commit, _engine.Applied.Index, raft.LastIndex,
            raft.Membership.IsLearner(Id), _engine.DiskBytes + _engine.UnflushedBytes,
            [.. raft.Membership.All.Select(replica => new ReplicaPlace(replica, PlaceOf(replica)))])
        {
            Vote = raft.Vote,
            LeaderChanges = _leaderChanges,
            HeldBytes = _engine.HeldBytes,
            Checks = _checkCounts,
            ScrubbedBytes = ScrubbedBytes,
            ScrubDamage = ScrubDamage,
            WritePressure = _engine.Pressure,
            DebtBytes = _engine.DebtBytes,
            FlushedBytes = _engine.FlushedBytes,
            MergedBytes = _engine.MergedBytes,
            Learners = [.. raft.Membership.All.Where(raft.Membership.IsLearner).Select(PlaceOf)],
        };
    }

    public (LogIndex Applied, ulong Hash) Hash() => (_engine.Applied.Index, _machine.HashState(_engine));

    public void EngineJobFinished(StorageEngine engine, EngineJob job, Exception? failure)
    {
        if (engine != _engine || _isDiscarded)
        {
            Probes.JobOfOldEngine.Hit();

            // A snapshot has replaced that engine, and its files may be gone under the job: it only lets go of what it holds.
            if (failure is not (null or DiskException or CorruptFileException)) { throw failure; }
            engine.Complete(job, failed: failure is not null);
            return;
        }

        if (failure is CorruptFileException damage)
        {
            engine.Complete(job, failed: true);
            _node.Repair(this, damage);
            return;
        }

        if (failure is not null && !FileJob.IsSurvivable(failure)) { throw failure; }
        LogPosition before = _engine.Flushed;
        _engine.Complete(job, failed: failure is not null);
        if (failure is not null)
        {
            Probes.JobFailed.Hit();
            _node.Report(Shard, "storage-job-refused", $"job=\"{job.Name}\" reason=\"{failure.Message}\"");
            _retryJobsTick = Now + Config.Raft.ElectionTicks;
            return;
        }

        if (_engine.Flushed.Index > before.Index) { Flushed(); }
        StartEngineJobs();
    }

    /// <summary>A part of a scrub has ended.</summary>
    /// <returns>True if what it says is about files that are in use.</returns>
    public bool Scrubbed(StorageEngine engine, long bytes, bool isGood)
    {
        ScrubbedBytes += bytes;
        if (engine != _engine || _isDiscarded || IsTombstoned) { return false; }
        if (!isGood) { ScrubDamage++; }
        return true;
    }

    /// <summary>
    /// The shard was deleted. Whoever waits is told; nothing more is said or written for it. Jobs that are out end as those of an
    /// engine that a snapshot has replaced.
    /// </summary>
    public void Discard()
    {
        IsTombstoned = true;
        _isDiscarded = true;
        _committed.Clear();
        _receiver?.Abandon();
        _receiver = null;
        Close();
    }

    public void Close()
    {
        CompleteAllAtClose();
        CloseSnapshots();
        EndHash();
        _engine.Dispose();
    }

    // Removed from the group, and everything it still had to say is said: the id stays burnt on this node. The log forgets all else
    // of a tombstone, so its files must hold the removal first: whoever asks for our vote is told that it is committed.
    private void Retire()
    {
        IsTombstoned = true;
        CompleteAllAtClose();
        CloseSnapshots();
        EndHash();
        _node.Report(Shard, "replica-removed", $"replica={Id}");
        Entomb();
    }

    private void Entomb()
    {
        if (_engine.Flushed.Index == _engine.Applied.Index) { _node.Batch.AddTombstone(Shard, Id); }
        else { RequestFlush(); }
    }

    private int FilterPrefixLength(ReadOnlySpan<byte> key) => key[0] == 0 ? key.Length : _machine.FilterPrefixLength(key);

    private Membership ReadMembership(StorageEngine engine, ShardDescriptor descriptor)
    {
        _places.Clear();
        if (!engine.TryGet(HostRecords.MembershipKey, out ReadOnlySpan<byte> record))
        {
            // Written at once, so that every snapshot of this store tells who its members are. Published with the first entry;
            // until that is flushed, the descriptor says the same.
            foreach (ReplicaPlace place in descriptor.Voters) { _places[place.Replica] = place.Node; }
            if (IsBlank) { return Membership.Empty; } // They may be others by now.
            var created = Membership.Of(descriptor.Voters.Select(place => place.Replica));
            _scratch.Clear();
            HostRecords.WriteMembership(_scratch, created, _places);
            engine.Put(HostRecords.MembershipKey, _scratch.Written);
            return created;
        }

        if (!HostRecords.TryReadMembership(record, out Membership? membership, _places) || membership is null)
        {
            throw new CorruptFileException(Directory, 0, "the membership record is malformed");
        }

        return membership;
    }

    // The engine stands at its last flush; the log has what came after. Where a snapshot was installed and the node crashed
    // before the log knew, the engine is ahead of the log: what it holds is committed, so the log goes on behind it.
    private RaftState StateFrom(RecoveredShard? recovered, Membership membership)
    {
        LogPosition flushed = _engine.Flushed;
        HardState hard = recovered?.HardState ?? default;
        if (IsBlank) { return BlankState(hard); }
        ImmutableArray<LogEntry> entries = recovered?.Entries ?? [];
        bool agrees = flushed.Index == LogIndex.Zero;
        foreach (LogEntry entry in entries)
        {
            if (entry.Index == flushed.Index) { agrees = entry.Term == flushed.Term; }
        }

        agrees |= recovered is not null && recovered.Released == flushed;
        entries = agrees ? [.. entries.SkipWhile(entry => entry.Index <= flushed.Index)] : [];
        if (!agrees)
        {
            Probes.EngineAhead.Hit();
            _resetLogAt = flushed;
        }

        if (hard.Term < flushed.Term) { hard = new(flushed.Term, ReplicaId.None, hard.Commit); }
        LogIndex last = entries.IsEmpty ? flushed.Index : entries[^1].Index;
        hard = hard with { Commit = LogIndex.Min(last, LogIndex.Max(hard.Commit, flushed.Index)) };
        foreach (LogEntry entry in entries) { NoteStamp(entry); }
        return new(hard, new(flushed, membership), entries, flushed.Index);
    }

    private LogPosition? _resetLogAt;

    /// <summary>Tells the log what opening found out, that it has to start anew behind a snapshot; and the node of the keyspaces.</summary>
    public void AfterOpen(WalBatch batch)
    {
        PublishKeyspaces();
        if (_resetLogAt is { } position) { batch.AddReset(Shard, position); }
        _resetLogAt = null;
    }

    private bool Buggify(string site) => Config.Buggify?.Fires(site) ?? false;

    private void Send(RaftMessage message)
    {
        Invariant.Holds(message is not InstallSnapshot, $"a snapshot to {message.To} goes as files");
        if (PlaceOf(message.To) is { Value: not 0 } node) { PeerFrame.AddRaft(FrameTo(node), message); }
    }

    // As of the last applied entry; see CommittedCommand.Voters.
    private ImmutableArray<ReplicaPlace> Voters
    {
        get
        {
            if (_voters.IsDefault)
            {
                _voters =
                [
                    .. _raft.Membership.Voters.Select(replica => new ReplicaPlace(replica, PlaceOf(replica))).Where(place => place.Node != NodeId.None),
                ];
            }

            return _voters;
        }
    }

    /// <summary>True if this replica leads and the other one holds at least nine tenths of its log: etcd's measure for a learner that may vote.</summary>
    public bool IsInSync(ReplicaId other)
    {
        RaftStatus status = _raft.Status;
        foreach (FollowerProgress follower in status.Followers)
        {
            if (follower.Id == other) { return (UInt128)follower.Match.Value * 10 >= (UInt128)status.LastIndex.Value * 9; }
        }

        return false;
    }

    /// <summary>Where a replica lives, or lived; none if that is not known.</summary>
    public NodeId PlaceOf(ReplicaId replica) => _places.GetValueOrDefault(replica);

    private void ReportChanges()
    {
        ReportRecall();
        if (_raft.Term == _reportedTerm && _raft.Leader == _reportedLeader && _raft.Role == _reportedRole) { return; }
        bool leaderChanged = _raft.Leader != _reportedLeader || _raft.Term != _reportedTerm;
        bool roleChanged = _raft.Role != _reportedRole;
        if (leaderChanged && !_raft.Leader.IsNone) { _leaderChanges++; }
        _reportedTerm = _raft.Term;
        _reportedLeader = _raft.Leader;
        _reportedRole = _raft.Role;
        string detail = $"term={_raft.Term} replica={Id}";
        if (roleChanged && _raft.Role == Role.Leader) { _node.Report(Shard, "became-leader", detail); }
        else if (leaderChanged && !_raft.Leader.IsNone) { _node.Report(Shard, "follows-leader", $"{detail} leader={_raft.Leader}"); }
        else if (roleChanged && _raft.Role == Role.Candidate) { _node.Report(Shard, "campaigns", detail); }
        else if (leaderChanged && _raft.Role == Role.Follower) { _node.Report(Shard, "lost-leader", detail); }

        if (leaderChanged) { LeaderChanged(); }
    }

    /// <summary>Starts to give back the space of all that the machine has forgotten.</summary>
    public void Reclaim()
    {
        _forgottenBefore = _machine.Forgotten;
        _engine.RequestReclaim();
        MarkDirty();
    }

    // Rewriting all files for an eighth of their records costs eight records for each that goes: the most that this adds to the disk's work.
    private void ReclaimIfWorthIt()
    {
        long forgotten = _machine.Forgotten - _forgottenBefore;
        if (forgotten > 0 && forgotten * ReclaimAtPart >= _engine.Records) { Reclaim(); }
    }

    private void StartEngineJobs()
    {
        if (_retryJobsTick != 0) { return; }
        while (_engine.NextJob() is { } job) { _node.Run(new EngineNodeJob(this, _engine, job)); }
    }

    // The files hold more: the log may forget as much, except for a little that serves followers that lag.
    private void Flushed()
    {
        if (IsTombstoned)
        {
            Entomb();
            return;
        }

        LogPosition flushed = _engine.Flushed;
        _node.Batch.AddRelease(Shard, flushed);
        long excess = Buggify("forget-log") ? long.MaxValue : _raft.LogBytes - Config.LogRetainBytes;
        LogIndex compactTo = default;
        LogIndex last = LogIndex.Min(flushed.Index, LastToForget);
        while (excess > 0 && _logMarks.TryPeek(out (LogIndex Index, long Bytes) mark) && mark.Index <= last)
        {
            _logMarks.Dequeue();
            excess -= mark.Bytes;
            compactTo = mark.Index;
        }

        if (compactTo > LogIndex.Zero) { _raft.CompactLog(compactTo); }
        MarkDirty();
    }

    // All that a status depends on. The log's last entry does not change without its bytes.
    private readonly record struct StatusKey(
        Role Role, Term Term, ReplicaId Vote, ReplicaId Leader, LogIndex Commit, long LogBytes, LogIndex Applied, Membership Membership,
        long DiskBytes, long HeldBytes, long LeaderChanges, int Places, int Pressure, long MergedBytes,
        CheckCounts Checks, long ScrubbedBytes, long ScrubDamage);
}
