// Goal: docs/guarantees.md promises nothing without naming what shows it, or saying that nothing does; and whatever it names exists.
using System.Text.RegularExpressions;
using Quorate.Simulation;
using Quorate.Simulation.Figures;
using Xunit;

namespace Quorate.Tests.House;

/// <summary>
/// Reads the tables of the page whose last column is "shown by". In it, in backticks: a test class, a test, <c>Class.Test</c>, a scenario
/// of the simulator, a row of the fault catalogue that some recorded run survived, or a script of Raft's tests.
/// </summary>
public sealed partial class GuaranteesTests
{
    private const string NotShown = "not shown";

    private static readonly SortedSet<string> Tests = TestsInSources();
    private static readonly SortedSet<string> Scripts = new(
        Directory.EnumerateFiles(Repository.Path("tests", "Quorate.Tests", "Raft", "Scripts"), "*.txt").Select(static path => Path.GetFileNameWithoutExtension(path)),
        StringComparer.Ordinal);

    [Fact]
    public void Every_promise_names_what_shows_it_or_says_that_nothing_does()
    {
        string page = File.ReadAllText(Repository.Path("docs", "guarantees.md"));
        Assert.True(Rows(page).Count() > 100, "the page's tables are not found");
        Assert.Empty(Problems(page));
    }

    [Theory]
    [InlineData("`GuaranteesTests`", null)]
    [InlineData("`What_is_named_must_exist`, `swarm` 1..5, `P1`", null)]
    [InlineData("`GuaranteesTests.What_is_named_must_exist`, `read_index`", null)]
    [InlineData("not shown", null)]
    [InlineData("", "names nothing")]
    [InlineData("by reading", "names nothing")]
    [InlineData("`NobodysTests`", "no such test class")]
    [InlineData("`Repository`", "no such test")]
    [InlineData("`ArrowTests.What_is_named_must_exist`", "no such test")]
    [InlineData("`Nobody_tests_this`", "no such test")]
    [InlineData("`no-such-scenario`", "no such scenario")]
    [InlineData("`no_such_script`", "no such script")]
    [InlineData("`P99`", "no run has survived it")]
    [InlineData("`K4`", "no run has survived it")]
    public void What_is_named_must_exist(string shownBy, string? problem)
    {
        string page = $"| what | shown by |\n|---|---|\n| `anything` goes here | {shownBy} |\n\n| a | b |\n|---|---|\n| `x` | `y` |\n";
        Assert.Equal("anything", Name().Match(Assert.Single(Rows(page))[0]).Groups[1].Value);
        Assert.Equal(problem, Problems(page).SingleOrDefault()?.Split(": ")[^1]);
    }

    private static IEnumerable<string> Problems(string page)
    {
        foreach (string[] row in Rows(page))
        {
            string[] names = [.. Name().Matches(row[^1]).Select(static match => match.Groups[1].Value)];
            if (names.Length == 0 && !row[^1].Contains(NotShown, StringComparison.Ordinal)) { yield return $"{row[0]}: names nothing"; }
            foreach (string name in names)
            {
                if (Problem(name) is { } problem) { yield return $"{row[0]}: {name}: {problem}"; }
            }
        }
    }

    private static string? Problem(string name) => name switch
    {
        _ when FaultRow().IsMatch(name) => IsSurvived(name) ? null : "no run has survived it",
        _ when char.IsUpper(name[0]) => Tests.Contains(name) ? null : name.EndsWith("Tests", StringComparison.Ordinal) ? "no such test class" : "no such test",
        _ when name.Contains('_', StringComparison.Ordinal) => Scripts.Contains(name) ? null : "no such script",
        _ => Scenarios.All.Any(scenario => scenario.Name == name) ? null : "no such scenario",
    };

    private static bool IsSurvived(string row)
    {
        var facts = ReliabilityFacts.Parse(File.ReadAllText(Repository.Path("docs", "reliability.json")));
        return FaultCatalogue.All.Any(fault => fault.Row == row) &&
            (facts.Simulated.Faults.GetValueOrDefault(row)?.Passed > 0 || facts.Real.Faults.GetValueOrDefault(row)?.Passed > 0);
    }

    // The cells of all rows of the tables that have the column.
    private static IEnumerable<string[]> Rows(string page)
    {
        bool isInside = false;
        foreach (string line in page.Split('\n'))
        {
            if (!line.StartsWith('|')) { isInside = false; continue; }
            string[] cells = [.. line.Trim().Trim('|').Split('|').Select(static cell => cell.Trim())];
            if (cells[^1] == "shown by") { isInside = true; }
            else if (isInside && !cells[0].StartsWith("--", StringComparison.Ordinal)) { yield return cells; }
        }
    }

    // Class, test, and Class.Test of everything that xunit runs.
    private static SortedSet<string> TestsInSources()
    {
        var found = new SortedSet<string>(StringComparer.Ordinal);
        IEnumerable<string> files = Directory.EnumerateFiles(Repository.Path("tests"), "*Tests*.cs", SearchOption.AllDirectories)
            .Where(static path => !path.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal));
        foreach (string path in files)
        {
            string type = "";
            bool isTest = false;
            foreach (string line in File.ReadLines(path).Select(static line => line.Trim()))
            {
                if (TestClass().Match(line) is { Success: true } declared) { type = declared.Groups[1].Value; }
                else if (line.StartsWith("[Fact", StringComparison.Ordinal) || line.StartsWith("[Theory", StringComparison.Ordinal)) { isTest = true; }
                else if (isTest && Method().Match(line) is { Success: true } method)
                {
                    isTest = false;
                    found.UnionWith([type, method.Groups[1].Value, $"{type}.{method.Groups[1].Value}"]);
                }
            }
        }

        return found;
    }

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Name();

    [GeneratedRegex("^[A-Z][0-9]+$")]
    private static partial Regex FaultRow();

    [GeneratedRegex(@"^public (?:sealed )?(?:partial )?class (\w+Tests)\b")]
    private static partial Regex TestClass();

    [GeneratedRegex(@"^public [^(=]*?(\w+)\(")]
    private static partial Regex Method();
}
