using Quorate.Core;
using Quorate.Replication;

namespace Quorate.Node;

/// <summary>What became of a command.</summary>
/// <param name="Outcome">What happened; only <see cref="RequestOutcome.Unknown"/> leaves it open.</param>
/// <param name="Reply">The machine's reply if done; the receiver's to keep.</param>
public readonly record struct ProposeResult(RequestOutcome Outcome, ReadOnlyMemory<byte> Reply);

/// <summary>What became of a read.</summary>
/// <param name="Outcome">What happened; a read that failed changed nothing.</param>
/// <param name="View">If done: the view, to be disposed by the receiver. Else null.</param>
/// <param name="Clock">If done and linearizable: what the shard's clock shows, as <see cref="ReadRequest.Clock"/>. Else 0.</param>
public readonly record struct ReadResult(RequestOutcome Outcome, IReadView? View, long Clock = 0);

/// <summary>What front doors call. Any thread. Nothing here throws for an outcome that a client may expect.</summary>
public interface INodeClient
{
    /// <summary>The node's cluster.</summary>
    ClusterId Cluster { get; }

    /// <summary>The node.</summary>
    NodeId Node { get; }

    /// <summary>Replicates and applies a command.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="command">Not copied: unchanged until the task completes.</param>
    /// <param name="cancellationToken">Stops waiting: the outcome is then Unknown. It cannot recall the command.</param>
    ValueTask<ProposeResult> ProposeAsync(
        ShardId shard, ReadOnlyMemory<byte> command, CancellationToken cancellationToken = default);

    /// <summary>Opens a view of the shard that is as fresh as the level demands. Of <see cref="ReadLevel.Local"/> it is there at once.</summary>
    ValueTask<ReadResult> ReadAsync(ShardId shard, ReadLevel level, CancellationToken cancellationToken = default);

    /// <summary>Asks to be told when views of the shard may show more than before.</summary>
    /// <param name="shard">The shard; it need not be there yet.</param>
    /// <param name="published">Called on the node's loop, once for many changes or without any: must only make a note, and not throw.</param>
    /// <returns>Ends it. A call may still be under way.</returns>
    IDisposable Subscribe(ShardId shard, Action published);

    /// <summary>The keyspaces beside the first shard, as far as this node has applied them; another object when they have changed.</summary>
    KeyspaceList Keyspaces { get; }

    /// <summary>Starts to give back the disk space of what the shard's machine has forgotten, on this node. Returns at once.</summary>
    void Reclaim(ShardId shard);

    /// <summary>Tells the node of damage that a reader of one of its views has met: it sets the replica aside, and its peers fill it anew. Returns at once.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="damage">What the view has thrown.</param>
    void Damaged(ShardId shard, CorruptFileException damage);

    /// <summary>State of the shard, at most one tick old; null if this node has no such shard.</summary>
    ShardStatus? StatusOf(ShardId shard);

    /// <summary>Hands leadership of a shard to another member, and waits until that leads or has not taken over in time.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="to">A voting member.</param>
    /// <returns>True if it leads now; false if not, or if this node does not lead.</returns>
    ValueTask<bool> HandOverAsync(ShardId shard, NodeId to);
}
