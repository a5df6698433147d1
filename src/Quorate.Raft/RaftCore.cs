using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Raft;

/// <summary>What a replica starts from: what its disk holds.</summary>
/// <param name="HardState">Last durable hard state; default for a new replica.</param>
/// <param name="Snapshot">Where the state machine's durable state stands; position zero for none. The membership is as of there.</param>
/// <param name="Entries">The durable entries right after the snapshot, without gaps.</param>
/// <param name="Applied">Last entry that need not be given out as committed again; at least the snapshot's index.</param>
public sealed record RaftState(HardState HardState, SnapshotMeta Snapshot, ImmutableArray<LogEntry> Entries, LogIndex Applied);

/// <summary>What a replica can tell about itself.</summary>
/// <param name="Id">The replica.</param>
/// <param name="Role">What it does.</param>
/// <param name="Term">Its term.</param>
/// <param name="Leader">Whom it takes for the leader, or none.</param>
/// <param name="Commit">Highest index known to be committed.</param>
/// <param name="Applied">Highest index applied.</param>
/// <param name="FirstIndex">First index the log still holds; one past the last if it holds none.</param>
/// <param name="LastIndex">Last index of the log.</param>
/// <param name="Membership">As of the last applied membership entry.</param>
/// <param name="Transferee">On a leader: to whom it hands over, or none.</param>
/// <param name="Followers">On a leader: everybody else in the group, sorted. Empty on others.</param>
public sealed record RaftStatus(
    ReplicaId Id, Role Role, Term Term, ReplicaId Leader, LogIndex Commit, LogIndex Applied, LogIndex FirstIndex,
    LogIndex LastIndex, Membership Membership, ReplicaId Transferee, ImmutableArray<FollowerProgress> Followers);

/// <summary>How a leader sends its log to one follower.</summary>
public enum ProgressState
{
    /// <summary>The leader looks for the last entry they share: one message at a time.</summary>
    Probe,

    /// <summary>The leader streams, up to the in-flight limits.</summary>
    Replicate,

    /// <summary>A snapshot is on its way; no entries are sent.</summary>
    Snapshot,
}

/// <summary>What a leader knows of one other replica.</summary>
/// <param name="Id">The other replica.</param>
/// <param name="Match">Last index it is known to hold durably.</param>
/// <param name="Next">First index the next message will carry.</param>
/// <param name="State">How entries are sent.</param>
/// <param name="InflightMessages">AppendEntries with entries sent and not answered.</param>
/// <param name="Paused">True if no entries may be sent now: in-flight limit, unanswered probe, or snapshot.</param>
public readonly record struct FollowerProgress(
    ReplicaId Id, LogIndex Match, LogIndex Next, ProgressState State, int InflightMessages, bool Paused);

/// <summary>
/// Raft for one replica of one shard: takes messages and ticks, changes its state, queues output for <see cref="TakeReady"/>.
/// No I/O, no clock, no thread; the same calls with the same seed give the same outputs.
/// </summary>
/// <remarks>Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm" (2014); Ongaro's thesis for the rest.</remarks>
public sealed class RaftCore
{
    /// <summary>Starts a replica from what its disk holds.</summary>
    public RaftCore(ShardId shard, ReplicaId id, RaftOptions options, RaftState state, Prng random) =>
        throw new NotSupportedException();

    /// <summary>State, for the host's decisions and for people.</summary>
    public RaftStatus Status => throw new NotSupportedException();

    /// <summary>What this replica does.</summary>
    public Role Role => throw new NotSupportedException();

    /// <summary>Its term.</summary>
    public Term Term => throw new NotSupportedException();

    /// <summary>Whom it takes for the leader, or none.</summary>
    public ReplicaId Leader => throw new NotSupportedException();

    /// <summary>The membership as of the last applied membership entry.</summary>
    public Membership Membership => throw new NotSupportedException();

    /// <summary>Highest index known to be committed.</summary>
    public LogIndex Commit => throw new NotSupportedException();

    /// <summary>Takes one message from a peer.</summary>
    public void Step(RaftMessage message) => throw new NotSupportedException();

    /// <summary>One tick of the host's clock has passed.</summary>
    public void Tick() => throw new NotSupportedException();

    /// <summary>Appends one entry with this payload, if this replica leads. The payload must never change afterwards.</summary>
    /// <param name="payload">The entry's payload.</param>
    /// <param name="position">Index and term it got.</param>
    public ProposeOutcome Propose(ReadOnlyMemory<byte> payload, out LogPosition position) => throw new NotSupportedException();

    /// <summary>Proposes a membership change, if this replica leads.</summary>
    public ProposeOutcome ProposeMembership(MembershipChange change, out LogPosition position) => throw new NotSupportedException();

    /// <summary>
    /// Asks at which index a linearizable read may be served. The answer comes in <see cref="Ready.Reads"/>, or the context in
    /// <see cref="Ready.DroppedReads"/>; a message lost between nodes can mean neither, so the host asks again after a while.
    /// </summary>
    public void ReadIndex(ulong context) => throw new NotSupportedException();

    /// <summary>Starts a campaign now, as an election timeout would.</summary>
    public void Campaign() => throw new NotSupportedException();

    /// <summary>Hands leadership to another voter; given up after an election timeout. On a follower, asks the leader to.</summary>
    public void TransferLeadership(ReplicaId to) => throw new NotSupportedException();

    /// <summary>A follower forgets its leader within the term, so that it grants pre-votes.</summary>
    public void ForgetLeader() => throw new NotSupportedException();

    /// <summary>True if <see cref="TakeReady"/> would give something to do.</summary>
    public bool HasReady => throw new NotSupportedException();

    /// <summary>Takes all output queued so far.</summary>
    public Ready TakeReady() => throw new NotSupportedException();

    /// <summary>The Ready with this token, and all before it, are durable.</summary>
    public void Persisted(ulong persistToken) => throw new NotSupportedException();

    /// <summary>All entries up to here are applied to the state machine. Membership entries take effect before this call returns.</summary>
    public void Applied(LogIndex index) => throw new NotSupportedException();

    /// <summary>Forgets entries up to and including an index that is applied and durable in the state machine's own files.</summary>
    /// <param name="index">At most the applied index.</param>
    public void CompactLog(LogIndex index) => throw new NotSupportedException();

    /// <summary>Bytes of payload held in the log.</summary>
    public long LogBytes => throw new NotSupportedException();

    /// <summary>Replicas whose next entries are gone from the log and that wait for a snapshot to be sent by the host.</summary>
    public ImmutableArray<ReplicaId> SnapshotsWanted => throw new NotSupportedException();

    /// <summary>The host starts to send this snapshot to a follower; Raft pauses its log until the outcome is known.</summary>
    public void SnapshotStarted(ReplicaId to, LogPosition position) => throw new NotSupportedException();

    /// <summary>The host finished, or gave up, sending a snapshot.</summary>
    public void ReportSnapshot(ReplicaId to, bool succeeded) => throw new NotSupportedException();

    /// <summary>The last message to this replica did not arrive (connection lost): probe instead of streaming.</summary>
    public void ReportUnreachable(ReplicaId peer) => throw new NotSupportedException();

    /// <summary>
    /// Replaces the election timeout drawn at random, until the next one is drawn (with each change of term, leader or role).
    /// For tests that need to say who campaigns.
    /// </summary>
    /// <param name="ticks">At least 1.</param>
    public void SetElectionTimeout(int ticks) => throw new NotSupportedException();

    /// <summary>The term of an entry, or null if it is not in the log any more or not yet.</summary>
    public Term? TermAt(LogIndex index) => throw new NotSupportedException();
}
