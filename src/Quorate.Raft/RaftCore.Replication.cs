using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Raft;

/// <summary>Log replication (Raft paper, 5.3 and 5.4.2; thesis, 10.2.1 for the leader that writes in parallel).</summary>
public sealed partial class RaftCore
{
    private readonly Func<ReplicaId, ulong> _indexHeld;
    private LogIndex _sharedWithLeader; // Our log was found to be the leader's up to here, in this term and this run.
    private ImmutableArray<Progress> _peers = []; // On a leader: everybody, itself and those that leave included, sorted. Empty on others.
    private long _uncommittedBytes;

    /// <summary>Appends one entry with this payload, if this replica leads. The payload must never change afterwards.</summary>
    /// <param name="payload">The entry's payload.</param>
    /// <param name="position">Index and term it got.</param>
    /// <remarks>Entries proposed between two calls of <see cref="TakeReady"/> travel together.</remarks>
    public ProposeOutcome Propose(ReadOnlyMemory<byte> payload, out LogPosition position)
    {
        position = default;
        ProposeOutcome refusal = RefusalOf(payload.Length);
        if (refusal != ProposeOutcome.Appended) { return refusal; }
        position = AppendOwn(EntryKind.Command, payload);
        return ProposeOutcome.Appended;
    }

    /// <summary>The last message to this replica did not arrive (connection lost): probe instead of streaming.</summary>
    /// <param name="peer">Ignored if it is nobody we send to.</param>
    public void ReportUnreachable(ReplicaId peer)
    {
        // What was in flight may be lost. The next heartbeat's answer shows that the peer is back.
        if (Peer(peer) is { State: ProgressState.Replicate } progress && peer != _id) { progress.BecomeProbe(pause: true); }
    }

    private ProposeOutcome RefusalOf(int bytes)
    {
        if (_role != Role.Leader || !_membership.Contains(_id)) { return ProposeOutcome.NotLeader; }
        if (!_transferee.IsNone) { return ProposeOutcome.Transferring; }

        // With nothing uncommitted, any size goes, else a large entry could never be proposed.
        bool fits = bytes == 0 || _uncommittedBytes == 0 || _uncommittedBytes + bytes <= _options.MaxUncommittedBytes;
        return fits ? ProposeOutcome.Appended : ProposeOutcome.TooMuchUncommitted;
    }

    private LogPosition AppendOwn(EntryKind kind, ReadOnlyMemory<byte> payload)
    {
        var entry = new LogEntry(_log.LastIndex.Next, _term, kind, payload);
        _log.Append(entry);
        _uncommittedBytes += payload.Length;
        return entry.Position;
    }

    /// <summary>Figure 2, "AppendEntries RPC", receiver's side.</summary>
    private void FollowAppend(AppendEntries append)
    {
        if (append.Previous.Index < _commit)
        {
            // Committed entries agree by the Leader Completeness Property: tell the leader where to go on.
            AnswerAppend(append.From, _commit);
        }
        else if (_log.Matches(append.Previous) && !IsBlank)
        {
            AppendFromLeader(append.Entries);

            // Not beyond the last new entry: what follows it in our log may not be the leader's.
            CommitTo(LogIndex.Min(append.Commit, append.LastIndex));
            AnswerAppend(append.From, append.LastIndex);
        }
        else
        {
            LogPosition hint = _log.LastAtMost(append.Previous.Index, append.Previous.Term);
            SendAfterPersist(new AppendEntriesReply(HeaderTo(append.From), false, append.Previous.Index, hint));
        }
    }

    /// <summary>
    /// We know of no membership, and the log does not tell the first one: a snapshot must. A refusal at index 0 says so.
    /// </summary>
    private bool IsBlank => _membership.Voters.IsEmpty && _log.LastIndex == LogIndex.Zero;

    private void AnswerAppend(ReplicaId leader, LogIndex shared)
    {
        _sharedWithLeader = LogIndex.Max(_sharedWithLeader, shared);
        var answer = new AppendEntriesReply(HeaderTo(leader), true, shared, LogPosition.Zero);
        if (IsRecalling)
        {
            _withheldAnswer = answer;
            SendAfterPersist(new HoldsUncounted(HeaderTo(leader), shared));
            return;
        }

        SendAfterPersist(answer);
    }

    private void AppendFromLeader(ImmutableArray<LogEntry> entries)
    {
        foreach (ref readonly LogEntry entry in entries.AsSpan())
        {
            if (_log.Matches(entry.Position)) { continue; }
            if (entry.Index <= _log.LastIndex) { Truncate(entry.Index.Previous); }
            _log.Append(entry);
        }
    }

    private void Truncate(LogIndex keep)
    {
        Invariant.Holds(keep >= _commit, $"truncating to {keep}, committed up to {_commit}");
        Probes.Truncated.Hit();
        if (!_persists.IsEmpty && _log.Saved > keep) { Probes.WriteCutOff.Hit(); }
        _log.TruncateAfter(keep);
        _persists.CutAfter(keep);
    }

    private void FollowHeartbeat(Heartbeat heartbeat)
    {
        // The leader never names more than we confirmed to hold. But we may have confirmed it before our disk went back in time:
        // only what this run has compared with the leader's log counts.
        LogIndex compared = _hasRunBefore ? _sharedWithLeader : _log.LastIndex;
        CommitTo(LogIndex.Min(heartbeat.Commit, compared));
        if (heartbeat.Commit > LogIndex.Max(compared, _commit))
        {
            // What our last run confirmed reached the leader after the question of this one: it has nothing to send, and we may commit
            // nothing. So it must compare again.
            Probes.ConfirmedByLastRun.Hit();
            LogPosition hint = _log.LastAtMost(heartbeat.Commit, heartbeat.Term);
            SendAfterPersist(new AppendEntriesReply(HeaderTo(heartbeat.From), false, heartbeat.Commit, hint));
        }

        // The echo of a round says that we have followed no later leader, which we cannot know yet.
        Send(new HeartbeatReply(HeaderTo(heartbeat.From), IsRecalling ? 0 : heartbeat.ReadRound));
    }

    private void LeadAppendReply(AppendEntriesReply reply)
    {
        // An index we never had is nothing a follower of ours can have said.
        if (Peer(reply.From) is not { } peer || reply.Index > _log.LastIndex) { return; }
        peer.IsActive = true;
        if (!reply.Accepted)
        {
            // The hint's term lets us skip all our entries of later terms at once (end of 5.3).
            LogIndex hint = _log.LastAtMost(reply.Hint.Index, reply.Hint.Term).Index;
            if (hint.Next < reply.Index) { Probes.SkipsTerms.Hit(); }
            peer.Refuse(reply.Index, hint);
            return;
        }

        LeadAccepted(reply.From, reply.Index, counts: true);
    }

    private void LeadAccepted(ReplicaId from, LogIndex index, bool counts)
    {
        if (Peer(from) is not { } peer || index > _log.LastIndex) { return; }
        peer.IsActive = true;
        bool isNews = peer.Accept(index, counts);
        if (isNews || (peer.State == ProgressState.Probe && peer.Match == index)) { peer.AfterAccept(index, _log); }
        if (isNews) { LeaderCommit(); }
        FinishTransferIfCaughtUp(peer);
    }

    private void LeadHeartbeatReply(HeartbeatReply reply)
    {
        if (Peer(reply.From) is not { } peer) { return; }
        peer.HeardHeartbeat(_log.LastIndex);
        if (reply.ReadRound > peer.ReadRound && reply.ReadRound <= _reads.LastRound)
        {
            peer.ReadRound = reply.ReadRound;
            ConfirmReads();
        }
    }

    /// <summary>Commits what a majority holds, if it is of our term: older entries only with it (5.4.2, figure 8).</summary>
    private void LeaderCommit()
    {
        var index = new LogIndex(Quorum.Reached(_membership, _indexHeld));
        if (index <= _commit) { return; }
        if (_log.TermAt(index) != _term)
        {
            Probes.OldTermCounted.Hit();
            return;
        }

        if (index > _log.Durable) { Probes.FreeLeaderCommit.Hit(); }
        _uncommittedBytes -= _log.BytesBetween(_commit, index);
        CommitTo(index);
    }

    private ulong HeldBy(ReplicaId voter) => Peer(voter)?.Counted.Value ?? 0;

    /// <summary>A new leader knows neither what is committed nor that it is not deposed before this (thesis, 6.4 and 4.1).</summary>
    private bool HasCommittedInTerm => _log.TermAt(_commit) == _term;

    private void CommitTo(LogIndex index)
    {
        if (index <= _commit) { return; }
        Invariant.Holds(index <= _log.LastIndex, $"commit {index} is beyond the last entry, {_log.LastIndex}");
        if (_role == Role.Leader)
        {
            // Counting replicas commits only entries of the leader's own term (Raft paper, 5.4.2, figure 8).
            Invariant.Holds(_log.TermAt(index) == _term, $"entry {index} is of {_log.TermAt(index)}, we lead {_term}");
        }

        _commit = index;
    }

    private Progress? Peer(ReplicaId id)
    {
        foreach (Progress peer in _peers)
        {
            if (peer.Id == id) { return peer; }
        }

        return null;
    }

    private bool IsAppendDue(Progress peer) => peer.Id != _id && peer.IsAppendDue(_log, _commit);

    /// <summary>Sends every follower what it may get by now.</summary>
    private void SendAppends()
    {
        foreach (Progress peer in _peers)
        {
            while (IsAppendDue(peer)) { SendAppend(peer); }
        }
    }

    private void SendAppend(Progress peer)
    {
        LogIndex previous = peer.Next.Previous;
        long bytes = 0;

        // Full window: empty, only for the commit index.
        bool withEntries = peer.State == ProgressState.Probe || !peer.IsPaused;
        ImmutableArray<LogEntry> entries = withEntries
            ? _log.Slice(peer.Next, _log.LastIndex, _options.MaxAppendBytes, out bytes)
            : [];
        Term term = _log.TermAt(previous) ?? throw Invariant.Unreachable(previous);
        Send(new AppendEntries(HeaderTo(peer.Id), new LogPosition(previous, term), entries, _commit));
        peer.Sent(entries.Length, bytes, _commit);
    }

    private void BroadcastHeartbeat()
    {
        foreach (Progress peer in _peers)
        {
            if (peer.Id != _id) { SendHeartbeat(peer); }
        }
    }

    // Not beyond what the follower holds for certain: it cannot check a heartbeat against its log.
    private void SendHeartbeat(Progress peer) =>
        Send(new Heartbeat(HeaderTo(peer.Id), LogIndex.Min(_commit, peer.Match), _reads.OpenRound));
}
