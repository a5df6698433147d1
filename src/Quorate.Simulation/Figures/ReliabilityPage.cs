using System.Globalization;
using System.Text;

namespace Quorate.Simulation.Figures;

/// <summary>Makes the page of figures from the facts. Nothing on it is typed by hand.</summary>
public static class ReliabilityPage
{
    private const string Dash = "-";

    /// <summary>The page as Markdown.</summary>
    /// <param name="facts">What is known.</param>
    public static string Write(ReliabilityFacts facts)
    {
        var page = new StringBuilder();
        Line(page, "# Reliability: figures");
        Line(page);
        Line(page, "Made by `quorate sim report` from `reliability.json`, which runs add to (`--record`); a test demands that both agree. Nothing here");
        Line(page, "is typed. What the simulation is and cannot show: [its DESIGN.md](../src/Quorate.Simulation/DESIGN.md). Bugs found: [found-bugs.md](found-bugs.md).");
        Totals(page, facts);
        Faults(page, facts);
        Planted(page, facts);
        Probes(page, facts.Simulated.Probes);
        return page.ToString();
    }

    private static void Totals(StringBuilder page, ReliabilityFacts facts)
    {
        SimulatedFacts simulated = facts.Simulated;
        RealFacts real = facts.Real;
        Line(page);
        Line(page, "## So far");
        Line(page);
        Line(page, "| | simulated | real processes |");
        Line(page, "| --- | ---: | ---: |");
        Line(page, $"| runs, rounds | {Number(simulated.Runs)} | {Number(real.Passed + real.Failed)} |");
        Line(page, $"| of them broke a promise | {(simulated.Runs == 0 ? Dash : Zero(simulated.Failures))} | {(real.Passed + real.Failed == 0 ? Dash : Zero(real.Failed))} |");
        Line(page, $"| in them no fault struck, or no client was answered | {(simulated.Runs == 0 ? Dash : Zero(simulated.Quiet))} | {Dash} |");
        Line(page, $"| hours of the cluster | {Hours(simulated.Seconds)} | {Hours(real.Minutes * 60)} |");
        Line(page, $"| hours of waiting for it | {Hours(simulated.RealSeconds)} | {Hours(real.Minutes * 60)} |");
        Line(page, $"| operations of clients | {Number(simulated.Operations)} | {Number(real.Operations)} |");
        Line(page, $"| events | {Number(simulated.Events)} | {Dash} |");
        Line(page);
        foreach ((string scenario, string[] seeds) in simulated.Seeds) { Line(page, $"Seeds of `{scenario}`: {string.Join(", ", seeds)}."); }
        if (simulated.RealSeconds > 0)
        {
            Line(page, string.Create(CultureInfo.InvariantCulture, $"Simulated time to real time: {simulated.Seconds / simulated.RealSeconds:0}:1, on all cores of the machine that ran it."));
        }

        foreach ((string scenario, ScenarioTime time) in simulated.Times)
        {
            if (time.RealSeconds == 0) { continue; }
            Line(page, string.Create(
                CultureInfo.InvariantCulture,
                $"`{scenario}`: {time.Seconds / 3600:0.0} simulated hours in {time.RealSeconds / 60:0.0} minutes, {time.Seconds / time.RealSeconds:0}:1."));
        }

        Line(page, "To run it again, from the repository's root (`quorate` is `dotnet run --project src/Quorate -c Release --`):");
        Line(page);
        Line(page, "```");
        Line(page, "quorate sim --seeds 1..200                                  # and one seed alone: --seed 17");
        Line(page, "quorate sim --scenario day --seed 1                         # a day of three nodes");
        Line(page, "QUORATE_FAULT_MINUTES=30 QUORATE_FAULT_RECORD=/tmp/real.jsonl dotnet test -c Release tests/Quorate.Conformance.Tests --filter Random_faults");
        Line(page, "QUORATE_PLANTED_RECORD=/tmp/planted.jsonl dotnet test -c Release tests/Quorate.Simulation.Tests --filter Every_planted_bug_is_caught");
        Line(page, "```");
    }

    private static void Faults(StringBuilder page, ReliabilityFacts facts)
    {
        Line(page);
        Line(page, "## Faults survived");
        Line(page);
        Line(page, "Runs (simulated) and rounds (real) in which the fault struck and every promise held. Each simulated run was judged by assertions in");
        Line(page, "the product, one answer to each request, equal states of replicas at equal entries, and recovery within a bound; and its histories by");
        Line(page, "the checkers named. A fault counts if it hit a node with a replica, or a link between two members of a shard. X1: it struck while one");
        Line(page, "of another kind was in force, or had struck within five simulated seconds. A dash: not tried yet.");
        Line(page);
        Line(page, "| | fault | simulated | times it struck | histories checked | real | checked |");
        Line(page, "| --- | --- | ---: | ---: | --- | ---: | --- |");
        foreach (FaultRow row in FaultCatalogue.All)
        {
            SimulatedFault? simulated = facts.Simulated.Faults.GetValueOrDefault(row.Row);
            RealFault? real = facts.Real.Faults.GetValueOrDefault(row.Row);
            string? remark = simulated is null && real is null ? row.Missing : row.Limit;
            string what = remark is null ? row.What : $"{row.What} ({remark})";
            string checkers = simulated is { Checkers.Count: > 0 } ? string.Join(", ", simulated.Checkers.Select(pair => $"{pair.Key} {Number(pair.Value)}")) : Dash;
            Line(page, $"| {row.Row} | {what} | {Passed(simulated?.Passed, simulated?.Failed)} | {Number(simulated?.Strikes ?? 0)} | {checkers} "
                + $"| {Passed(real?.Passed, real?.Failed)} | {(real is { Checkers.Count: > 0 } ? string.Join(", ", real.Checkers) : Dash)} |");
        }
    }

    private static void Planted(StringBuilder page, ReliabilityFacts facts)
    {
        Line(page);
        Line(page, "## Planted bugs");
        Line(page);
        Line(page, "Variants of the product, in tests only, that are wrong on purpose: a net that catches nothing proves nothing.");
        Line(page);
        Line(page, "Those of the catalogue:");
        Line(page);
        Line(page, "| | kind of bug | planted | caught |");
        Line(page, "| ---: | --- | ---: | ---: |");
        foreach (PlantedRow row in PlantedCatalogue.All)
        {
            PlantedFact[] variants = [.. facts.Planted.Values.Where(fact => fact.Row == row.Row)];
            string what = variants.Length == 0 && row.Missing is not null ? $"{row.What} ({row.Missing})" : row.What;
            string caught = variants.Length == 0 ? Dash : Zero(variants.Count(fact => fact.Net is not null));
            Line(page, $"| {row.Row} | {what} | {Number(variants.Length)} | {caught} |");
        }

        Line(page);
        Line(page, "Each one, with what caught it: a net of the simulation, or a test of its own where no simulated run can show it. A number: the");
        Line(page, "kind of the catalogue.");
        Line(page);
        Line(page, "| bug | kind | caught by | first seed | of at most |");
        Line(page, "| --- | ---: | --- | ---: | ---: |");
        foreach ((string bug, PlantedFact fact) in facts.Planted)
        {
            string seed = fact.Seed is { } first ? first.ToString(CultureInfo.InvariantCulture) : Dash;
            Line(page, $"| {bug} | {Number(fact.Row)} | {fact.Net ?? Dash} | {seed} | {Number(fact.Within)} |");
        }

        if (facts.Planted.Count == 0) { Line(page, $"| {Dash} | {Dash} | {Dash} | {Dash} | {Dash} |"); }
    }

    private static void Probes(StringBuilder page, SortedDictionary<string, long> probes)
    {
        Line(page);
        Line(page, "## Rare paths");
        Line(page);
        string[] never = [.. probes.Where(probe => probe.Value == 0).Select(probe => probe.Key)];
        Line(page, probes.Count == 0 ? "No run was recorded yet." : $"Simulated runs reached {probes.Count - never.Length} of the {probes.Count} marked places in the product that are rarely reached.");
        if (never.Length == 0) { return; }
        Line(page, "Never reached:");
        Line(page);
        foreach (string name in never) { Line(page, $"- {name}"); }
    }

    private static string Passed(long? passed, long? failed) => (passed, failed) switch
    {
        (null, _) => Dash,
        (_, null or 0) => Number(passed.Value),
        _ => $"{Zero(passed.Value)}, and {Number(failed.Value)} failed",
    };

    // Zero of something that was not tried is no figure.
    private static string Number(long number) => number == 0 ? Dash : Zero(number);

    private static string Zero(long number) => number.ToString("#,0", CultureInfo.InvariantCulture);

    private static string Hours(double seconds) => seconds == 0 ? Dash : (seconds / 3600).ToString("#,0.0", CultureInfo.InvariantCulture);

    private static void Line(StringBuilder page, string text = "") => page.Append(text).Append('\n');
}
