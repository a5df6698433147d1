using System.Text.Json;
using System.Text.RegularExpressions;
using Quorate.Simulation.Figures;
using Xunit;

namespace Quorate.Simulation.Tests.Figures;

public sealed partial class ReliabilityFactsTests
{
    // Goal: runs add up by fault and checker, failed ones apart; a seed counts once; and all of it survives the file.
    [Fact]
    public void Runs_add_up_by_fault_and_a_seed_counts_once()
    {
        var facts = new ReliabilityFacts();
        Assert.True(facts.Add("swarm", Run(1, null, ("P1", 3), ("N1", 1))));
        facts = ReliabilityFacts.Parse(facts.ToJson());
        Assert.True(facts.Add("swarm", Run(2, new(SimNet.Histories, "wrong"), ("P1", 5))));
        Assert.False(facts.Add("swarm", Run(1, null, ("P1", 3))));
        Assert.True(facts.Add("other", Run(1, null)));
        facts = ReliabilityFacts.Parse(facts.ToJson());

        SimulatedFault killed = facts.Simulated.Faults["P1"];
        Assert.Equal((8, 1, 1), (killed.Strikes, killed.Passed, killed.Failed));
        Assert.Equal(1, killed.Checkers["register"]);
        Assert.Equal((3, 1, 30.0, 300), (facts.Simulated.Runs, facts.Simulated.Failures, facts.Simulated.Seconds, facts.Simulated.Operations));
        Assert.Equal("1..2", facts.Simulated.Seeds["swarm"].Single());
        Assert.Equal(facts.ToJson(), ReliabilityFacts.Parse(facts.ToJson()).ToJson());
    }

    // Goal: the records of the other suites are taken; what is none of them is refused by name, and so is a fault that nobody lists.
    [Fact]
    public void Records_of_other_suites_are_added()
    {
        var facts = new ReliabilityFacts();
        for (int i = 0; i < 2; i++)
        {
            facts.AddLine("""{"fault":"P1","where":"real","checkers":["register","liveness"],"passed":9,"failed":1,"minutes":4.5}""");
            facts.AddLine("""{"total":"real","passed":30,"failed":0,"minutes":31.5,"operations":1000}""");
            facts.AddLine("""{"bug":"ack-before-sync","catalogue":1,"net":"Histories","seed":17,"within":200}""");
        }

        facts.AddLine("""{"bug":"never-seen","net":"","seed":0,"within":200}""");
        facts.AddLine("""{"bug":"votes-too-soon","catalogue":3,"net":"SomeTest","seed":0,"within":0}""");
        facts = ReliabilityFacts.Parse(facts.ToJson());
        Assert.Equal((18, 2, 9.0), (facts.Real.Faults["P1"].Passed, facts.Real.Faults["P1"].Failed, facts.Real.Faults["P1"].Minutes));
        Assert.Equal(["liveness", "register"], facts.Real.Faults["P1"].Checkers);
        Assert.Equal((60, 63.0, 2000), (facts.Real.Passed, facts.Real.Minutes, facts.Real.Operations));
        Assert.Equal(("Histories", 17UL, 200), (facts.Planted["ack-before-sync"].Net, facts.Planted["ack-before-sync"].Seed, facts.Planted["ack-before-sync"].Within));

        string page = ReliabilityPage.Write(facts);
        Assert.Contains("\n| P1 | a process is killed, and comes back | - | - | - | 18, and 2 failed | liveness, register |\n", page, StringComparison.Ordinal);
        Assert.Contains("\n| ack-before-sync | 1 | Histories | 17 | 200 |\n| never-seen | - | - | - | 200 |\n| votes-too-soon | 3 | SomeTest | - | - |\n", page, StringComparison.Ordinal);
        Assert.Contains("\n| 3 | term or vote are not made durable | 1 | 1 |\n", page, StringComparison.Ordinal);

        foreach (string bad in (string[])["{}", "[]", "{", """{"fault":"Z9","where":"real"}""", """{"fault":"P1","where":"real","checkers":[],"passed":-1}"""])
        {
            Assert.ThrowsAny<JsonException>(() => facts.AddLine(bad));
        }

        Assert.Throws<JsonException>(() => facts.Add("swarm", Run(1, null, ("Z9", 1))));
        Assert.Throws<JsonException>(() => ReliabilityFacts.Parse("""{"simulated":{"sruns":1}}"""));
    }

    // Goal: the ratio of simulated to real time is given for each scenario by itself, not as a mean over all kinds of runs.
    [Fact]
    public void Each_scenario_has_its_own_ratio()
    {
        var facts = new ReliabilityFacts();
        facts.AddTime("swarm", TimeSpan.FromMinutes(10), TimeSpan.FromSeconds(60));
        facts.AddTime("day", TimeSpan.FromHours(24), TimeSpan.FromSeconds(60));
        facts = ReliabilityFacts.Parse(facts.ToJson());
        facts.AddTime("day", TimeSpan.FromHours(24), TimeSpan.FromSeconds(30));
        Assert.Contains("\n`day`: 48.0 simulated hours in 1.5 minutes, 1920:1.\n", ReliabilityPage.Write(facts), StringComparison.Ordinal);
    }

    // Goal: without any run the page has a row for each fault of the catalogue, and not one figure.
    [Fact]
    public void Without_runs_there_is_no_figure()
    {
        string[] lines = ReliabilityPage.Write(new()).Split('\n');
        foreach (FaultRow row in FaultCatalogue.All)
        {
            string line = Assert.Single(lines, line => line.StartsWith($"| {row.Row} |", StringComparison.Ordinal));
            Assert.EndsWith("| - | - | - | - | - |", line, StringComparison.Ordinal);
        }

        foreach (PlantedRow row in PlantedCatalogue.All)
        {
            string line = Assert.Single(lines, line => line.StartsWith($"| {row.Row} |", StringComparison.Ordinal));
            Assert.EndsWith("| - | - |", line, StringComparison.Ordinal);
        }

        Assert.Contains("| runs, rounds | - | - |", lines);
        Assert.Equal(
            [("P", 10), ("N", 13), ("C", 4), ("D", 18), ("O", 7), ("K", 5), ("L", 3), ("S", 2), ("X", 1)],
            FaultCatalogue.All.GroupBy(row => row.Row[..1]).Select(group => (group.Key, group.Count())));
    }

    // Goal: figures are never typed. The page is what the committed facts make; to make it anew: quorate sim report.
    [Fact]
    public void The_page_is_made_from_the_committed_facts()
    {
        string docs = Path.Combine(Root(), "docs");
        var facts = ReliabilityFacts.Parse(File.ReadAllText(Path.Combine(docs, "reliability.json")));
        Assert.Equal(ReliabilityPage.Write(facts), File.ReadAllText(Path.Combine(docs, "reliability.md")));
    }

    // Goal: what the simulation counts has a row in the table, or its figures could not be recorded.
    [Fact]
    public void Every_row_that_the_source_names_is_in_the_catalogue()
    {
        string[] rows =
        [
            .. Directory.EnumerateFiles(Path.Combine(Root(), "src", "Quorate.Simulation"), "*.cs", SearchOption.AllDirectories)
                .Where(file => Path.GetFileName(file) != "FaultCatalogue.cs")
                .SelectMany(file => RowInSource().Matches(File.ReadAllText(file)).Select(match => match.Groups[1].Value)).Distinct(),
        ];
        Assert.All(rows, row => Assert.Contains(FaultCatalogue.All, fault => fault.Row == row));
    }

    [GeneratedRegex("\"([PNCDOKLSX][0-9]{1,2})\"")]
    private static partial Regex RowInSource();

    private static string Root()
    {
        string directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "Quorate.slnx"))) { directory = Path.GetDirectoryName(directory)!; }
        return directory;
    }

    private static SimResult Run(ulong seed, SimulationException? failure, params (string Row, int Times)[] struck) => new()
    {
        Seed = seed,
        Failure = failure,
        TraceHash = seed,
        Events = 1000,
        Simulated = TimeSpan.FromSeconds(10),
        Operations = 100,
        Faults = [],
        Workloads = ["register"],
        Struck = new(struck.ToDictionary(pair => pair.Row, pair => pair.Times), StringComparer.Ordinal),
    };
}
