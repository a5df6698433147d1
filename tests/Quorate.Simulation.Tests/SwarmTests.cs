using Xunit;

namespace Quorate.Simulation.Tests;

public sealed class SwarmTests
{
    // Goal: whatever goes wrong, every history is linearizable and the cluster comes back with equal replicas.
    [Fact]
    public void Every_seed_of_the_sweep_holds()
    {
        SimResult[] failed = [.. Seeds.All.AsParallel().WithDegreeOfParallelism(2)
            .Select(seed => SimRun.Execute(Scenarios.Swarm.Plan(seed)))
            .Where(result => result.Failure is not null)];
        Assert.True(failed.Length == 0, $"{failed.Length} seeds failed\n" + string.Join('\n', failed.Take(5).Select(result =>
            $"seed {result.Seed} (again: QUORATE_FIRST_SEED={result.Seed} QUORATE_SEEDS=1): {result.Failure!.Net}: {result.Failure.Message}")));
    }
}
