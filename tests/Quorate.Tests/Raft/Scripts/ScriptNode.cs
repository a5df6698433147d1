using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Raft;

namespace Quorate.Tests.Raft.Scripts;

/// <summary>What survives a crash of one replica: hard state, snapshot, log.</summary>
internal sealed class ScriptDisk
{
    public HardState HardState { get; set; }

    public SnapshotMeta Snapshot { get; set; } = new(LogPosition.Zero, Membership.Empty);

    /// <summary>The entries after the snapshot, without gaps.</summary>
    public List<LogEntry> Entries { get; } = [];

    public LogIndex LastIndex => Snapshot.Position.Index + Entries.Count;

    /// <summary>The entry at an index, or null if the snapshot has swallowed it or it is not there yet.</summary>
    public LogEntry? At(LogIndex index) =>
        index > Snapshot.Position.Index && index <= LastIndex
            ? Entries[(int)(index - Snapshot.Position.Index) - 1]
            : null;

    /// <summary>Writes one Ready, as a host's log would.</summary>
    public void Write(Ready ready)
    {
        if (ready.Snapshot is { } snapshot)
        {
            Snapshot = snapshot;
            Entries.Clear();
        }

        if (!ready.Entries.IsEmpty)
        {
            LogIndex first = ready.Entries[0].Index;
            if (first <= Snapshot.Position.Index || first > LastIndex.Next)
            {
                throw new SafetyException($"entries from {first} on do not fit a log of {Snapshot.Position}..{LastIndex}");
            }

            int keep = (int)(first - Snapshot.Position.Index) - 1;
            Entries.RemoveRange(keep, Entries.Count - keep);
            foreach (LogEntry entry in ready.Entries)
            {
                if (entry.Index != LastIndex.Next) { throw new SafetyException($"a gap before {entry.Position}"); }
                Entries.Add(entry);
            }
        }

        if (ready.HardState is { } hardState)
        {
            bool isBack = hardState.Term < HardState.Term || hardState.Commit < HardState.Commit ||
                (hardState.Term == HardState.Term && !HardState.Vote.IsNone && hardState.Vote != HardState.Vote);
            if (isBack) { throw new SafetyException($"hard state goes back from {HardState} to {hardState}"); }
            HardState = hardState;
        }
    }

    /// <summary>The state machine's own files now hold everything up to here; the log forgets it.</summary>
    public void CompactTo(SnapshotMeta snapshot)
    {
        int drop = (int)(snapshot.Position.Index - Snapshot.Position.Index);
        Entries.RemoveRange(0, Math.Min(drop, Entries.Count));
        Snapshot = snapshot;
    }
}

/// <summary>A replica under the script's control: the core, its disk, and what its host has taken but not yet done.</summary>
internal sealed class ScriptNode(ReplicaId id, RaftOptions options, bool isAsync, ScriptDisk disk)
{
    public static readonly ShardId Shard = new(1);

    private readonly SortedList<LogIndex, Membership> _memberships = [];
    private RaftCore? _core;
    private ulong _starts;

    public ReplicaId Id => id;

    public RaftOptions Options => options;

    /// <summary>True if writing and applying wait for the script's commands; false if they are a part of each Ready.</summary>
    public bool IsAsync => isAsync;

    public ScriptDisk Disk => disk;

    /// <summary>Readys whose writes are under way, oldest first.</summary>
    public Queue<Ready> Writes { get; } = new();

    /// <summary>Committed entries that the state machine has not applied yet, oldest first.</summary>
    public Queue<ImmutableArray<LogEntry>> Applies { get; } = new();

    public LogPosition Applied { get; private set; }

    public bool IsUp => _core is not null;

    public RaftCore Core => _core ?? throw new ScriptException($"{id} is down.");

    /// <summary>Starts the core from the disk and nothing else.</summary>
    public void Start()
    {
        Applied = disk.Snapshot.Position;
        _memberships.Clear();
        _memberships[Applied.Index] = disk.Snapshot.Membership;
        RaftState state = new(disk.HardState, disk.Snapshot, [.. disk.Entries], Applied.Index);
        _core = new RaftCore(Shard, id, options, state, new Prng((id.Value * 1000) + _starts++));
    }

    /// <summary>Everything in memory is gone, and with it the writes that were under way.</summary>
    public void Crash()
    {
        _core = null;
        Writes.Clear();
        Applies.Clear();
    }

    public void Apply(ImmutableArray<LogEntry> entries)
    {
        foreach (LogEntry entry in entries)
        {
            if (entry.Index != Applied.Index.Next)
            {
                throw new SafetyException($"{id} is to apply {entry.Position} after {Applied}");
            }

            // One by one, so that the membership at each index is known to snapshots taken there.
            Applied = entry.Position;
            Core.Applied(entry.Index);
            _memberships[entry.Index] = Core.Membership;
        }
    }

    /// <summary>The received snapshot takes the place of the state machine's state.</summary>
    public void Install(SnapshotMeta snapshot)
    {
        Applied = snapshot.Position;
        _memberships.Clear();
        _memberships[Applied.Index] = snapshot.Membership;
    }

    /// <summary>A snapshot of the state as of an index that was applied here and not compacted.</summary>
    public SnapshotMeta SnapshotAt(LogIndex index)
    {
        if (index == disk.Snapshot.Position.Index) { return disk.Snapshot; }
        if (index > Applied.Index || disk.At(index) is not { } entry)
        {
            throw new ScriptException($"{id} has no state as of {index}: it has applied {Applied}.");
        }

        return new SnapshotMeta(entry.Position, _memberships[index]);
    }
}
