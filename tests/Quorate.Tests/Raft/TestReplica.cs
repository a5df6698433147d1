using Quorate.Core;
using Quorate.Raft;
using Xunit;

namespace Quorate.Tests.Raft;

/// <summary>A host around one RaftCore: a disk that can lag and forget, and a state machine that only remembers what it applied.</summary>
internal sealed class TestReplica
{
    public static readonly ShardId Shard = new(7);
    private readonly RaftOptions _options;
    private readonly Prng _random;
    private readonly Queue<Ready> _unsynced = [];
    private readonly Queue<LogEntry> _toApply = [];
    private HardState _diskHardState;
    private readonly List<LogEntry> _diskLog = [];
    private SnapshotMeta _diskSnapshot;
    private ulong _life;

    public TestReplica(ReplicaId id, Membership membership, RaftOptions options, ulong seed)
        : this(id, membership == Membership.Empty ? RaftState.Joining : RaftState.Founding(membership), options, seed)
    {
    }

    public TestReplica(ReplicaId id, RaftState state, RaftOptions options, ulong seed)
    {
        Id = id;
        _options = options;
        _random = new Prng(seed);
        (_diskHardState, _diskSnapshot, _diskLog) = (state.HardState, state.Snapshot, [.. state.Entries]);
        Core = Start();
    }

    public ReplicaId Id { get; }

    public RaftCore Core { get; private set; }

    /// <summary>What the network still has to take.</summary>
    public List<RaftMessage> Outbox { get; } = [];

    /// <summary>Every entry ever applied by this run of the replica, in order.</summary>
    public List<LogEntry> AppliedEntries { get; } = [];

    public List<ReadState> Reads { get; } = [];

    public List<ulong> DroppedReads { get; } = [];

    public LogIndex Applied { get; private set; }

    public bool HasUnsynced => _unsynced.Count > 0;

    public bool HasUnapplied => _toApply.Count > 0;

    public LogIndex DiskLastIndex => _diskLog.Count > 0 ? _diskLog[^1].Index : _diskSnapshot.Position.Index;

    public HardState DiskHardState => _diskHardState;

    /// <summary>Takes output; what may go out at once goes out, the rest waits for <see cref="Sync"/> and <see cref="Apply"/>.</summary>
    public bool TakeReady()
    {
        if (!Core.HasReady) { return false; }
        Ready ready = Core.TakeReady();
        Outbox.AddRange(ready.Messages);
        Assert.Equal(ready.PersistToken != 0, ready.HardState is not null || ready.Snapshot is not null || !ready.Entries.IsEmpty || !ready.MessagesAfterPersist.IsEmpty);
        if (ready.PersistToken != 0) { _unsynced.Enqueue(ready); }
        if (ready.Snapshot is { } snapshot)
        {
            // The bytes came before; the state machine is replaced at once.
            _toApply.Clear();
            Applied = snapshot.Position.Index;
        }

        foreach (LogEntry entry in ready.Committed) { _toApply.Enqueue(entry); }
        Reads.AddRange(ready.Reads);
        DroppedReads.AddRange(ready.DroppedReads);
        return true;
    }

    /// <summary>The oldest Ready that waits for the disk becomes durable.</summary>
    public void Sync()
    {
        Ready ready = _unsynced.Dequeue();
        WriteToDisk(ready);
        Outbox.AddRange(ready.MessagesAfterPersist);
        Core.Persisted(ready.PersistToken);
    }

    public void Apply(int most = int.MaxValue)
    {
        for (; most > 0 && _toApply.TryDequeue(out LogEntry entry); most--)
        {
            Assert.Equal(Applied.Next, entry.Index);
            Applied = entry.Index;
            AppliedEntries.Add(entry);
        }

        if (Applied > Core.Status.Applied) { Core.Applied(Applied); }
    }

    /// <summary>The state machine's files hold what is applied; the log before it goes.</summary>
    public void Flush(bool compact)
    {
        RaftStatus status = Core.Status;
        if (status.Applied <= _diskSnapshot.Position.Index || status.Applied > Core.DurableIndex) { return; }
        _diskSnapshot = new SnapshotMeta(new LogPosition(status.Applied, Core.TermAt(status.Applied)!.Value), Core.Membership);
        _diskLog.RemoveAll(entry => entry.Index <= status.Applied);
        if (compact) { Core.CompactLog(status.Applied); }
    }

    /// <summary>The snapshot this replica would send now.</summary>
    public SnapshotMeta Snapshot()
    {
        RaftStatus status = Core.Status;
        return new SnapshotMeta(new LogPosition(status.Applied, Core.TermAt(status.Applied)!.Value), Core.Membership);
    }

    /// <summary>Power fails: of the writes on their way, only the oldest few reach the disk.</summary>
    public void Restart(int writesThatSurvive = 0)
    {
        for (; writesThatSurvive > 0 && _unsynced.TryDequeue(out Ready? ready); writesThatSurvive--) { WriteToDisk(ready); }
        _unsynced.Clear();
        _toApply.Clear();
        Outbox.Clear();
        Core = Start();
    }

    /// <summary>It has run before: with every start from now on it asks what it had promised.</summary>
    public void StartAgain()
    {
        _life++;
        Restart();
    }

    /// <summary>A copy of its disk, to be put back later.</summary>
    public Action Image()
    {
        (HardState hardState, SnapshotMeta snapshot, LogEntry[] log) = (_diskHardState, _diskSnapshot, [.. _diskLog]);
        return () =>
        {
            (_diskHardState, _diskSnapshot) = (hardState, snapshot);
            _diskLog.Clear();
            _diskLog.AddRange(log);
            StartAgain();
        };
    }

    /// <summary>Takes, syncs and applies until nothing is left to do.</summary>
    public void Settle()
    {
        while (TakeReady() || HasUnsynced || HasUnapplied)
        {
            while (HasUnsynced) { Sync(); }
            Apply();
        }
    }

    private RaftCore Start()
    {
        AppliedEntries.Clear();
        Applied = _diskSnapshot.Position.Index;
        var state = new RaftState(_diskHardState, _diskSnapshot, [.. _diskLog], Applied) { Life = _life };
        return new RaftCore(Shard, Id, _options, state, _random.Split(1));
    }

    private void WriteToDisk(Ready ready)
    {
        if (ready.HardState is { } hardState) { _diskHardState = hardState; }
        if (ready.Snapshot is { } snapshot && snapshot.Position.Index > _diskSnapshot.Position.Index)
        {
            _diskSnapshot = snapshot;
            _diskLog.Clear();
        }

        foreach (LogEntry entry in ready.Entries)
        {
            _diskLog.RemoveAll(old => old.Index >= entry.Index);
            if (entry.Index > _diskSnapshot.Position.Index) { _diskLog.Add(entry); }
        }
    }
}
