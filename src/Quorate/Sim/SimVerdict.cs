using System.Globalization;
using System.Text.Json.Nodes;
using Quorate.Cli;
using Quorate.Simulation;

namespace Quorate.Sim;

/// <summary>What a sweep came to, in one line for people and as JSON for programs.</summary>
internal sealed class SimVerdict
{
    private const int MostProbesShown = 12;
    private const int MostQuietShown = 5;

    // Even what strikes in one run of ten then fails to strike at all once in five hundred sweeps.
    private const int EnoughRuns = 60;

    private readonly List<SimResult> _runs = [];

    /// <summary>The scenario.</summary>
    public required Scenario Scenario { get; init; }

    /// <summary>What was left out of each run.</summary>
    public required SimCuts Cuts { get; init; }

    /// <summary>The sums.</summary>
    public SimTotals Totals { get; } = new();

    /// <summary>Real time.</summary>
    public TimeSpan Took { get; set; }

    /// <summary>True if somebody stopped it.</summary>
    public bool WasStopped { get; set; }

    /// <summary>Every run, by seed.</summary>
    public IEnumerable<SimResult> Runs => _runs.OrderBy(run => run.Seed);

    /// <summary>Runs that broke a promise, by seed.</summary>
    public IEnumerable<SimResult> Failed => Runs.Where(run => run.Failure is not null);

    /// <summary>Why a sweep without a failure proves nothing; null if it does prove something.</summary>
    public string? Canary =>
        Totals.Runs == 0 ? "no run came to its end"
        : Totals.Operations == 0 ? "no client asked anything in any run"
        : Cuts.IsEmpty && Quiet.Length == _runs.Count ? "no fault struck, or no client was answered, in any run"
        : NeverStruck is { Length: > 0 } rows ? $"never struck, though planned often: {string.Join(", ", rows)}"
        : null;

    /// <summary>Seeds of runs that planned faults of which none struck, or in which nothing was acknowledged.</summary>
    public ulong[] Quiet => [.. Runs.Where(run => run.IsQuiet).Select(run => run.Seed)];

    /// <summary>Rows of the catalogue that were planned in many runs and struck in none.</summary>
    public string[] NeverStruck =>
    [
        .. _runs.SelectMany(run => run.Rows).GroupBy(row => row)
            .Where(row => row.Count() >= EnoughRuns && !_runs.Exists(run => run.Struck.ContainsKey(row.Key)))
            .Select(row => row.Key).Order(StringComparer.Ordinal),
    ];

    /// <summary>What the process returns.</summary>
    public ExitCode Code => Totals.Failures > 0 || Canary is not null ? ExitCode.Integrity : ExitCode.Ok;

    /// <summary>Adds a run.</summary>
    public void Add(SimResult run)
    {
        _runs.Add(run);
        Totals.Add(run);
    }

    /// <summary>The command that shows a run again.</summary>
    public string ReplayOf(ulong seed) => Replay(Scenario, seed, Cuts);

    /// <summary>The command that shows a run again.</summary>
    public static string Replay(Scenario scenario, ulong seed, SimCuts cuts) =>
        $"quorate sim --seed {seed} --scenario {scenario.Name} {cuts}".TrimEnd();

    /// <summary>One line.</summary>
    public string Line()
    {
        string word = Totals.Failures > 0 ? "FAILED" : Canary is { } why ? $"PROVES NOTHING ({why})" : "passed";
        string simulated = Totals.Simulated.TotalHours < 0.1
            ? string.Create(CultureInfo.InvariantCulture, $"{Totals.Simulated.TotalSeconds:0.0} simulated seconds")
            : string.Create(CultureInfo.InvariantCulture, $"{Totals.Simulated.TotalHours:0.00} simulated hours");
        double ratio = Took > TimeSpan.Zero ? Totals.Simulated / Took : 0;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{word}: {Totals.Runs} {(Totals.Runs == 1 ? "seed" : "seeds")}, {simulated} in {Took.TotalSeconds:0.0} s ({ratio:0}:1), ")
            + string.Create(
                CultureInfo.InvariantCulture,
                $"{Totals.Events} events, {Totals.Operations} operations, {Totals.Strikes} faults, {Totals.Failures} failures; trace {Totals.TraceHash:x16}")
            + (Quiet is { Length: > 0 } quiet ? $"; no fault struck, or no client was answered, in {(quiet.Length > MostQuietShown ? $"{quiet.Length} of them" : $"seed {string.Join(", ", quiet)}")}" : "")
            + (WasStopped ? "; stopped early" : "");
    }

    /// <summary>Which rare paths of the product no run of this process reached.</summary>
    public static string[] NeverHit => [.. CodeProbes.All.Where(probe => probe.Hits == 0).Select(probe => probe.Name)];

    /// <summary>Rare paths of the product that were reached, and those that were not if that are few enough to read.</summary>
    public static string ProbesLine()
    {
        string[] never = NeverHit;
        string names = never.Length is > 0 and <= MostProbesShown ? $"; never: {string.Join("; ", never)}" : "";
        return $"probes: {CodeProbes.All.Length - never.Length} of {CodeProbes.All.Length} hit{names}";
    }

    /// <summary>What broke, in a sentence.</summary>
    public static string SentenceOf(SimResult failed) => Parts(failed.Failure!).Sentence;

    /// <summary>A failed run for people: the net, the sentence, the last changes of state, the command that shows it again.</summary>
    public void WriteFailure(TextWriter output, SimResult run, int changes)
    {
        (string sentence, string[] last) = Parts(run.Failure!);
        output.WriteLine($"seed {run.Seed} caught by {run.Failure!.Net}: {sentence}");
        foreach (string change in last.TakeLast(changes)) { output.WriteLine("  " + change); }
        output.WriteLine($"  again: {ReplayOf(run.Seed)}");
    }

    /// <summary>Everything.</summary>
    public JsonObject Json() => new()
    {
        ["verdict"] = Totals.Failures > 0 ? "failed" : Canary is not null ? "nothing" : "passed",
        ["canary"] = Canary,
        ["scenario"] = Scenario.Name,
        ["cuts"] = Cuts.ToString(),
        ["seeds"] = Totals.Runs,
        ["simulatedSeconds"] = Math.Round(Totals.Simulated.TotalSeconds, 3),
        ["seconds"] = Math.Round(Took.TotalSeconds, 3),
        ["events"] = Totals.Events,
        ["operations"] = Totals.Operations,
        ["faults"] = Totals.Strikes,
        ["failures"] = Totals.Failures,
        ["quiet"] = new JsonArray([.. Quiet.Select(seed => (JsonNode?)seed)]),
        ["trace"] = Hash(Totals.TraceHash),
        ["stopped"] = WasStopped,
        ["probes"] = new JsonObject { ["all"] = CodeProbes.All.Length, ["neverHit"] = new JsonArray([.. NeverHit.Select(name => (JsonNode?)name)]) },
        ["failed"] = new JsonArray([.. Failed.Select(Failure)]),
    };

    /// <summary>Everything, and each run.</summary>
    public JsonObject Report()
    {
        JsonObject json = Json();
        json["runs"] = new JsonArray([.. Runs.Select(run => new JsonObject
        {
            ["seed"] = run.Seed,
            ["trace"] = Hash(run.TraceHash),
            ["simulatedSeconds"] = Math.Round(run.Simulated.TotalSeconds, 3),
            ["events"] = run.Events,
            ["operations"] = run.Operations,
            ["acknowledged"] = run.Acknowledged,
            ["net"] = run.Failure?.Net.ToString(),
            ["struck"] = new JsonObject(run.Struck.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value))),
        })]);
        return json;
    }

    private JsonObject Failure(SimResult run)
    {
        (string sentence, string[] last) = Parts(run.Failure!);
        return new()
        {
            ["seed"] = run.Seed,
            ["net"] = run.Failure!.Net.ToString(),
            ["sentence"] = sentence,
            ["last"] = new JsonArray([.. last.Select(line => (JsonNode?)line)]),
            ["replay"] = ReplayOf(run.Seed),
        };
    }

    private static (string Sentence, string[] Last) Parts(SimulationException failure)
    {
        string[] lines = failure.Message.Split('\n');
        return (lines[0], lines[1..]);
    }

    private static string Hash(ulong hash) => hash.ToString("x16", CultureInfo.InvariantCulture);
}
