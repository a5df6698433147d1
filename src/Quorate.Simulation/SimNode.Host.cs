using Quorate.Core;
using Quorate.Replication;
using Quorate.Storage.Wal;

namespace Quorate.Simulation;

/// <summary>What the threads of the real host do: the loop with its ticks, the one that syncs, the jobs, the watch of free space.</summary>
public sealed partial class SimNode
{
    // As TickClock: after a pause so many ticks are made up for; with leases, all in which one could run out.
    private const int MostTicksAtOnce = 10;
    private const long IdleMicros = 20_000;

    // A large job on a slow disk must end within the time that a healed cluster has.
    private const long LongestJobMicros = 60_000_000;

    // A slice applies one entry at least; no log is as long as that.
    private const int MostFlushes = 200_000;

    private List<WalBatch> _waiting = [];
    private bool _isSyncing;
    private long _syncs;
    private long _tickMicros;
    private long _nextTick;
    private long _busyUntil;
    private bool _willWake;
    private long _stalledUntil;
    private bool _hasSlowJobs = true;

    /// <summary>Microseconds that a job of this name takes; null for what the options say.</summary>
    public Func<string, long?>? HoldJob { get; set; }

    /// <summary>True while it stands still: nothing is taken in, time goes on for the others.</summary>
    public bool IsPaused { get; private set; }

    /// <summary>Microseconds that a turn of its loop takes at most; what comes in meanwhile waits for the next. Default: 0.</summary>
    public long TurnMicros { get; set; }

    /// <summary>How many times longer than usual its syncs and jobs take. Default: 1.</summary>
    public int DiskSlowness { get; set; } = 1;

    /// <summary>Until then (simulated microseconds) no sync and no job ends.</summary>
    public void StallDisk(long until) => _stalledUntil = Math.Max(_stalledUntil, until);

    /// <summary>The disk refuses nothing any more and is fast, at once and from now on.</summary>
    internal void MendDisk()
    {
        _hasSlowJobs = false;
        Disk.Mend();
        _stalledUntil = 0;
        DiskSlowness = 1;
    }

    /// <summary>Stops the world for this node, as a long collection or SIGSTOP would.</summary>
    public void Pause()
    {
        if (_core is null || IsPaused) { return; }
        IsPaused = true;
        _cluster.Network.Paused(Index);
    }

    /// <summary>Goes on; what waited is taken in at once.</summary>
    /// <param name="timeStood">Its monotonic clock stood still too, as when a virtual machine was suspended: no tick is due.</param>
    public void Resume(bool timeStood = false)
    {
        if (!IsPaused) { return; }
        IsPaused = false;
        if (timeStood) { _nextTick = _cluster.Now + TickMicros; }
        Wake();
        Action[] threads = [.. _threads];
        _threads.Clear();
        foreach (Action action in threads) { action(); }
    }

    /// <summary>Runs a call on the node, if it is up, and then what the call has queued.</summary>
    public void Do(Action<NodeCore> call)
    {
        if (_core is null) { return; }
        if (IsPaused || _cluster.Now < _busyUntil)
        {
            _held.Add(call);
            WakeLater();
            return;
        }

        Turn(call);
    }

    internal void Receive(int from, ReadOnlyMemory<byte> frame) => Do(core =>
    {
        _cluster.Trace(Index, "receive", ((ulong)from << 32) | Crc32C.Compute(frame.Span), $"from n{from + 1}: {FrameText.Of(frame)}");
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
        _waiting.Add(batch);
        if (_isSyncing) { return; }
        _isSyncing = true;
        Later(_random.Between(1, 50), () => OnThread(BeginSync));
    }

    /// <inheritdoc/>
    public void Run(NodeJob job) => Later(JobMicros(job), () => WhenDiskAnswers(() => Do(core =>
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

        bool isCompaction = failure is null && job.Name.Contains(" compact ", StringComparison.Ordinal);
        if (isCompaction && _cluster.IsAnyFaultInForce) { _cluster.Network.Note("O7", "compaction-under-faults", Index); }
        core.JobDone(job, failure);
    })));

    /// <inheritdoc/>
    public void Published(ShardId shard)
    {
        foreach (Action<ShardId> listener in _publishListeners) { listener(shard); }
    }

    /// <summary>Calls the action whenever a view of a shard of this node may show more, in this life or a later one.</summary>
    internal void OnPublished(Action<ShardId> listener) => _publishListeners.Add(listener);

    /// <inheritdoc/>
    public void Report(NodeEvent change)
    {
        _cluster.Trace(Index, change.Name, change.Shard.Value, $"{change.Shard} {change.Detail}");
        _cluster.Log(Index, change);
    }

    /// <summary>Simulated microseconds from tick to tick in this life, as its clock goes now.</summary>
    internal long TickMicros => Clock.ToSimulated(_tickMicros);

    private void BeginLife(NodeCore core)
    {
        _nextTick = _cluster.Now + _random.Between(0, 10_000);
        LookAtSpace();
        Flush(core);
        Later(_nextTick - _cluster.Now, Tick);
        Later(_random.Between(0, 1_000), () => OnThread(Prepare));
        _cluster.Network.Started(Index);
    }

    private void EndLife()
    {
        IsPaused = false;
        IsStopping = false;
        _held.Clear();
        _threads.Clear();
        _waiting = [];
        _isSyncing = false;
        _busyUntil = 0;
        _willWake = false;
    }

    // A turn of the loop: time first, since what waited through a pause must not be answered as if no time had passed.
    private void Turn(Action<NodeCore>? call) => Guarded(() =>
    {
        int life = _life;
        NodeCore core = _core!;
        TakeTicks(core);
        if (_held.Count > 0)
        {
            Action<NodeCore>[] held = [.. _held];
            _held.Clear();
            foreach (Action<NodeCore> waiting in held)
            {
                if (_life == life) { waiting(core); }
            }
        }

        if (_life == life) { call?.Invoke(core); }
        if (_life == life) { Flush(core); }
        if (TurnMicros > 0) { _busyUntil = _cluster.Now + _random.Between(TurnMicros / 2, TurnMicros); }
    });

    private void Flush(NodeCore core)
    {
        if (_cluster.Options.OneSliceInTurn)
        {
            if (core.Flush()) { Later(1, Wake); }
            return;
        }

        int rounds = 0;
        while (core.Flush())
        {
            _cluster.Demand(++rounds < MostFlushes, SimNet.Liveness, $"node {Index + 1} has something to flush for ever");
        }
    }

    private void TakeTicks(NodeCore core)
    {
        long late = _cluster.Now - _nextTick;
        if (late < 0) { return; }
        long due = (late / TickMicros) + 1;
        _nextTick += due * TickMicros;
        int most = MostTicksAtOnce + (_cluster.Options.Raft.LeaseReads ? 2 * _cluster.Options.Raft.ElectionTicks : 0);
        for (long left = Math.Min(due, most); left > 0; left--) { core.Tick(Clock.WallMillis); }
    }

    private void Tick()
    {
        if (_cluster.Now >= _nextTick) { Wake(); }
        Later(_nextTick > _cluster.Now ? _nextTick - _cluster.Now : TickMicros, Tick);
    }

    private void Wake()
    {
        if (_core is null) { return; }
        if (_cluster.Now < _busyUntil) { WakeLater(); }
        else if (!IsPaused) { Turn(null); }
    }

    private void WakeLater()
    {
        if (_willWake || IsPaused) { return; } // Resume wakes it.
        _willWake = true;
        Later(_busyUntil - _cluster.Now, () =>
        {
            _willWake = false;
            Wake();
        });
    }

    // What waits is written at once and synced together; what comes meanwhile is the next to be written.
    private void BeginSync()
    {
        List<WalBatch> taken = _waiting;
        _waiting = [];
        foreach (WalBatch batch in taken) { _log!.Write(batch); }
        Later(_random.Between(50, _cluster.Options.MaxSyncMicros) * DiskSlowness, () => WhenDiskAnswers(() => OnThread(() => EndSync(taken))));
    }

    private void EndSync(List<WalBatch> synced)
    {
        _log!.Sync();
        _cluster.Trace(Index, "sync", (ulong)synced.Sum(batch => batch.Bytes), $"{synced.Sum(batch => batch.Bytes)} bytes of {synced.Count} batches");
        long number = ++_syncs;
        _isSyncing = _waiting.Count > 0;
        if (_isSyncing) { Later(_random.Between(1, 50), () => OnThread(BeginSync)); }
        else
        {
            Later(IdleMicros, () =>
            {
                if (!_isSyncing && _syncs == number) { OnThread(Prepare); }
            });
        }

        Do(core =>
        {
            foreach (WalBatch batch in synced) { core.Persisted(batch); }
        });
    }

    private void Prepare()
    {
        try
        {
            _log!.PrepareNext();
        }
        catch (DiskException full) when (full.Fault == DiskFault.Full)
        {
            // As in the real host: the log is whole and has room yet.
        }
    }

    private void WhenDiskAnswers(Action action)
    {
        if (_cluster.Now < _stalledUntil) { Later(_stalledUntil - _cluster.Now, () => WhenDiskAnswers(action)); }
        else { action(); }
    }

    // Other threads than the loop; a pause stops them too.
    private void OnThread(Action action)
    {
        if (IsPaused) { _threads.Add(() => OnThread(action)); }
        else { Guarded(action); }
    }

    private long JobMicros(NodeJob job)
    {
        if (HoldJob?.Invoke(job.Name) is { } held) { return held; }
        SimOptions options = _cluster.Options;
        bool isSlow = _hasSlowJobs && options.SlowJobMicros > options.MaxJobMicros && _random.Chance(1, 10);
        long micros = _random.Between(50, isSlow ? options.SlowJobMicros : options.MaxJobMicros) * DiskSlowness;
        return Math.Min(micros, LongestJobMicros);
    }

    // Once a second, as SpaceWatch: a tenth of the disk is kept free, and a quarter more is needed to go back.
    private void LookAtSpace()
    {
        if (Disk.QuotaBytes != long.MaxValue || _core!.DiskNearlyFull)
        {
            long reserve = Disk.QuotaBytes / 10;
            bool wasFull = _core!.DiskNearlyFull;
            bool isFull = Disk.QuotaBytes - Disk.UsedBytes() < (wasFull ? reserve + (reserve / 4) : reserve);
            if (isFull != wasFull) { Do(core => core.DiskNearlyFull = isFull); }
        }

        Later(1_000_000, LookAtSpace);
    }
}
