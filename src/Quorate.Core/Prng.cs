using System.Numerics;

namespace Quorate.Core;

/// <summary>Seeded pseudo-random numbers: xoshiro256**, filled by SplitMix64. The same seed gives the same numbers for ever.</summary>
/// <remarks>Blackman and Vigna, "Scrambled linear pseudorandom number generators" (2018). Not for secrets.</remarks>
public sealed class Prng
{
    private ulong _s0;
    private ulong _s1;
    private ulong _s2;
    private ulong _s3;

    /// <summary>Starts the stream of this seed. Any value is good, 0 too.</summary>
    public Prng(ulong seed)
    {
        _s0 = SplitMix(ref seed);
        _s1 = SplitMix(ref seed);
        _s2 = SplitMix(ref seed);
        _s3 = SplitMix(ref seed);
    }

    /// <summary>A stream of its own for one use, so that a draw added in one place does not reshuffle all others.</summary>
    /// <param name="use">Distinguishes the uses; any constant.</param>
    public Prng Split(ulong use) => unchecked(new(Next() ^ (use * 0x9E3779B97F4A7C15)));

    /// <summary>64 random bits.</summary>
    public ulong Next()
    {
        unchecked
        {
            ulong result = BitOperations.RotateLeft(_s1 * 5, 7) * 9;
            ulong t = _s1 << 17;
            _s2 ^= _s0;
            _s3 ^= _s1;
            _s1 ^= _s2;
            _s0 ^= _s3;
            _s2 ^= t;
            _s3 = BitOperations.RotateLeft(_s3, 45);
            return result;
        }
    }

    /// <summary>A number from 0 to <paramref name="bound"/> - 1, each as likely.</summary>
    /// <param name="bound">At least 1.</param>
    public int Below(int bound)
    {
        Invariant.Holds(bound > 0, $"bound is {bound}");
        return (int)(((UInt128)Next() * (uint)bound) >> 64);
    }

    /// <summary>A number from <paramref name="low"/> to <paramref name="high"/>, both included.</summary>
    public long Between(long low, long high)
    {
        Invariant.Holds(low <= high, $"{low} to {high}");
        UInt128 count = (UInt128)(ulong)unchecked(high - low) + 1;
        return unchecked(low + (long)(ulong)((Next() * count) >> 64));
    }

    /// <summary>True with a probability of <paramref name="numerator"/> in <paramref name="denominator"/>.</summary>
    public bool Chance(int numerator, int denominator) => Below(denominator) < numerator;

    /// <summary>Fills a buffer with random bytes.</summary>
    public void Fill(Span<byte> buffer)
    {
        for (int i = 0; i < buffer.Length; i++) { buffer[i] = unchecked((byte)(Next() >> 56)); }
    }

    private static ulong SplitMix(ref ulong state)
    {
        unchecked
        {
            state += 0x9E3779B97F4A7C15;
            ulong z = state;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return z ^ (z >> 31);
        }
    }
}
