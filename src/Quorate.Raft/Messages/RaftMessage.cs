using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Raft;

/// <summary>Who says it, to whom, and in which term.</summary>
/// <param name="Shard">The group.</param>
/// <param name="From">Sender.</param>
/// <param name="To">Receiver.</param>
/// <param name="Term">The sender's term; for a pre-vote, the term it would campaign in.</param>
public readonly record struct MessageHeader(ShardId Shard, ReplicaId From, ReplicaId To, Term Term);

/// <summary>What replicas of one shard say to each other. Receiving any of them twice, late or out of order is harmless.</summary>
/// <param name="Header">Shard, sender, receiver, term.</param>
public abstract record RaftMessage(MessageHeader Header)
{
    /// <summary>True if only the leader of <see cref="MessageHeader.Term"/> can have sent it.</summary>
    public virtual bool IsFromLeader => false;

    /// <summary>The group.</summary>
    public ShardId Shard => Header.Shard;

    /// <summary>Sender.</summary>
    public ReplicaId From => Header.From;

    /// <summary>Receiver.</summary>
    public ReplicaId To => Header.To;

    /// <summary>The sender's term.</summary>
    public Term Term => Header.Term;
}

/// <summary>Leader to follower: append these entries right after <paramref name="Previous"/>.</summary>
/// <remarks>Raft paper, figure 2, "AppendEntries RPC".</remarks>
/// <param name="Header">Shard, sender, receiver, and the leader's term.</param>
/// <param name="Previous">The entry just before the first one sent. The follower refuses unless its own log holds it.</param>
/// <param name="Entries">Consecutive entries, oldest first. May be empty: a probe, or news of the commit index.</param>
/// <param name="Commit">The leader's commit index; it may lie beyond the last entry sent here.</param>
public sealed record AppendEntries(
    MessageHeader Header, LogPosition Previous, ImmutableArray<LogEntry> Entries, LogIndex Commit) : RaftMessage(Header)
{
    /// <inheritdoc/>
    public override bool IsFromLeader => true;

    /// <summary>The last index the follower shares with the leader once it has accepted this message.</summary>
    public LogIndex LastIndex => Previous.Index + Entries.Length;
}

/// <summary>Follower to leader: the answer to <see cref="AppendEntries"/> or <see cref="InstallSnapshot"/>; sent after persistence.</summary>
/// <param name="Header">Shard, sender, receiver, and the follower's term.</param>
/// <param name="Accepted">True if the follower's log now holds the leader's, durably, up to <paramref name="Index"/>.</param>
/// <param name="Index">Accepted: last index shared. Refused: the <c>Previous.Index</c> that was refused.</param>
/// <param name="Hint">Refused: a position at or before which the logs may agree, so that the leader skips whole terms.</param>
public sealed record AppendEntriesReply(MessageHeader Header, bool Accepted, LogIndex Index, LogPosition Hint)
    : RaftMessage(Header);

/// <summary>Leader to all: I am alive. Carries the round of pending reads (Raft thesis, 6.4).</summary>
/// <param name="Header">Shard, sender, receiver, and the leader's term.</param>
/// <param name="Commit">min(leader's commit index, what the follower is known to hold).</param>
/// <param name="ReadRound">Newest round of reads that waits for confirmation; 0 if none.</param>
public sealed record Heartbeat(MessageHeader Header, LogIndex Commit, ulong ReadRound) : RaftMessage(Header)
{
    /// <inheritdoc/>
    public override bool IsFromLeader => true;
}

/// <summary>Follower to leader: I still follow you.</summary>
/// <param name="Header">Shard, sender, receiver, term.</param>
/// <param name="ReadRound">Echo of <see cref="Heartbeat.ReadRound"/>.</param>
public sealed record HeartbeatReply(MessageHeader Header, ulong ReadRound) : RaftMessage(Header);

/// <summary>Candidate to voters (Raft paper, figure 2, "RequestVote RPC"; thesis, 9.6 for the pre-vote).</summary>
/// <param name="Header">Shard, sender, receiver, and the term of the campaign.</param>
/// <param name="Last">The last entry of the candidate's log.</param>
/// <param name="IsPreVote">True: would you vote for me? Nobody's term or vote changes.</param>
/// <param name="IsTransfer">True: the old leader asked for this campaign, so a living leader is no reason to refuse.</param>
public sealed record RequestVote(MessageHeader Header, LogPosition Last, bool IsPreVote, bool IsTransfer)
    : RaftMessage(Header);

/// <summary>Voter to candidate; a real vote is sent after it is persisted.</summary>
/// <param name="Header">Shard, sender, receiver; term of the campaign if granted, else the voter's own.</param>
/// <param name="IsPreVote">Answers a pre-vote.</param>
/// <param name="Granted">The vote.</param>
/// <param name="Committed">
/// The last entry the voter knows to be committed. If the candidate holds it too, it is committed there as well: so a change of
/// membership becomes known that the candidate's majority depends on, even if all leaders that knew are gone.
/// </param>
public sealed record RequestVoteReply(MessageHeader Header, bool IsPreVote, bool Granted, LogPosition Committed = default)
    : RaftMessage(Header);

/// <summary>
/// Leader to follower: your next entries are gone from my log, here comes a snapshot. The bytes travel outside the Raft core;
/// the host hands this to <see cref="RaftCore.Step"/> once it holds all of them, verified, on disk.
/// </summary>
/// <param name="Header">Shard, sender, receiver, and the leader's term.</param>
/// <param name="Snapshot">What the snapshot contains.</param>
public sealed record InstallSnapshot(MessageHeader Header, SnapshotMeta Snapshot) : RaftMessage(Header)
{
    /// <inheritdoc/>
    public override bool IsFromLeader => true;
}

/// <summary>Leader to the follower it hands leadership to: campaign now (Raft thesis, 3.10).</summary>
/// <param name="Header">Shard, sender, receiver, and the leader's term.</param>
public sealed record TimeoutNow(MessageHeader Header) : RaftMessage(Header)
{
    /// <inheritdoc/>
    public override bool IsFromLeader => true;
}

/// <summary>Follower to leader: please transfer leadership to <paramref name="Transferee"/>.</summary>
/// <param name="Header">Shard, sender, receiver, term.</param>
/// <param name="Transferee">Who should lead.</param>
public sealed record TransferRequest(MessageHeader Header, ReplicaId Transferee) : RaftMessage(Header);

/// <summary>Follower to leader: at which index may a read that started now be served? (Raft thesis, 6.4.)</summary>
/// <param name="Header">Shard, sender, receiver, term.</param>
/// <param name="Context">Chosen by the follower's host; comes back unchanged.</param>
public sealed record ReadIndexRequest(MessageHeader Header, ulong Context) : RaftMessage(Header);

/// <summary>Leader to follower: the answer to <see cref="ReadIndexRequest"/>, after a majority confirmed the leader.</summary>
/// <param name="Header">Shard, sender, receiver, term.</param>
/// <param name="Context">Echo of the request.</param>
/// <param name="Index">Serve the read once this index is applied.</param>
public sealed record ReadIndexReply(MessageHeader Header, ulong Context, LogIndex Index) : RaftMessage(Header);

/// <summary>A replica that has started, to all voters: what may I have promised that my disk does not show?</summary>
/// <param name="Header">Shard, sender, receiver; the sender's term, which nobody enters for it.</param>
/// <param name="Life">Names this run of the sender; comes back unchanged.</param>
public sealed record Recall(MessageHeader Header, ulong Life) : RaftMessage(Header);

/// <summary>The answer to <see cref="Recall"/>; sent after persistence, so that it outlives its sender's crash.</summary>
/// <param name="Header">Shard, sender, receiver, and the sender's term.</param>
/// <param name="Life">Echo of the question.</param>
/// <param name="Last">The sender's last entry, or the later one below which it elects nobody.</param>
/// <param name="Applied">The index as of which the membership is.</param>
/// <param name="Membership">The membership as the sender knows it.</param>
public sealed record RecallReply(MessageHeader Header, ulong Life, LogPosition Last, LogIndex Applied, Membership Membership)
    : RaftMessage(Header);

/// <summary>
/// Follower that does not know yet what it had promised, to the leader: send on from here, but do not count me. It takes the place of
/// an accepting <see cref="AppendEntriesReply"/>.
/// </summary>
/// <param name="Header">Shard, sender, receiver, and the follower's term.</param>
/// <param name="Index">Its log now holds the leader's, durably, up to here.</param>
public sealed record HoldsUncounted(MessageHeader Header, LogIndex Index) : RaftMessage(Header);

/// <summary>What a snapshot holds, as far as Raft is concerned.</summary>
/// <param name="Position">The last entry whose effects it contains.</param>
/// <param name="Membership">The membership as of that entry.</param>
public sealed record SnapshotMeta(LogPosition Position, Membership Membership);
