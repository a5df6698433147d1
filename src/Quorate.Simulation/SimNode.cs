using Quorate.Core;
using Quorate.Replication;
using Quorate.Simulation.Disk;
using Quorate.Storage.Wal;

namespace Quorate.Simulation;

/// <summary>
/// A node's surroundings in the simulator: its disk lives on through crashes, everything else is a new life after each
/// restart. What an earlier life has asked for (a sync, a job, a tick) never reaches the next.
/// </summary>
public sealed class SimNode : INodeHost
{
    // A slice applies one entry at least; no log is as long as that.
    private const int MostFlushes = 200_000;

    private readonly SimCluster _cluster;
    private readonly Prng _random;
    private NodeCore? _core;
    private WriteAheadLog? _log;
    private int _life;
    private long _lastSyncAt;
    private long _tickMicros = 10_000;
    private bool _crashedInOpen;
    private long _connections;
    private readonly List<Action> _held = [];
    private readonly SortedDictionary<long, Action> _onCrash = [];

    internal SimNode(SimCluster cluster, int index, Prng random)
    {
        _cluster = cluster;
        _random = random;
        Index = index;
        Id = IdOf(index);
    }

    /// <summary>Position in <see cref="SimCluster.Nodes"/>.</summary>
    public int Index { get; }

    /// <summary>Its id.</summary>
    public NodeId Id { get; }

    /// <summary>Its disk.</summary>
    public SimDisk Disk { get; } = new();

    /// <summary>Milliseconds by which its wall clock is ahead of simulated time.</summary>
    public long ClockOffsetMillis { get; set; }

    /// <summary>Microseconds that a job of this name takes; null for what the options say.</summary>
    public Func<string, long?>? HoldJob { get; set; }

    /// <summary>True while it stands still: nothing is taken in, time goes on for the others.</summary>
    public bool IsPaused { get; private set; }

    /// <summary>The running node, or null while it is down.</summary>
    public NodeCore? Core => _core;

    /// <summary>Times it was started.</summary>
    public int Lives => _life;

    /// <summary>Microseconds from tick to tick in this life.</summary>
    internal long TickMicros => _tickMicros;

    internal static NodeId IdOf(int index) => new((ulong)index + 1);

    /// <summary>Starts it on what its disk holds.</summary>
    public void Start()
    {
        if (_core is not null) { return; }
        _life++;
        _cluster.Trace(Index, "start", (ulong)_life);
        Guarded(() =>
        {
            NodeConfig config = _cluster.ConfigOf(Id, _random.Split(~(ulong)_life));
            _tickMicros = config.TickMilliseconds * 1000L;
            _core = NodeCore.Open(Disk, config, this, _random.Next(), _random.Split((ulong)_life), out _log);
            _cluster.Wire.Started(this, _core);
            Flush();
        });
        Later(_random.Between(0, 10_000), Tick);
    }

    /// <summary>Power cut: what was not synced is lost as the outcome says.</summary>
    public void Crash(SimCrash outcome)
    {
        if (_core is null && !_crashedInOpen) { return; }
        _crashedInOpen = false;
        _cluster.Trace(Index, "crash", (ulong)_life);
        _life++; // Nothing of this life is heard of any more.
        NodeCore? core = _core;
        _core = null;
        _log = null;
        IsPaused = false;
        _held.Clear();
        Disk.Crash(_random, outcome);
        core?.Dispose(); // Only memory: its files are dead.
        Action[] lost = [.. _onCrash.Values];
        _onCrash.Clear();
        foreach (Action action in lost) { action(); }
        for (int peer = 0; peer < _cluster.Nodes.Length; peer++)
        {
            SimNode other = _cluster.Nodes[peer];
            if (other != this) { _cluster.After(_random.Between(100, 5_000), () => other.Do(c => c.Disconnected(Id))); }
        }
    }

    /// <summary>Stops the world for this node, as a long collection or SIGSTOP would.</summary>
    public void Pause() => IsPaused = true;

    /// <summary>Goes on; what waited is taken in at once.</summary>
    public void Resume()
    {
        IsPaused = false;
        Action[] held = [.. _held];
        _held.Clear();
        foreach (Action action in held) { action(); }
    }

    /// <summary>A client's connection: the action tells it that the node is gone, unless it hangs up before.</summary>
    internal long Connect(Action lost)
    {
        _onCrash.Add(++_connections, lost);
        return _connections;
    }

    /// <summary>The client needs the connection no more.</summary>
    internal void HangUp(long connection) => _onCrash.Remove(connection);

    /// <summary>Runs a call on the node, if it is up, and then what the call has queued.</summary>
    public void Do(Action<NodeCore> call)
    {
        if (_core is null) { return; }
        if (IsPaused)
        {
            int life = _life;
            _held.Add(() =>
            {
                if (_life == life) { Do(call); }
            });
            return;
        }

        Guarded(() =>
        {
            call(_core);
            Flush();
        });
    }

    internal void Receive(int from, ReadOnlyMemory<byte> frame) => Do(core =>
    {
        _cluster.Trace(Index, "receive", ((ulong)from << 32) | Crc32C.Compute(frame.Span));
        Invariant.Holds(core.Receive(IdOf(from), frame), $"frame of {frame.Length} bytes from {from} is malformed");
    });

    /// <inheritdoc/>
    public void Send(NodeId to, ReadOnlyMemory<byte> frame)
    {
        _cluster.Wire.Sent(Index, frame);
        _cluster.Network.Send(Index, (int)to.Value - 1, frame.ToArray());
    }

    /// <inheritdoc/>
    public void Persist(WalBatch batch)
    {
        // In order: a batch is never durable before the one in front of it.
        long at = Math.Max(_lastSyncAt + 1, _cluster.Now + _random.Between(50, _cluster.Options.MaxSyncMicros));
        _lastSyncAt = at;
        Later(at - _cluster.Now, () => Do(core =>
        {
            _cluster.Trace(Index, "sync", (ulong)batch.Bytes);
            _log!.Write(batch);
            _log.Sync();
            core.Persisted(batch);
        }));
    }

    /// <inheritdoc/>
    public void Run(NodeJob job) => Later(JobMicros(job), () => Do(core =>
    {
        _cluster.Trace(Index, job.Name, 0);
        Exception? failure = null;
        try
        {
            job.Run();
        }
        catch (Exception thrown) when (thrown is DiskException or CorruptFileException)
        {
            failure = thrown;
        }

        core.JobDone(job, failure);
    }));

    /// <inheritdoc/>
    public void Report(NodeEvent change)
    {
        _cluster.Trace(Index, change.Name, change.Shard.Value);
        _cluster.Log(Index, change);
    }

    private long JobMicros(NodeJob job)
    {
        if (HoldJob?.Invoke(job.Name) is { } held) { return held; }
        SimOptions options = _cluster.Options;
        bool isSlow = options.SlowJobMicros > options.MaxJobMicros && _random.Chance(1, 10);
        return _random.Between(50, isSlow ? options.SlowJobMicros : options.MaxJobMicros);
    }

    private void Tick()
    {
        Do(core => core.Tick((_cluster.Now / 1000) + ClockOffsetMillis));
        Later(_tickMicros, Tick);
    }

    private void Flush()
    {
        int rounds = 0;
        while (_core!.Flush())
        {
            _cluster.Demand(++rounds < MostFlushes, SimNet.Liveness, $"node {Index + 1} has something to flush for ever");
        }
    }

    /// <summary>Does something some time later, unless this life has ended by then.</summary>
    internal void Later(long micros, Action action)
    {
        int life = _life;
        _cluster.After(micros, () =>
        {
            if (_life == life) { action(); }
        });
    }

    // The disk may cut the power in the middle of anything.
    private void Guarded(Action action)
    {
        try
        {
            action();
        }
        catch (SimCrashException)
        {
            _crashedInOpen = true;
            Crash(SimCrash.Mixed);
            _cluster.After(_random.Between(100_000, 3_000_000), Start);
        }
    }
}
