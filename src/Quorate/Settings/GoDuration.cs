using System.Globalization;
using System.Text.RegularExpressions;

namespace Quorate.Settings;

/// <summary>A time as etcd's flags take it, in the notation of Go's time.ParseDuration: numbers with units, 1h30m, 1.5s, 500ms.</summary>
internal static partial class GoDuration
{
    /// <summary>Reads a time that is not negative. False: it is none, or longer than <see cref="TimeSpan"/> holds.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = default;
        if (text == "0") { return true; }
        Match match = Whole().Match(text);
        double seconds = 0;
        for (int i = 0; i < match.Groups["number"].Captures.Count; i++)
        {
            double number = double.Parse(match.Groups["number"].Captures[i].ValueSpan, CultureInfo.InvariantCulture);
            seconds += number * SecondsOf(match.Groups["unit"].Captures[i].Value);
        }

        if (!match.Success || seconds >= TimeSpan.MaxValue.TotalSeconds) { return false; }
        duration = TimeSpan.FromSeconds(seconds);
        return true;
    }

    private static double SecondsOf(string unit) => unit switch
    {
        "h" => 3600,
        "m" => 60,
        "s" => 1,
        "ms" => 1e-3,
        "ns" => 1e-9,
        _ => 1e-6,
    };

    [GeneratedRegex(@"\A\+?(?:(?<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?<unit>ns|us|µs|ms|s|m|h))+\z")]
    private static partial Regex Whole();
}
