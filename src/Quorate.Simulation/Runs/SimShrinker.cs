using System.Globalization;

namespace Quorate.Simulation;

/// <summary>
/// Makes a failing run smaller: leaves things out one by one, and keeps a cut only if the same net still catches the run. Not the
/// smallest run there is; but nothing that is left can be left out alone.
/// </summary>
public sealed class SimShrinker
{
    // A second round finds what only became possible by a later cut; more rounds hardly find anything.
    private const int MostRounds = 3;
    private const double SpanPrecision = 0.02;

    private readonly Func<SimPlan> _draw;
    private readonly Action<string> _told;
    private readonly CancellationToken _stop;
    private SimResult _failure = null!;

    /// <summary>Creates a shrinker of one seed.</summary>
    /// <param name="draw">Draws the plan of the seed, without cuts; a new one each time.</param>
    /// <param name="told">Told in a line of each cut that was kept.</param>
    /// <param name="stop">Ends it early, with what it has.</param>
    public SimShrinker(Func<SimPlan> draw, Action<string> told, CancellationToken stop = default)
    {
        _draw = draw;
        _told = told;
        _stop = stop;
    }

    /// <summary>Runs so far.</summary>
    public int Runs { get; private set; }

    /// <summary>What is cut so far.</summary>
    public SimCuts Cuts { get; private set; } = SimCuts.None;

    /// <summary>The run with all these cuts.</summary>
    public SimResult Failure => _failure;

    /// <summary>Shrinks.</summary>
    /// <param name="from">Cuts to begin with.</param>
    /// <returns>False if the run with these cuts does not fail at all: then there is nothing to shrink.</returns>
    public bool Shrink(SimCuts from)
    {
        Cuts = from;
        _failure = Run(from);
        if (_failure.Failure is null) { return false; }
        for (int round = 0; round < MostRounds; round++)
        {
            SimCuts before = Cuts;
            CutSpan();
            CutFaults();
            CutWorkloads();
            SimPlan plan = Plan();
            CutNumber("spares", plan.Options.Spares, 0, count => Cuts with { Spares = count });
            CutNumber("shards", plan.Options.Shards, 1, count => Cuts with { Shards = count });
            CutNumber("nodes", plan.Options.Nodes, 1, count => Cuts with { Nodes = count });
            CutNumber("clients", plan.Workloads.Max(workload => workload.Clients), 1, count => Cuts with { Clients = count });
            CutNumber("keys", plan.Workloads.Max(workload => workload.Keys), 1, count => Cuts with { Keys = count });
            if (Cuts.ToString() == before.ToString() || _stop.IsCancellationRequested) { break; }
        }

        return true;
    }

    /// <summary>The plan with what is cut so far; a new one each time.</summary>
    public SimPlan Plan() => Cuts.Apply(_draw());

    private SimResult Run(SimCuts cuts)
    {
        Runs++;
        return SimRun.Execute(cuts.Apply(_draw()));
    }

    private bool Try(SimCuts cuts, string what)
    {
        if (_stop.IsCancellationRequested) { return false; }
        SimResult result = Run(cuts);
        if (result.Failure?.Net != _failure.Failure!.Net) { return false; }
        (Cuts, _failure) = (cuts, result);
        _told(what);
        return true;
    }

    // First to where it failed, if it failed under faults: all later runs are shorter for it. Then halves.
    private void CutSpan()
    {
        TimeSpan least = TimeSpan.Zero;
        TimeSpan span = Plan().Span;
        if (_failure.Simulated < span && TrySpan(_failure.Simulated)) { span = _failure.Simulated; }
        while (span - least > span * SpanPrecision && !_stop.IsCancellationRequested)
        {
            TimeSpan middle = TimeSpan.FromMilliseconds(Math.Floor(((least + span) / 2).TotalMilliseconds));
            if (middle <= least) { break; }
            if (TrySpan(middle)) { span = middle; }
            else { least = middle; }
        }
    }

    private bool TrySpan(TimeSpan span) =>
        Try(Cuts with { Span = span }, string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.###} s under faults"));

    // All at once, then halves, then quarters, down to one by one.
    private void CutFaults()
    {
        string[] left = [.. Plan().Faults.Select(fault => fault.Name).Distinct()];
        for (int size = left.Length; size >= 1; size = size == 1 ? 0 : (size + 1) / 2)
        {
            foreach (string[] some in left.Chunk(size).ToArray())
            {
                if (Try(Cuts with { Without = Cuts.Without.Union(some) }, $"without {string.Join(", ", some)}")) { left = [.. left.Except(some)]; }
            }
        }
    }

    private void CutWorkloads()
    {
        foreach (string name in Plan().Workloads.Select(workload => workload.Name))
        {
            if (Plan().Workloads.Length > 1) { Try(Cuts with { WithoutWorkloads = Cuts.WithoutWorkloads.Add(name) }, $"without workload {name}"); }
        }
    }

    // The least first: if that still fails, nothing in between is worth a run.
    private void CutNumber(string what, int now, int least, Func<int, SimCuts> cut)
    {
        for (int count = least; count < now; count = count + Math.Max(1, (now - count) / 2))
        {
            if (Try(cut(count), string.Create(CultureInfo.InvariantCulture, $"{count} {what}"))) { return; }
        }
    }
}
