using System.Collections.Immutable;
using Xunit;

namespace Quorate.Conformance.Tests.Differential;

/// <summary>Hundreds of requests to the real etcd and to Quorate: what differs is known, has a reason and stands in the docs.</summary>
public sealed class DifferentialTests(ITestOutputHelper output)
{
    // Goal: for a client there is no difference between the two but those that we chose. To add one, or to see a changed table:
    // WRITE_DIFFERENCES=1 dotnet test tests/Quorate.Conformance.Tests --filter DifferentialTests
    [Fact]
    public async Task All_differences_from_etcd_have_a_reason_and_stand_in_the_docs()
    {
        DifferentialFindings findings = await DifferentialRun.RunAsync(AllCases.Groups);
        output.WriteLine($"{findings.Cases} cases, {findings.Answers} answers, {findings.Differences.Length} fields differ");

        ImmutableArray<Difference> bugs = [.. findings.Differences.Where(static d => !KnownDifferences.All.Any(known => known.Covers(d)))];
        Assert.True(bugs.IsEmpty, $"{bugs.Length} without a reason:\n" + string.Join('\n', bugs.Select(Show)));

        string[] unused = [.. KnownDifferences.All.Where(k => !findings.Differences.Any(k.Covers)).Select(static k => $"{k.Where}: {k.Reason}")];
        Assert.True(unused.Length == 0, "no difference any more; strike out:\n" + string.Join('\n', unused));

        string page = await File.ReadAllTextAsync(DifferenceTable.Page, TestContext.Current.CancellationToken);
        int begin = page.IndexOf(DifferenceTable.Begin, StringComparison.Ordinal) + DifferenceTable.Begin.Length;
        int end = page.IndexOf(DifferenceTable.End, StringComparison.Ordinal);
        string generated = "\n" + DifferenceTable.Text(findings, KnownDifferences.All);
        if (Environment.GetEnvironmentVariable("WRITE_DIFFERENCES") == "1")
        {
            await File.WriteAllTextAsync(DifferenceTable.Page, page[..begin] + generated + page[end..], TestContext.Current.CancellationToken);
            return;
        }

        Assert.Equal(generated, page[begin..end]);
    }

    private static string Show(Difference d) => $"{d.Group}/{d.Case}/{d.Door} {d.Field}\n    {d.Step.Text}\n    etcd: {d.Etcd ?? "-"}\n    ours: {d.Ours ?? "-"}";
}
