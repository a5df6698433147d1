using Quorate.Core;
using Quorate.Replication;
using Quorate.Simulation.Disk;
using Quorate.Storage.Wal;

namespace Quorate.Simulation;

/// <summary>
/// A node's surroundings in the simulator: its disk lives on through crashes, everything else is a new life after each
/// restart. What an earlier life has asked for (a sync, a job, a tick) never reaches the next.
/// </summary>
/// <remarks>This part is its life and death; SimNode.Host.cs is what the real host does with threads.</remarks>
public sealed partial class SimNode : INodeHost
{
    private const long StopMicros = 5_000_000;

    private readonly SimCluster _cluster;
    private readonly Prng _random;
    private readonly List<Action<NodeCore>> _held = [];
    private readonly List<Action> _threads = [];
    private readonly List<Action<ShardId>> _publishListeners = [];
    private readonly SortedDictionary<long, Action> _onCrash = [];
    private NodeCore? _core;
    private WriteAheadLog? _log;
    private int _life;
    private long _connections;
    private long _refusals;
    private string _ioCrashRow = "P3";

    internal SimNode(SimCluster cluster, int index, Prng random)
    {
        _cluster = cluster;
        _random = random;
        Index = index;
        Id = IdOf(index);
        Clock = new(() => cluster.Now);
    }

    /// <summary>Position in <see cref="SimCluster.Nodes"/>.</summary>
    public int Index { get; }

    /// <summary>Its id.</summary>
    public NodeId Id { get; }

    /// <summary>Its disk.</summary>
    public SimDisk Disk { get; } = new();

    /// <summary>Its clocks.</summary>
    public SimClock Clock { get; }

    /// <summary>The running node, or null while it is down.</summary>
    public NodeCore? Core => _core;

    /// <summary>Times it was started or died.</summary>
    public int Lives => _life;

    /// <summary>True once a fault has damaged what its disk had stored: from then on it may refuse to start, or stop.</summary>
    public bool IsDamaged { get; private set; }

    /// <summary>True once its disk went back in time: what it holds when it starts is not what it had promised.</summary>
    public bool IsForgetful { get; private set; }

    /// <summary>True once its log is damaged, or gone: nothing mends that.</summary>
    public bool HasDamagedLog { get; private set; }

    /// <summary>True if it has found damage that nothing mends, or was taken out of service for it.</summary>
    public bool IsLost { get; private set; }

    /// <summary>True after <see cref="Stop"/>, until it is down.</summary>
    public bool IsStopping { get; private set; }

    /// <summary>Hash of a shard's state and the entry it is as of, without disturbing the disk; null if its files are damaged.</summary>
    internal (LogIndex Applied, ulong Hash)? HashOf(ShardId shard)
    {
        try
        {
            using (Disk.Aside()) { return _core!.HashOf(shard); }
        }
        catch (CorruptFileException damage) when (IsDamaged)
        {
            // Whoever reads a view tells the node.
            Later(0, () => Do(core => core.Damaged(shard, damage)));
            return null;
        }
    }

    /// <summary>True if its replica has a state that was changed silently.</summary>
    internal bool IsChanged(ShardId shard) => _cluster.Changes.HaveHappened && Look(shard, view => _cluster.Changes.IsIn(shard, view));

    /// <summary>True if it has a state of the shard to show.</summary>
    internal bool HasView(ShardId shard) => Look(shard, static _ => true);

    private bool Look(ShardId shard, Func<IReadView, bool> look)
    {
        using (Disk.Aside())
        {
            using IReadView? view = _core?.OpenLocalView(shard);
            return view is not null && look(view);
        }
    }

    internal static NodeId IdOf(int index) => new((ulong)index + 1);

    /// <summary>Starts it on what its disk holds.</summary>
    public void Start()
    {
        if (_core is not null || IsLost) { return; }
        _life++;
        _refusals = Disk.Refusals;
        _cluster.Trace(Index, "start", (ulong)_life);
        Guarded(() =>
        {
            NodeConfig config = _cluster.ConfigOf(Id, _random.Split(~(ulong)_life));
            _tickMicros = config.TickMilliseconds * 1000L;
            NodeCore core = NodeCore.Open(Disk, config, this, _random.Next(), _random.Split((ulong)_life), out WriteAheadLog log);
            _core = core;
            _log = log;
            _cluster.Wire.Started(this, core);
            BeginLife(core);
        });
    }

    /// <summary>Power cut: what was not synced is lost as the outcome says.</summary>
    /// <param name="outcome">What is left.</param>
    /// <param name="isSilent">The others hear nothing of it, until they miss its pings.</param>
    public void Crash(SimCrash outcome, bool isSilent = false)
    {
        if (_core is null) { return; }
        CutPower(outcome, isSilent);
    }

    /// <summary>The process dies, the machine does not: what was written stays readable, and is as durable as it was.</summary>
    public void Kill()
    {
        if (_core is null) { return; }
        _cluster.Trace(Index, "kill", (ulong)_life);
        Die(Disk.Exit, isSilent: false);
    }

    /// <summary>The power goes out in one of the next changes of its disk, running or starting. The row of the catalogue counts it.</summary>
    internal void CutPowerAtChange(long change, string row)
    {
        _ioCrashRow = row;
        Disk.CrashAtChange = change;
    }

    /// <summary>Graceful stop: hands leaderships over, makes durable what was taken, closes. Then the action runs.</summary>
    public void Stop(Action stopped)
    {
        if (_core is null || IsStopping) { return; }
        IsStopping = true;
        _cluster.Trace(Index, "stop", (ulong)_life);
        Do(core => core.BeginStop());
        long until = _cluster.Now + StopMicros;
        Later(1_000, () => EndStop(until, stopped));
    }

    /// <summary>Damage was done to its disk by a fault.</summary>
    /// <param name="isInLog">In the log, where nothing mends it.</param>
    internal void MarkDamaged(bool isInLog)
    {
        IsDamaged = true;
        HasDamagedLog |= isInLog;
    }

    /// <summary>Its disk was replaced by an old image of it.</summary>
    internal void MarkForgetful() => IsForgetful = true;

    /// <summary>Takes a damaged node out of service, as long as nothing can mend it.</summary>
    internal void Retire()
    {
        IsLost = true;
        Kill();
    }

    /// <summary>A client's connection: the action tells it that the node is gone, unless it hangs up before.</summary>
    internal long Connect(Action lost)
    {
        _onCrash.Add(++_connections, lost);
        return _connections;
    }

    /// <summary>The client needs the connection no more.</summary>
    internal void HangUp(long connection) => _onCrash.Remove(connection);

    private void EndStop(long until, Action stopped)
    {
        if (IsPaused || (_core is { ReadyToStop: false } && _cluster.Now < until) || _isSyncing)
        {
            Later(1_000, () => EndStop(until, stopped));
            return;
        }

        Guarded(() =>
        {
            _core!.Dispose();
            _log!.Dispose();
            _cluster.Trace(Index, "stopped", (ulong)_life);
            Die(Disk.Exit, isSilent: false);
            stopped();
        });
    }

    private void CutPower(SimCrash outcome, bool isSilent)
    {
        _cluster.Trace(Index, "crash", (ulong)_life);
        Die(() => CountLosses(Disk.Crash(_random, outcome)), isSilent);
    }

    private void CountLosses(SimCrashReport losses)
    {
        if (losses.LostSectors > 0) { _cluster.Strike("D1", "unsynced-bytes-lost", Index); }
        if (losses.TornSectors > 0) { _cluster.Strike("D2", "write-torn", Index); }
        if (losses.LostSectors > 0 && losses.KeptSectors > 0) { _cluster.Strike("D3", "writes-reordered", Index); }
        if (losses.LostNames > 0) { _cluster.Strike("D4", "names-lost", Index); }
    }

    // However it dies: nothing of this life is heard of any more, and its clients and peers lose their connections.
    private void Die(Action disk, bool isSilent)
    {
        _life++;
        NodeCore? core = _core;
        _core = null;
        _log = null;
        EndLife();
        disk();
        core?.Dispose(); // Only memory: its files are dead.
        Action[] lost = [.. _onCrash.Values];
        _onCrash.Clear();
        foreach (Action action in lost) { action(); }
        _cluster.Network.Died(Index, isSilent);
    }

    // As the real host: a disk that refuses, or damage, ends the process. Both must have a fault behind them. The operator
    // starts it again; but where damage was found that would only find it again.
    private void Fail(Exception cause)
    {
        bool isDamage = cause is not DiskException;
        bool isExplained = isDamage ? IsDamaged : Disk.Refusals > _refusals;
        _cluster.Demand(isExplained, SimNet.Invariants, $"node {Index + 1} died of {cause.GetType().Name}: {cause.Message}");
        _cluster.Log(Index, new(default, "fatal", cause.Message));
        _cluster.Trace(Index, "fatal", (ulong)_life);
        IsLost |= isDamage && HasDamagedLog;
        Die(Disk.Exit, isSilent: false);
        if (!IsLost) { _cluster.After(_random.Between(100_000, 3_000_000), Start); }
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

    // The disk may cut the power, or refuse, in the middle of anything.
    private void Guarded(Action action)
    {
        int life = _life;
        try
        {
            action();
        }
        catch (SimCrashException) when (_life == life)
        {
            _cluster.Strike(_ioCrashRow, "power-cut-in-io", Index);
            CutPower(SimCrash.Mixed, isSilent: false);
            _cluster.After(_random.Between(100_000, 3_000_000), Start);
        }
        catch (Exception refusal) when (_life == life && refusal is DiskException or CorruptFileException or WrongDataDirectoryException)
        {
            Fail(refusal);
        }
    }
}
