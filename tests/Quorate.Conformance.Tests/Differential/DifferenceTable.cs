using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Quorate.Conformance.Tests.Differential;

/// <summary>The generated part of docs/protocols/etcd.md.</summary>
internal static class DifferenceTable
{
    public const string Begin = "<!-- Generated: begin. Do not edit. -->";
    public const string End = "<!-- Generated: end. -->";

    private const int LongestValue = 90;

    /// <summary>The page, between the two marks above.</summary>
    public static string Page
    {
        get
        {
            string? directory = AppContext.BaseDirectory;
            while (directory is not null && !File.Exists(Path.Combine(directory, "Quorate.slnx"))) { directory = Path.GetDirectoryName(directory); }
            return Path.Combine(directory ?? throw new InvalidOperationException("no Quorate.slnx above the tests"), "docs", "protocols", "etcd.md");
        }
    }

    /// <summary>All that the suite found: masks, and a row for each answer that differs, with the reason.</summary>
    public static string Text(DifferentialFindings findings, ImmutableArray<KnownDifference> known)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"{findings.Cases} cases, {findings.Answers} answers compared with etcd 3.4.23's, field by field. Not compared as they stand:")
            .AppendLine()
            .AppendLine("| masked | why |")
            .AppendLine("|---|---|");
        foreach (Mask mask in Masks.All) { text.AppendLine(CultureInfo.InvariantCulture, $"| {mask.What} | {mask.Reason} |"); }
        text.AppendLine();
        foreach (KnownDifference reason in known)
        {
            ImmutableArray<string> rows = [.. Rows(findings.Differences.Where(d => known.First(k => k.Covers(d) || k == known[^1]) == reason))];
            if (rows.Length == 0) { continue; }
            text.AppendLine(CultureInfo.InvariantCulture, $"**{reason.Reason}**")
                .AppendLine()
                .AppendLine("| case | request | etcd 3.4.23 | Quorate |")
                .AppendLine("|---|---|---|---|");
            foreach (string row in rows) { text.AppendLine(row); }
            text.AppendLine();
        }

        return text.ToString().TrimEnd() + "\n";
    }

    // A row for each answer; of an answer, all fields that differ for this reason. What both doors have alike is said once.
    private static IEnumerable<string> Rows(IEnumerable<Difference> differences) => differences
        .GroupBy(static d => (d.Group, d.Case, d.Door, d.Step.Text))
        .Select(static answer => (
            answer.Key.Group, answer.Key.Case, answer.Key.Door, answer.Key.Text,
            Etcd: string.Join("; ", answer.Select(static d => Said(d.Field, d.Etcd))),
            Ours: string.Join("; ", answer.Select(static d => Said(d.Field, d.Ours)))))
        .GroupBy(static row => (row.Group, row.Case, row.Text, row.Etcd, row.Ours))
        .Select(static same => (same.Key, Doors: same.Count() == 1 ? same.First().Door.ToString() : "both"))
        .Select(static row => $"| {row.Key.Group}: {row.Key.Case} ({row.Doors}) | {Cell(row.Key.Text)} | {Cell(row.Key.Etcd)} | {Cell(row.Key.Ours)} |");

    private static string Said(string field, string? value) => value is null ? $"no {field}" : $"{field} {value}";

    private static string Cell(string text)
    {
        string shown = text.Length <= LongestValue ? text : text[..LongestValue] + "...";
        return "`" + shown.Replace("|", "\\|", StringComparison.Ordinal).Replace("`", "'", StringComparison.Ordinal) + "`";
    }
}
