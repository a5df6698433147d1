using System.Buffers.Binary;
using System.Numerics;
using Quorate.Core;

namespace Quorate.Storage.Engine;

/// <summary>
/// Says of a key's prefix "not in this file" or "perhaps" (Bloom, 1970; double hashing as in Kirsch and Mitzenmacher, 2006).
/// </summary>
/// <remarks>Block: number of probes u8, 0 for no filter | bits. The hash is part of the format: it never changes.</remarks>
internal static class BloomFilter
{
    public static ulong Hash(ReadOnlySpan<byte> prefix)
    {
        unchecked
        {
            ulong hash = 0x9E3779B97F4A7C15 ^ ((ulong)prefix.Length * 0xC2B2AE3D27D4EB4F);
            while (prefix.Length >= 8)
            {
                hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(prefix));
                prefix = prefix[8..];
            }

            ulong rest = 0;
            for (int i = 0; i < prefix.Length; i++) { rest |= (ulong)prefix[i] << (8 * i); }
            return Mix(hash ^ rest);
        }
    }

    public static void Build(List<ulong> hashes, int bitsPerKey, ByteWriter block)
    {
        if (bitsPerKey == 0)
        {
            block.U8(0);
            return;
        }

        int probes = Math.Clamp(bitsPerKey * 69 / 100, 1, 30); // ln 2 times the bits per key is the optimum.
        long bits = Math.Clamp((long)hashes.Count * bitsPerKey, 64, int.MaxValue * 4L);
        block.U8((byte)probes);
        Span<byte> bytes = block.Reserve((int)((bits + 7) / 8));
        bytes.Clear();
        foreach (ulong hash in hashes)
        {
            ulong at = hash;
            ulong step = Step(hash);
            for (int i = 0; i < probes; i++)
            {
                ulong bit = Bit(at, bytes.Length);
                bytes[(int)(bit >> 3)] |= (byte)(1 << (int)(bit & 7));
                at = unchecked(at + step);
            }
        }
    }

    public static bool MayContain(ReadOnlySpan<byte> block, ulong hash)
    {
        unchecked
        {
            int probes = block.IsEmpty ? 0 : block[0];
            if (probes == 0 || block.Length == 1) { return true; }
            ReadOnlySpan<byte> bytes = block[1..];
            ulong at = hash;
            ulong step = Step(hash);
            for (int i = 0; i < probes; i++)
            {
                ulong bit = Bit(at, bytes.Length);
                if ((bytes[(int)(bit >> 3)] & (1 << (int)(bit & 7))) == 0) { return false; }
                at += step;
            }

            return true;
        }
    }

    private static ulong Step(ulong hash) => BitOperations.RotateLeft(hash, 32) | 1;

    // The high half of a product spreads evenly without a division.
    private static ulong Bit(ulong at, int bytes) => Math.BigMul(at, (ulong)bytes * 8, out _);

    // The finalizer of SplitMix64, as in Prng.
    private static ulong Mix(ulong z)
    {
        unchecked
        {
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return z ^ (z >> 31);
        }
    }
}
