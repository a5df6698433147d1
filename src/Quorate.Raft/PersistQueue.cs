using Quorate.Core;

namespace Quorate.Raft;

/// <summary>What the disk will hold once a Ready is durable.</summary>
/// <param name="Token">The Ready's token.</param>
/// <param name="Term">The term on disk by then.</param>
/// <param name="Vote">The vote on disk by then.</param>
/// <param name="Last">The last entry on disk by then, as far as it is still part of the log.</param>
internal readonly record struct PersistRecord(ulong Token, Term Term, ReplicaId Vote, LogIndex Last);

/// <summary>
/// Readys given to the host and not durable yet, oldest first. When the log is truncated, every record is cut with it: an entry
/// that was replaced must not count as durable when its write completes late, even if one of the same index came back since.
/// </summary>
internal sealed class PersistQueue
{
    private readonly List<PersistRecord> _records = [];

    /// <summary>True if nothing is on its way to disk.</summary>
    public bool IsEmpty => _records.Count == 0;

    /// <summary>The newest token ever given out.</summary>
    public ulong LastToken { get; private set; }

    /// <summary>Adds a record and gives it the next token.</summary>
    public ulong Add(Term term, ReplicaId vote, LogIndex last)
    {
        LastToken++;
        _records.Add(new PersistRecord(LastToken, term, vote, last));
        return LastToken;
    }

    /// <summary>The log keeps nothing after this index of what was written so far.</summary>
    public void CutAfter(LogIndex index)
    {
        for (int i = 0; i < _records.Count; i++)
        {
            if (_records[i].Last > index) { _records[i] = _records[i] with { Last = index }; }
        }
    }

    /// <summary>Takes out all records up to a token and gives the newest of them; false if it was confirmed before.</summary>
    public bool TryComplete(ulong token, out PersistRecord newest)
    {
        Invariant.Holds(token <= LastToken, $"token {token} was never given out, the last one was {LastToken}");
        int count = 0;
        while (count < _records.Count && _records[count].Token <= token) { count++; }
        newest = count == 0 ? default : _records[count - 1];
        _records.RemoveRange(0, count);
        return count > 0;
    }
}
