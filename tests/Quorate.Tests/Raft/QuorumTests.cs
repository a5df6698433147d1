using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;
using Quorate.Core;
using Quorate.Raft;
using Xunit;

namespace Quorate.Tests.Raft;

/// <summary>Majorities and membership changes against brute force, on all kinds of groups.</summary>
public sealed class QuorumTests
{
    private static readonly Gen<ImmutableArray<ReplicaId>> Ids =
        Gen.Choose(1, 9).ListOf().Select(static ids => ids.Take(7).Distinct().Order().Select(static id => new ReplicaId((ulong)id)).ToImmutableArray());

    private static readonly Gen<Membership> Memberships =
        from voters in Ids
        from outgoing in Ids
        where !voters.IsEmpty
        select Membership.Of(voters) with { Outgoing = outgoing };

    private static readonly Gen<(MembershipStep, ReplicaId)> Step =
        from step in Gen.Choose(1, 3)
        from id in Gen.Choose(1, 7)
        select ((MembershipStep)step, new ReplicaId((ulong)id));

    private static readonly Gen<MembershipChange> Changes =
        from steps in Step.ListOf()
        from transition in Gen.Choose(0, 2)
        select new MembershipChange([.. steps.Take(4)], (JointTransition)transition, default);

    // The greatest index such that a majority of each configuration has reached it, found by trying all.
    [Fact]
    public void What_majorities_reached_is_what_counting_says() => Prop.ForAll(
        Memberships.ToArbitrary(), Gen.Choose(0, 5).ArrayOf(10).ToArbitrary(), static (membership, reached) =>
        {
            ulong expected = Enumerable.Range(0, 6).Where(index => Decides(membership, id => reached[id.Value] >= index)).Max(static index => (ulong)index);
            return Quorum.Reached(membership, id => (ulong)reached[id.Value]) == expected;
        }).QuickCheckThrowOnFailure();

    // Won if it is decided whatever the missing votes are; lost if it cannot be decided any more; pending between.
    [Fact]
    public void An_election_is_decided_exactly_when_missing_votes_cannot_change_it() => Prop.ForAll(
        Memberships.ToArbitrary(), Gen.Choose(-1, 1).ArrayOf(10).ToArbitrary(), static (membership, votes) =>
        {
            bool evenIfAllRefuse = Decides(membership, id => votes[id.Value] == 1);
            bool ifAllGrant = Decides(membership, id => votes[id.Value] >= 0);
            VoteResult expected = evenIfAllRefuse ? VoteResult.Won : ifAllGrant ? VoteResult.Pending : VoteResult.Lost;
            return Quorum.Votes(membership, id => votes[id.Value] switch { 1 => true, -1 => false, _ => null }) == expected;
        }).QuickCheckThrowOnFailure();

    // Safety of membership changes: no set of replicas decides under the old membership while the rest decides under the new.
    [Fact]
    public void Majorities_before_and_after_any_change_overlap() => Prop.ForAll(
        Ids.Where(static ids => !ids.IsEmpty).ToArbitrary(), Changes.ListOf().ToArbitrary(), static (voters, changes) =>
        {
            Membership current = Membership.Of(voters.Where(static id => id.Value <= 7).DefaultIfEmpty(new(1)));
            foreach (MembershipChange change in changes)
            {
                if (MembershipRules.Apply(current, change, out Membership next) is { } problem)
                {
                    Assert.NotEmpty(problem);
                    Assert.Equal(current, next);
                    continue;
                }

                AssertSound(next);
                for (int set = 0; set < 1 << 8; set++)
                {
                    int members = set;
                    Assert.False(
                        Decides(current, id => (members & (1 << (int)id.Value)) != 0) && Decides(next, id => (members & (1 << (int)id.Value)) == 0),
                        $"{change} lets {members:b} and its complement decide apart");
                }

                current = next;
            }
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("v1 v2 v3", "v4", JointTransition.Auto, "v1 v2 v3 v4")]
    [InlineData("v1 v2 v3", "v4", JointTransition.Implicit, "v1 v2 v3 v4 / 1 2 3 auto")]
    [InlineData("v1 v2 v3", "v4", JointTransition.Explicit, "v1 v2 v3 v4 / 1 2 3")]
    [InlineData("v1 v2 v3", "v4 r1", JointTransition.Auto, "v2 v3 v4 / 1 2 3 auto")]
    [InlineData("v1 v2 v3", "l4 l5", JointTransition.Auto, "v1 v2 v3 l4 l5")]
    [InlineData("v1 v2 v3", "l3", JointTransition.Auto, "v1 v2 l3")]
    [InlineData("v1 v2 v3", "l3 v4", JointTransition.Auto, "v1 v2 v4 / 1 2 3 next 3 auto")]
    [InlineData("v1 v2 v3 l4", "v4", JointTransition.Auto, "v1 v2 v3 v4")]
    [InlineData("v1 v2 v3 l4", "r4 r9", JointTransition.Auto, "v1 v2 v3")]
    [InlineData("v1 v2", "r1 v1", JointTransition.Auto, "v1 v2")]
    public void A_change_makes_of_a_membership(string before, string steps, JointTransition transition, string after)
    {
        Membership current = Apply(Membership.Of(), before, JointTransition.Explicit);
        if (current.IsJoint) { Assert.Null(MembershipRules.Apply(current, MembershipChange.Leave, out current)); }
        Assert.Equal(after, Show(Apply(current, steps, transition)));
    }

    [Fact]
    public void Leaving_turns_demoted_voters_into_learners()
    {
        Membership joint = Apply(Membership.Of(new ReplicaId(1), new(2), new(3)), "l3 v4", JointTransition.Auto);
        Assert.Null(MembershipRules.Apply(joint, MembershipChange.Leave, out Membership left));
        Assert.Equal("v1 v2 v4 l3", Show(left));
    }

    [Fact]
    public void Changes_that_make_no_sense_are_refused_with_a_reason()
    {
        Membership plain = Membership.Of(new ReplicaId(1));
        Membership joint = plain with { Outgoing = [new(2)] };
        Assert.Equal("there is no joint membership to leave", MembershipRules.Apply(plain, MembershipChange.Leave, out _));
        Assert.Equal("the joint membership must be left first", MembershipRules.Apply(joint, Parse("v3", JointTransition.Auto), out _));
        Assert.Equal("no voter would remain", MembershipRules.Apply(plain, Parse("r1", JointTransition.Auto), out _));
        Assert.Equal("replica 0 does not exist", MembershipRules.Apply(plain, Parse("v0", JointTransition.Auto), out _));
    }

    private static bool Decides(Membership membership, Func<ReplicaId, bool> holds) =>
        IsMajority(membership.Voters, holds) && (membership.Outgoing.IsEmpty || IsMajority(membership.Outgoing, holds));

    private static bool IsMajority(ImmutableArray<ReplicaId> voters, Func<ReplicaId, bool> holds) => voters.Count(holds) * 2 > voters.Length;

    private static void AssertSound(Membership membership)
    {
        Assert.False(membership.Voters.IsEmpty);
        Assert.Empty(membership.Learners.Where(membership.IsVoter));
        Assert.All(membership.LearnersNext, id => Assert.Contains(id, membership.Outgoing));
        Assert.Empty(membership.LearnersNext.Intersect(membership.Voters));
        foreach (ImmutableArray<ReplicaId> list in (ImmutableArray<ReplicaId>[])[membership.Voters, membership.Outgoing, membership.Learners, membership.LearnersNext])
        {
            Assert.Equal(list.Distinct().Order(), list);
        }
    }

    private static Membership Apply(Membership current, string steps, JointTransition transition)
    {
        Assert.Null(MembershipRules.Apply(current, Parse(steps, transition), out Membership next));
        return next;
    }

    private static MembershipChange Parse(string steps, JointTransition transition) => new(
        [.. steps.Split(' ').Select(static step => (step[0] switch { 'v' => MembershipStep.AddVoter, 'l' => MembershipStep.AddLearner, _ => MembershipStep.Remove }, new ReplicaId((ulong)(step[1] - '0'))))],
        transition,
        default);

    private static string Show(Membership membership) => string.Join(' ', (string[])
    [
        .. membership.Voters.Select(static id => $"v{id}"),
        .. membership.Learners.Select(static id => $"l{id}"),
        .. membership.IsJoint ? membership.Outgoing.Select(static id => $"{id}").Prepend("/") : [],
        .. membership.LearnersNext.IsEmpty ? [] : membership.LearnersNext.Select(static id => $"{id}").Prepend("next"),
        .. membership.AutoLeave ? (string[])["auto"] : [],
    ]);
}
