using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Quorate.Core;

namespace Quorate.Raft;

/// <summary>Bytes of <see cref="MembershipChange"/> (in the log) and of <see cref="Membership"/> (in snapshots). Formats: DESIGN.md.</summary>
public static class MembershipCodec
{
    /// <summary>Most members in one list, and most steps in one change; our own choice: far beyond any sensible group.</summary>
    public const int MaxMembers = 1024;

    private const byte Version = 1;

    /// <summary>The payload of an <see cref="EntryKind.Membership"/> entry.</summary>
    /// <param name="change">At most <see cref="MaxMembers"/> steps.</param>
    public static byte[] Encode(MembershipChange change)
    {
        Invariant.Holds(change.Steps.Length <= MaxMembers, $"{change.Steps.Length} steps");
        var writer = new ByteWriter(32 + change.Context.Length);
        writer.U8(Version);
        writer.U8((byte)change.Transition);
        writer.VarUInt((ulong)change.Steps.Length);
        foreach ((MembershipStep step, ReplicaId replica) in change.Steps)
        {
            writer.U8((byte)step);
            writer.VarUInt(replica.Value);
        }

        writer.Bytes(change.Context.Span);
        return writer.ToArray();
    }

    /// <summary>Reads what <see cref="Encode(MembershipChange)"/> wrote. False if it is anything else.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> payload, [NotNullWhen(true)] out MembershipChange? change)
    {
        change = null;
        var reader = new ByteReader(payload);
        byte version = reader.U8();
        byte transition = reader.U8();
        int count = reader.Count(MaxMembers);
        if (version != Version || transition > (byte)JointTransition.Explicit || count > reader.Remaining / 2) { return false; }
        ImmutableArray<(MembershipStep, ReplicaId)>.Builder steps = ImmutableArray.CreateBuilder<(MembershipStep, ReplicaId)>(count);
        for (int i = 0; i < count; i++)
        {
            byte step = reader.U8();
            ulong replica = reader.VarUInt();
            if (step is < (byte)MembershipStep.AddVoter or > (byte)MembershipStep.Remove || replica == 0) { return false; }
            steps.Add(((MembershipStep)step, new ReplicaId(replica)));
        }

        byte[] context = reader.Bytes().ToArray();
        if (!reader.AtEnd) { return false; }
        change = new MembershipChange(steps.MoveToImmutable(), (JointTransition)transition, context);
        return true;
    }

    /// <summary>Writes a membership. It says itself where it ends.</summary>
    /// <param name="membership">At most <see cref="MaxMembers"/> in each list.</param>
    /// <param name="writer">Where to.</param>
    public static void Encode(Membership membership, ByteWriter writer)
    {
        writer.U8(Version);
        writer.Bool(membership.AutoLeave);
        EncodeIds(membership.Voters, writer);
        EncodeIds(membership.Outgoing, writer);
        EncodeIds(membership.Learners, writer);
        EncodeIds(membership.LearnersNext, writer);
    }

    /// <summary>Reads what <see cref="Encode(Membership, ByteWriter)"/> wrote. False if it is anything else.</summary>
    public static bool TryDecode(ref ByteReader reader, [NotNullWhen(true)] out Membership? membership)
    {
        membership = null;
        byte version = reader.U8();
        bool autoLeave = reader.Bool();
        bool sorted = TryDecodeIds(ref reader, out ImmutableArray<ReplicaId> voters);
        sorted &= TryDecodeIds(ref reader, out ImmutableArray<ReplicaId> outgoing);
        sorted &= TryDecodeIds(ref reader, out ImmutableArray<ReplicaId> learners);
        sorted &= TryDecodeIds(ref reader, out ImmutableArray<ReplicaId> learnersNext);
        if (reader.Failed || version != Version || !sorted) { return false; }
        membership = new Membership(voters, outgoing, learners, learnersNext, autoLeave);
        return true;
    }

    private static void EncodeIds(ImmutableArray<ReplicaId> ids, ByteWriter writer)
    {
        Invariant.Holds(ids.Length <= MaxMembers, $"{ids.Length} members");
        writer.VarUInt((ulong)ids.Length);
        foreach (ReplicaId id in ids) { writer.VarUInt(id.Value); }
    }

    private static bool TryDecodeIds(ref ByteReader reader, out ImmutableArray<ReplicaId> ids)
    {
        ids = [];
        int count = Math.Min(reader.Count(MaxMembers), reader.Remaining + 1);
        ImmutableArray<ReplicaId>.Builder builder = ImmutableArray.CreateBuilder<ReplicaId>(count);
        ReplicaId previous = ReplicaId.None;
        for (int i = 0; i < count; i++)
        {
            var id = new ReplicaId(reader.VarUInt());
            if (id <= previous) { return false; }
            builder.Add(id);
            previous = id;
        }

        ids = builder.MoveToImmutable();
        return true;
    }
}
