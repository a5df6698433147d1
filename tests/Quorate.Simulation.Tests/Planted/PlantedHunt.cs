using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.Json;

namespace Quorate.Simulation.Tests.Planted;

/// <summary>Tries the seeds of planted bugs.</summary>
internal sealed class PlantedHunt
{
    // Far more than the seeds of any bug need. The run's own bound counts events; within one event only a clock can tell.
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    private readonly ImmutableArray<PlantedBug> _simulated;
    private readonly Lazy<ProductCopy> _copy;
    private readonly ConcurrentDictionary<(string Scenario, int Seed), Lazy<string?>> _withoutBug = new();
    private readonly ConcurrentDictionary<OtherTest, Lazy<string?>> _testWithoutBug = new();

    /// <param name="bugs">All that it will be asked for.</param>
    public PlantedHunt(ImmutableArray<PlantedBug> bugs)
    {
        _simulated = [.. bugs.Where(bug => bug.Test is null)];
        _copy = new(() => new(_simulated));
    }

    /// <summary>Tells what catches a bug. Never throws for what it finds.</summary>
    public PlantedOutcome Tell(PlantedBug bug)
    {
        var watch = Stopwatch.StartNew();
        PlantedOutcome outcome;
        try
        {
            outcome = bug.Test is { } test ? Try(bug, test) : Try(bug);
        }
        catch (InvalidOperationException problem)
        {
            outcome = PlantedOutcome.Missed(bug, problem.Message);
        }

        return outcome with { Took = watch.Elapsed };
    }

    private PlantedOutcome Try(PlantedBug bug)
    {
        // A thread that goes round in circles cannot be ended: it is left behind, and ends with the process.
        ProductCopy copy = _copy.Value;
        int seed = bug.From;
        (string Net, string Message)? caught = null;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                for (seed = bug.From; caught is null && seed < bug.From + bug.Seeds; seed++)
                {
                    caught = copy.Run(_simulated.IndexOf(bug) + 1, bug.Scenario, (ulong)seed);
                    if (caught is not null) { break; }
                }
            }
            catch (Exception thrown)
            {
                failure = thrown;
            }
        })
        {
            IsBackground = true,
        };
        thread.Start();
        if (!thread.Join(Longest)) { caught = (nameof(SimNet.Liveness), $"seed {seed} does not end: it goes round in circles"); }
        if (failure is not null) { return PlantedOutcome.Missed(bug, failure.ToString()); }
        if (caught is not { } found) { return PlantedOutcome.Missed(bug, $"no net caught it in {bug.Seeds} seeds of {bug.Scenario} from {bug.From} on"); }
        string? otherwise = WithoutBug(bug.Scenario, seed);
        return otherwise is null
            ? new(bug, found.Net, seed, found.Message)
            : PlantedOutcome.Missed(bug, $"seed {seed} of {bug.Scenario} fails without it too: {otherwise}");
    }

    // In the same copy: so it is the bug that is caught, not the way in which a copy is compiled and loaded.
    private string? WithoutBug(string scenario, int seed) => _withoutBug
        .GetOrAdd((scenario, seed), run => new(() => _copy.Value.Run(0, run.Scenario, (ulong)run.Seed)?.Message)).Value;

    private PlantedOutcome Try(PlantedBug bug, OtherTest test)
    {
        if (TestProcess.OutputOf(test.Assembly) is null) { return PlantedOutcome.Missed(bug, $"{test.Assembly} is not built") with { IsUntried = true }; }
        string? otherwise = _testWithoutBug.GetOrAdd(test, known => new(() => TestProcess.Run(known, bug.Project, null))).Value;
        if (otherwise is not null) { return PlantedOutcome.Missed(bug, $"{test.Method} fails without it too: {otherwise}"); }
        return TestProcess.Run(test, bug.Project, ProductSources.Compile(bug)) is { } failure
            ? new(bug, $"{test.Method.Split('.')[^1]} (a test of its own: {test.Reason})", 0, failure)
            : PlantedOutcome.Missed(bug, $"{test.Method} does not catch it");
    }
}

/// <summary>What became of a planted bug.</summary>
/// <param name="Bug">The bug.</param>
/// <param name="Net">What caught it; empty if nothing did.</param>
/// <param name="Seed">The seed that showed it; 0 if it was missed, or caught by another test.</param>
/// <param name="Message">What the net said, or why it was missed.</param>
internal sealed record PlantedOutcome(PlantedBug Bug, string Net, int Seed, string Message)
{
    public bool IsCaught => Net.Length > 0;

    /// <summary>True if the test that catches it is not there: only part of the tests was built.</summary>
    public bool IsUntried { get; init; }

    public TimeSpan Took { get; init; }

    public static PlantedOutcome Missed(PlantedBug bug, string why) => new(bug, "", 0, why);

    public override string ToString()
    {
        string first = Message.Split('\n')[0];
        string what = !IsCaught ? "MISSED" : Seed == 0 ? "another test" : $"{Net}, seed {Seed} of {Bug.Scenario}";
        return $"{Bug.Name}: {what} in {Took.TotalSeconds:F1} s: {first[..Math.Min(first.Length, 200)]}";
    }

    public string ToJson() => JsonSerializer.Serialize(new
    {
        bug = Bug.Name,
        catalogue = Bug.Catalogue,
        net = Net,
        scenario = Bug.Test is null ? Bug.Scenario : null,
        seed = Seed,
        within = Bug.Test is null ? Bug.From + Bug.Seeds - 1 : 0,
    });
}
