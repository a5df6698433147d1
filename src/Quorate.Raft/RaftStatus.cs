using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Raft;

/// <summary>What a replica starts from: what its disk holds.</summary>
/// <remarks>
/// The first membership is in no log entry: the founders of a group are told (<see cref="Founding"/>). A replica that joins
/// later must not be: it starts from <see cref="Joining"/>, and gets the membership with a snapshot.
/// </remarks>
/// <param name="HardState">Last durable hard state; default for a new replica.</param>
/// <param name="Snapshot">Where the state machine's durable state stands; position zero for none. The membership is as of there.</param>
/// <param name="Entries">
/// The durable entries right after the snapshot, without gaps, and of the same log: if the disk still holds the snapshot's last
/// entry, its term is the snapshot's.
/// </param>
/// <param name="Applied">Last entry that need not be given out as committed again; at least the snapshot's index.</param>
public sealed record RaftState(HardState HardState, SnapshotMeta Snapshot, ImmutableArray<LogEntry> Entries, LogIndex Applied)
{
    /// <summary>
    /// A number that names this run of a replica that has run before: it asks the others what it has promised before it promises
    /// more (RaftCore.Recall.cs). 0 for one that is new, so that it cannot have promised anything.
    /// </summary>
    public ulong Life { get; init; }

    /// <summary>
    /// It is certain that this replica has promised what its disk does not show: it waits for all answers, however long that takes.
    /// </summary>
    public bool HasForgotten { get; init; }

    /// <summary>A replica that knows nothing yet: some leader will send it a snapshot.</summary>
    public static readonly RaftState Joining = new(default, new SnapshotMeta(LogPosition.Zero, Membership.Empty), [], default);

    /// <summary>A founder of a new group.</summary>
    /// <param name="membership">The same at all founders.</param>
    public static RaftState Founding(Membership membership) => new(default, new SnapshotMeta(LogPosition.Zero, membership), [], default);
}

/// <summary>What a replica can tell about itself.</summary>
/// <param name="Id">The replica.</param>
/// <param name="Role">What it does.</param>
/// <param name="Term">Its term.</param>
/// <param name="Vote">Whom it voted for in its term, or none.</param>
/// <param name="Leader">Whom it takes for the leader, or none.</param>
/// <param name="Commit">Highest index known to be committed.</param>
/// <param name="Applied">Highest index applied.</param>
/// <param name="FirstIndex">First index the log still holds; one past the last if it holds none.</param>
/// <param name="LastIndex">Last index of the log.</param>
/// <param name="Membership">As of the last applied membership entry.</param>
/// <param name="Transferee">On a leader: to whom it hands over, or none.</param>
/// <param name="Followers">On a leader: everybody else in the group, sorted. Empty on others.</param>
public sealed record RaftStatus(
    ReplicaId Id, Role Role, Term Term, ReplicaId Vote, ReplicaId Leader, LogIndex Commit, LogIndex Applied,
    LogIndex FirstIndex, LogIndex LastIndex, Membership Membership, ReplicaId Transferee, ImmutableArray<FollowerProgress> Followers);

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
