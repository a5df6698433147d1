using System.Globalization;
using System.Text.Json.Nodes;

namespace Quorate.Bench;

/// <summary>Results as text or JSON.</summary>
internal static class BenchReport
{
    private static readonly (string Name, string Json, double Share)[] Percentiles =
        [("p50", "p50", 0.5), ("p90", "p90", 0.9), ("p99", "p99", 0.99), ("p99.9", "p999", 0.999), ("max", "max", 1)];

    /// <summary>What was run, and the result.</summary>
    public static JsonObject Json(BenchPlan plan, BenchResult result) => new()
    {
        ["operation"] = plan.Operation == BenchOperation.Put ? "put" : "get",
        ["endpoints"] = new JsonArray([.. plan.Endpoints.Select(e => JsonValue.Create(e.OriginalString))]),
        ["clients"] = plan.Clients,
        ["connections"] = plan.Connections,
        ["keyBytes"] = plan.KeyBytes,
        ["valueBytes"] = plan.ValueBytes,
        ["keys"] = plan.Keys,
        ["serializable"] = plan.Serializable,
        ["loop"] = plan.Rate > 0 ? "open" : "closed",
        ["rate"] = plan.Rate,
        ["seconds"] = Math.Round(result.Seconds, 3),
        ["requests"] = result.Latency.Count,
        ["errors"] = new JsonObject(result.Errors.Select(e => KeyValuePair.Create(e.Key, (JsonNode?)e.Value))),
        ["requestsPerSecond"] = Math.Round(result.Throughput, 1),
        ["latencyMilliseconds"] = new JsonObject(
        [
            KeyValuePair.Create("mean", (JsonNode?)Math.Round(Mean(result), 4)),
            .. Percentiles.Select(p => KeyValuePair.Create(p.Json, (JsonNode?)Math.Round(result.Milliseconds(p.Share), 4))),
        ]),
    };

    /// <summary>A few lines for people.</summary>
    public static void Text(TextWriter output, BenchPlan plan, BenchResult result)
    {
        string loop = plan.Rate > 0
            ? string.Create(CultureInfo.InvariantCulture, $"open loop, {plan.Rate:#,0} starts/s, latency from the planned start")
            : "closed loop";
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{(plan.Operation == BenchOperation.Put ? "put" : plan.Serializable ? "get, serializable" : "get, linearizable")}: "
            + $"{plan.Clients} clients on {plan.Connections} connections, {loop}"));
        output.WriteLine(Line(result));
        foreach ((string kind, long count) in result.Errors) { output.WriteLine($"  {count} failed: {kind}"); }
    }

    /// <summary>Throughput and percentiles in one line.</summary>
    public static string Line(BenchResult result) => string.Create(
        CultureInfo.InvariantCulture,
        $"  {result.Throughput,10:#,0}/s  {result.Latency.Count:#,0} in {result.Seconds:0.0} s, ms: mean {Mean(result):0.000}  ")
        + string.Join("  ", Percentiles.Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.Name} {result.Milliseconds(p.Share):0.000}")))
        + (result.ErrorCount > 0 ? string.Create(CultureInfo.InvariantCulture, $"  ERRORS {result.ErrorCount:#,0}") : "");

    /// <summary>The two sides of a comparison by their medians; ratio is A to B.</summary>
    public static JsonObject Comparison(BenchResult[] a, BenchResult[] b)
    {
        var sides = new JsonObject
        {
            ["medianA"] = Medians(a),
            ["medianB"] = Medians(b),
            ["throughputRatio"] = Math.Round(Ratio(a, b), 3),
        };
        return sides;
    }

    /// <summary>Median throughput of A divided by B's.</summary>
    public static double Ratio(BenchResult[] a, BenchResult[] b)
    {
        double other = Median(b.Select(r => r.Throughput));
        return other > 0 ? Median(a.Select(r => r.Throughput)) / other : 0;
    }

    /// <summary>The middle value; of an even number the mean of the two in the middle.</summary>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? 0 : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private static JsonObject Medians(BenchResult[] results) => new(
    [
        KeyValuePair.Create("requestsPerSecond", (JsonNode?)Math.Round(Median(results.Select(r => r.Throughput)), 1)),
        .. Percentiles.Select(p => KeyValuePair.Create(
            p.Json, (JsonNode?)Math.Round(Median(results.Select(r => r.Milliseconds(p.Share))), 4))),
    ]);

    private static double Mean(BenchResult result) => result.Latency.Count == 0 ? 0 : result.Latency.Sum / result.Latency.Count / 1e6;
}
