using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Xunit;

namespace Quorate.Client.Tests;

/// <summary>The documents' code is code that compiles.</summary>
public sealed partial class SnippetTests
{
    [Theory]
    [InlineData("docs/client.md", 10)]
    [InlineData("src/Quorate.Client/README.md", 1)]
    public void Code_in_documents_compiles(string document, int atLeast)
    {
        string here = Path.GetDirectoryName(Here())!;
        string compiled = Normal(File.ReadAllText(Path.Combine(here, "Snippets.cs")));
        string[] blocks = [.. Block().Matches(File.ReadAllText(Path.Combine(here, "..", "..", document))).Select(static match => Normal(match.Groups[1].Value))];
        Assert.True(blocks.Length >= atLeast, $"{document} has {blocks.Length} blocks of code");
        Assert.All(blocks, block => Assert.Contains(block, compiled, StringComparison.Ordinal));
    }

    private static string Here([CallerFilePath] string path = "") => path;

    // Indentation and empty lines are the document's own.
    private static string Normal(string code) =>
        string.Join('\n', code.Split('\n').Select(static line => line.Trim()).Where(static line => line.Length > 0));

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();
}
