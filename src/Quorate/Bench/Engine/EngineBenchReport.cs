using System.Globalization;
using System.Text.Json.Nodes;

namespace Quorate.Bench.Engine;

/// <summary>Results as text or JSON.</summary>
internal static class EngineBenchReport
{
    private static readonly (string Name, string Json, double Share)[] Percentiles =
        [("p50", "p50", 0.5), ("p99", "p99", 0.99), ("p99.9", "p999", 0.999), ("max", "max", 1)];

    /// <summary>Three lines for people.</summary>
    public static void Text(TextWriter output, EngineBenchPlan plan, EngineBenchResult result)
    {
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{result.Workload,-16} {result.PerSecond,12:#,0} ops/s  {result.MegabytesPerSecond,8:0.0} MB/s  {result.MeanMicros,8:0.00} micros/op  ")
            + string.Create(CultureInfo.InvariantCulture, $"{result.Latency.Count:#,0} operations in {result.Seconds:0.00} s, {plan.Threads} threads")
            + (result.Found is { } found ? string.Create(CultureInfo.InvariantCulture, $", {found:#,0} found") : ""));
        output.WriteLine("  micros: " + string.Join(
            "  ", Percentiles.Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.Name} {result.Micros(p.Share):0.00}"))));
        if (result.WriteAmplification is { } tables)
        {
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"  written per byte: tables {tables:0.00}, log {result.LogAmplification:0.00}; writers waited {result.StallSeconds:0.00} s for compaction"));
        }
    }

    /// <summary>What was run, and all results.</summary>
    public static JsonObject Json(EngineBenchPlan plan, IEnumerable<EngineBenchResult> results) => new()
    {
        ["sync"] = plan.Sync,
        ["threads"] = plan.Threads,
        ["num"] = plan.Num,
        ["keyBytes"] = plan.KeyBytes,
        ["valueBytes"] = plan.ValueBytes,
        ["cacheBytes"] = plan.CacheBytes,
        ["memTableBytes"] = plan.MemTableBytes,
        ["seekNexts"] = plan.SeekNexts,
        ["workloads"] = new JsonArray([.. results.Select(Json)]),
    };

    private static JsonObject Json(EngineBenchResult result) => new()
    {
        ["workload"] = result.Workload,
        ["seconds"] = Math.Round(result.Seconds, 3),
        ["operations"] = result.Latency.Count,
        ["operationsPerSecond"] = Math.Round(result.PerSecond, 1),
        ["megabytesPerSecond"] = Math.Round(result.MegabytesPerSecond, 2),
        ["found"] = result.Found,
        ["latencyMicroseconds"] = new JsonObject(
        [
            KeyValuePair.Create("mean", (JsonNode?)Math.Round(result.MeanMicros, 3)),
            .. Percentiles.Select(p => KeyValuePair.Create(p.Json, (JsonNode?)Math.Round(result.Micros(p.Share), 3))),
        ]),
        ["writeAmplification"] = Rounded(result.WriteAmplification),
        ["logAmplification"] = Rounded(result.LogAmplification),
        ["stallSeconds"] = Math.Round(result.StallSeconds, 3),
        ["diskBytes"] = result.DiskBytes,
    };

    private static JsonNode? Rounded(double? value) => value is { } number ? Math.Round(number, 3) : null;
}
