namespace Quorate.Simulation;

/// <summary>Sums over many runs. Not safe for several threads.</summary>
public sealed class SimTotals
{
    /// <summary>Runs.</summary>
    public long Runs { get; private set; }

    /// <summary>Runs that broke a promise.</summary>
    public long Failures { get; private set; }

    /// <summary>Simulated time.</summary>
    public TimeSpan Simulated { get; private set; }

    /// <summary>Events.</summary>
    public long Events { get; private set; }

    /// <summary>Operations of clients.</summary>
    public long Operations { get; private set; }

    /// <summary>Faults that struck.</summary>
    public long Strikes { get; private set; }

    /// <summary>A hash over the traces of all runs; the order in which they came does not matter.</summary>
    public ulong TraceHash { get; private set; }

    /// <summary>Adds a run.</summary>
    public void Add(SimResult result)
    {
        Runs++;
        if (result.Failure is not null) { Failures++; }
        Simulated += result.Simulated;
        Events += result.Events;
        Operations += result.Operations;
        Strikes += result.Struck.Values.Sum(times => (long)times);
        unchecked
        {
            // A sum, so that order does not matter; mixed with the seed, so that two runs that swap their traces are seen.
            ulong mixed = (result.TraceHash ^ (result.Seed * 0x9E3779B97F4A7C15)) * 0xBF58476D1CE4E5B9;
            TraceHash += mixed ^ (mixed >> 31);
        }
    }
}
