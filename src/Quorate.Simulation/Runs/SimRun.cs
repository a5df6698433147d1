using Quorate.Simulation.Checkers;

namespace Quorate.Simulation;

/// <summary>
/// One run from set-up (a leader for every shard, without faults) to verdict: traffic under faults; healing; a liveness phase, in
/// which everything must work again within a bound and all replicas agree; a last read of everything everywhere; the checkers.
/// </summary>
public static class SimRun
{
    // A comparison reads the whole store, which grows with the run: so many of them, however long it is.
    private const int MostComparisons = 1_000;

    // What clients are told after the faults must be right too.
    private static readonly TimeSpan After = TimeSpan.FromSeconds(5);

    /// <summary>Runs a plan. Never throws for what the run shows; the failure is in the result.</summary>
    /// <param name="plan">A plan that was not run before.</param>
    /// <param name="trace">Where to write what happens, if somebody wants to read it.</param>
    public static SimResult Execute(SimPlan plan, TextWriter? trace = null)
    {
        SimTrace? tracer = trace is null ? null : new(trace);
        tracer?.WriteHeading(plan.ToText());
        using var cluster = SimCluster.Start(plan.Seed, plan.Options, tracer);
        SimulationException? failure = null;
        int acknowledged = 0;
        try
        {
            Run(cluster, plan, out acknowledged);
        }
        catch (SimulationException thrown)
        {
            failure = thrown;
        }
        catch (Exception thrown)
        {
            failure = new(SimNet.Invariants, $"seed {plan.Seed}, at {cluster.Now} us: {thrown.GetType().Name}: {thrown.Message}", thrown);
        }

        tracer?.WriteHeading(failure is null ? "passed" : $"caught by {failure.Net}: {failure.Message.Split('\n')[0]}");
        tracer?.WriteHeading($"trace hash {cluster.TraceHash:x16}");
        return new()
        {
            Seed = plan.Seed,
            Failure = failure,
            TraceHash = cluster.TraceHash,
            Events = cluster.Events,
            Simulated = TimeSpan.FromMicroseconds(cluster.Now),
            Operations = plan.Workloads.Sum(workload => workload.Operations),
            Acknowledged = acknowledged,
            Faults = [.. plan.Faults.Select(fault => fault.Name)],
            Rows = [.. plan.Faults.SelectMany(fault => fault.Rows).Distinct()],
            Workloads = [.. plan.Workloads.Select(workload => workload.Name)],
            Struck = cluster.Struck,
        };
    }

    private static void Run(SimCluster cluster, SimPlan plan, out int acknowledged)
    {
        acknowledged = 0;
        cluster.RunUntil(c => c.Shards.All(shard => c.LeaderOf(shard) is not null), plan.SetUpWithin);
        if (plan.Options.Keyspaces > 0) { cluster.CreateKeyspaces(plan.SetUpWithin); }
        cluster.Run(plan.Span, plan.Workloads, [.. plan.Faults, Comparison(plan.Span)]);
        acknowledged = plan.Workloads.Sum(workload => workload.History.Operations.Count(asked => asked.Outcome == HistoryOutcome.Ok));
        cluster.Note(-1, $"faults end; all is healed");
        cluster.Heal(withDamage: !plan.DemandsRecovery);
        if (plan.DemandsRecovery) { LivenessPhase.Run(cluster, plan.Workloads, plan.HealWithin); }
        else { cluster.Run(After, plan.Workloads); }
        if (plan.DemandsRecovery)
        {
            foreach (SimFault fault in plan.Faults) { fault.Finish(cluster); }
        }

        foreach (SimWorkload workload in plan.Workloads)
        {
            if (plan.DemandsRecovery) { workload.Finish(cluster); }
            workload.Check();
        }

        int fewest = (int)(plan.FewestPerMinute * plan.Span.TotalMinutes);
        cluster.Demand(acknowledged >= fewest, SimNet.Canary, $"only {acknowledged} of at least {fewest} operations were acknowledged: the run proves nothing");
    }
    private static StateComparison Comparison(TimeSpan span)
    {
        var often = new StateComparison();
        return span / MostComparisons > often.Interval ? often with { Interval = span / MostComparisons } : often;
    }
}
