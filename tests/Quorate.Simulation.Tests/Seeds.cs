namespace Quorate.Simulation.Tests;

/// <summary>Seeds that every run tries, and all that ever found a bug (docs/found-bugs.md).</summary>
internal static class Seeds
{
    /// <summary>How many seeds the sweep tries: QUORATE_SEEDS, or 120.</summary>
    public static int SweepCount =>
        int.TryParse(Environment.GetEnvironmentVariable("QUORATE_SEEDS"), out int count) ? count : 120;

    /// <summary>First seed of the sweep: QUORATE_FIRST_SEED, or 1.</summary>
    public static ulong SweepFirst =>
        ulong.TryParse(Environment.GetEnvironmentVariable("QUORATE_FIRST_SEED"), out ulong first) ? first : 1;
}
