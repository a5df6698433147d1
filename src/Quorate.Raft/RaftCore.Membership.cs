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

    private void LeadNewMembership()
    {
        if (!_membership.IsVoter(_id) && _options.StepDownOnRemoval)
        {
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

    /// <summary>Makes the peers those of the membership; what is known of those that stay is kept.</summary>
    private void RebuildPeers(bool active)
    {
        var peers = new List<Progress>();
        foreach (ReplicaId id in _membership.All) { peers.Add(Peer(id) ?? NewPeer(id, active)); }
        _peers = [.. peers];
    }

    private Progress NewPeer(ReplicaId id, bool active)
    {
        var peer = new Progress(id, _log.LastIndex.Next, _options) { IsActive = active };
        if (id == _id)
        {
            peer.Accept(_log.Durable);
            peer.BecomeReplicate();
        }

        return peer;
    }

    /// <summary>The leader leaves a joint membership by itself, if that was asked for, once it is applied here.</summary>
    private void LeaveJointIfDue()
    {
        if (_role == Role.Leader && _membership is { IsJoint: true, AutoLeave: true } && _transferee.IsNone && MayChangeMembership)
        {
            AppendMembership(MembershipCodec.Encode(MembershipChange.Leave));
        }
    }
}
