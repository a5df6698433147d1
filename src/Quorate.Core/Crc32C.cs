using System.Buffers.Binary;
using System.Numerics;

namespace Quorate.Core;

/// <summary>CRC-32C (Castagnoli, RFC 3720 B.4): the checksum of every record, block and frame. "123456789" gives e3069283.</summary>
public static class Crc32C
{
    /// <summary>Checksum of the bytes.</summary>
    public static uint Compute(ReadOnlySpan<byte> bytes) => Append(0, bytes);

    /// <summary>Checksum of what <paramref name="crc"/> covers followed by <paramref name="bytes"/>.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        crc = ~crc;
        while (bytes.Length >= 8)
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[8..];
        }

        foreach (byte b in bytes) { crc = BitOperations.Crc32C(crc, b); }
        return ~crc;
    }
}
