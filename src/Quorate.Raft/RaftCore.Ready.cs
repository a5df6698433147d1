using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Raft;

/// <summary>Output to the host, and its reports on what became of it.</summary>
public sealed partial class RaftCore
{
    private List<RaftMessage> _messages = [];
    private List<RaftMessage> _messagesAfterPersist = [];
    private HardState _savedHardState; // As last given to the host.
    private SnapshotMeta? _receivedSnapshot;

    /// <summary>True if <see cref="TakeReady"/> would give something to do.</summary>
    public bool HasReady =>
        _messages.Count + _messagesAfterPersist.Count > 0 || _log.Saved < _log.LastIndex || _receivedSnapshot is not null ||
        IsHardStateDue || _handedOut < _commit || _reads.HasOutput || IsReadRoundDue || IsAnyAppendDue;

    private bool IsAnyAppendDue
    {
        get
        {
            foreach (Progress peer in _peers)
            {
                if (IsAppendDue(peer)) { return true; }
            }

            return false;
        }
    }

    private HardState CurrentHardState => new(_term, _vote, _commit);

    /// <summary>The commit index alone is not worth a sync: see <see cref="TakeHardState"/>.</summary>
    private bool IsHardStateDue => _term != _savedHardState.Term || _vote != _savedHardState.Vote;

    /// <summary>Takes all output queued so far.</summary>
    public Ready TakeReady()
    {
        if (IsReadRoundDue) { StartReadRound(); }
        SendAppends();

        SnapshotMeta? snapshot = _receivedSnapshot;
        _receivedSnapshot = null;
        ImmutableArray<LogEntry> entries = _log.TakeUnsaved();
        HardState? hardState = TakeHardState(isWritingAnyway: snapshot is not null || !entries.IsEmpty);
        bool persists = hardState is not null || snapshot is not null || !entries.IsEmpty;
        if (!persists && _persists.IsEmpty)
        {
            // All that these messages promise is on disk.
            _messages.AddRange(_messagesAfterPersist);
            _messagesAfterPersist.Clear();
        }

        ulong token = persists || _messagesAfterPersist.Count > 0 ? _persists.Add(_term, _vote, _log.Saved) : 0;
        (ImmutableArray<ReadState> reads, ImmutableArray<ulong> droppedReads) = _reads.TakeOutput();
        return new Ready(
            hardState, entries, snapshot, token, Take(ref _messages), Take(ref _messagesAfterPersist), TakeCommitted(), reads, droppedReads);
    }

    /// <summary>The Ready with this token, and all before it, are durable.</summary>
    /// <param name="persistToken">Of a Ready taken before. One confirmed already is ignored.</param>
    public void Persisted(ulong persistToken)
    {
        if (!_persists.TryComplete(persistToken, out PersistRecord record)) { return; }
        _log.PersistedTo(record.Last);
        if (_role == Role.Leader)
        {
            // The leader counts itself only now, like any follower (thesis, 10.2.1).
            if (Peer(_id) is { } self && self.Accept(_log.Durable, counts: true)) { LeaderCommit(); }
        }
        else if (_role == Role.Candidate && record.Term == _term && record.Vote == _id)
        {
            _votes[_id] = true;
            DecideElection();
        }
    }

    /// <summary>
    /// A changed commit index goes to disk together with the next entries at the latest. So a replica that holds a membership
    /// change also knows, after any restart, that the change before it was committed, and counts no outdated majorities.
    /// </summary>
    private HardState? TakeHardState(bool isWritingAnyway)
    {
        HardState current = CurrentHardState;
        if (!IsHardStateDue && !(isWritingAnyway && current != _savedHardState)) { return null; }
        _savedHardState = current;
        return current;
    }

    private ImmutableArray<LogEntry> TakeCommitted()
    {
        if (_handedOut >= _commit) { return []; }
        ImmutableArray<LogEntry> committed = _log.Slice(_handedOut.Next, _commit, _options.MaxCommittedBytes, out _);
        _handedOut += committed.Length;
        return committed;
    }

    private void Send(RaftMessage message) => _messages.Add(message);

    private void SendAfterPersist(RaftMessage message) => _messagesAfterPersist.Add(message);

    private static ImmutableArray<RaftMessage> Take(ref List<RaftMessage> messages)
    {
        if (messages.Count == 0) { return []; }
        ImmutableArray<RaftMessage> taken = [.. messages];
        messages.Clear();
        return taken;
    }
}
