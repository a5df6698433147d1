using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>Totals of a long run, for each kind of fault.</summary>
internal sealed class FaultRecord
{
    private const string Several = "X1"; // The catalogue's row for several faults at once.

    private readonly SortedDictionary<string, Total> _totals = new(StringComparer.Ordinal);
    private int _rounds;
    private int _failed;
    private long _acknowledged;

    /// <summary>Time of all rounds.</summary>
    public TimeSpan Duration { get; private set; }

    /// <summary>The run in one line.</summary>
    public string Summary => string.Create(
        CultureInfo.InvariantCulture,
        $"{_rounds} rounds, {Duration.TotalMinutes:F1} minutes, {_acknowledged} answers, {_rounds - _failed} rounds legal, {_failed} failed");

    /// <summary>Adds a round to each fault that it had.</summary>
    public void Add(FaultRoundOptions options, FaultRoundResult result)
    {
        _rounds++;
        _failed += result.Problem is null ? 0 : 1;
        _acknowledged += result.Acknowledged;
        Duration += result.Duration;
        string[] rows = [.. options.Faults.Select(fault => fault.Row).Concat(options.Faults.Length > 1 ? [Several] : []).Distinct()];
        foreach (string row in rows)
        {
            if (!_totals.TryGetValue(row, out Total? total)) { _totals.Add(row, total = new Total()); }
            total.Passed += result.Problem is null ? 1 : 0;
            total.Failed += result.Problem is null ? 0 : 1;
            total.Duration += result.Duration;
            if (result.Problem is null) { total.Checkers.UnionWith(result.Checkers); }
        }
    }

    /// <summary>Writes one JSON object a line, for <c>quorate sim report --add</c>: fault, where, checkers, passed, failed, minutes; then the total.</summary>
    public void Save(string file)
    {
        var lines = new StringBuilder();
        foreach ((string row, Total total) in _totals)
        {
            var line = new JsonObject
            {
                ["fault"] = row,
                ["where"] = "real",
                ["checkers"] = new JsonArray([.. total.Checkers.Select(checker => (JsonNode)checker)]),
                ["passed"] = total.Passed,
                ["failed"] = total.Failed,
                ["minutes"] = Math.Round(total.Duration.TotalMinutes, 1),
            };
            lines.Append(line.ToJsonString()).Append('\n');
        }

        var run = new JsonObject
        {
            ["total"] = "real",
            ["passed"] = _rounds - _failed,
            ["failed"] = _failed,
            ["minutes"] = Math.Round(Duration.TotalMinutes, 1),
            ["operations"] = _acknowledged,
        };
        lines.Append(run.ToJsonString()).Append('\n');
        File.WriteAllText(file, lines.ToString());
    }

    private sealed class Total
    {
        public int Passed { get; set; }

        public int Failed { get; set; }

        public TimeSpan Duration { get; set; }

        public SortedSet<string> Checkers { get; } = new(StringComparer.Ordinal);
    }
}
