using Quorate.Core;
using Quorate.Raft;
using Quorate.Replication;
using Quorate.Storage.Engine;
using Quorate.Storage.Wal;

namespace Quorate.Simulation;

/// <summary>What a simulated cluster is made of. Sizes are small on purpose, so that flushes, compactions and snapshots are frequent.</summary>
public sealed record SimOptions
{
    internal static readonly ClusterId Cluster = new(0xC1);

    /// <summary>Nodes. Default: 3.</summary>
    public int Nodes { get; init; } = 3;

    /// <summary>Further nodes, which hold nothing until a change of membership gives them a replica. Default: 0.</summary>
    public int Spares { get; init; }

    /// <summary>Shards, each with a replica on every node but the spares. Default: 1.</summary>
    public int Shards { get; init; } = 1;

    /// <summary>Keyspaces, made before a run begins; their shards follow those of <see cref="Shards"/>, which must be 1 then. Default: 0.</summary>
    public int Keyspaces { get; init; }

    /// <summary>Microseconds from sending to arrival, without faults: at least. Default: 100.</summary>
    public long MinDelayMicros { get; init; } = 100;

    /// <summary>Microseconds from sending to arrival, without faults: at most. Default: 2,000.</summary>
    public long MaxDelayMicros { get; init; } = 2_000;

    /// <summary>Microseconds that a sync takes at most. Default: 5,000.</summary>
    public long MaxSyncMicros { get; init; } = 5_000;

    /// <summary>Microseconds that a flush, compaction or piece of a snapshot takes at most. Default: 20,000.</summary>
    public long MaxJobMicros { get; init; } = 20_000;

    /// <summary>Microseconds that one job in ten takes at most, if that is longer: a large compaction, say. Default: 0.</summary>
    public long SlowJobMicros { get; init; }

    /// <summary>Raft's timers and limits.</summary>
    public RaftOptions Raft { get; init; } = new()
    {
        HeartbeatTicks = 10,
        ElectionTicks = 100,
        MaxAppendBytes = 4096,
        MaxInflightMessages = 16,
        MaxInflightBytes = 16 * 1024,
    };

    /// <summary>Sizes of the log.</summary>
    public WalOptions Wal { get; init; } = new() { SegmentBytes = 64 * 1024, SpareSegments = 1, MaxSegmentsBehind = 3 };

    /// <summary>Sizes of the engines.</summary>
    public EngineOptions Engine { get; init; } = new()
    {
        MemTableBytes = 64 * 1024,
        BlockBytes = 512,
        FileBytes = 16 * 1024,
        Level0Files = 2,
        Level1Bytes = 64 * 1024,
    };

    /// <summary>Bytes of flushed entries kept for followers that lag; less means more snapshots. Default: 16 KiB.</summary>
    public long LogRetainBytes { get; init; } = 16 * 1024;

    /// <summary>Entries after which a shard is flushed though its memtable is not full. Default: 500.</summary>
    public int FlushEntries { get; init; } = 500;

    /// <summary>Entries for which retried commands are recognized. Default: 2,000.</summary>
    public int DedupeEntries { get; init; } = 2_000;

    /// <summary>Whether the product's buggify sites may fire. Default: false.</summary>
    public bool Buggify { get; init; }

    /// <summary>Nodes speak through connections, as real ones do; false: each frame goes its own way. Default: true.</summary>
    public bool Streams { get; init; } = true;

    /// <summary>Milliseconds of a tick. Default: 10.</summary>
    public int TickMilliseconds { get; init; } = 10;

    /// <summary>Ticks until a request is given up. Default: 700.</summary>
    public int RequestTicks { get; init; } = 700;

    /// <summary>Most bytes of commands in one entry. Default: 4,096.</summary>
    public int MaxEntryBytes { get; init; } = 4096;

    /// <summary>Bytes of one piece of a snapshot. Default: 4,096.</summary>
    public int SnapshotChunkBytes { get; init; } = 4096;

    /// <summary>Most bytes of commands that wait on a node, per shard. Default: 64 MiB.</summary>
    public long MaxWaitingBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>Bytes a second that a leader proposes when merges fall behind. Default: 16 MiB.</summary>
    public long SlowedWriteBytes { get; init; } = 16L * 1024 * 1024;

    /// <summary>Most linearizable reads that wait on a node, per shard. Default: 100,000.</summary>
    public int MaxWaitingReads { get; init; } = 100_000;

    /// <summary>Bytes of entries that a node applies before it looks what else there is. Default: 256 KiB.</summary>
    public long SliceBytes { get; init; } = 256 * 1024;

    /// <summary>Ticks from one comparison of a shard's replicas to the next. Default: 0, never.</summary>
    public long CheckTicks { get; init; }

    /// <summary>Whether each replica asks for one when it has started. Default: false.</summary>
    public bool ChecksAtStart { get; init; }

    /// <summary>Bytes of state that a comparison reads in one tick. Default: 1 MiB.</summary>
    public long CheckSliceBytes { get; init; } = 1024 * 1024;

    /// <summary>
    /// True: a turn of a node's loop ends after one flush, as in the real host, so that what comes in is taken between the slices of
    /// what it has to do. Default: false, all is done at once, with fewer events.
    /// </summary>
    public bool OneSliceInTurn { get; init; }

    /// <summary>Ticks between two readings of all tables. Default: 100, a second.</summary>
    public long ScrubTicks { get; init; } = 100;

    /// <summary>Bytes of tables a second that are read in the background. Default: 0, none.</summary>
    public long ScrubBytesPerSecond { get; init; }

    internal NodeConfig ConfigOf(
        NodeId node, Func<ShardId, int, IStateMachine?> machines, IEnumerable<ShardDescriptor> shards, Buggify? buggify) => new()
        {
            Buggify = buggify,
            Cluster = Cluster,
            Node = node,
            Bootstrap = [.. shards],
            Machines = machines,
            Raft = Raft,
            Wal = Wal,
            Engine = Engine,
            LogRetainBytes = LogRetainBytes,
            FlushEntries = FlushEntries,
            DedupeEntries = DedupeEntries,
            TickMilliseconds = TickMilliseconds,
            RequestTicks = RequestTicks,
            MaxEntryBytes = MaxEntryBytes,
            SliceBytes = SliceBytes,
            SnapshotChunkBytes = SnapshotChunkBytes,
            MaxWaitingBytes = MaxWaitingBytes,
            SlowedWriteBytes = SlowedWriteBytes,
            MaxWaitingReads = MaxWaitingReads,
            CheckTicks = CheckTicks,
            ChecksAtStart = ChecksAtStart,
            CheckSliceBytes = CheckSliceBytes,
            ScrubBytesPerSecond = ScrubBytesPerSecond,
            ScrubTicks = ScrubTicks,
        };
}
