using System.Buffers.Binary;
using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>
/// Store records of members. Known: kind u8 (0D) | id u64, its value format u8 (1) | name text | peer URLs | client URLs, each list a
/// varuint count and texts. Removed: kind u8 (0E) | id u64, its value format u8 (1); kept for ever, so that no id comes back.
/// </summary>
internal static class MemberStore
{
    private const byte KnownKind = 0x0D;
    private const byte RemovedKind = 0x0E;
    private const byte Format = 1;
    private const int KeyBytes = 9;

    /// <summary>All records about members lie from here...</summary>
    public static ReadOnlySpan<byte> Lower => [KnownKind];

    /// <summary>...to before here.</summary>
    public static ReadOnlySpan<byte> Upper => [RemovedKind + 1];

    public static MemberRecord? Find(IStoreReader store, ulong id)
    {
        Span<byte> key = stackalloc byte[KeyBytes];
        return store.TryGet(Key(KnownKind, id, key), out ReadOnlySpan<byte> value) ? Read(id, value) : null;
    }

    public static bool IsRemoved(IStoreReader store, ulong id)
    {
        Span<byte> key = stackalloc byte[KeyBytes];
        return store.TryGet(Key(RemovedKind, id, key), out _);
    }

    public static List<MemberRecord> ReadAll(IStoreReader store)
    {
        var members = new List<MemberRecord>();
        using ICursor cursor = store.OpenCursor([KnownKind], [KnownKind + 1]);
        for (bool isValid = cursor.SeekFirst(); isValid; isValid = cursor.Next())
        {
            members.Add(Read(BinaryPrimitives.ReadUInt64BigEndian(cursor.Key[1..]), cursor.Value));
        }

        return members;
    }

    public static void Write(IStoreWriter store, MemberRecord member)
    {
        Span<byte> key = stackalloc byte[KeyBytes];
        var value = new ByteWriter();
        value.U8(Format);
        value.Text(member.Name);
        MemberCodec.WriteTexts(value, member.PeerUrls);
        MemberCodec.WriteTexts(value, member.ClientUrls);
        store.Put(Key(KnownKind, member.Id, key), value.Written);
    }

    public static void Remove(IStoreWriter store, ulong id)
    {
        Span<byte> key = stackalloc byte[KeyBytes];
        store.Delete(Key(KnownKind, id, key));
        store.Put(Key(RemovedKind, id, key), [Format]);
    }

    private static MemberRecord Read(ulong id, ReadOnlySpan<byte> value)
    {
        var reader = new ByteReader(value);
        byte format = reader.U8();
        if (format != Format) { throw new NotSupportedException($"The record of a member has format {format}; this version reads {Format}."); }
        string name = reader.Text();
        ImmutableArray<string> peerUrls = MemberCodec.ReadTexts(ref reader);
        ImmutableArray<string> clientUrls = MemberCodec.ReadTexts(ref reader);
        Invariant.Holds(reader.AtEnd, $"the record of {new NodeId(id)} has {value.Length} bytes");
        return new MemberRecord(id, name, peerUrls, clientUrls);
    }

    private static ReadOnlySpan<byte> Key(byte kind, ulong id, Span<byte> buffer)
    {
        buffer[0] = kind;
        BinaryPrimitives.WriteUInt64BigEndian(buffer[1..], id);
        return buffer;
    }
}
