using Quorate.Simulation.Checkers;
using Xunit;

namespace Quorate.Simulation.Tests;

/// <summary>Users whose permissions come and go under faults.</summary>
public sealed class UserTests
{
    // Goal: whatever goes wrong, a write that is refused has no effect, and none is applied after the revocation of its right was acknowledged. The
    // last lines guard against runs in which nobody was refused and nothing taken away.
    [Fact]
    public void Every_seed_of_the_sweep_holds()
    {
        SimPlan[] plans = [.. Enumerable.Range(0, Seeds.SweepCount / 5)
            .Select(i => Scenarios.All.Single(static scenario => scenario.Name == "users").Plan(Seeds.SweepFirst + (ulong)i))];
        SimResult[] failed = [.. plans.AsParallel().WithDegreeOfParallelism(2)
            .Select(static plan => SimRun.Execute(plan))
            .Where(static result => result.Failure is not null)];
        Assert.True(failed.Length == 0, $"{failed.Length} seeds failed\n" + string.Join('\n', failed.Take(5).Select(result =>
            $"quorate sim --scenario users --seed {result.Seed}: {result.Failure!.Net}: {result.Failure.Message}")));
        HistoryOperation[] all = [.. plans.SelectMany(static plan => plan.Workloads[0].History.Operations)];
        int revocations = all.Count(static o => o is { Function: "forbid", Outcome: HistoryOutcome.Ok });
        int denials = all.Count(static o => o is { Function: "write", Outcome: HistoryOutcome.Failed });
        int writes = all.Count(static o => o is { Function: "write", Outcome: HistoryOutcome.Ok });
        Assert.True(Math.Min(revocations * 20, Math.Min(denials, writes)) > 100 * plans.Length, $"{revocations} revocations, {denials} denials, {writes} writes");
    }
}
