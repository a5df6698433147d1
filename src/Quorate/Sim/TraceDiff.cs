using Quorate.Cli;

namespace Quorate.Sim;

/// <summary>Compares two traces line by line, up to the first event in which they differ: what follows differs because of it.</summary>
internal static class TraceDiff
{
    private const int Before = 8;
    private const int After = 4;

    /// <summary>Writes where they part.</summary>
    /// <returns>True if they are equal.</returns>
    public static bool Write(TextWriter output, string pathA, string pathB)
    {
        using StreamReader a = Open(pathA);
        using StreamReader b = Open(pathB);
        var common = new Queue<string>();
        for (long line = 1; ; line++)
        {
            (string? ofA, string? ofB) = (a.ReadLine(), b.ReadLine());
            if (ofA != ofB)
            {
                output.WriteLine($"the traces part at line {line}");
                foreach (string same in common) { output.WriteLine("    " + same); }
                WriteSide(output, "A", ofA, a);
                WriteSide(output, "B", ofB, b);
                return false;
            }

            if (ofA is null)
            {
                output.WriteLine($"equal: {line - 1} lines");
                return true;
            }

            common.Enqueue(ofA);
            if (common.Count > Before) { common.Dequeue(); }
        }
    }

    private static void WriteSide(TextWriter output, string side, string? line, StreamReader rest)
    {
        for (int i = 0; i <= After && line is not null; i++)
        {
            output.WriteLine($"{side} {(i == 0 ? '>' : ' ')} {line}");
            line = rest.ReadLine();
        }

        if (line is null) { output.WriteLine($"{side}   (end)"); }
    }

    private static StreamReader Open(string path) =>
        File.Exists(path) ? new StreamReader(path) : throw new CliException(ExitCode.Precondition, $"there is no file {path}");
}
