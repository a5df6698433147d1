using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.Json;
using Xunit;

namespace Quorate.Simulation.Tests.Planted;

/// <summary>Who tests the tests: every planted bug must be caught, or the nets have a hole.</summary>
public sealed class PlantedBugTests(ITestOutputHelper output)
{
    // Goal: the nets catch every planted bug within its number of seeds. QUORATE_PLANTED_RECORD names a file for what caught which;
    // QUORATE_PLANTED picks the bugs whose names contain one of its parts, separated by commas.
    [Fact]
    public void Every_planted_bug_is_caught()
    {
        string[] only = (Environment.GetEnvironmentVariable("QUORATE_PLANTED") ?? "").Split(',');
        ImmutableArray<PlantedBug> bugs = [.. PlantedBugs.All.Where(bug => only.Any(part => bug.Name.Contains(part, StringComparison.Ordinal)))];
        var outcomes = new Outcome[bugs.Length];
        Parallel.For(0, bugs.Length, new() { MaxDegreeOfParallelism = 2 }, i => outcomes[i] = Tell(bugs[i]));
        if (Environment.GetEnvironmentVariable("QUORATE_PLANTED_RECORD") is { } record)
        {
            File.WriteAllLines(record, outcomes.Select(outcome => outcome.ToJson()));
        }

        string[] missed = [.. outcomes.Where(outcome => outcome.Seed == 0).Select(outcome => $"{outcome.Bug.Name}: {outcome.Message}")];
        Assert.True(missed.Length == 0, $"{missed.Length} of {bugs.Length} bugs were not caught\n{string.Join('\n', missed)}");
    }

    // Goal: it is the bug that is caught, not the way in which a copy of the product is compiled and loaded.
    [Fact]
    public void The_same_seeds_pass_without_a_bug()
    {
        ProductCopy copy = ProductCopy.Unchanged();
        foreach (IGrouping<string, PlantedBug> scenario in PlantedBugs.All.GroupBy(bug => bug.Scenario))
        {
            for (int seed = 1; seed <= scenario.Max(bug => bug.Seeds); seed++) { Assert.Null(copy.Run(scenario.Key, (ulong)seed)); }
        }

        copy.Unload();
    }

    private Outcome Tell(PlantedBug bug)
    {
        Outcome outcome = Hunt(bug);
        output.WriteLine(outcome.ToString());
        return outcome;
    }

    private static Outcome Hunt(PlantedBug bug)
    {
        var watch = Stopwatch.StartNew();
        ProductCopy copy;
        try { copy = ProductCopy.With(bug); }
        catch (InvalidOperationException outdated) { return new(bug, "", 0, outdated.Message, watch.Elapsed); }
        try
        {
            for (int seed = 1; seed <= bug.Seeds; seed++)
            {
                if (copy.Run(bug.Scenario, (ulong)seed) is { } caught) { return new(bug, caught.Net, seed, caught.Message, watch.Elapsed); }
            }

            return new(bug, "", 0, $"no net caught it in {bug.Seeds} seeds of {bug.Scenario}", watch.Elapsed);
        }
        finally
        {
            copy.Unload();
        }
    }

    private sealed record Outcome(PlantedBug Bug, string Net, int Seed, string Message, TimeSpan Took)
    {
        public override string ToString()
        {
            string first = Message.Split('\n')[0];
            return $"{Bug.Name}: {(Seed == 0 ? "MISSED" : $"{Net}, seed {Seed}")} in {Took.TotalSeconds:F1} s: {first[..Math.Min(first.Length, 160)]}";
        }

        public string ToJson() => JsonSerializer.Serialize(new
        {
            bug = Bug.Name,
            catalogue = Bug.Catalogue,
            net = Net,
            scenario = Bug.Scenario,
            seed = Seed,
            within = Bug.Seeds,
        });
    }
}
