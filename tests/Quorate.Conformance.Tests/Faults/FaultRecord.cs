using System.Globalization;
using System.Text.Json.Nodes;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>
/// What rounds and tests have shown, for <c>quorate sim report --add</c>: lines at the end of the file that
/// <c>QUORATE_FAULT_RECORD</c> names, one for each fault that struck, and one for each whole round.
/// </summary>
internal sealed class FaultRecord
{
    private static readonly Lock WriteLock = new();

    private int _legal;
    private int _failed;
    private int _idle;
    private long _acknowledged;

    /// <summary>Time of all rounds.</summary>
    public TimeSpan Duration { get; private set; }

    /// <summary>The run in one line.</summary>
    public string Summary => string.Create(
        CultureInfo.InvariantCulture,
        $"{_legal + _failed + _idle} rounds, {Duration.TotalMinutes:F1} minutes, {_acknowledged} answers, {_legal} rounds legal, {_failed} failed, {_idle} proved nothing");

    /// <summary>Adds a round: to the faults that struck in it, whichever were chosen. One that proves nothing is counted for none.</summary>
    public void Add(FaultRoundResult result)
    {
        Duration += result.Duration;
        _acknowledged += result.Acknowledged;
        if (result.Problem is null && result.ProvesNothing is not null)
        {
            _idle++;
            return;
        }

        bool isLegal = result.Problem is null;
        _legal += isLegal ? 1 : 0;
        _failed += isLegal ? 0 : 1;
        var total = new JsonObject { ["total"] = "real" };
        Finish(total, isLegal, result.Duration);
        total["operations"] = result.Acknowledged;
        Write([.. result.Struck.Keys.Select(row => Line(row, isLegal ? result.Checkers : [], isLegal, result.Duration)), total]);
    }

    /// <summary>Adds what a test of its own has shown of a fault, once it has passed.</summary>
    /// <param name="row">The row of the catalogue.</param>
    /// <param name="judge">What said that all is well: <c>refusal</c> (it did nothing and said why), <c>service</c> (all others were served).</param>
    /// <param name="duration">How long it took.</param>
    public static void Book(string row, string judge, TimeSpan duration = default) => Write([Line(row, [judge], isLegal: true, duration)]);

    /// <summary>Adds a planted bug that was found, in the first round with it.</summary>
    public static void BookPlant(string name, string net) =>
        Write([new JsonObject { ["bug"] = "real processes: " + name, ["net"] = net, ["seed"] = 1, ["within"] = 1 }]);

    private static JsonObject Line(string row, IEnumerable<string> checkers, bool isLegal, TimeSpan duration)
    {
        var line = new JsonObject
        {
            ["fault"] = row,
            ["where"] = "real",
            ["checkers"] = new JsonArray([.. checkers.Order(StringComparer.Ordinal).Select(checker => (JsonNode)checker)]),
        };
        Finish(line, isLegal, duration);
        return line;
    }

    private static void Finish(JsonObject line, bool isLegal, TimeSpan duration)
    {
        line["passed"] = isLegal ? 1 : 0;
        line["failed"] = isLegal ? 0 : 1;
        line["minutes"] = Math.Round(duration.TotalMinutes, 3);
    }

    private static void Write(IEnumerable<JsonObject> lines)
    {
        if (Environment.GetEnvironmentVariable("QUORATE_FAULT_RECORD") is not { Length: > 0 } file) { return; }
        lock (WriteLock) { File.AppendAllText(file, string.Concat(lines.Select(line => line.ToJsonString() + "\n"))); }
    }
}
