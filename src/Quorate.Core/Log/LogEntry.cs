namespace Quorate.Core;

/// <summary>An index together with the term of the entry there: names one entry in all logs (Raft paper, 5.3).</summary>
/// <param name="Index">Position in the log.</param>
/// <param name="Term">Term of the entry at that position.</param>
public readonly record struct LogPosition(LogIndex Index, Term Term)
{
    /// <summary>Before the first entry.</summary>
    public static readonly LogPosition Zero;

    /// <inheritdoc/>
    public override string ToString() => $"{Index}@{Term}";
}

/// <summary>What an entry's payload means. The numbers are stored and sent; they never change.</summary>
public enum EntryKind : byte
{
    /// <summary>No payload: a new leader's first entry (Raft paper, section 8).</summary>
    Empty = 0,

    /// <summary>Commands for the state machine, in Replication's encoding.</summary>
    Command = 1,

    /// <summary>A membership, in the Raft core's encoding.</summary>
    Membership = 2,
}

/// <summary>One entry of a shard's log.</summary>
/// <param name="Index">Its position.</param>
/// <param name="Term">Term of the leader that created it.</param>
/// <param name="Kind">What the payload means.</param>
/// <param name="Payload">Never changed after creation; readers may keep it.</param>
public readonly record struct LogEntry(LogIndex Index, Term Term, EntryKind Kind, ReadOnlyMemory<byte> Payload)
{
    /// <summary>Index and term.</summary>
    public LogPosition Position => new(Index, Term);

    /// <inheritdoc/>
    public override string ToString() => $"{Index}@{Term} {Kind} {Payload.Length} B";
}

/// <summary>What a replica must have on disk before it answers (Raft paper, figure 2, "Persistent state").</summary>
/// <param name="Term">Latest term this replica has seen.</param>
/// <param name="Vote">Whom it voted for in that term.</param>
/// <param name="Commit">Highest index known to be committed. May be behind after a restart; never ahead.</param>
public readonly record struct HardState(Term Term, ReplicaId Vote, LogIndex Commit);
