using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Raft;

namespace Quorate.Replication;

/// <summary>
/// Commands that change who belongs to the group. They come and are answered as all commands are; but the leader lets the machine
/// judge them, and those that it allows travel in the membership entry itself. So the group and what the machine stores of its
/// members change by one entry, on every replica.
/// </summary>
internal sealed partial class Replica
{
    private readonly Queue<(QueuedCommand Command, NodeId Origin)> _memberQueue = [];
    private readonly SortedDictionary<ReplicaId, long> _heardTick = [];
    private readonly List<HandOverRequest> _handOvers = [];

    // A refusal is an ordinary command in the log. Until it is applied here, the same command that comes again is not known again, and
    // must not be decided otherwise: first it waits in the queue, then it is applied by this entry.
    private bool _isRefusalQueued;
    private LogIndex _refusedAt;

    /// <summary>Hands leadership to another member and answers once it leads, or has not taken over in time.</summary>
    public void HandOver(HandOverRequest request)
    {
        ReplicaId to = ReplicaOn(request.To);
        if (_raft.Role != Role.Leader || !_raft.Membership.IsVoter(to))
        {
            request.Complete(false);
            return;
        }

        // One election timeout is what Raft gives it; what follows is the time until we hear of it.
        request.DeadlineTick = Now + (2 * Config.Raft.ElectionTicks);
        _handOvers.Add(request);
        TransferLeadership(to);
    }

    private void TickHandOvers()
    {
        for (int i = _handOvers.Count - 1; i >= 0; i--)
        {
            HandOverRequest request = _handOvers[i];
            bool isDone = PlaceOf(_raft.Leader) == request.To;
            if (!isDone && Now < request.DeadlineTick) { continue; }
            _handOvers.RemoveAt(i);
            request.Complete(isDone);
        }
    }

    /// <summary>True if it leads, or has heard its leader within an election timeout. (Who may not campaign never forgets a leader.)</summary>
    public bool HearsLeader => _raft.Role == Role.Leader || IsHeard(_raft.Leader);

    // One change at a time, each judged in the state that all before it have made.
    private void ProposeMembers()
    {
        while (_memberQueue.TryPeek(out (QueuedCommand Command, NodeId Origin) queued))
        {
            if (!_raft.CanChangeMembership || _isRefusalQueued || _engine.Applied.Index < _refusedAt) { return; }

            // A command that was applied before, or may have been, is none to decide about: as an ordinary one it finds its reply.
            bool isOver = _sessions.Contains(queued.Command.Session, queued.Command.Sequence) ||
                _raft.LastIndex.Next.Value > queued.Command.FirstIndex.Value + (ulong)Config.DedupeEntries;
            MemberVerdict? verdict = isOver ? null
                : _machine.JudgeMembers(queued.Command.Command.Span, MemberFacts(), _node.FreshNode(), _engine);
            if (verdict is not { Steps.IsEmpty: false })
            {
                _memberQueue.Dequeue();
                QueuedCommand ordinary = verdict is null ? queued.Command : queued.Command with { Command = verdict.Command };
                _queueBytes -= queued.Command.Command.Length;
                Enqueue(ordinary, queued.Origin, isOrdinary: true);
                _isRefusalQueued = true;
                return;
            }

            if (verdict.Steps.Contains(new MemberStep(MemberStepKind.Remove, Config.Node)) && HoldsLeadership)
            {
                // Its successor removes it: the command is given back when leadership is lost, and goes there.
                Probes.LeaderHandsOn.Hit();
                TransferToBest();
                return;
            }

            ProposeOutcome outcome = ProposeMembers(verdict, queued.Command);
            if (outcome == ProposeOutcome.TooMuchUncommitted) { return; }
            if (outcome == ProposeOutcome.Appended)
            {
                _memberQueue.Dequeue();
                _queueBytes -= queued.Command.Command.Length;
                continue;
            }

            GiveBackQueue();
        }
    }

    private ProposeOutcome ProposeMembers(MemberVerdict verdict, in QueuedCommand command)
    {
        var steps = ImmutableArray.CreateBuilder<(MembershipStep, ReplicaId)>();
        var places = ImmutableArray.CreateBuilder<ReplicaPlace>();
        foreach (MemberStep step in verdict.Steps)
        {
            ReplicaId replica = ReplicaOn(step.Node);
            if (replica.IsNone)
            {
                // A node is new in the cluster when it is added here, so its number is new among the replicas too.
                replica = new ReplicaId(step.Node.Value);
                places.Add(new ReplicaPlace(replica, step.Node));
            }

            steps.Add((step.Kind switch
            {
                MemberStepKind.AddVoter => MembershipStep.AddVoter,
                MemberStepKind.AddLearner => MembershipStep.AddLearner,
                MemberStepKind.Remove => MembershipStep.Remove,
                _ => throw Invariant.Unreachable(step.Kind),
            }, replica));
        }

        var context = new ByteWriter();
        HostRecords.WritePlaces(context, places.ToImmutable());
        EntryPayload.Add(context, command with { Command = verdict.Command });
        return ProposeChange(new(steps.ToImmutable(), JointTransition.Auto, context.Detach()), places.ToImmutable());
    }

    private ProposeOutcome ProposeChange(MembershipChange change, ImmutableArray<ReplicaPlace> places)
    {
        ProposeOutcome outcome = _raft.ProposeMembership(change, out _);

        // The leader sends to the new replica as soon as the change is applied; its place must be known by then.
        if (outcome == ProposeOutcome.Appended)
        {
            foreach (ReplicaPlace place in places) { _places[place.Replica] = place.Node; }
        }

        return outcome;
    }

    private ImmutableArray<MemberFact> MemberFacts()
    {
        RaftStatus status = _raft.Status;
        var facts = new List<MemberFact>();
        foreach (ReplicaId replica in status.Membership.All)
        {
            bool isLeader = replica == Id;
            bool isHeard = isLeader || IsHeard(replica);
            LogIndex match = isLeader ? status.LastIndex : default;
            foreach (FollowerProgress follower in status.Followers)
            {
                if (follower.Id == replica) { match = follower.Match; }
            }

            bool isInSync = isHeard && (UInt128)match.Value * 10 >= (UInt128)status.LastIndex.Value * 9;
            facts.Add(new(PlaceOf(replica), status.Membership.IsLearner(replica), isHeard, isInSync, isLeader));
        }

        return [.. facts.OrderBy(static fact => fact.Node)];
    }

    private bool IsHeard(ReplicaId replica) => _heardTick.TryGetValue(replica, out long heard) && Now - heard <= Config.Raft.ElectionTicks;

    // Of this group, now.
    private ReplicaId ReplicaOn(NodeId node)
    {
        foreach (ReplicaId replica in _raft.Membership.All)
        {
            if (PlaceOf(replica) == node) { return replica; }
        }

        return ReplicaId.None;
    }

    private void ApplyMembership(in LogEntry entry)
    {
        if (!MembershipCodec.TryDecode(entry.Payload.Span, out MembershipChange? change))
        {
            throw new InvariantException($"membership entry {entry.Index} of {entry.Payload.Length} bytes is malformed");
        }

        QueuedCommand? command = HostRecords.ReadPlaces(change.Context, _places);
        bool wasMember = _raft.Membership.Contains(Id);
        _raft.Applied(entry.Index);
        _voters = default;
        Membership membership = _raft.Membership;
        _scratch.Clear();
        HostRecords.WriteMembership(_scratch, membership, _places);
        _engine.Put(HostRecords.MembershipKey, _scratch.Written);
        if (command is { } known)
        {
            BeginRecord(default);
            ApplyCommand(entry.Index, default, known.Session, known.Sequence, known.Command.Span);
            EndRecord(entry.Index);

            // An entry of the new group's: it carries to every disk that this one is committed. A group of two that became one
            // could otherwise need the one that has gone to learn it.
            _wantsEntry = _raft.Role == Role.Leader;
        }

        _engine.Publish(entry.Position);
        _node.Report(Shard, "membership-changed", $"index={entry.Index} voters={string.Join(',', membership.Voters)}");
        _isRemoved |= wasMember && !membership.Contains(Id);
    }
}
