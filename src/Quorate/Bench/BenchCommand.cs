using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Quorate.Cli;

namespace Quorate.Bench;

/// <summary><c>quorate bench put|get</c>.</summary>
internal static class BenchCommand
{
    /// <summary>Creates the verb.</summary>
    public static Command Create() => new Verb(
        "bench", "Measure puts or gets over the etcd v3 API, against any server that speaks it.",
        "quorate bench put --clients 64 --value-size 256 --seconds 10",
        "quorate bench get --clients 64 --serializable",
        "quorate bench put --clients 256 --rate 5000 --format json",
        "quorate bench put --clients 64 --endpoints http://127.0.0.1:2379 --compare http://127.0.0.1:12379 --rounds 5")
    {
        Load(BenchOperation.Put), Load(BenchOperation.Get),
        Engine.EngineBenchCommand.Create(),
    };

    private static Verb Load(BenchOperation operation)
    {
        var clients = new Option<int>("--clients", "-c") { Description = "Requests in flight at once. Default: 1.", DefaultValueFactory = _ => 1 };
        var connections = new Option<int?>("--connections") { Description = "TCP connections. Default: one per 32 clients, at most 8, but one per endpoint." };
        var keySize = new Option<int>("--key-size") { Description = "Bytes of a key. Default: 16.", DefaultValueFactory = _ => 16 };
        var valueSize = new Option<int>("--value-size") { Description = "Bytes of a value. Default: 256.", DefaultValueFactory = _ => 256 };
        var keys = new Option<int>("--keys") { Description = "Different keys, drawn uniformly. Default: 10000.", DefaultValueFactory = _ => 10_000 };
        var total = new Option<long>("--total") { Description = "Measured requests. Default: as many as fit into --seconds." };
        var seconds = new Option<double>("--seconds") { Description = "Measured time. Default: 10.", DefaultValueFactory = _ => 10 };
        var warmUp = new Option<double>("--warm-up") { Description = "Seconds of load before measuring. Default: 2.", DefaultValueFactory = _ => 2 };
        var rate = new Option<double>("--rate")
        {
            Description = "Open loop: requests started per second, latency measured from the planned start, so that a server "
                + "that stalls cannot hide it. Default: closed loop, each client waits for its answer.",
        };
        var serializable = new Option<bool>("--serializable") { Description = "Reads may be stale." };
        var skipFill = new Option<bool>("--skip-fill") { Description = "Do not write the keys before reading them." };
        var compare = new Option<string?>("--compare") { Description = "Other server (or servers, by commas): rounds alternate between both.", HelpName = "urls" };
        var rounds = new Option<int>("--rounds") { Description = "Rounds of a comparison. Default: 3.", DefaultValueFactory = _ => 3 };
        var (endpoints, format) = (new EndpointsOption(hasKeyspace: false, hasUser: false), Common.Format()); // Of a keyspace: the URLs of its own port.
        string name = operation == BenchOperation.Put ? "put" : "get";
        var verb = new Verb(
            name,
            operation == BenchOperation.Put ? "Write keys drawn at random." : "Read keys drawn at random, after writing each once.",
            $"quorate bench {name} --clients 64", $"quorate bench {name} --clients 256 --rate 5000 --format json")
        {
            endpoints, clients, connections, keySize, valueSize, keys, total, seconds, warmUp, rate, compare, rounds, format,
        };
        if (operation == BenchOperation.Get)
        {
            verb.Add(serializable);
            verb.Add(skipFill);
        }

        verb.SetAction(parsed =>
        {
            int count = parsed.GetValue(clients);
            Uri[] uris = Common.EndpointUris(parsed, endpoints);
            var plan = new BenchPlan
            {
                Operation = operation,
                Endpoints = uris,
                Tls = endpoints.Tls(parsed),
                Clients = count,
                Connections = parsed.GetValue(connections) ?? Math.Min(Math.Max(1, count), Math.Max(uris.Length, Math.Clamp(count / 32, 1, 8))),
                KeyBytes = parsed.GetValue(keySize),
                ValueBytes = parsed.GetValue(valueSize),
                Keys = parsed.GetValue(keys),
                Total = parsed.GetValue(total),
                Seconds = parsed.GetValue(seconds),
                WarmUpSeconds = parsed.GetValue(warmUp),
                Rate = parsed.GetValue(rate),
                Serializable = operation == BenchOperation.Get && parsed.GetValue(serializable),
                Fill = operation == BenchOperation.Get && !parsed.GetValue(skipFill),
            };
            string[] problems = [.. plan.Problems()];
            if (problems.Length > 0) { throw new CliException(ExitCode.Usage, string.Join('\n', problems)); }
            TextWriter output = parsed.InvocationConfiguration.Output;
            bool isJson = Common.IsJson(parsed, format);
            return (int)(parsed.GetValue(compare) is { } other
                ? Compare(plan, plan with { Endpoints = Common.EndpointUris(other, endpoints.HasTls(parsed)) }, parsed.GetValue(rounds), isJson, output)
                : One(plan, isJson, output));
        });
        return verb;
    }

    private static ExitCode One(BenchPlan plan, bool isJson, TextWriter output)
    {
        BenchResult result = BenchRunner.Run(plan);
        if (isJson) { output.WriteLine(BenchReport.Json(plan, result).ToJsonString()); }
        else { BenchReport.Text(output, plan, result); }
        return result.Code;
    }

    // A and B take turns, and who goes first alternates, so that a machine that gets slower or faster favours neither.
    private static ExitCode Compare(BenchPlan a, BenchPlan b, int rounds, bool isJson, TextWriter output)
    {
        if (rounds is < 1 or > 100) { throw new CliException(ExitCode.Usage, $"--rounds is {rounds}; it must be 1 to 100."); }
        var resultsA = new List<BenchResult>();
        var resultsB = new List<BenchResult>();
        for (int round = 0; round < rounds; round++)
        {
            // Each side is filled once; warm-up is needed every time, as the other one had the caches.
            a = a with { Fill = a.Fill && round == 0 };
            b = b with { Fill = b.Fill && round == 0 };
            bool aFirst = round % 2 == 0;
            if (aFirst) { resultsA.Add(BenchRunner.Run(a)); }
            resultsB.Add(BenchRunner.Run(b));
            if (!aFirst) { resultsA.Add(BenchRunner.Run(a)); }
            if (isJson) { continue; }
            output.WriteLine($"round {round + 1}");
            output.WriteLine("A" + BenchReport.Line(resultsA[^1]));
            output.WriteLine("B" + BenchReport.Line(resultsB[^1]));
        }

        JsonObject comparison = BenchReport.Comparison([.. resultsA], [.. resultsB]);
        if (isJson)
        {
            comparison["roundsA"] = new JsonArray([.. resultsA.Select(r => BenchReport.Json(a, r))]);
            comparison["roundsB"] = new JsonArray([.. resultsB.Select(r => BenchReport.Json(b, r))]);
            output.WriteLine(comparison.ToJsonString());
        }
        else
        {
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"A/B median throughput: {BenchReport.Ratio([.. resultsA], [.. resultsB]):0.00} (A {a.Endpoints[0]}, B {b.Endpoints[0]})"));
        }

        return resultsA.Exists(r => r.Code != ExitCode.Ok) ? resultsA.First(r => r.Code != ExitCode.Ok).Code
            : resultsB.Exists(r => r.Code != ExitCode.Ok) ? resultsB.First(r => r.Code != ExitCode.Ok).Code
            : ExitCode.Ok;
    }
}
