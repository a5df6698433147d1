using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Raft;

/// <summary>What a replica does in its group.</summary>
public enum Role
{
    /// <summary>Follows a leader, or waits for one. Learners are followers too.</summary>
    Follower,

    /// <summary>Asks whether it would win an election.</summary>
    PreCandidate,

    /// <summary>Asks for votes.</summary>
    Candidate,

    /// <summary>Leads its term.</summary>
    Leader,
}

/// <summary>A read that may be served once <paramref name="Index"/> is applied.</summary>
/// <param name="Context">As given to <see cref="RaftCore.ReadIndex"/>.</param>
/// <param name="Index">Everything acknowledged before the read started is at or below it.</param>
public readonly record struct ReadState(ulong Context, LogIndex Index);

/// <summary>Everything a replica wants done, taken at once by the host's loop.</summary>
/// <remarks>
/// The host may overlap the parts of successive Readys, in this order and with these bounds: <see cref="Messages"/> may go out at
/// once; <see cref="HardState"/>, <see cref="Entries"/> and <see cref="Snapshot"/> go to the log in the order of the Readys;
/// <see cref="MessagesAfterPersist"/> go out only when this Ready and all before it are durable, and then
/// <see cref="RaftCore.Persisted"/> is called with <see cref="PersistToken"/>; <see cref="Committed"/> is applied in order,
/// whether or not it is durable here (a majority has it), then <see cref="RaftCore.Applied"/> is called.
/// Within one Ready: first <see cref="Snapshot"/>, then <see cref="HardState"/>, then <see cref="Entries"/>, then
/// <see cref="Committed"/>. After a crash the disk may lack the end of that order, but never hold a later part without an
/// earlier one: the commit index protects against outdated memberships only if it is there when the entries are.
/// </remarks>
/// <param name="HardState">To be made durable, or null if unchanged. A new commit index alone waits for the next entries.</param>
/// <param name="Entries">To be appended durably. If the first index is not beyond the end of the log on disk, the old suffix from it on is replaced.</param>
/// <param name="Snapshot">The received snapshot replaces log and state; the files are on disk already. Null if none.</param>
/// <param name="PersistToken">Rises with each Ready that has something to persist or messages to hold back; 0 if there is nothing of the kind.</param>
/// <param name="Messages">To be sent now.</param>
/// <param name="MessagesAfterPersist">To be sent after persistence.</param>
/// <param name="Committed">Next entries to apply, without gaps.</param>
/// <param name="Reads">Reads whose index is known.</param>
/// <param name="DroppedReads">Contexts of reads that will get no answer (leader lost or unknown); the host asks again.</param>
public sealed record Ready(
    HardState? HardState,
    ImmutableArray<LogEntry> Entries,
    SnapshotMeta? Snapshot,
    ulong PersistToken,
    ImmutableArray<RaftMessage> Messages,
    ImmutableArray<RaftMessage> MessagesAfterPersist,
    ImmutableArray<LogEntry> Committed,
    ImmutableArray<ReadState> Reads,
    ImmutableArray<ulong> DroppedReads);

/// <summary>What became of a proposal at this replica.</summary>
public enum ProposeOutcome
{
    /// <summary>Appended to the leader's log. It may still be lost if leadership is.</summary>
    Appended,

    /// <summary>This replica does not lead. Nothing happened.</summary>
    NotLeader,

    /// <summary>The leader is handing over leadership. Nothing happened.</summary>
    Transferring,

    /// <summary>Too many bytes wait for commitment. Nothing happened.</summary>
    TooMuchUncommitted,

    /// <summary>Another membership change is not applied yet, or this one does not fit the current membership. Nothing happened.</summary>
    MembershipRefused,
}
