using System.Buffers.Binary;
using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Raft;

namespace Quorate.Replication;

/// <summary>
/// What Replication keeps in a shard's store beside the machine's data, under keys that start with 0. It is flushed, sent in
/// snapshots and lost or kept together with that data.
/// </summary>
internal static class HostRecords
{
    /// <summary>Key of the membership as of the applied index.</summary>
    public static ReadOnlySpan<byte> MembershipKey => [0, (byte)'M'];

    /// <summary>Bytes of a reply that are remembered for a retry; a longer one is answered as unknown.</summary>
    public const int MaxRememberedReply = 512;

    private const int AppliedKeyBytes = 10;

    /// <summary>Lower bound of the records of applied commands.</summary>
    public static ReadOnlySpan<byte> AppliedLower => [0, (byte)'D'];

    /// <summary>Upper bound of the records of applied commands.</summary>
    public static ReadOnlySpan<byte> AppliedUpper => [0, (byte)'D' + 1];

    /// <summary>Key of the record of the commands that the entry at this index applied.</summary>
    public static ReadOnlySpan<byte> AppliedKey(LogIndex index, Span<byte> buffer)
    {
        buffer[0] = 0;
        buffer[1] = (byte)'D';
        BinaryPrimitives.WriteUInt64BigEndian(buffer[2..], index.Value);
        return buffer[..AppliedKeyBytes];
    }

    /// <summary>The index in such a key.</summary>
    public static LogIndex AppliedIndexOf(ReadOnlySpan<byte> key) => new(BinaryPrimitives.ReadUInt64BigEndian(key[2..]));

    /// <summary>Membership and places: version u8 | places | membership. A place: replica u64, node u64.</summary>
    public static void WriteMembership(ByteWriter writer, Membership membership, IReadOnlyDictionary<ReplicaId, NodeId> places)
    {
        // Where former members and strangers live is known too, for answers to them, and nobody else's business.
        List<KeyValuePair<ReplicaId, NodeId>> members = [.. places.Where(place => membership.Contains(place.Key))];
        writer.U8(1);
        writer.VarUInt((ulong)members.Count);
        foreach ((ReplicaId replica, NodeId node) in members)
        {
            writer.U64(replica.Value);
            writer.U64(node.Value);
        }

        MembershipCodec.Encode(membership, writer);
    }

    /// <summary>Reads what <see cref="WriteMembership"/> wrote; false if it is malformed.</summary>
    public static bool TryReadMembership(
        ReadOnlySpan<byte> bytes, out Membership? membership, SortedDictionary<ReplicaId, NodeId> places)
    {
        membership = null;
        var reader = new ByteReader(bytes);
        if (reader.U8() != 1) { return false; }
        int count = reader.Count(reader.Remaining / 16);
        for (int i = 0; i < count; i++) { places[new(reader.U64())] = new(reader.U64()); }
        return MembershipCodec.TryDecode(ref reader, out membership) && reader.AtEnd;
    }

    /// <summary>Context of a membership change: the places of the replicas it adds. The command that asked for it may follow.</summary>
    public static void WritePlaces(ByteWriter writer, ImmutableArray<ReplicaPlace> places)
    {
        writer.VarUInt((ulong)places.Length);
        foreach (ReplicaPlace place in places)
        {
            writer.U64(place.Replica.Value);
            writer.U64(place.Node.Value);
        }
    }

    /// <summary>Reads a context; an empty one names no place.</summary>
    /// <returns>The command that asked for the change, which is to be applied with it; null if there is none.</returns>
    public static QueuedCommand? ReadPlaces(ReadOnlyMemory<byte> context, SortedDictionary<ReplicaId, NodeId> places)
    {
        if (context.IsEmpty) { return null; }
        var reader = new ByteReader(context.Span);
        int count = reader.Count(reader.Remaining / 16);
        for (int i = 0; i < count; i++) { places[new(reader.U64())] = new(reader.U64()); }
        if (reader.AtEnd) { return null; }
        ulong session = reader.U64();
        ulong sequence = reader.VarUInt();
        var firstIndex = new LogIndex(reader.VarUInt());
        int length = reader.Bytes().Length;
        Invariant.Holds(reader.AtEnd, $"context of {context.Length} bytes");
        return new QueuedCommand(session, sequence, firstIndex, context.Slice(context.Length - length, length));
    }
}
