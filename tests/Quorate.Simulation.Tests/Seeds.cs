namespace Quorate.Simulation.Tests;

/// <summary>Seeds that every run tries, and all that ever found a bug (docs/found-bugs.md).</summary>
internal static class Seeds
{
    // They mean what they meant only as long as SwarmScenario draws the same; what they found has tests of its own where that was easy.
    private static readonly ulong[] Regression = [877, 1524, 4018, 6924, 8309, 11236, 21, 72, 192];

    /// <summary>Seeds of the scenario of keyspaces that failed.</summary>
    public static readonly ulong[] Keyspaces = [1332, 1350];

    /// <summary>The sweep, and unless the environment names one, all seeds that ever failed.</summary>
    public static IEnumerable<ulong> All =>
        Enumerable.Range(0, SweepCount).Select(i => SweepFirst + (ulong)i).Concat(SweepFirst == 1 ? Regression : []).Distinct();

    /// <summary>How many seeds the sweep tries: QUORATE_SEEDS, or 200.</summary>
    public static int SweepCount =>
        int.TryParse(Environment.GetEnvironmentVariable("QUORATE_SEEDS"), out int count) ? count : 200;

    /// <summary>First seed of the sweep: QUORATE_FIRST_SEED, or 1.</summary>
    public static ulong SweepFirst =>
        ulong.TryParse(Environment.GetEnvironmentVariable("QUORATE_FIRST_SEED"), out ulong first) ? first : 1;
}
