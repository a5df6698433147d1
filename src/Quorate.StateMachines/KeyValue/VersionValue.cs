using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>
/// Store value of a version: flags u8 (1: tombstone, and nothing follows) | create revision varint | version varint | lease
/// zigzag varint | the value's bytes to the end.
/// </summary>
internal readonly ref struct VersionValue
{
    private const byte Tombstone = 1;

    public bool IsTombstone { get; private init; }

    public long CreateRevision { get; private init; }

    public long Version { get; private init; }

    public long Lease { get; private init; }

    public ReadOnlySpan<byte> Value { get; private init; }

    public static VersionValue Read(ReadOnlySpan<byte> bytes)
    {
        if (IsTombstoneValue(bytes)) { return new VersionValue { IsTombstone = true }; }
        var reader = new ByteReader(bytes);
        byte flags = reader.U8();
        var value = new VersionValue
        {
            CreateRevision = (long)reader.VarUInt(),
            Version = (long)reader.VarUInt(),
            Lease = reader.VarInt(),
            Value = reader.Raw(reader.Remaining),
        };
        Invariant.Holds(!reader.Failed && flags == 0, $"a version's value of {bytes.Length} bytes with flags {flags}");
        return value;
    }

    public static bool IsTombstoneValue(ReadOnlySpan<byte> bytes) => bytes.Length == 1 && bytes[0] == Tombstone;

    public static void Write(ByteWriter writer, long createRevision, long version, long lease, ReadOnlySpan<byte> value)
    {
        writer.U8(0);
        writer.VarUInt((ulong)createRevision);
        writer.VarUInt((ulong)version);
        writer.VarInt(lease);
        writer.Raw(value);
    }

    public static void WriteTombstone(ByteWriter writer) => writer.U8(Tombstone);
}
