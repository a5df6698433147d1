using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using Quorate.Simulation.Figures;
using Xunit;

namespace Quorate.Simulation.Tests.Planted;

/// <summary>Who tests the tests: every planted bug must be caught, or the nets have a hole.</summary>
public sealed class PlantedBugTests(ITestOutputHelper output)
{
    // Goal: the nets catch every planted bug within its number of seeds, and it is the bug that they catch: the seed that shows it passes
    // in a copy without it. The environment may say more:
    // QUORATE_PLANTED picks the bugs whose names contain one of its parts, separated by commas;
    // QUORATE_PLANTED_RECORD names a file for what caught which;
    // QUORATE_PLANTED_SEEDS is another number of seeds, tried from 1: to find the first that shows a bug.
    [Fact]
    public void Every_planted_bug_is_caught()
    {
        string[] only = (Environment.GetEnvironmentVariable("QUORATE_PLANTED") ?? "").Split(',');
        ImmutableArray<PlantedBug> bugs = [.. PlantedBugs.All.Where(bug => only.Any(part => bug.Name.Contains(part, StringComparison.Ordinal)))];
        if (int.TryParse(Environment.GetEnvironmentVariable("QUORATE_PLANTED_SEEDS"), CultureInfo.InvariantCulture, out int seeds))
        {
            bugs = [.. bugs.Select(bug => bug with { From = 1, Seeds = seeds })];
        }

        var hunt = new PlantedHunt(bugs);
        var outcomes = new PlantedOutcome[bugs.Length];
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = 2 };
        Parallel.ForEach(Partitioner.Create(Enumerable.Range(0, bugs.Length), EnumerablePartitionerOptions.NoBuffering), parallel, i =>
        {
            outcomes[i] = hunt.Tell(bugs[i]);
            output.WriteLine(outcomes[i].ToString());
        });
        if (Environment.GetEnvironmentVariable("QUORATE_PLANTED_RECORD") is { } record)
        {
            File.WriteAllLines(record, outcomes.Where(outcome => !outcome.IsUntried).Select(outcome => outcome.ToJson()));
        }

        string[] missed = [.. outcomes.Where(outcome => !outcome.IsCaught && !outcome.IsUntried).Select(outcome => $"{outcome.Bug.Name}: {outcome.Message}")];
        Assert.True(missed.Length == 0, $"{missed.Length} of {bugs.Length} bugs were not caught\n{string.Join('\n', missed)}");
        Assert.SkipWhen(outcomes.Any(outcome => outcome.IsUntried), "all others were caught, but the test of some was not built");
    }

    // Goal: names are told apart, and every row of the catalogue that applies has a bug.
    [Fact]
    public void Every_row_of_the_catalogue_is_planted_or_does_not_apply()
    {
        Assert.Equal(PlantedBugs.All.Length, PlantedBugs.All.Select(bug => bug.Name).Distinct().Count());
        int[] planted = [.. PlantedBugs.All.Select(bug => bug.Catalogue).Where(row => row != 0).Distinct().Order()];
        Assert.Equal(PlantedCatalogue.All.Where(row => row.Missing is null).Select(row => row.Row), planted);
    }
}
