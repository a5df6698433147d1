using System.CommandLine;
using System.Text.Json.Nodes;
using Quorate.Cli;

namespace Quorate.Bench;

/// <summary><c>quorate bench put|get|range|txn|keep-alive|watch|ycsb</c>.</summary>
internal static class BenchCommand
{
    /// <summary>Creates the verb.</summary>
    public static Command Create()
    {
        var verb = new Verb(
            "bench", "Measure a server over the etcd v3 API, whoever made it.",
            "quorate bench put --clients 64 --value-size 256 --seconds 10",
            "quorate bench get --clients 64 --serializable",
            "quorate bench watch --watchers 1000 --clients 8",
            "quorate bench ycsb a --clients 64 --keys 100000",
            "quorate bench put --clients 256 --rate 5000 --format json",
            "quorate bench put --clients 64 --endpoints http://127.0.0.1:2379 --compare http://127.0.0.1:12379 --rounds 5");
        foreach (BenchWorkload workload in BenchWorkload.All.Except(BenchWorkload.Ycsb)) { verb.Add(Load(workload)); }
        verb.Add(Ycsb());
        verb.Add(Engine.EngineBenchCommand.Create());
        return verb;
    }

    private static Verb Load(BenchWorkload workload)
    {
        var verb = new Verb(
            workload.Name, workload.Description,
            $"quorate bench {workload.Name} --clients 64", $"quorate bench {workload.Name} --clients 256 --rate 5000 --format json");
        Runs(verb, workload, _ => workload);
        return verb;
    }

    private static Verb Ycsb()
    {
        BenchWorkload[] all = BenchWorkload.Ycsb;
        static string Letter(BenchWorkload workload) => workload.Name[^1..];
        var letter = new Argument<string>("workload") { Description = string.Join("; ", all.Select(w => $"{Letter(w)}: {w.Description}")) + "." };
        letter.AcceptOnlyFromAmong([.. all.Select(Letter)]);
        var verb = new Verb(
            "ycsb", "Mixed loads: the core workloads of the Yahoo Cloud Serving Benchmark. Keys are zipfian (d: latest), each is written once before.",
            "quorate bench ycsb a --clients 64 --keys 100000", "quorate bench ycsb f --clients 64 --rate 2000", "quorate bench ycsb e --clients 16 --format json")
        {
            letter,
        };
        Runs(verb, all[0], parsed => all.Single(w => Letter(w) == parsed.GetValue(letter)));
        return verb;
    }

    private static void Runs(Verb verb, BenchWorkload sample, Func<ParseResult, BenchWorkload> workload)
    {
        var options = new BenchOptions();
        options.AddTo(verb, sample);
        verb.SetAction(parsed =>
        {
            BenchPlan plan = options.Plan(parsed, workload(parsed));
            TextWriter output = parsed.InvocationConfiguration.Output;
            var progress = new BenchProgress(parsed.InvocationConfiguration.Error);
            return (int)(options.Other(parsed, plan) is { } other
                ? Compare(plan, other, options.Rounds(parsed), options.IsJson(parsed), output, progress)
                : One(plan, options.IsJson(parsed), output, progress));
        });
    }

    private static ExitCode One(BenchPlan plan, bool isJson, TextWriter output, BenchProgress progress)
    {
        BenchResult result = plan.Workload.Run(plan, progress);
        if (isJson) { output.WriteLine(BenchReport.Json(plan, result).ToJsonString()); }
        else { BenchReport.Text(output, plan, result); }
        return result.Code;
    }

    // A and B take turns, and who goes first alternates, so that a machine that gets slower or faster favours neither.
    private static ExitCode Compare(BenchPlan a, BenchPlan b, int rounds, bool isJson, TextWriter output, BenchProgress progress)
    {
        var (sideA, sideB) = (new Side("A", a, progress), new Side("B", b, progress));
        for (int round = 1; round <= rounds; round++)
        {
            foreach (Side side in round % 2 == 1 ? [sideA, sideB] : (Side[])[sideB, sideA]) { side.Run(round, rounds); }
            if (isJson) { continue; }
            output.WriteLine($"round {round}");
            foreach (Side side in (Side[])[sideA, sideB])
            {
                output.WriteLine(side.Name + BenchReport.Line(side.Results[^1]));
                foreach ((string kind, long count) in side.Results[^1].Errors) { output.WriteLine($"  {count} failed: {kind}"); }
            }
        }

        (BenchResult[] resultsA, BenchResult[] resultsB) = ([.. sideA.Results], [.. sideB.Results]);
        if (isJson)
        {
            JsonObject comparison = BenchReport.Comparison(resultsA, resultsB);
            comparison["roundsA"] = new JsonArray([.. resultsA.Select(r => BenchReport.Json(a, r))]);
            comparison["roundsB"] = new JsonArray([.. resultsB.Select(r => BenchReport.Json(b, r))]);
            output.WriteLine(comparison.ToJsonString());
        }
        else
        {
            output.WriteLine(BenchReport.ComparisonText(a, b, resultsA, resultsB));
        }

        return resultsA.Concat(resultsB).Select(r => r.Code).FirstOrDefault(c => c != ExitCode.Ok, ExitCode.Ok);
    }

    /// <summary>One of two servers, and its rounds so far.</summary>
    private sealed class Side(string name, BenchPlan plan, BenchProgress progress)
    {
        private BenchPlan _plan = plan;

        public string Name { get; } = name;

        public List<BenchResult> Results { get; } = [];

        public void Run(int round, int rounds)
        {
            progress.Prefix = $"round {round} of {rounds}, {Name}: ";
            BenchResult result = _plan.Workload.Run(_plan, progress);
            Results.Add(result);

            // It is filled once, unless everything is cleared away again. Warm-up is needed every time, as the other one had the caches.
            _plan = _plan with { Fill = _plan.Fill && _plan.Workload.ClearAway is not null, InsertFrom = result.NextKey };
        }
    }
}
