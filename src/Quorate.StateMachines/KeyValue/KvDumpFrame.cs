using System.Buffers.Binary;
using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>
/// Frames of a dump: length u32 | crc32c u32 of (number u64, payload) | payload, little-endian. The number counts frames from 0, so
/// that a missing one is noticed. The payload begins with its kind, u8: 1 header, with the format u8 (1) | 2 records | 3 end.
/// </summary>
internal static class KvDumpFrame
{
    public const byte Format = 1;
    public const byte HeaderKind = 1;
    public const byte RecordsKind = 2;
    public const byte EndKind = 3;
    public const int PrefixBytes = 8;

    /// <summary>A dump is padded with zeros to a multiple of this: etcd's clients tell by it that a checksum follows.</summary>
    public const int BlockBytes = 512;

    /// <summary>Twice the largest request that a server can be set to take, with room for its key.</summary>
    public const int MaxPayloadBytes = 144 * 1024 * 1024;

    public static int Begin(ByteWriter output, byte kind)
    {
        int start = output.Length;
        output.U64(0);
        output.U8(kind);
        return start;
    }

    public static void End(ByteWriter output, int start, ulong number)
    {
        int length = output.Length - start - PrefixBytes;
        uint checksum = Checksum(number, output.Written[(start + PrefixBytes)..]);
        Span<byte> prefix = output.Patch(start, PrefixBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(prefix, (uint)length);
        BinaryPrimitives.WriteUInt32LittleEndian(prefix[4..], checksum);
    }

    public static uint Checksum(ulong number, ReadOnlySpan<byte> payload)
    {
        Span<byte> covered = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(covered, number);
        return Crc32C.Append(Crc32C.Compute(covered), payload);
    }
}
