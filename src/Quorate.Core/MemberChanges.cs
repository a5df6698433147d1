using System.Collections.Immutable;

namespace Quorate.Core;

/// <summary>What a shard's leader knows of one of its members when a change is to be judged.</summary>
/// <param name="Node">The member.</param>
/// <param name="IsLearner">It receives the log and has no vote.</param>
/// <param name="IsHeard">It was heard within an election timeout, or is the leader itself.</param>
/// <param name="IsInSync">It is heard, and holds at least nine tenths of the leader's log (etcd's measure).</param>
/// <param name="IsLeader">It is the leader that judges.</param>
public readonly record struct MemberFact(NodeId Node, bool IsLearner, bool IsHeard, bool IsInSync, bool IsLeader);

/// <summary>What a step makes of a member.</summary>
public enum MemberStepKind
{
    /// <summary>A voter, new or a learner before.</summary>
    AddVoter,

    /// <summary>A learner, new.</summary>
    AddLearner,

    /// <summary>No member any more.</summary>
    Remove,
}

/// <summary>One step of a change of members.</summary>
public readonly record struct MemberStep(MemberStepKind Kind, NodeId Node);

/// <summary>How a machine judges a command that asks for a change of members.</summary>
/// <param name="Command">
/// The command as it is to be replicated: completed by what was decided. If it was refused, it says so to every replica when applied.
/// </param>
/// <param name="Steps">What is to become of the group, in the same entry; empty if it was refused.</param>
public sealed record MemberVerdict(ReadOnlyMemory<byte> Command, ImmutableArray<MemberStep> Steps);
