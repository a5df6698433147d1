using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Emit;
using Microsoft.CodeAnalysis.Text;

namespace Quorate.Simulation.Tests.Planted;

/// <summary>Compiles one project of the product in memory, with edits.</summary>
internal static class ProductSources
{
    // What ImplicitUsings stands for in a project of Microsoft.NET.Sdk, the version that other projects refer to, and who sees internals.
    private const string Generated = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Threading;
        global using System.Threading.Tasks;
        [assembly: System.Reflection.AssemblyVersion("0.1.0.0")]
        [assembly: System.Runtime.CompilerServices.InternalsVisibleTo("Quorate.Simulation")]
        """;

    private static readonly CSharpParseOptions Parsing = new(LanguageVersion.CSharp14);

    private static readonly ImmutableArray<MetadataReference> Framework =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => path.StartsWith(Path.GetDirectoryName(typeof(object).Assembly.Location)!, StringComparison.Ordinal))
            .Select(path => MetadataReference.CreateFromFile(path)),
    ];

    private static string Root { get; } = FindRoot();

    /// <summary>The assembly with the bug in it.</summary>
    /// <exception cref="InvalidOperationException">An edit's text is not there exactly once, or the result does not compile.</exception>
    public static byte[] Compile(PlantedBug bug)
    {
        var compilation = CSharpCompilation.Create(
            bug.Project, TreesOf(bug), [.. Framework, .. OtherProjects(bug.Project)],
            new(OutputKind.DynamicallyLinkedLibrary, optimizationLevel: OptimizationLevel.Release, allowUnsafe: true,
                checkOverflow: true, nullableContextOptions: NullableContextOptions.Enable));
        using var image = new MemoryStream();
        EmitResult result = compilation.Emit(image);
        string[] errors = [.. result.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error).Take(5).Select(d => d.ToString())];
        return errors.Length == 0 ? image.ToArray() : throw Outdated(bug, $"it does not compile: {string.Join('\n', errors)}");
    }

    private static IEnumerable<SyntaxTree> TreesOf(PlantedBug bug)
    {
        yield return CSharpSyntaxTree.ParseText(Generated, Parsing);
        string project = Path.Combine(Root, "src", bug.Project);
        string[] outputs = [.. new[] { "obj", "bin" }.Select(name => Path.Combine(project, name) + Path.DirectorySeparatorChar)];
        foreach (string path in Directory.EnumerateFiles(project, "*.cs", SearchOption.AllDirectories))
        {
            if (outputs.Any(output => path.StartsWith(output, StringComparison.Ordinal))) { continue; }
            string text = File.ReadAllText(path);
            foreach (Edit edit in bug.Edits)
            {
                if (Path.Combine(Root, edit.File) == path) { text = Apply(bug, edit, text); }
            }

            yield return CSharpSyntaxTree.ParseText(SourceText.From(text), Parsing, path);
        }
    }

    private static string Apply(PlantedBug bug, Edit edit, string text)
    {
        IEnumerable<string> lines = edit.Before.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        MatchCollection found = Regex.Matches(text, string.Join(@"\s*\n\s*", lines.Select(Regex.Escape)));
        if (found.Count != 1) { throw Outdated(bug, $"its text is {found.Count} times in {edit.File}: {edit.Before}"); }
        return text[..found[0].Index] + edit.After + text[(found[0].Index + found[0].Length)..];
    }

    private static IEnumerable<MetadataReference> OtherProjects(string project) => Directory
        .EnumerateFiles(AppContext.BaseDirectory, "Quorate.*.dll")
        .Where(path => Path.GetFileNameWithoutExtension(path) != project && !path.EndsWith(".Tests.dll", StringComparison.Ordinal))
        .Select(path => MetadataReference.CreateFromFile(path));

    private static InvalidOperationException Outdated(PlantedBug bug, string problem) =>
        new($"update the plant '{bug.Name}': {problem}");

    private static string FindRoot([CallerFilePath] string here = "")
    {
        string? directory = Path.GetDirectoryName(here);
        while (directory is not null && !File.Exists(Path.Combine(directory, "Quorate.slnx"))) { directory = Path.GetDirectoryName(directory); }
        return directory ?? throw new InvalidOperationException($"no Quorate.slnx above {here}");
    }
}
