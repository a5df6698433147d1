using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Raft;
using Quorate.Storage.Engine;
using Quorate.Storage.Wal;

namespace Quorate.Replication;

/// <summary>A shard as it was created; the same on every node that creates it.</summary>
/// <param name="Shard">Its id.</param>
/// <param name="Machine">Id of its state machine in the catalog.</param>
/// <param name="Voters">The first voters. Empty on a node that joins later: it learns the members from their leader.</param>
public sealed record ShardDescriptor(ShardId Shard, int Machine, ImmutableArray<ReplicaPlace> Voters);

/// <summary>Whose data a directory holds.</summary>
/// <param name="Cluster">The cluster.</param>
/// <param name="Node">The node.</param>
/// <param name="HasJoined">The node joined a cluster that was there, so its ids follow from no setting.</param>
public sealed record DirectoryOwner(ClusterId Cluster, NodeId Node, bool HasJoined);

/// <summary>What a node is and how it behaves. Read once, when it starts.</summary>
public sealed record NodeConfig
{
    /// <summary>The cluster it belongs to.</summary>
    public required ClusterId Cluster { get; init; }

    /// <summary>Its id.</summary>
    public required NodeId Node { get; init; }

    /// <summary>Shards to create if the data directory does not hold them yet.</summary>
    public required ImmutableArray<ShardDescriptor> Bootstrap { get; init; }

    /// <summary>The shard whose machine keeps the list of keyspaces. Default: 1, which every cluster has.</summary>
    public ShardId MetaShard { get; init; } = new(1);

    /// <summary>Makes the state machine of a catalog id for a shard; null if this build does not know it. Any thread.</summary>
    public required Func<ShardId, int, IStateMachine?> Machines { get; init; }

    /// <summary>Raft's timers, in ticks of <see cref="TickMilliseconds"/>, and limits. Default: 100 ms and 1 s, as in etcd.</summary>
    public RaftOptions Raft { get; init; } = new() { HeartbeatTicks = 10, ElectionTicks = 100 };

    /// <summary>Sizes of the write-ahead log.</summary>
    public WalOptions Wal { get; init; } = new();

    /// <summary>Sizes of the engines.</summary>
    public EngineOptions Engine { get; init; } = new();

    /// <summary>Bytes of blocks kept in memory, shared by all shards. Default: 64 MiB; our own choice: a write reads its key's last version.</summary>
    public long BlockCacheBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>Bytes of tables a second that are read and checked in the background, of all shards together. Default: 0, none.</summary>
    public long ScrubBytesPerSecond { get; init; }

    /// <summary>Ticks from the end of one reading of all tables to the beginning of the next. Default: 360,000, an hour.</summary>
    public long ScrubTicks { get; init; } = 360_000;

    /// <summary>Milliseconds of a tick. Default: 10; a tenth of a heartbeat, so that timeouts differ between nodes.</summary>
    public int TickMilliseconds { get; init; } = 10;

    /// <summary>Ticks until a request is given up. Default: 700 (7 s), etcd's 5 s plus two election timeouts.</summary>
    public int RequestTicks { get; init; } = 700;

    /// <summary>Most bytes of commands in one entry; a single larger command still goes alone. Default: 1 MiB.</summary>
    public int MaxEntryBytes { get; init; } = 1024 * 1024;

    /// <summary>
    /// Bytes of committed entries that are applied before the node looks what else there is to do. Default: 256 KiB, about a
    /// millisecond's work, so that heartbeats are never late.
    /// </summary>
    public long SliceBytes { get; init; } = 256 * 1024;

    /// <summary>Most bytes of commands that wait on this node, per shard, before it refuses more. Default: 64 MiB.</summary>
    public long MaxWaitingBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>
    /// Bytes a second that a leader proposes, per shard, when flushes or merges begin to fall behind; less the further they are,
    /// down to an eighth. Default: 16 MiB; our own choice.
    /// </summary>
    public long SlowedWriteBytes { get; init; } = 16L * 1024 * 1024;

    /// <summary>Most linearizable reads that wait on this node, per shard, before it refuses more. Default: 100,000.</summary>
    public int MaxWaitingReads { get; init; } = 100_000;

    /// <summary>Bytes of flushed entries kept in the log, per shard, for followers that lag a little. Default: 16 MiB.</summary>
    public long LogRetainBytes { get; init; } = 16L * 1024 * 1024;

    /// <summary>Entries after which a shard is flushed though its memtable is not full, as etcd's --snapshot-count. Default: 100,000.</summary>
    public int FlushEntries { get; init; } = 100_000;

    /// <summary>Entries for which retried commands are recognized. Default: 10,000; some seconds of full load.</summary>
    public int DedupeEntries { get; init; } = 10_000;

    /// <summary>Ticks from the beginning of one comparison of a shard's replicas to that of the next. Default: 0, never.</summary>
    public long CheckTicks { get; init; }

    /// <summary>Ticks after which replicas are compared if the machine has forgotten something since they were. Default: 0, never.</summary>
    public long ForgottenCheckTicks { get; init; }

    /// <summary>Whether each replica asks for a comparison once it has started. Default: false.</summary>
    public bool ChecksAtStart { get; init; }

    /// <summary>
    /// Bytes of a state that a comparison reads in one tick. Default: 1 MiB, at most 100 MB a second: a part of what a disk gives,
    /// and a millisecond's work, so that flushes and compactions are not held up.
    /// </summary>
    public long CheckSliceBytes { get; init; } = 1024 * 1024;

    /// <summary>For simulated runs. Default: null, as in production.</summary>
    public Buggify? Buggify { get; init; }

    /// <summary>
    /// For simulated runs, whose machines are there before they are members: the id of the next one to be added, never one that
    /// was a member. Default: null, random ids.
    /// </summary>
    public Func<NodeId>? FreshNode { get; init; }

    /// <summary>Bytes of one piece of a snapshot on the wire. Default: 256 KiB.</summary>
    public int SnapshotChunkBytes { get; init; } = 256 * 1024;
}

/// <summary>How fresh a read must be (design, section 11).</summary>
public enum ReadLevel
{
    /// <summary>Sees every write acknowledged before it started.</summary>
    Linearizable,

    /// <summary>What this node has applied.</summary>
    Local,
}

/// <summary>What became of a request, as far as the client must know.</summary>
public enum RequestOutcome
{
    /// <summary>Done: the command was applied, or the view may be read.</summary>
    Done,

    /// <summary>No leader was found in time. Nothing happened.</summary>
    NoLeader,

    /// <summary>Too much is waiting already. Nothing happened.</summary>
    TooBusy,

    /// <summary>The disk is nearly full. Nothing happened.</summary>
    NoSpace,

    /// <summary>This node has no such shard. Nothing happened.</summary>
    NoShard,

    /// <summary>The node is stopping. Nothing happened.</summary>
    Stopping,

    /// <summary>Time ran out, or the node stops, after the command was sent: it may have happened, or may happen yet.</summary>
    Unknown,
}

/// <summary>A command on its way. The node calls <see cref="Complete"/> exactly once, on its loop.</summary>
public abstract class ProposeRequest
{
    /// <summary>The shard.</summary>
    public required ShardId Shard { get; init; }

    /// <summary>The command; not copied, unchanged until completion.</summary>
    public required ReadOnlyMemory<byte> Command { get; init; }

    /// <summary>Takes the outcome; must be quick and must not throw.</summary>
    /// <param name="outcome">What happened.</param>
    /// <param name="reply">The machine's reply if done. Valid during the call only.</param>
    public abstract void Complete(RequestOutcome outcome, ReadOnlySpan<byte> reply);

    // What the node keeps of it while it waits.
    internal ulong Sequence { get; set; }

    internal LogIndex FirstIndex { get; set; }

    internal long DeadlineTick { get; set; }

    internal long SentTick { get; set; }

    internal bool WasSent { get; set; }

    internal bool IsQueued { get; set; }
}

/// <summary>A read on its way. The node calls <see cref="Complete"/> exactly once, on its loop.</summary>
public abstract class ReadRequest
{
    /// <summary>The shard.</summary>
    public required ShardId Shard { get; init; }

    /// <summary>Takes the outcome; must be quick and must not throw.</summary>
    /// <param name="outcome">What happened.</param>
    /// <param name="view">If done: the view, to be disposed by the receiver. Else null.</param>
    public abstract void Complete(RequestOutcome outcome, IReadView? view);

    /// <summary>
    /// What the shard's clock (<see cref="CommittedCommand.Clock"/>) shows as far as this node can tell, in milliseconds; set
    /// before a read is completed as done. A follower lags by the time that entries take to it, and runs on without a leader.
    /// </summary>
    public long Clock { get; internal set; }

    internal long DeadlineTick { get; set; }
}

/// <summary>A transfer of leadership on its way. The node calls <see cref="Complete"/> at most once, on its loop.</summary>
public abstract class HandOverRequest
{
    /// <summary>The shard.</summary>
    public required ShardId Shard { get; init; }

    /// <summary>The member that is to lead it.</summary>
    public required NodeId To { get; init; }

    /// <summary>Takes the outcome: true if that member leads now. Must be quick and must not throw.</summary>
    public abstract void Complete(bool isDone);

    internal long DeadlineTick { get; set; }
}

/// <summary>Long work of the node: immutable input, touches nothing but files. Run on any thread, then given back by <see cref="NodeCore.JobDone"/>.</summary>
public abstract class NodeJob
{
    /// <summary>For people.</summary>
    public abstract string Name { get; }

    /// <summary>True if nobody waits for it yet: requests and other jobs may go before it.</summary>
    public virtual bool IsMerge => false;

    /// <summary>Does the work. Exceptions are given to <see cref="NodeCore.JobDone"/>.</summary>
    public abstract void Run();
}

/// <summary>A change of state worth a line in the log.</summary>
/// <param name="Shard">The shard; 0 for the node as a whole.</param>
/// <param name="Name">Kebab-case and stable: "became-leader", "leader-changed", "snapshot-installed"...</param>
/// <param name="Detail">Key=value pairs for people and tools.</param>
public sealed record NodeEvent(ShardId Shard, string Name, string Detail)
{
    /// <summary>True if an operator should look at once: data differs, or was lost by a disk.</summary>
    public bool IsAlarming { get; init; }
}

/// <summary>What the node's surroundings do for it. All calls come from within NodeCore's methods, on the loop; none may block or call back.</summary>
public interface INodeHost
{
    /// <summary>Sends one frame to a peer: reliable and in order while a connection lasts, or not at all. The frame is copied before this returns.</summary>
    void Send(NodeId to, ReadOnlyMemory<byte> frame);

    /// <summary>Writes and syncs the batch, in order with all others, then calls <see cref="NodeCore.Persisted"/>. A failure stops the node.</summary>
    void Persist(WalBatch batch);

    /// <summary>Runs the job elsewhere, then calls <see cref="NodeCore.JobDone"/>.</summary>
    void Run(NodeJob job);

    /// <summary>Logs a change of state.</summary>
    void Report(NodeEvent change);

    /// <summary>From now on views of the shard may show more than before. Often: must cost next to nothing.</summary>
    void Published(ShardId shard);
}

/// <summary>Comparisons of a shard's replicas since the node started, as this member has applied them.</summary>
/// <param name="Rounds">Comparisons begun.</param>
/// <param name="Mismatches">Replicas, of any member, whose state was found to differ from that of a majority.</param>
/// <param name="Undecided">Comparisons in which no majority agreed.</param>
/// <param name="Repairs">Times that this member's replica was set aside, to be filled anew: it differed, or its files were damaged.</param>
public readonly record struct CheckCounts(long Rounds, long Mismatches, long Undecided, long Repairs);

/// <summary>A shard as this node sees it.</summary>
/// <remarks>DiskBytes is what its data takes: its tables, and what only the node's log holds until the next flush.</remarks>
public sealed record ShardStatus(
    ShardId Shard, ReplicaId Replica, Role Role, Term Term, ReplicaId Leader, NodeId LeaderNode, LogIndex Commit,
    LogIndex Applied, LogIndex LastIndex, bool IsLearner, long DiskBytes, ImmutableArray<ReplicaPlace> Members)
{
    /// <summary>Bytes of files that only reads under way still need; they are deleted then.</summary>
    public long HeldBytes { get; init; }

    /// <summary>How far flushes and merges are behind, in thousandths: from 500 on writers are slowed, from 1000 on refused.</summary>
    public int WritePressure { get; init; }

    /// <summary>Bytes that merges have yet to bring to their level, though nothing more is written.</summary>
    public long DebtBytes { get; init; }

    /// <summary>Bytes that flushes have written since the engine was opened.</summary>
    public long FlushedBytes { get; init; }

    /// <summary>Bytes that merges have written since the engine was opened.</summary>
    public long MergedBytes { get; init; }

    /// <summary>Whom it voted for in its term, or none.</summary>
    public ReplicaId Vote { get; init; }

    /// <summary>Leaders seen since the node started, the same one again in a new term included.</summary>
    public long LeaderChanges { get; init; }

    /// <summary>What comparisons of the replicas came to.</summary>
    public CheckCounts Checks { get; init; }

    /// <summary>Bytes of tables that were read in the background and found good since the node started.</summary>
    public long ScrubbedBytes { get; init; }

    /// <summary>Tables that were read in the background and not found good since the node started.</summary>
    public long ScrubDamage { get; init; }

    /// <summary>Those of the members that have no vote.</summary>
    public ImmutableArray<NodeId> Learners { get; init; } = [];
}
