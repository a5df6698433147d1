using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Quorate.Cli;
using Quorate.Simulation;

namespace Quorate.Sim;

/// <summary><c>quorate sim</c>: whole clusters under seeded faults, simulated in this process. Asks no server.</summary>
internal static class SimCommand
{
    // One minute finds what a change broke badly, and nobody minds waiting for it.
    private const double DefaultMinutes = 1;

    /// <summary>Creates the verb.</summary>
    public static Command Create() => Create(Scenarios.All);

    /// <summary>Creates the verb over other scenarios, for tests of the verb.</summary>
    internal static Command Create(IReadOnlyList<Scenario> scenarios)
    {
        var seeds = new Option<string?>("--seeds") { Description = "The seeds to run: A..B, or A.. with --minutes.", HelpName = "A..B" };
        var seed = new Option<ulong?>("--seed") { Description = "One seed." };
        var minutes = new Option<double?>("--minutes") { Description = "Begin no run after this much real time. Default: 1, if no seeds are named." };
        var scenario = new Option<string>("--scenario")
        {
            Description = string.Join('\n', scenarios.Select(s => $"{s.Name}: {s.About}")),
            HelpName = string.Join('|', scenarios.Select(s => s.Name)),
            DefaultValueFactory = _ => scenarios[0].Name,
        };
        var jobs = new Option<int?>("--jobs", "-j") { Description = "Runs at the same time. Default: one per core." };
        var mostFailures = new Option<int>("--failures") { Description = "Begin no run after so many failed. Default: 5.", DefaultValueFactory = _ => 5 };
        var report = new Option<string?>("--report") { Description = "Write the verdict and a line for each run to a file, as JSON.", HelpName = "file" };
        var trace = new Option<string?>("--trace") { Description = "Write all that happens in the run of one seed to a file, a line each.", HelpName = "file" };
        var history = new Option<string?>("--history")
        {
            Description = "Write what the clients of one seed asked and heard to a file, for 'quorate check'; of further workloads to files beside it.",
            HelpName = "file",
        };
        var shrink = new Option<bool>("--shrink") { Description = "Make the first failed seed smaller: fewer faults, less time, fewer clients, nodes and shards." };
        var record = new Option<string?>("--record") { Description = "Add the runs to a file of facts, and make the page of figures anew.", HelpName = "file" };
        Option<string> format = Common.Format();
        var cuts = new SimCutOptions();
        var verb = new Verb(
            "sim",
            "Run whole clusters under seeded faults in a simulator, and judge what clients saw. The same seed is the same run. "
                + "Exit code 0 if every promise held, 12 if one did not or nothing happened.",
            "quorate sim", "quorate sim --seeds 1..200", "quorate sim --minutes 10 --seeds 1000..", "quorate sim --seed 17 --trace trace.txt",
            "quorate sim --seeds 1..200 --shrink", "quorate sim list")
        {
            seeds, seed, minutes, scenario, jobs, mostFailures, shrink, trace, history, report, record, format,
        };
        cuts.AddTo(verb);
        verb.Add(List(scenarios));
        verb.Add(Diff());
        verb.Add(ReportCommand.Create());
        verb.SetAction(parsed =>
        {
            Scenario chosen = scenarios.FirstOrDefault(s => s.Name == parsed.GetValue(scenario)) ?? throw new CliException(
                ExitCode.Usage, $"--scenario is '{parsed.GetValue(scenario)}'; it must be one of {string.Join(", ", scenarios.Select(s => s.Name))}.");
            double? limit = parsed.GetValue(minutes);
            SeedRange range = Range(parsed.GetValue(seeds), parsed.GetValue(seed), ref limit);
            OnlyForOne("--trace", parsed.GetValue(trace), range);
            OnlyForOne("--history", parsed.GetValue(history), range);
            SimCuts cut = cuts.Read(parsed);
            if (!cut.IsEmpty && parsed.GetValue(record) is not null)
            {
                throw new CliException(ExitCode.Usage, $"--record counts whole runs only, and {cut} leaves something out.");
            }

            var request = new SimRequest
            {
                Scenario = chosen,
                Seeds = range,
                Cuts = cut,
                Jobs = Within("--jobs", parsed.GetValue(jobs) ?? Environment.ProcessorCount, 1, 256),
                Within = limit is { } given ? TimeSpan.FromMinutes(given) : null,
                MostFailures = Within("--failures", parsed.GetValue(mostFailures), 1, int.MaxValue),
                Shrink = parsed.GetValue(shrink),
                Trace = parsed.GetValue(trace),
                History = parsed.GetValue(history),
                Report = parsed.GetValue(report),
                Record = parsed.GetValue(record),
                IsJson = Common.IsJson(parsed, format),
            };
            return (int)SimSession.Run(request, parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error);
        });
        return verb;
    }

    private static Verb List(IReadOnlyList<Scenario> scenarios)
    {
        Option<string> format = Common.Format();
        var list = new Verb(
            "list", "Print the scenarios, and the faults that --without knows.", "quorate sim list", "quorate sim list --format json") { format };
        list.SetAction(parsed =>
        {
            TextWriter output = parsed.InvocationConfiguration.Output;
            if (Common.IsJson(parsed, format))
            {
                output.WriteLine(new JsonObject
                {
                    ["scenarios"] = new JsonArray([.. scenarios.Select(s => new JsonObject { ["name"] = s.Name, ["about"] = s.About })]),
                    ["faults"] = new JsonArray([.. SimFault.Names.Select(f => (JsonNode?)f)]),
                }.ToJsonString());
                return (int)ExitCode.Ok;
            }

            output.WriteLine("scenarios");
            foreach (Scenario scenario in scenarios) { output.WriteLine($"  {scenario.Name,-12} {scenario.About}"); }
            output.WriteLine("faults");
            foreach (string fault in SimFault.Names) { output.WriteLine($"  {fault}"); }
            return (int)ExitCode.Ok;
        });
        return list;
    }

    private static Verb Diff()
    {
        var a = new Argument<string>("a") { Description = "A trace." };
        var b = new Argument<string>("b") { Description = "Another one." };
        var diff = new Verb(
            "diff", "Compare two traces: exit code 0 if they are equal, else 1 and the first event in which they differ.",
            "quorate sim --seed 17 --trace a.txt", "quorate sim diff a.txt b.txt")
        {
            a, b,
        };
        diff.SetAction(parsed => (int)(TraceDiff.Write(parsed.InvocationConfiguration.Output, parsed.GetValue(a)!, parsed.GetValue(b)!) ? ExitCode.Ok : ExitCode.Failed));
        return diff;
    }

    private static void OnlyForOne(string option, string? file, SeedRange range)
    {
        if (file is not null && range.Count != 1) { throw new CliException(ExitCode.Usage, $"{option} is for one seed; say --seed N."); }
    }

    private static SeedRange Range(string? seeds, ulong? seed, ref double? minutes)
    {
        if (minutes is not (null or (> 0 and <= 10_000)))
        {
            throw new CliException(ExitCode.Usage, string.Create(CultureInfo.InvariantCulture, $"--minutes is {minutes}; it must be more than 0 and at most 10000."));
        }

        if (seeds is not null && seed is not null) { throw new CliException(ExitCode.Usage, "--seed and --seeds: name one of them."); }
        if (seed is { } one) { return new(one, one); }
        SeedRange range = seeds is null ? new(1, null) : SeedRange.Parse(seeds);
        if (seeds is null) { minutes ??= DefaultMinutes; }
        if (range.Last is null && minutes is null) { throw new CliException(ExitCode.Usage, $"--seeds is '{seeds}', which has no end; say --minutes too."); }
        return range;
    }

    private static int Within(string option, int value, int least, int most) => value >= least && value <= most
        ? value
        : throw new CliException(ExitCode.Usage, $"{option} is {value}; it must be at least {least}" + (most == int.MaxValue ? "." : $" and at most {most}."));
}
