using System.Globalization;
using Quorate.Cli;

namespace Quorate.Sim;

/// <summary>Seeds in a row: <c>7</c>, <c>1..200</c>, or without end, <c>1..</c>.</summary>
internal readonly record struct SeedRange(ulong First, ulong? Last)
{
    /// <summary>How many; null without end.</summary>
    public ulong? Count => Last - First + 1;

    /// <summary>Reads the text of <c>--seeds</c>.</summary>
    /// <exception cref="CliException">It is no range.</exception>
    public static SeedRange Parse(string text) => TryParse(text) ?? throw new CliException(
        ExitCode.Usage, $"--seeds is '{text}'; it must be one seed, or the first and the last: 7, 1..200, or 1.. with --minutes.");

    private static SeedRange? TryParse(string text)
    {
        string[] ends = text.Split("..");
        if (Read(ends[0]) is not { } first) { return null; }
        return ends switch
        {
            [_] => new(first, first),
            [_, ""] => new(first, null),
            [_, string end] when Read(end) is { } last && last >= first => new(first, last),
            _ => null,
        };
    }

    private static ulong? Read(string text) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong seed) ? seed : null;
}
