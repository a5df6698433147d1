using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Raft;
using Quorate.Storage.Wal;

namespace Quorate.Replication;

/// <summary>
/// All replicas of a node as one deterministic state machine: messages, ticks, requests and results of jobs in; frames, log
/// batches, jobs and completions out, through <see cref="INodeHost"/>. One thread calls it. After any calls the host
/// calls <see cref="Flush"/>, which does the work that they queued.
/// </summary>
public sealed class NodeCore : IDisposable
{
    /// <summary>Opens the data directory (created if empty): checks its identity, opens log and engines, replays.</summary>
    /// <param name="files">The data directory.</param>
    /// <param name="config">What the node is.</param>
    /// <param name="host">Its surroundings; not called before this returns.</param>
    /// <param name="session">Identifies this run of the node in the deduplication of retried commands; never used before by any node.</param>
    /// <param name="random">Election timeouts.</param>
    /// <param name="log">The opened log: the host writes the batches to it.</param>
    /// <exception cref="WrongDataDirectoryException">It belongs to another cluster or node, or to a format this build does not know. Nothing was changed.</exception>
    /// <exception cref="CorruptFileException">Something durable does not read back as written. Nothing was dropped.</exception>
    public static NodeCore Open(
        IFileSystem files, NodeConfig config, INodeHost host, ulong session, Prng random, out WriteAheadLog log) =>
        throw new NotSupportedException();

    /// <summary>A tick has passed.</summary>
    /// <param name="unixMilliseconds">The wall clock; used only to stamp entries, never for safety.</param>
    public void Tick(long unixMilliseconds) => throw new NotSupportedException();

    /// <summary>Takes a frame from a peer whose identity the host has checked.</summary>
    /// <returns>False if the frame is malformed: the host closes the connection. Nothing was done with the malformed part.</returns>
    public bool Receive(NodeId from, ReadOnlyMemory<byte> frame) => throw new NotSupportedException();

    /// <summary>The connection to a peer broke: what was sent last may be lost.</summary>
    public void Disconnected(NodeId peer) => throw new NotSupportedException();

    /// <summary>Takes a command. Followers forward it; retries after a change of leader take effect at most once.</summary>
    public void Propose(ProposeRequest request) => throw new NotSupportedException();

    /// <summary>Takes a linearizable read. (For local reads see <see cref="OpenLocalView"/>.)</summary>
    public void Read(ReadRequest request) => throw new NotSupportedException();

    /// <summary>What this node has applied of a shard, or null if it has no such shard. Any thread.</summary>
    public IReadView? OpenLocalView(ShardId shard) => throw new NotSupportedException();

    /// <summary>The batch given to <see cref="INodeHost.Persist"/> is durable. Batches come back in order.</summary>
    public void Persisted(WalBatch batch) => throw new NotSupportedException();

    /// <summary>A job has run.</summary>
    /// <param name="job">The job.</param>
    /// <param name="failure">What <see cref="NodeJob.Run"/> threw, or null.</param>
    public void JobDone(NodeJob job, Exception? failure) => throw new NotSupportedException();

    /// <summary>Does what the calls since the last flush have queued: appends, messages, applying (a slice), replies.</summary>
    /// <returns>True if there is more to do: call again soon, though nothing new came in.</returns>
    public bool Flush() => throw new NotSupportedException();

    /// <summary>While true, commands are refused with <see cref="RequestOutcome.NoSpace"/>; reads go on.</summary>
    public bool DiskNearlyFull { get; set; }

    /// <summary>Proposes a change of a shard's membership, if this node leads it.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="change">The change; its context is filled in here.</param>
    /// <param name="places">Where replicas that the change adds live.</param>
    public ProposeOutcome ChangeMembership(ShardId shard, MembershipChange change, ImmutableArray<ReplicaPlace> places) =>
        throw new NotSupportedException();

    /// <summary>Hands leadership of a shard to another replica, if this node leads it.</summary>
    public void TransferLeadership(ShardId shard, ReplicaId to) => throw new NotSupportedException();

    /// <summary>First step of a graceful stop: refuses new requests and hands every leadership over to the most advanced follower.</summary>
    public void BeginStop() => throw new NotSupportedException();

    /// <summary>True once no leadership is left that could be handed over, and nothing waits to be persisted.</summary>
    public bool ReadyToStop => throw new NotSupportedException();

    /// <summary>The shards of this node, ordered by id.</summary>
    public ImmutableArray<ShardId> Shards => throw new NotSupportedException();

    /// <summary>State of a shard, or null if this node has no such shard.</summary>
    public ShardStatus? StatusOf(ShardId shard) => throw new NotSupportedException();

    /// <summary>Hash of a shard's logical state and the index it is as of; for comparing replicas. Costly.</summary>
    public (LogIndex Applied, ulong Hash) HashOf(ShardId shard) => throw new NotSupportedException();

    /// <summary>Completes what still waits (unknown, or nothing happened) and closes files. The log is the host's to close.</summary>
    public void Dispose() => throw new NotSupportedException();
}

/// <summary>The data directory is not this node's. Nothing in it was changed.</summary>
public sealed class WrongDataDirectoryException : IOException
{
    /// <summary>Creates the exception.</summary>
    public WrongDataDirectoryException(string message)
        : base(message)
    {
    }
}
