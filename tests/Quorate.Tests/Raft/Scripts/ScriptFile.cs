namespace Quorate.Tests.Raft.Scripts;

/// <summary>A script as it stands on disk: comments, blank lines and blocks of a command and its expected output.</summary>
/// <remarks>
/// A block is a command line, a line <c>----</c>, the expected output, and a blank line. Lines that start with <c>#</c>
/// between blocks are for the reader and survive a rewrite.
/// </remarks>
internal sealed class ScriptFile
{
    private const string Divider = "----";

    private ScriptFile(string name, IReadOnlyList<ScriptPart> parts)
    {
        Name = name;
        Parts = parts;
    }

    public string Name { get; }

    public IReadOnlyList<ScriptPart> Parts { get; }

    /// <summary>Reads a script. Throws <see cref="ScriptException"/> with the line number if its form is wrong.</summary>
    public static ScriptFile Parse(string name, string text)
    {
        string[] lines = text.Split('\n');
        List<ScriptPart> parts = [];
        int at = 0;
        while (at < lines.Length)
        {
            string line = lines[at];
            if (line.Length == 0 || line[0] == '#')
            {
                parts.Add(new ScriptPart(at + 1, line, Expected: null));
                at++;
                continue;
            }

            if (at + 1 >= lines.Length || lines[at + 1] != Divider)
            {
                throw new ScriptException($"{name}, line {at + 2}: after the command `{line}` comes a line `{Divider}`.");
            }

            int start = at;
            List<string> expected = [];
            for (at += 2; at < lines.Length && lines[at].Length > 0; at++) { expected.Add(lines[at]); }
            parts.Add(new ScriptPart(start + 1, line, expected));
        }

        if (parts.Count == 0 || !parts[0].Text.StartsWith('#'))
        {
            throw new ScriptException($"{name} does not start with a comment that says what it proves.");
        }

        return new ScriptFile(name, parts);
    }

    /// <summary>The same script with other outputs, one per block and in order.</summary>
    public string Render(IReadOnlyList<IReadOnlyList<string>> outputs)
    {
        List<string> lines = [];
        int block = 0;
        foreach (ScriptPart part in Parts)
        {
            lines.Add(part.Text);
            if (part.Expected is null) { continue; }
            lines.Add(Divider);
            lines.AddRange(outputs[block++]);
        }

        return string.Join('\n', lines);
    }
}

/// <summary>A comment or blank line (<paramref name="Expected"/> is null), or a command with its expected output.</summary>
internal sealed record ScriptPart(int Line, string Text, IReadOnlyList<string>? Expected);

/// <summary>The script itself is wrong: an unknown command, a missing node, a broken form.</summary>
internal sealed class ScriptException(string message) : Exception(message);

/// <summary>Raft's safety is broken, whatever the script expects. Never recorded.</summary>
internal sealed class SafetyException(string message) : Exception(message);
