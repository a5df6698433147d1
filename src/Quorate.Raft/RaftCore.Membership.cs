using Quorate.Core;

namespace Quorate.Raft;

/// <summary>Changes of membership (Raft paper, section 6; thesis, chapter 4). They take effect when applied, not when appended.</summary>
public sealed partial class RaftCore
{
    private LogIndex _pendingMembership; // On a leader: no change may be proposed before this is applied.

    /// <summary>Proposes a membership change, if this replica leads.</summary>
    /// <param name="change">Its context must never change afterwards.</param>
    /// <param name="position">Index and term it got.</param>
    public ProposeOutcome ProposeMembership(MembershipChange change, out LogPosition position)
    {
        position = default;
        byte[] payload = MembershipCodec.Encode(change);
        ProposeOutcome refusal = RefusalOf(payload.Length);
        if (refusal != ProposeOutcome.Appended) { return refusal; }
        if (!MayChangeMembership || MembershipRules.Apply(_membership, change, out _) is not null)
        {
            return ProposeOutcome.MembershipRefused;
        }

        position = AppendMembership(payload);
        return ProposeOutcome.Appended;
    }

    /// <summary>
    /// One change at a time; and none before an entry of our own term is committed, or two leaders' changes could each be
    /// decided by majorities that do not overlap (Ongaro's correction of the single-server change, raft-dev, July 2015).
    /// </summary>
    private bool MayChangeMembership => _applied >= _pendingMembership && HasCommittedInTerm;

    /// <summary>True if this replica leads and could propose a change now: none is under way, and the membership is not joint.</summary>
    public bool CanChangeMembership => _role == Role.Leader && MayChangeMembership && !_membership.IsJoint;

    private LogPosition AppendMembership(byte[] payload)
    {
        LogPosition position = AppendOwn(EntryKind.Membership, payload);
        _pendingMembership = position.Index;
        return position;
    }

    /// <summary>True if a committed change of membership waits to be applied here.</summary>
    private bool HasUnappliedMembership
    {
        get
        {
            for (LogIndex index = LogIndex.Max(_applied.Next, _log.FirstIndex); index <= _commit; index = index.Next)
            {
                if (_log.At(index).Kind == EntryKind.Membership) { return true; }
            }

            return false;
        }
    }

    /// <summary>All entries up to here are applied to the state machine. Membership entries take effect before this call returns.</summary>
    /// <param name="index">At most the last entry given out in <see cref="Ready.Committed"/>. An earlier one than before is ignored.</param>
    public void Applied(LogIndex index)
    {
        Invariant.Holds(index <= _handedOut, $"applied {index}, given out up to {_handedOut}");
        while (_applied < index)
        {
            _applied = _applied.Next;
            ref readonly LogEntry entry = ref _log.At(_applied);
            if (entry.Kind == EntryKind.Membership) { ApplyMembership(entry); }
        }

        LeaveJointIfDue();
    }

    private void ApplyMembership(in LogEntry entry)
    {
        Invariant.Holds(MembershipCodec.TryDecode(entry.Payload.Span, out MembershipChange? change), $"entry {entry} is no membership change");
        string? problem = MembershipRules.Apply(_membership, change, out Membership next);
        Invariant.Holds(problem is null, $"entry {entry} was proposed, but {problem}");
        _membership = next;
        if (_role == Role.Leader) { LeadNewMembership(); }
    }

    /// <summary>
    /// What a replica that was removed still has to say when it is asked for a vote: no, and what is committed. Its voice may be
    /// missing otherwise: the last voter of a shrunk group, restarted before it heard that the removal is committed, asks the
    /// removed one for a vote, and needs only that news. Changes nothing.
    /// </summary>
    public RequestVoteReply RefuseAsRemoved(RequestVote request)
    {
        if (!_membership.Contains(_id)) { Probes.TombstoneAsked.Hit(); }

        // A candidate listens to refusals in its own term; a pre-vote names the term after that.
        Term asked = request.IsPreVote && request.Term > Term.Zero ? new(request.Term.Value - 1) : request.Term;
        MessageHeader header = HeaderTo(request.From) with { Term = asked > _term ? asked : _term };
        return new(header, request.IsPreVote, false, Committed);
    }

    private void LeadNewMembership()
    {
        if (!_membership.IsVoter(_id) && _options.StepDownOnRemoval)
        {
            Probes.LeaderRemoved.Hit();
            BroadcastHeartbeat(); // Our successors need not find out by themselves that this change is committed.
            BecomeFollower(_term, ReplicaId.None);
            return;
        }

        // A newcomer counts as active at once, or the next quorum check would blame it for not having existed.
        RebuildPeers(active: true);
        if (!_membership.IsVoter(_transferee)) { _transferee = ReplicaId.None; }

        // New voters never promised to respect a lease.
        _lease = null;

        // The new majority may be easier to reach than the old one.
        LeaderCommit();
        ConfirmReads();
    }

    /// <summary>Makes the peers those of the membership, and those that leave; what is known of those that stay is kept.</summary>
    private void RebuildPeers(bool active)
    {
        var peers = new List<Progress>();
        foreach (ReplicaId id in _membership.All)
        {
            Progress peer = Peer(id) ?? NewPeer(id, active);
            peer.Leaving = 0;
            peers.Add(peer);
        }

        foreach (Progress old in _peers)
        {
            if (peers.Contains(old) || old.Id == _id || old.State == ProgressState.Snapshot) { continue; }
            old.Leaving = Math.Max(1, old.Leaving);
            peers.Add(old);
        }

        _peers = [.. peers.OrderBy(peer => peer.Id)];
    }

    /// <summary>They had their time to hear of their removal. One that did not hear of it is told when it asks for votes.</summary>
    private void DropLeavingPeers()
    {
        foreach (Progress peer in _peers)
        {
            if (peer.Leaving > 0) { peer.Leaving++; }
        }

        if (_peers.Any(static peer => peer.Leaving > 2)) { _peers = _peers.RemoveAll(static peer => peer.Leaving > 2); }
    }

    private Progress NewPeer(ReplicaId id, bool active)
    {
        var peer = new Progress(id, _log.LastIndex.Next, _options) { IsActive = active };
        if (id == _id)
        {
            peer.Accept(_log.Durable, counts: true);
            peer.BecomeReplicate();
        }

        return peer;
    }

    /// <summary>The leader leaves a joint membership by itself, if that was asked for, once it is applied here.</summary>
    private void LeaveJointIfDue()
    {
        if (_role == Role.Leader && _membership is { IsJoint: true, AutoLeave: true } && _transferee.IsNone && MayChangeMembership)
        {
            Probes.JointLeft.Hit();
            AppendMembership(MembershipCodec.Encode(MembershipChange.Leave));
        }
    }
}
