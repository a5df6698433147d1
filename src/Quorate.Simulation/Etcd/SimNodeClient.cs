using Quorate.Core;
using Quorate.Node;
using Quorate.Replication;

namespace Quorate.Simulation.Etcd;

/// <summary>
/// What NodeRuntime is to the doors of a real node: requests reach NodeCore, and answers the door, a moment later, as if there
/// were an inbox and a thread pool in between. All of it happens on the simulator's thread.
/// </summary>
internal sealed class SimNodeClient : INodeClient
{
    // From a door to the loop, or back.
    private const long MaxHopMicros = 200;

    private readonly SimCluster _cluster;
    private readonly SimNode _node;
    private readonly Prng _random;
    private bool _isAside;
    private readonly SortedDictionary<ShardId, (long At, int Life, ShardStatus? Status)> _statuses = [];

    public SimNodeClient(SimCluster cluster, SimNode node, Prng random)
    {
        _cluster = cluster;
        _node = node;
        _random = random;
    }

    /// <inheritdoc/>
    public ClusterId Cluster => SimOptions.Cluster;

    /// <inheritdoc/>
    public NodeId Node => _node.Id;

    /// <summary>The call whose code runs now; what is asked of the node meanwhile is asked for it.</summary>
    public SimEtcdCall? Running { get; private set; }

    /// <inheritdoc/>
    public ValueTask<ProposeResult> ProposeAsync(
        ShardId shard, ReadOnlyMemory<byte> command, CancellationToken cancellationToken = default)
    {
        SimEtcdCall call = Enter();
        var request = new SimProposal(this, call) { Shard = shard, Command = command };
        request.Answer.CancelWith(cancellationToken);
        Hop(call, core => core.Propose(request));
        return request.Answer.Task;
    }

    /// <inheritdoc/>
    public ValueTask<ReadResult> ReadAsync(ShardId shard, ReadLevel level, CancellationToken cancellationToken = default)
    {
        if (level == ReadLevel.Local)
        {
            DemandInside();
            return new(_node.Core!.OpenLocalView(shard) is { } view
                ? new ReadResult(RequestOutcome.Done, view)
                : new ReadResult(RequestOutcome.NoShard, null));
        }

        SimEtcdCall call = Enter();
        var request = new SimRead(this, call) { Shard = shard };
        request.Answer.CancelWith(cancellationToken);
        Hop(call, core => core.Read(request));
        return request.Answer.Task;
    }

    /// <inheritdoc/>
    public ValueTask<bool> HandOverAsync(ShardId shard, NodeId to)
    {
        SimEtcdCall call = Enter();
        var request = new SimHandOver(this, call) { Shard = shard, To = to };
        Hop(call, core => core.HandOver(request));
        return request.Answer.Task;
    }

    /// <inheritdoc/>
    public IDisposable Subscribe(ShardId shard, Action published) =>
        throw new NotSupportedException("SimEtcdServer listens itself");

    /// <inheritdoc/>
    public KeyspaceList Keyspaces => _node.Core?.Keyspaces ?? KeyspaceList.Empty;

    /// <inheritdoc/>
    public void Reclaim(ShardId shard)
    {
        DemandInside();
        _node.Later(_random.Between(0, MaxHopMicros), () => _node.Do(core => core.Reclaim(shard)));
    }

    /// <inheritdoc/>
    public void Damaged(ShardId shard, CorruptFileException damage) =>
        _node.Later(_random.Between(0, MaxHopMicros), () => _node.Do(core => core.Damaged(shard, damage)));

    /// <inheritdoc/>
    public ShardStatus? StatusOf(ShardId shard)
    {
        DemandInside();
        if (!_statuses.TryGetValue(shard, out (long At, int Life, ShardStatus? Status) known) ||
            known.Life != _node.Lives || _cluster.Now - known.At >= _node.TickMicros)
        {
            known = (_cluster.Now, _node.Lives, _node.Core!.StatusOf(shard));
            _statuses[shard] = known;
        }

        return known.Status;
    }

    /// <summary>Runs a piece of a call's code, up to where it waits for the node again, or to its end.</summary>
    public void Step(SimEtcdCall call, Action code)
    {
        // A context would send continuations elsewhere: xunit has one.
        SynchronizationContext? outer = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        Running = call;
        try
        {
            code();
        }
        finally
        {
            Running = null;
            SynchronizationContext.SetSynchronizationContext(outer);
        }

        call.Stepped();
    }

    /// <summary>Runs code of the service that belongs to no call, a moment later, if the node lives. It may look at the node, not ask it.</summary>
    public void Aside(long micros, Action code) => _node.Later(micros + _random.Between(0, MaxHopMicros), () => _node.Do(_ =>
    {
        _isAside = true;
        try
        {
            code();
        }
        finally
        {
            _isAside = false;
        }
    }));

    /// <summary>The node has answered: the call goes on a moment later, if the node lives.</summary>
    public void Resume(SimEtcdCall call, Action code)
    {
        // What an earlier life completes when it is torn down, nobody hears.
        if (call.Life == _node.Lives) { Hop(call, _ => Step(call, code)); }
    }

    private void Hop(SimEtcdCall call, Action<NodeCore> action)
    {
        Invariant.Holds(call.Life == _node.Lives, $"a call of life {call.Life} goes on in life {_node.Lives}");
        _node.Later(_random.Between(0, MaxHopMicros), () => _node.Do(action));
    }

    private void DemandInside()
    {
        _cluster.DemandThread();
        Invariant.Holds(Running is not null || _isAside, $"the node was asked by nobody's call");
    }

    private SimEtcdCall Enter()
    {
        _cluster.DemandThread();
        return Running ?? throw new InvariantException("the node was asked by nobody's call");
    }
}
