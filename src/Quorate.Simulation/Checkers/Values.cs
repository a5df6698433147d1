using System.Globalization;
using System.Text.Json;

namespace Quorate.Simulation.Checkers;

/// <summary>Values as models compare and show them.</summary>
internal static class Values
{
    /// <summary>How "no value" is shown.</summary>
    public const string None = "nothing";

    /// <summary>One text for equal values: a text is as it stands in JSON, with one spelling for each character; the rest as written.</summary>
    /// <returns>Null for null and for a value that is not there.</returns>
    public static string? TextOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Undefined or JsonValueKind.Null => null,
        JsonValueKind.String => $"\"{value.GetString()}\"",
        _ => value.GetRawText(),
    };

    /// <summary>A count and its noun: "1 add", "1,234 adds".</summary>
    public static string Count(int count, string noun) =>
        string.Create(CultureInfo.InvariantCulture, $"{count:N0} {noun}{(count == 1 ? "" : "s")}");

    /// <summary>The first few of a list: "3, 7, 9 and 12 more".</summary>
    public static string List(IReadOnlyCollection<string> items, int shown = 10) =>
        string.Join(", ", items.Take(shown)) + (items.Count > shown ? $" and {items.Count - shown} more" : "");

    /// <summary>The line of a file, or nothing for an event made in memory.</summary>
    public static string At(HistoryEvent e) => e.Line > 0 ? $" (line {e.Line})" : "";
}
