using Quorate.Core;

namespace Quorate.Bench;

/// <summary>
/// Ranks 0 to <see cref="Count"/> - 1, rank r drawn in proportion to 1 / (r + 1)^0.99, as YCSB does: J. Gray et al., "Quickly
/// generating billion-record synthetic databases", SIGMOD 1994. No state: threads may share one.
/// </summary>
internal sealed class Zipfian
{
    /// <summary>YCSB's skew.</summary>
    public const double Theta = 0.99;

    // Summed term by term up to here; beyond, the integral is right to ten digits and does not take seconds.
    private const int ExactTerms = 10_000;

    private readonly double _zeta;
    private readonly double _alpha = 1 / (1 - Theta);
    private readonly double _eta;
    private readonly double _belowSecond = 1 + Math.Pow(0.5, Theta);

    /// <summary>Prepares the draw.</summary>
    /// <param name="count">How many ranks; at least 1.</param>
    public Zipfian(long count)
    {
        Count = count;
        _zeta = Zeta(count);
        _eta = (1 - Math.Pow(2.0 / count, 1 - Theta)) / (1 - Zeta(2) / _zeta);
    }

    /// <summary>How many ranks.</summary>
    public long Count { get; }

    /// <summary>Draws a rank; 0 is the one drawn most.</summary>
    public long Next(Prng random)
    {
        double u = (random.Next() >> 11) * (1.0 / (1L << 53));
        double scaled = u * _zeta;
        if (scaled < 1) { return 0; }
        if (scaled < _belowSecond) { return Math.Min(1, Count - 1); }
        return Math.Min((long)(Count * Math.Pow(_eta * u - _eta + 1, _alpha)), Count - 1);
    }

    /// <summary>Spreads ranks over the keys, so that those drawn most are not neighbours: FNV-1a of the rank's 8 bytes.</summary>
    public static ulong Scramble(long rank)
    {
        ulong hash = 0xcbf29ce484222325;
        for (int i = 0; i < 8; i++)
        {
            hash ^= (byte)(rank >> (8 * i));
            hash = unchecked(hash * 0x100000001b3);
        }

        return hash;
    }

    /// <summary>The sum of 1 / i^0.99 for i from 1 to count.</summary>
    public static double Zeta(long count)
    {
        double sum = 0;
        for (long i = 1; i <= Math.Min(count, ExactTerms); i++) { sum += Math.Pow(i, -Theta); }
        if (count <= ExactTerms) { return sum; }

        // Euler and Maclaurin, first two terms.
        return sum + (Math.Pow(count, 1 - Theta) - Math.Pow(ExactTerms, 1 - Theta)) / (1 - Theta)
            + (Math.Pow(count, -Theta) - Math.Pow(ExactTerms, -Theta)) / 2;
    }
}
