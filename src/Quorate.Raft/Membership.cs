using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Raft;

/// <summary>Who votes and who learns. While <see cref="Outgoing"/> is not empty the group is in joint consensus (Raft paper, section 6).</summary>
/// <remarks>Immutable. All lists are sorted and without duplicates. A replica is never both a voter and a learner.</remarks>
/// <param name="Voters">The voters; in joint consensus, of the incoming configuration.</param>
/// <param name="Outgoing">Voters of the configuration being left. Empty outside joint consensus.</param>
/// <param name="Learners">Receive the log, never vote (Raft thesis, 4.2.1).</param>
/// <param name="LearnersNext">Outgoing voters that become learners when joint consensus is left.</param>
/// <param name="AutoLeave">The leader leaves joint consensus by itself once it is committed.</param>
public sealed record Membership(
    ImmutableArray<ReplicaId> Voters,
    ImmutableArray<ReplicaId> Outgoing,
    ImmutableArray<ReplicaId> Learners,
    ImmutableArray<ReplicaId> LearnersNext,
    bool AutoLeave)
{
    /// <summary>Nobody.</summary>
    public static readonly Membership Empty = new([], [], [], [], false);

    /// <summary>A membership of voters only.</summary>
    public static Membership Of(params IEnumerable<ReplicaId> voters) =>
        Empty with { Voters = [.. voters.Distinct().Order()] };

    /// <summary>True in joint consensus.</summary>
    public bool IsJoint => !Outgoing.IsEmpty;

    /// <summary>True if the replica's vote counts, in either configuration.</summary>
    public bool IsVoter(ReplicaId id) => Voters.Contains(id) || Outgoing.Contains(id);

    /// <summary>True if the replica only learns.</summary>
    public bool IsLearner(ReplicaId id) => Learners.Contains(id) && !IsVoter(id);

    /// <summary>True if the replica belongs to the group in any role.</summary>
    public bool Contains(ReplicaId id) => IsVoter(id) || Learners.Contains(id) || LearnersNext.Contains(id);

    /// <summary>Everybody, sorted.</summary>
    public ImmutableArray<ReplicaId> All => [.. Voters.Concat(Outgoing).Concat(Learners).Concat(LearnersNext).Distinct().Order()];

    /// <summary>Compares member by member.</summary>
    public bool Equals(Membership? other) =>
        other is not null && AutoLeave == other.AutoLeave && Voters.SequenceEqual(other.Voters) &&
        Outgoing.SequenceEqual(other.Outgoing) && Learners.SequenceEqual(other.Learners) &&
        LearnersNext.SequenceEqual(other.LearnersNext);

    /// <inheritdoc/>
    public override int GetHashCode() => Voters.Length;
}

/// <summary>One step of a membership change.</summary>
public enum MembershipStep : byte
{
    /// <summary>Makes the replica a voter, adding it if it is new.</summary>
    AddVoter = 1,

    /// <summary>Makes the replica a learner, adding it if it is new, demoting it if it votes.</summary>
    AddLearner = 2,

    /// <summary>Removes the replica.</summary>
    Remove = 3,
}

/// <summary>How a change goes through joint consensus. One step needs none: two majorities that differ by one voter overlap.</summary>
public enum JointTransition : byte
{
    /// <summary>Joint consensus only if several voters change; then left automatically.</summary>
    Auto = 0,

    /// <summary>Always joint consensus; left automatically.</summary>
    Implicit = 1,

    /// <summary>Always joint consensus; left by proposing <see cref="MembershipChange.Leave"/>.</summary>
    Explicit = 2,
}

/// <summary>A change of membership to be proposed. Travels as the payload of an <see cref="EntryKind.Membership"/> entry.</summary>
/// <param name="Steps">Applied together. Empty: leave joint consensus.</param>
/// <param name="Transition">How.</param>
/// <param name="Context">Opaque to the Raft core: what the host must know of new members (node, addresses).</param>
public sealed record MembershipChange(
    ImmutableArray<(MembershipStep Step, ReplicaId Replica)> Steps, JointTransition Transition, ReadOnlyMemory<byte> Context)
{
    /// <summary>Leaves joint consensus.</summary>
    public static readonly MembershipChange Leave = new([], JointTransition.Auto, default);
}
