using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Emit;
using Microsoft.CodeAnalysis.Text;

namespace Quorate.Simulation.Tests.Planted;

/// <summary>Compiles projects of the product in memory, with bugs.</summary>
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
        [assembly: System.Runtime.CompilerServices.InternalsVisibleTo("Quorate.Simulation.Tests")]
        [assembly: System.Runtime.CompilerServices.InternalsVisibleTo("Quorate.Tests")]
        """;

    private static readonly CSharpParseOptions Parsing = new(LanguageVersion.CSharp14);

    // The frameworks and the packages.
    private static readonly ImmutableArray<MetadataReference> Framework =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => !Path.GetFileName(path).StartsWith("Quorate.", StringComparison.Ordinal))
            .Select(path => MetadataReference.CreateFromFile(path)),
    ];

    private static readonly ConcurrentDictionary<string, Lazy<CSharpCompilation>> Unchanged = new();

    private static string Root { get; } = FindRoot();

    /// <summary>A bug's project with the bug in it.</summary>
    /// <exception cref="InvalidOperationException">An edit's text is not there exactly once, or the result does not compile.</exception>
    public static byte[] Compile(PlantedBug bug)
    {
        CSharpCompilation compilation = UnchangedOf(bug.Project);
        foreach ((SyntaxTree before, SyntaxTree after) in Edited(compilation, bug)) { compilation = compilation.ReplaceSyntaxTree(before, after); }
        return Emit(compilation, bug.Name);
    }

    /// <summary>A project with many bugs in it, none of them active; a bug's number is its place in the list, from 1.</summary>
    /// <param name="project">Its name.</param>
    /// <param name="bugs">All bugs; those of other projects are left out.</param>
    /// <exception cref="InvalidOperationException">An edit's text is not there exactly once, or the result does not compile.</exception>
    public static byte[] Compile(string project, ImmutableArray<PlantedBug> bugs)
    {
        CSharpCompilation compilation = UnchangedOf(project);
        var files = new Dictionary<SyntaxTree, List<(int Number, SyntaxNode Root)>>();
        for (int i = 0; i < bugs.Length; i++)
        {
            if (bugs[i].Project != project) { continue; }
            foreach ((SyntaxTree before, SyntaxTree after) in Edited(compilation, bugs[i]))
            {
                if (!files.TryGetValue(before, out var known)) { files.Add(before, known = []); }
                known.Add((i + 1, after.GetRoot()));
            }
        }

        foreach ((SyntaxTree before, List<(int Number, SyntaxNode Root)> edited) in files)
        {
            string merged = PlantedSwitch.Merge(before.GetRoot(), edited).ToFullString();
            compilation = compilation.ReplaceSyntaxTree(before, CSharpSyntaxTree.ParseText(SourceText.From(merged), Parsing, before.FilePath));
        }

        return Emit(compilation.AddSyntaxTrees(CSharpSyntaxTree.ParseText(PlantedSwitch.Source, Parsing)), project);
    }

    private static CSharpCompilation UnchangedOf(string project) => Unchanged.GetOrAdd(project, name => new(() => Read(name))).Value;

    private static CSharpCompilation Read(string project) => CSharpCompilation.Create(
        project, TreesOf(project), [.. Framework, .. OtherProjects(project)],
        new(OutputKind.DynamicallyLinkedLibrary, optimizationLevel: OptimizationLevel.Release, allowUnsafe: true,
            checkOverflow: true, nullableContextOptions: NullableContextOptions.Enable));

    private static IEnumerable<SyntaxTree> TreesOf(string name)
    {
        yield return CSharpSyntaxTree.ParseText(Generated, Parsing);
        string project = Path.Combine(Root, "src", name);
        string[] outputs = [.. new[] { "obj", "bin" }.Select(output => Path.Combine(project, output) + Path.DirectorySeparatorChar)];
        foreach (string path in Directory.EnumerateFiles(project, "*.cs", SearchOption.AllDirectories))
        {
            if (outputs.Any(output => path.StartsWith(output, StringComparison.Ordinal))) { continue; }
            yield return CSharpSyntaxTree.ParseText(SourceText.From(File.ReadAllText(path)), Parsing, path);
        }

        // What the build made of protocol files: by the same configuration as this assembly, bin/CONFIGURATION/FRAMEWORK/.
        string[] output = AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar).Split(Path.DirectorySeparatorChar)[^2..];
        foreach (string proto in Directory.EnumerateFiles(project, "*.proto", SearchOption.AllDirectories))
        {
            string file = Path.GetFileNameWithoutExtension(proto);
            string path = Path.Combine([project, "obj", .. output, $"{char.ToUpperInvariant(file[0])}{file[1..]}.cs"]);
            yield return CSharpSyntaxTree.ParseText(SourceText.From(File.ReadAllText(path)), Parsing, path);
        }
    }

    private static IEnumerable<(SyntaxTree Before, SyntaxTree After)> Edited(CSharpCompilation compilation, PlantedBug bug)
    {
        foreach (IGrouping<string, Edit> file in bug.Edits.GroupBy(edit => Path.Combine(Root, edit.File)))
        {
            SyntaxTree before = compilation.SyntaxTrees.FirstOrDefault(tree => tree.FilePath == file.Key) ?? throw Outdated(bug.Name, $"there is no {file.Key}");
            string text = file.Aggregate(before.ToString(), (text, edit) => Apply(bug, edit, text));
            yield return (before, CSharpSyntaxTree.ParseText(SourceText.From(text), Parsing, file.Key));
        }
    }

    private static string Apply(PlantedBug bug, Edit edit, string text)
    {
        IEnumerable<string> lines = edit.Before.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        MatchCollection found = Regex.Matches(text, string.Join(@"\s*\n\s*", lines.Select(Regex.Escape)));
        if (found.Count != 1) { throw Outdated(bug.Name, $"its text is {found.Count} times in {edit.File}: {edit.Before}"); }
        return text[..found[0].Index] + edit.After + text[(found[0].Index + found[0].Length)..];
    }

    private static byte[] Emit(CSharpCompilation compilation, string what)
    {
        using var image = new MemoryStream();
        EmitResult result = compilation.Emit(image);
        string[] errors = [.. result.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error).Take(5).Select(d => d.ToString())];
        return errors.Length == 0 ? image.ToArray() : throw Outdated(what, $"it does not compile: {string.Join('\n', errors)}");
    }

    private static IEnumerable<MetadataReference> OtherProjects(string project) => Directory
        .EnumerateFiles(AppContext.BaseDirectory, "Quorate.*.dll")
        .Where(path => Path.GetFileNameWithoutExtension(path) != project && !path.EndsWith(".Tests.dll", StringComparison.Ordinal))
        .Select(path => MetadataReference.CreateFromFile(path));

    private static InvalidOperationException Outdated(string what, string problem) => new($"update the plant '{what}': {problem}");

    private static string FindRoot([CallerFilePath] string here = "")
    {
        string? directory = Path.GetDirectoryName(here);
        while (directory is not null && !File.Exists(Path.Combine(directory, "Quorate.slnx"))) { directory = Path.GetDirectoryName(directory); }
        return directory ?? throw new InvalidOperationException($"no Quorate.slnx above {here}");
    }
}
