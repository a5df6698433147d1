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

    /// <summary>Checksum of two pieces from those of each, so that pieces can be read in another order than they are checked in.</summary>
    /// <param name="first">Checksum of the first piece.</param>
    /// <param name="second">Checksum of the second piece.</param>
    /// <param name="secondBytes">Length of the second piece.</param>
    public static uint Combine(uint first, uint second, long secondBytes)
    {
        // A checksum is a remainder modulo the polynomial; that of the first piece is shifted by the bits behind it (as zlib does it).
        for (int bit = 0; secondBytes != 0; bit++, secondBytes >>= 1)
        {
            if ((secondBytes & 1) != 0) { first = Multiply(BytePowers[bit], first); }
        }

        return first ^ second;
    }

    // x^(8 * 2^i) modulo the polynomial. Polynomials have their highest bit for x^0.
    private static readonly uint[] BytePowers = MakeBytePowers();

    private static uint[] MakeBytePowers()
    {
        var powers = new uint[63];
        uint power = 1u << 30; // x
        for (int i = 0; i < 3; i++) { power = Multiply(power, power); }
        for (int i = 0; i < powers.Length; i++, power = Multiply(power, power)) { powers[i] = power; }
        return powers;
    }

    private static uint Multiply(uint a, uint b)
    {
        uint product = 0;
        for (; a != 0; a <<= 1)
        {
            if ((a & 0x8000_0000) != 0) { product ^= b; }
            b = (b & 1) != 0 ? (b >> 1) ^ 0x82F6_3B78 : b >> 1;
        }

        return product;
    }
}
