using Quorate.Core;

namespace Quorate.Raft;

/// <summary>Elections (Raft paper, 5.2 and 5.4.1; thesis, 3.10, 4.2.3 and 9.6).</summary>
public sealed partial class RaftCore
{
    private readonly SortedDictionary<ReplicaId, bool> _votes = [];
    private readonly Func<ReplicaId, bool?> _voteOf;
    private int _voteEmbargo;
    private ReplicaId _transferee;

    /// <summary>
    /// Starts a campaign now, as an election timeout would. Does nothing on a replica that may not lead; nor, with lease reads
    /// on, on one that has heard its leader within an election timeout.
    /// </summary>
    public void Campaign()
    {
        if (_role == Role.Leader || !MayCampaign) { return; }

        // A candidate follows nobody, and would vote for another: two of them could depose a leader within its lease.
        if (_options.LeaseReads && IsVoteWithheld) { return; }
        if (_options.PreVote)
        {
            BecomePreCandidate();
        }
        else
        {
            BecomeCandidate(isTransfer: false);
        }
    }

    /// <summary>Hands leadership to another voter; given up after an election timeout. On a follower, asks the leader to.</summary>
    /// <param name="to">A voter. Anybody else, and the leader itself, is ignored.</param>
    public void TransferLeadership(ReplicaId to)
    {
        if (_role != Role.Leader)
        {
            if (!_leader.IsNone) { Send(new TransferRequest(HeaderTo(_leader), to)); }
            return;
        }

        if (to == _id || to == _transferee || !_membership.IsVoter(to) || Peer(to) is not { } peer) { return; }
        _transferee = to;
        _electionElapsed = 0; // The transfer gets one election timeout.
        FinishTransferIfCaughtUp(peer);
    }

    /// <summary>
    /// A voter, with all it has to know: a snapshot that is not on disk yet could be lost, and a committed change of membership
    /// that is not applied yet would let it count the wrong majorities.
    /// </summary>
    private bool MayCampaign =>
        _membership.IsVoter(_id) && _log.Durable >= _log.Compacted.Index && _voteEmbargo == 0 && !HasUnappliedMembership &&
        !IsRecalling && IsAtLeast(_log.Last, _floor);

    /// <summary>
    /// While a leader is alive for us, nobody else gets a vote, nor can its term depose the leader (thesis, 4.2.3). After a
    /// restart under lease reads we may have promised that and forgotten.
    /// </summary>
    private bool IsVoteWithheld =>
        (_options.CheckQuorum && !_leader.IsNone && _electionElapsed < _options.ElectionTicks) || _voteEmbargo > 0;

    private void BecomePreCandidate()
    {
        Reset(_term); // Neither term nor vote changes: a pre-vote leaves no trace.
        _role = Role.PreCandidate;
        AskForVotes(_term.Next, isPreVote: true, isTransfer: false);
        _votes[_id] = true;
        DecideElection();
    }

    private void BecomeCandidate(bool isTransfer)
    {
        Invariant.Holds(_role != Role.Leader, $"the leader of {_term} campaigns");
        Reset(_term.Next);
        _role = Role.Candidate;
        _vote = _id;

        // Our own vote counts once it is on disk: see Persisted.
        AskForVotes(_term, isPreVote: false, isTransfer);
    }

    private void AskForVotes(Term term, bool isPreVote, bool isTransfer)
    {
        foreach (ReplicaId to in _membership.All)
        {
            if (to == _id || !_membership.IsVoter(to)) { continue; }
            var request = new RequestVote(HeaderTo(to) with { Term = term }, _log.Last, isPreVote, isTransfer);
            if (isPreVote)
            {
                Send(request);
                continue;
            }

            // It names our last entry. Were it sent before that is durable, a crash could leave us with a shorter log, a
            // second campaign in the same term, and votes that were given to the longer one.
            SendAfterPersist(request);
        }
    }

    /// <summary>TimeoutNow: the leader wants us to take over, so no pre-vote and no regard for its lease (thesis, 3.10).</summary>
    private void CampaignForTransfer()
    {
        if (!MayCampaign) { return; }
        Probes.TransferCampaign.Hit();
        BecomeCandidate(isTransfer: true);
    }

    /// <summary>Votes, or says that it would. Learners vote too: they may be voters by now without knowing it.</summary>
    private void AnswerVote(RequestVote request)
    {
        bool free = _vote == request.From || (_vote.IsNone && _leader.IsNone) || (request.IsPreVote && request.Term > _term);
        bool upToDate = IsUpToDate(request.Last) && IsAtLeast(request.Last, _floor);
        bool granted = free && upToDate;
        if (free && !upToDate) { Probes.LogBehind.Hit(); }
        if (request.IsPreVote)
        {
            MessageHeader header = HeaderTo(request.From);
            Send(new RequestVoteReply(granted ? header with { Term = request.Term } : header, true, granted, Committed));
            return;
        }

        if (granted)
        {
            if (_role == Role.PreCandidate) { BecomeFollower(_term, ReplicaId.None); }
            Invariant.Holds(_role == Role.Follower, $"a {_role} votes for {request.From}");
            _vote = request.From;
            _electionElapsed = 0;
        }

        SendAfterPersist(new RequestVoteReply(HeaderTo(request.From), false, granted, Committed));
    }

    private LogPosition Committed => new(_commit, _log.TermAt(_commit) ?? throw Invariant.Unreachable(_commit));

    /// <summary>Raft paper, 5.4.1: later last term, or the same and at least as long.</summary>
    private bool IsUpToDate(LogPosition other) => IsAtLeast(other, _log.Last);

    private static bool IsAtLeast(LogPosition one, LogPosition other) =>
        one.Term > other.Term || (one.Term == other.Term && one.Index >= other.Index);

    private void CountVote(RequestVoteReply reply)
    {
        bool mine = (_role, reply.IsPreVote) is (Role.PreCandidate, true) or (Role.Candidate, false);

        // A granted pre-vote names the term it was asked for; one from an earlier campaign of ours is void.
        Term expected = reply is { IsPreVote: true, Granted: true } ? _term.Next : _term;
        if (!mine || reply.Term != expected) { return; }
        if (reply.Committed.Index > _commit && _log.Matches(reply.Committed))
        {
            Probes.LearnsFromVote.Hit();
            CommitTo(reply.Committed.Index);
        }

        if (HasUnappliedMembership)
        {
            Probes.OutdatedMembers.Hit();
            // We asked the voters of an outdated membership. Apply first, then ask again.
            BecomeFollower(_term, ReplicaId.None);
            return;
        }

        _votes.TryAdd(reply.From, reply.Granted);
        DecideElection();
    }

    private void DecideElection()
    {
        VoteResult result = Quorum.Votes(_membership, _voteOf);
        if (result == VoteResult.Lost)
        {
            // Not a new term: in it, the others may still elect somebody.
            BecomeFollower(_term, ReplicaId.None);
        }
        else if (result == VoteResult.Won && _role == Role.PreCandidate)
        {
            BecomeCandidate(isTransfer: false);
        }
        else if (result == VoteResult.Won)
        {
            BecomeLeader();
        }
    }

    private bool? VoteOf(ReplicaId voter) => _votes.TryGetValue(voter, out bool granted) ? granted : null;

    private void BecomeLeader()
    {
        Invariant.Holds(_role == Role.Candidate, $"a {_role} becomes leader");
        Reset(_term);
        _role = Role.Leader;
        _leader = _id;
        RebuildPeers(active: false);

        // Any entry we do not know to be applied may change the membership; we propose no other change until it is.
        _pendingMembership = _log.LastIndex;
        _uncommittedBytes = _log.BytesBetween(_commit, _log.LastIndex);

        // Raft paper, section 8: an entry of our own term, which commits all before it (5.4.2).
        AppendOwn(EntryKind.Empty, default);
    }

    private void TickLeader()
    {
        if (_electionElapsed >= _options.ElectionTicks)
        {
            _electionElapsed = 0;
            if (!_transferee.IsNone) { Probes.TransferTimesOut.Hit(); }
            _transferee = ReplicaId.None; // It had its time; take proposals again.
            DropLeavingPeers();
            if (_options.CheckQuorum && !HearsMajority())
            {
                Probes.NoQuorum.Hit();
                BecomeFollower(_term, ReplicaId.None);
                return;
            }

            LeaveJointIfDue();
        }

        if (++_heartbeatElapsed >= _options.HeartbeatTicks)
        {
            _heartbeatElapsed = 0;
            if (_options.LeaseReads && HasCommittedInTerm)
            {
                _reads.StartRound(_commit, _ticks); // Renews the lease; reads that wait are welcome to share it.
                ConfirmReads();
            }

            BroadcastHeartbeat();
        }
    }

    /// <summary>True if a majority was heard since the last time (thesis, 6.2); begins the next period.</summary>
    private bool HearsMajority()
    {
        bool heard = Quorum.Reached(_membership, id => id == _id || Peer(id) is { IsActive: true } ? 1UL : 0UL) > 0;
        foreach (Progress peer in _peers) { peer.IsActive = false; }
        return heard;
    }

    private void FinishTransferIfCaughtUp(Progress peer)
    {
        if (peer.Id == _transferee && peer.Match == _log.LastIndex)
        {
            _mayBeDeposed = true;
            Send(new TimeoutNow(HeaderTo(peer.Id)));
        }
    }
}
