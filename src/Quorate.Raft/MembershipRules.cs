using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Raft;

/// <summary>What a change makes of a membership, and which changes are allowed.</summary>
/// <remarks>Raft paper, section 6 (joint consensus); thesis, 4.2.1 (learners) and 4.1 (one voter at a time).</remarks>
public static class MembershipRules
{
    /// <summary>Applies a change.</summary>
    /// <param name="current">The membership before.</param>
    /// <param name="change">The change.</param>
    /// <param name="next">The membership after; unchanged if refused.</param>
    /// <returns>Null if the change is allowed, otherwise what is wrong with it, in the operator's words.</returns>
    public static string? Apply(Membership current, MembershipChange change, out Membership next)
    {
        next = current;
        if (change.Steps.IsEmpty)
        {
            if (!current.IsJoint) { return "there is no joint membership to leave"; }
            next = Leave(current);
            return null;
        }

        if (current.IsJoint) { return "the joint membership must be left first"; }
        if (change.Steps.Any(static step => step.Replica.IsNone)) { return "replica 0 does not exist"; }

        (Membership simple, Membership joint) = (Direct(current, change), Enter(current, change));
        if (simple.Voters.IsEmpty) { return "no voter would remain"; }

        // Two majorities that differ by one voter overlap (thesis, 4.1), so such a change needs no joint consensus.
        int changed = current.Voters.Except(simple.Voters).Count() + simple.Voters.Except(current.Voters).Count();
        next = change.Transition == JointTransition.Auto && changed <= 1 ? simple : joint;
        return null;
    }

    private static Membership Direct(Membership current, MembershipChange change)
    {
        var voters = new SortedSet<ReplicaId>(current.Voters);
        var learners = new SortedSet<ReplicaId>(current.Learners);
        foreach ((MembershipStep step, ReplicaId replica) in change.Steps)
        {
            voters.Remove(replica);
            learners.Remove(replica);
            switch (step)
            {
                case MembershipStep.AddVoter: voters.Add(replica); break;
                case MembershipStep.AddLearner: learners.Add(replica); break;
                case MembershipStep.Remove: break;
                default: throw Invariant.Unreachable(step);
            }
        }

        return Membership.Empty with { Voters = [.. voters], Learners = [.. learners] };
    }

    private static Membership Enter(Membership current, MembershipChange change)
    {
        Membership target = Direct(current, change);
        var outgoing = new SortedSet<ReplicaId>(current.Voters);

        // A voter of the outgoing configuration cannot be a learner at once: it waits until joint consensus is left.
        return new Membership(
            target.Voters,
            current.Voters,
            [.. target.Learners.Where(learner => !outgoing.Contains(learner))],
            [.. target.Learners.Where(outgoing.Contains)],
            AutoLeave: change.Transition != JointTransition.Explicit);
    }

    private static Membership Leave(Membership joint) => Membership.Empty with
    {
        Voters = joint.Voters,
        Learners = [.. joint.Learners.Concat(joint.LearnersNext).Distinct().Order()],
    };
}
