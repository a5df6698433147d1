using System.Globalization;
using System.Text.Json.Nodes;

namespace Quorate.Bench;

/// <summary>Results as text or JSON.</summary>
internal static class BenchReport
{
    private static readonly (string Name, string Json, double Share)[] Percentiles =
        [("p50", "p50", 0.5), ("p90", "p90", 0.9), ("p99", "p99", 0.99), ("p99.9", "p999", 0.999), ("max", "max", 1)];

    /// <summary>What was run, and the result.</summary>
    public static JsonObject Json(BenchPlan plan, BenchResult result)
    {
        JsonObject json = new()
        {
            ["operation"] = plan.Workload.Name,
            ["endpoints"] = new JsonArray([.. plan.Endpoints.Select(e => JsonValue.Create(e.OriginalString))]),
            ["clients"] = plan.Clients,
            ["connections"] = plan.Connections,
            ["keyBytes"] = plan.KeyBytes,
            ["valueBytes"] = plan.ValueBytes,
            ["keys"] = plan.Keys,
            ["distribution"] = Word(plan.Distribution),
            ["serializable"] = plan.Serializable,
            ["loop"] = plan.Rate > 0 ? "open" : "closed",
            ["rate"] = plan.Rate,
            ["seconds"] = Math.Round(result.Seconds, 3),
            ["requests"] = result.Latency.Count,
            ["errors"] = Counts(result.Errors),
            ["misses"] = Counts(result.Misses),
            ["requestsPerSecond"] = Math.Round(result.Throughput, 1),
            ["latencyMilliseconds"] = Latency(result.Latency),
        };
        if (plan.Watchers > 0) { (json["watchers"], json["streams"]) = (plan.Watchers, plan.Streams); }
        if (result.Parts.Length > 1)
        {
            json["operations"] = new JsonObject(result.Parts.Select(p => KeyValuePair.Create(p.Name, (JsonNode?)new JsonObject
            {
                ["requests"] = p.Latency.Count,
                ["latencyMilliseconds"] = Latency(p.Latency),
            })));
        }

        return json;
    }

    /// <summary>A few lines for people.</summary>
    public static void Text(TextWriter output, BenchPlan plan, BenchResult result)
    {
        string loop = plan.Rate > 0
            ? string.Create(CultureInfo.InvariantCulture, $"open loop, {plan.Rate:#,0} starts/s, latency from the planned start")
            : "closed loop";
        string reads = !plan.Workload.Reads ? "" : plan.Serializable ? ", serializable" : ", linearizable";
        if (plan.Watchers > 0)
        {
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{plan.Watchers:#,0} watches on {plan.Streams} streams, of {plan.Keys:#,0} keys; events per second and their delay from the put"));
        }

        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{plan.Workload.Name}{reads}: {plan.Clients} clients on {plan.Connections} connections, {loop}"));
        output.WriteLine(Line(result));
        if (result.Parts.Length > 1)
        {
            foreach (BenchPart part in result.Parts.Where(p => p.Latency != result.Latency))
            {
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {part.Name}: {part.Latency.Count:#,0}, ms: ") + Milliseconds(part.Latency));
            }
        }

        foreach ((string kind, long count) in result.Errors) { output.WriteLine($"  {count} failed: {kind}"); }
        foreach ((string kind, long count) in result.Misses) { output.WriteLine($"  {count} times {kind}"); }
    }

    /// <summary>Throughput and percentiles in one line.</summary>
    public static string Line(BenchResult result) =>
        string.Create(CultureInfo.InvariantCulture, $"  {result.Throughput,10:#,0}/s  {result.Latency.Count:#,0} in {result.Seconds:0.0} s, ms: ")
        + Milliseconds(result.Latency)
        + (result.ErrorCount > 0 ? string.Create(CultureInfo.InvariantCulture, $"  ERRORS {result.ErrorCount:#,0}") : "");

    /// <summary>The two sides of a comparison by their medians; ratio is A to B.</summary>
    public static JsonObject Comparison(BenchResult[] a, BenchResult[] b)
    {
        double[] rounds = RoundRatios(a, b);
        return new JsonObject
        {
            ["medianA"] = Medians(a),
            ["medianB"] = Medians(b),
            ["throughputRatio"] = Math.Round(Ratio(a, b, r => r.Throughput), 3),
            ["leastRoundRatio"] = Math.Round(rounds.Min(), 3),
            ["greatestRoundRatio"] = Math.Round(rounds.Max(), 3),
            ["latencyRatio"] = new JsonObject(Percentiles.Select(p => KeyValuePair.Create(
                p.Json, (JsonNode?)Math.Round(Ratio(a, b, r => r.Milliseconds(p.Share)), 3)))),
        };
    }

    /// <summary>The same in two lines.</summary>
    public static string ComparisonText(BenchPlan planA, BenchPlan planB, BenchResult[] a, BenchResult[] b)
    {
        double[] rounds = RoundRatios(a, b);
        string latency = string.Join(", ", Percentiles.Select(p => string.Create(
            CultureInfo.InvariantCulture, $"{p.Name} {Ratio(a, b, r => r.Milliseconds(p.Share)):0.00}")));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"A/B median throughput: {Ratio(a, b, r => r.Throughput):0.00}, of single rounds {rounds.Min():0.00} to {rounds.Max():0.00} "
            + $"(A {planA.Endpoints[0]}, B {planB.Endpoints[0]})\nA/B median latency: {latency}");
    }

    /// <summary>The middle value; of an even number the mean of the two in the middle.</summary>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? 0 : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private static double Ratio(BenchResult[] a, BenchResult[] b, Func<BenchResult, double> of)
    {
        double other = Median(b.Select(of));
        return other > 0 ? Median(a.Select(of)) / other : 0;
    }

    private static double[] RoundRatios(BenchResult[] a, BenchResult[] b) =>
        [.. a.Zip(b, static (x, y) => y.Throughput > 0 ? x.Throughput / y.Throughput : 0)];

    private static JsonObject Medians(BenchResult[] results) => new(
    [
        KeyValuePair.Create("requestsPerSecond", (JsonNode?)Math.Round(Median(results.Select(r => r.Throughput)), 1)),
        .. Percentiles.Select(p => KeyValuePair.Create(
            p.Json, (JsonNode?)Math.Round(Median(results.Select(r => r.Milliseconds(p.Share))), 4))),
    ]);

    private static JsonObject Latency(Histogram latency) => new(
    [
        KeyValuePair.Create("mean", (JsonNode?)Math.Round(latency.Mean / 1e6, 4)),
        .. Percentiles.Select(p => KeyValuePair.Create(p.Json, (JsonNode?)Math.Round(latency.Percentile(p.Share) / 1e6, 4))),
    ]);

    private static JsonObject Counts(SortedDictionary<string, long> counts) => new(counts.Select(c => KeyValuePair.Create(c.Key, (JsonNode?)c.Value)));

    private static string Milliseconds(Histogram latency) =>
        string.Create(CultureInfo.InvariantCulture, $"mean {latency.Mean / 1e6:0.000}  ")
        + string.Join("  ", Percentiles.Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.Name} {latency.Percentile(p.Share) / 1e6:0.000}")));

    private static string Word(KeyDistribution distribution) => distribution.ToString().ToLowerInvariant();
}
