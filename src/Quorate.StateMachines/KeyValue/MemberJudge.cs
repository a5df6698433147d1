using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>
/// Which changes of members a leader lets happen: etcd's rules (server.go, cluster.go; --strict-reconfig-check is always on) in etcd's
/// order, so that the first objection is the one that etcd names.
/// </summary>
public static class MemberJudge
{
    /// <summary>Most learners at a time; etcd's --max-learners.</summary>
    public const int MaxLearners = 1;

    /// <summary>Decides about a command; see <see cref="IStateMachine.JudgeMembers"/>. The verdict is final: nobody asks again who sent it.</summary>
    /// <param name="command">The command.</param>
    /// <param name="denied">Why its sender may not change members; None if it may.</param>
    /// <param name="members">All members, in order of id.</param>
    /// <param name="fresh">An id for a new member.</param>
    /// <param name="store">What the leader has applied.</param>
    public static MemberVerdict? Judge(
        KvCommand command, KvRefusal denied, ImmutableArray<MemberFact> members, NodeId fresh, IStoreReader store)
    {
        var group = new Group(members, store);
        switch (command)
        {
            case KvCommand.MemberAdd add:
                KvRefusal refusal = denied != KvRefusal.None ? denied : group.AgainstAdding(add);
                return Verdict(
                    add with { Id = fresh.Value, Refusal = refusal }, refusal,
                    add.IsLearner ? MemberStepKind.AddLearner : MemberStepKind.AddVoter, fresh);
            case KvCommand.MemberPromote promote:
                refusal = denied != KvRefusal.None ? denied : group.AgainstPromoting(new NodeId(promote.Id));
                return Verdict(promote with { Refusal = refusal }, refusal, MemberStepKind.AddVoter, new NodeId(promote.Id));
            case KvCommand.MemberRemove remove:
                refusal = denied != KvRefusal.None ? denied : group.AgainstRemoving(new NodeId(remove.Id));
                return Verdict(remove with { Refusal = refusal }, refusal, MemberStepKind.Remove, new NodeId(remove.Id));
            default:
                return null;
        }
    }

    private static MemberVerdict Verdict(KvCommand command, KvRefusal refusal, MemberStepKind kind, NodeId node)
    {
        var writer = new ByteWriter();
        command.Encode(writer);
        return new MemberVerdict(writer.Detach(), refusal == KvRefusal.None ? [new MemberStep(kind, node)] : []);
    }

    private readonly ref struct Group(ImmutableArray<MemberFact> members, IStoreReader store)
    {
        private readonly ImmutableArray<MemberFact> _members = members;
        private readonly IStoreReader _store = store;

        public KvRefusal AgainstAdding(KvCommand.MemberAdd add)
        {
            int voters = _members.Count(static member => !member.IsLearner);
            int started = Started(except: NodeId.None);

            // A single member may always be joined by a second one, or no cluster could grow from one.
            bool isSecond = voters == 1 && started == 1;
            if (!add.IsLearner && !isSecond && started < Majority(voters + 1)) { return KvRefusal.NotEnoughStarted; }
            foreach (MemberFact member in _members)
            {
                if (!member.IsLearner && !member.IsHeard) { return KvRefusal.Unhealthy; }
            }

            if (MemberBook.HasUrlOfOther(_store, add.PeerUrls, id: 0)) { return KvRefusal.PeerUrlExists; }
            int learners = _members.Length - voters;
            return add.IsLearner && learners >= MaxLearners ? KvRefusal.TooManyLearners : KvRefusal.None;
        }

        public KvRefusal AgainstPromoting(NodeId node)
        {
            MemberFact? found = Find(node);
            if (found is { IsInSync: false, IsLearner: true }) { return KvRefusal.LearnerNotReady; }
            int voters = _members.Count(static member => !member.IsLearner);
            if (Started(except: NodeId.None) + 1 < Majority(voters + 1)) { return KvRefusal.NotEnoughStarted; }
            return found is not { } member ? KvRefusal.MemberNotFound : member.IsLearner ? KvRefusal.None : KvRefusal.NotLearner;
        }

        public KvRefusal AgainstRemoving(NodeId node)
        {
            MemberFact? found = Find(node);
            if (found is { IsLearner: true }) { return KvRefusal.None; }
            int left = _members.Count(member => !member.IsLearner && member.Node != node);
            if (Started(except: node) < Majority(left)) { return KvRefusal.NotEnoughStarted; }
            if (found is not { } member) { return KvRefusal.MemberNotFound; }

            // Who is not heard takes no part in a majority, so the group loses nothing.
            int heardWithout = _members.Count(other => !other.IsLearner && other.IsHeard && other.Node != node);
            return member.IsHeard && heardWithout < Majority(left) ? KvRefusal.Unhealthy : KvRefusal.None;
        }

        private MemberFact? Find(NodeId node)
        {
            foreach (MemberFact member in _members)
            {
                if (member.Node == node) { return member; }
            }

            return null;
        }

        // etcd: a member has started once its name is known.
        private int Started(NodeId except)
        {
            int count = 0;
            foreach (MemberFact member in _members)
            {
                if (member.IsLearner || member.Node == except) { continue; }
                if (MemberStore.Find(_store, member.Node.Value) is { Name.Length: > 0 }) { count++; }
            }

            return count;
        }

        private static int Majority(int voters) => (voters / 2) + 1;
    }
}
