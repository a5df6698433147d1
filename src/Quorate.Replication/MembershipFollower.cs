using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Raft;

namespace Quorate.Replication;

/// <summary>
/// Makes the groups of keyspaces have the members that the first shard has. Whoever leads a keyspace proposes the changes: newcomers
/// learn first and vote once they are in sync; those that are gone are removed. DESIGN.md, "Keyspaces", says why this needs
/// no version of its own.
/// </summary>
internal sealed class MembershipFollower(NodeCore node)
{
    private bool _isAsking;
    private bool _mayAct;
    private long _heardTick;

    /// <summary>True if it may act on what it has asked for.</summary>
    public bool HasNews => _mayAct;

    /// <summary>A tick has passed.</summary>
    public void Tick()
    {
        if (node.Now % node.Config.Raft.HeartbeatTicks != 0 || node.IsStopping || node.FindAny(node.Config.MetaShard) is not { } meta) { return; }
        if (meta.HearsLeader || _heardTick == 0) { _heardTick = node.Now; }
        bool isCutOff = node.Now - _heardTick > 5L * node.Config.Raft.ElectionTicks;
        if (isCutOff) { _heardTick = node.Now; }
        foreach (Replica replica in Led())
        {
            if (meta.IsTombstoned) { Leave(replica, meta); }
            else if (isCutOff) { replica.TransferToBest(); } // Perhaps we were removed; another one may hear of it, and follow.
            else if (!_isAsking && NextChange(replica, meta) is not null) { Ask(); }
        }
    }

    /// <summary>Acts, if it has heard that this node's view of the first shard is no older than the question. At the start of a flush.</summary>
    public void Look()
    {
        if (!_mayAct) { return; }
        _mayAct = false;
        if (node.Find(node.Config.MetaShard) is not { } meta) { return; }
        foreach (Replica replica in Led()) { Follow(replica, meta); }
    }

    private IEnumerable<Replica> Led() =>
        node.Keyspaces.All.Select(keyspace => node.Find(keyspace.Shard)).OfType<Replica>().Where(replica => replica.Role == Role.Leader);

    // Two leaders in turn, one of them with an old view, would add and remove the same replica for ever. A linearizable read of the
    // first shard tells that our view is as new as the question.
    private void Ask()
    {
        _isAsking = true;
        node.Find(node.Config.MetaShard)!.Read(new Question(this) { Shard = node.Config.MetaShard });
    }

    private void Answered(bool isDone)
    {
        _isAsking = false;
        _mayAct |= isDone;
    }

    // We were removed, and know the members of that time: whoever came later would be removed by us, under a number that is never
    // given again. So another one leads on, and we only bring in those that it takes for that.
    private static void Leave(Replica replica, Replica meta)
    {
        if (replica.Membership.Voters.Any(meta.Membership.Voters.Contains)) { replica.TransferToBest(meta.Membership.Voters.Contains); }
        else { Follow(replica, meta); }
    }

    private static void Follow(Replica replica, Replica meta)
    {
        if (NextChange(replica, meta) is not { } change) { return; }
        if (change.Steps.Any(step => step.Replica == replica.Id))
        {
            // Our own part is the successor's to end.
            replica.TransferToBest();
            return;
        }

        replica.ChangeMembership(new(change.Steps, JointTransition.Auto, default), change.Places);
    }

    // Null if there is nothing to change, or not now.
    private static (ImmutableArray<(MembershipStep Step, ReplicaId Replica)> Steps, ImmutableArray<ReplicaPlace> Places)? NextChange(
        Replica replica, Replica meta)
    {
        (Membership now, Membership target) = (replica.Membership, meta.Membership);

        // Of a joint membership of the first shard those that leave are still part: nobody is removed before it is left.
        if (now.IsJoint || target.Voters.IsEmpty) { return null; }
        var steps = new List<(MembershipStep Step, ReplicaId Replica)>();
        foreach (ReplicaId added in target.All.Where(id => !now.Contains(id))) { steps.Add((MembershipStep.AddLearner, added)); }
        if (steps.Count > 0)
        {
            ImmutableArray<ReplicaPlace> places = [.. steps.Select(step => new ReplicaPlace(step.Replica, meta.PlaceOf(step.Replica)))];
            return places.All(place => place.Node != NodeId.None) ? ([.. steps], places) : null;
        }

        foreach (ReplicaId promoted in now.Learners.Where(id => target.Voters.Contains(id) && replica.IsInSync(id)))
        {
            steps.Add((MembershipStep.AddVoter, promoted));
        }

        bool hasVoter = steps.Count > 0 || now.Voters.Any(target.Voters.Contains);
        if (!hasVoter) { return null; } // Those that are to stay must be able to vote first.
        foreach (ReplicaId demoted in now.Voters.Where(target.Learners.Contains)) { steps.Add((MembershipStep.AddLearner, demoted)); }
        foreach (ReplicaId gone in now.All.Where(id => !target.Contains(id))) { steps.Add((MembershipStep.Remove, gone)); }

        // The leader's own step waits until all others are done: it is its successor's.
        if (steps.Count > 1) { steps.RemoveAll(step => step.Replica == replica.Id); }
        return steps.Count == 0 ? null : ([.. steps], []);
    }

    private sealed class Question(MembershipFollower follower) : ReadRequest
    {
        public override void Complete(RequestOutcome outcome, IReadView? view)
        {
            view?.Dispose();
            follower.Answered(outcome == RequestOutcome.Done);
        }
    }
}
