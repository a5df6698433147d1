using System.Collections.Concurrent;
using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Node;
using Quorate.Raft;
using Quorate.Replication;
using Quorate.StateMachines;
using Quorate.Tests.StateMachines;

namespace Quorate.Tests.FrontDoors;

/// <summary>A node of one: the real key-value machine on a store in memory, with outcomes to order.</summary>
internal sealed class FakeNode : INodeClient
{
    public static readonly ShardId Shard = new(1);

    private readonly Lock _gate = new();
    private readonly IStateMachine _machine = Catalog.KeyValue.Create();
    private readonly CheckedStore _store;
    private CheckedStore _flushed;
    private readonly ConcurrentDictionary<Action, int> _published = [];
    private LogIndex _applied;
    private int _waiting;

    public FakeNode()
    {
        _store = new CheckedStore(_machine);
        _machine.Open(_store);
        _flushed = _store.Clone();
    }

    public ClusterId Cluster { get; init; } = new(0xC1);

    public NodeId Node { get; init; } = new(0xA1);

    /// <summary>What writes and reads come to; Done does them.</summary>
    public RequestOutcome Outcome { get; set; } = RequestOutcome.Done;

    /// <summary>Linearizable reads come to this, whatever <see cref="Outcome"/> says.</summary>
    public RequestOutcome LinearizableOutcome { get; set; } = RequestOutcome.Done;

    /// <summary>The same for reads of this node's own state.</summary>
    public RequestOutcome LocalOutcome { get; set; } = RequestOutcome.Done;

    public bool HasLeader { get; set; } = true;

    public bool IsLearner { get; set; }

    /// <summary>Writes wait for it before anything happens, or for the caller to give up.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    public long DiskBytes { get; set; } = 4096;

    public int Proposals { get; private set; }

    /// <summary>The shard's clock, in milliseconds.</summary>
    public long Clock { get; set; }

    /// <summary>Writes that wait for the gate.</summary>
    public int Waiting => _waiting;

    public int OpenViews { get; private set; }

    /// <summary>Values of all records of the store.</summary>
    public IReadOnlyList<byte[]> Records
    {
        get { lock (_gate) { return [.. _store.Records.Select(static record => record.Value)]; } }
    }

    /// <summary>Called before each read is served.</summary>
    public Action? BeforeRead { get; set; }

    /// <summary>What doors have told of damage.</summary>
    public ConcurrentQueue<CorruptFileException> Damages { get; } = [];

    public void Damaged(ShardId shard, CorruptFileException damage) => Damages.Enqueue(damage);

    public async ValueTask<ProposeResult> ProposeAsync(
        ShardId shard, ReadOnlyMemory<byte> command, CancellationToken cancellationToken = default)
    {
        if (shard != Shard) { return new ProposeResult(RequestOutcome.NoShard, default); }
        Interlocked.Increment(ref _waiting);
        try
        {
            await Gate.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            return new ProposeResult(RequestOutcome.Unknown, default);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }

        if (Outcome != RequestOutcome.Done) { return new ProposeResult(Outcome, default); }
        var reply = new ByteWriter();
        lock (_gate)
        {
            Proposals++;
            _applied = _applied.Next;
            command = Judged(command);
            _machine.Apply(
                new CommittedCommand(_applied, HybridTime.FromUnixMilliseconds(1), command.Span, Clock), _store, reply);
            _machine.Finish(_store);
        }

        foreach (Action published in _published.Keys) { published(); }
        return new ProposeResult(RequestOutcome.Done, reply.ToArray());
    }

    public ValueTask<ReadResult> ReadAsync(
        ShardId shard, ReadLevel level, CancellationToken cancellationToken = default)
    {
        RequestOutcome outcome = level == ReadLevel.Linearizable && Outcome == RequestOutcome.Done
            ? LinearizableOutcome
            : level == ReadLevel.Local ? LocalOutcome : Outcome;
        if (shard != Shard) { outcome = RequestOutcome.NoShard; }
        BeforeRead?.Invoke();
        if (outcome != RequestOutcome.Done) { return new(new ReadResult(outcome, null)); }
        lock (_gate)
        {
            OpenViews++;
            return new(new ReadResult(RequestOutcome.Done, new View(this, _store.Clone(), _flushed, _applied), Clock));
        }
    }

    /// <summary>Drops what is compacted, as a compaction of all files does.</summary>
    public void CompactAll()
    {
        lock (_gate)
        {
            _store.CompactAll();
            _flushed = _store.Clone();
        }
    }

    public IDisposable Subscribe(ShardId shard, Action published)
    {
        _published.TryAdd(published, 0);
        return new Subscription(() => _published.TryRemove(published, out _));
    }

    public KeyspaceList Keyspaces => _machine.Keyspaces;
    public ValueTask<bool> HandOverAsync(ShardId shard, NodeId to)
    {
        HandedTo = to;
        return new(true);
    }

    /// <summary>To whom leadership was handed over.</summary>
    public NodeId HandedTo { get; private set; }

    /// <summary>The members, judged by as on a leader; changed by what it allows.</summary>
    public ImmutableArray<MemberFact> Facts { get; set; }

    /// <summary>How often space was asked back.</summary>
    public int Reclaims { get; private set; }

    public void Reclaim(ShardId shard) => Reclaims++;

    public ShardStatus? StatusOf(ShardId shard) => shard != Shard ? null : new ShardStatus(
        shard, new ReplicaId(1), HasLeader ? Role.Leader : Role.Candidate, new Term(7),
        HasLeader ? new ReplicaId(1) : ReplicaId.None, HasLeader ? Node : NodeId.None,
        Commit: _applied, Applied: _applied, LastIndex: _applied, IsLearner, DiskBytes,
        Members: [.. MembersNow.Select(member => new ReplicaPlace(new ReplicaId(member.Node == Node ? 1 : member.Node.Value), member.Node))])
    {
        Learners = [.. MembersNow.Where(member => member.IsLearner).Select(member => member.Node)],
    };

    private ImmutableArray<MemberFact> MembersNow =>
        Facts.IsDefault ? [new MemberFact(Node, IsLearner: false, IsHeard: true, IsInSync: true, IsLeader: true)] : Facts;

    // What a leader does with a command that changes members.
    private ReadOnlyMemory<byte> Judged(ReadOnlyMemory<byte> command)
    {
        if (!_machine.ChangesMembers(command.Span)) { return command; }
        MemberVerdict verdict = _machine.JudgeMembers(command.Span, MembersNow, new NodeId(0xF000 + _applied.Value), _store)!;
        foreach (MemberStep step in verdict.Steps)
        {
            Facts = MembersNow.RemoveAll(member => member.Node == step.Node);
            bool isLearner = step.Kind == MemberStepKind.AddLearner;
            if (step.Kind != MemberStepKind.Remove) { Facts = Facts.Add(new MemberFact(step.Node, isLearner, IsHeard: true, IsInSync: true, IsLeader: false)); }
        }

        return verdict.Command;
    }

    private sealed class Subscription(Action end) : IDisposable
    {
        public void Dispose() => end();
    }

    private sealed class View(FakeNode node, CheckedStore store, CheckedStore flushed, LogIndex applied) : IReadView
    {
        public IStoreReader Flushed => flushed;

        public LogIndex AppliedIndex => applied;

        public bool TryGet(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value) => store.TryGet(key, out value);

        public bool TryGetFirst(
            ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> from, out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value) =>
            store.TryGetFirst(prefix, from, out key, out value);

        public ICursor OpenCursor(ReadOnlySpan<byte> lower, ReadOnlySpan<byte> upper) => store.OpenCursor(lower, upper);

        public void Dispose()
        {
            lock (node._gate) { node.OpenViews--; }
        }
    }
}
