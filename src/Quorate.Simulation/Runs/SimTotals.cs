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

    /// <summary>The sum of the hashes of all traces, so that the order in which runs end does not matter.</summary>
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
        TraceHash = unchecked(TraceHash + result.TraceHash);
    }
}
