using System.Buffers.Binary;
using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>
/// The one record beside versions and changes. Key: kind u8 (1). Value: format u8 (2; 1 had no index of changes) | current revision u64 | compacted revision u64,
/// little-endian. Without it the store is new: revision 1, and -1 compacted, as in etcd.
/// </summary>
internal readonly record struct KvMeta(long Current, long Compacted)
{
    private const byte Kind = 1;
    private const byte Format = 2;
    private const int Bytes = 17;

    /// <exception cref="NotSupportedException">Another version of this program wrote the store. It is unchanged.</exception>
    public static KvMeta Read(IStoreReader store)
    {
        if (!store.TryGet([Kind], out ReadOnlySpan<byte> value)) { return new KvMeta(Current: 1, Compacted: -1); }
        if (value[0] != Format)
        {
            throw new NotSupportedException($"The key-value store has format {value[0]}; this version reads {Format}.");
        }

        Invariant.Holds(value.Length == Bytes, $"{value.Length} bytes");
        return new KvMeta(
            Current: BinaryPrimitives.ReadInt64LittleEndian(value[1..]),
            Compacted: BinaryPrimitives.ReadInt64LittleEndian(value[9..]));
    }

    public void Write(IStoreWriter store)
    {
        Span<byte> value = stackalloc byte[Bytes];
        value[0] = Format;
        BinaryPrimitives.WriteInt64LittleEndian(value[1..], Current);
        BinaryPrimitives.WriteInt64LittleEndian(value[9..], Compacted);
        store.Put([Kind], value);
    }
}
