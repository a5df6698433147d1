using System.Globalization;
using System.Text.Json;
using Xunit;

namespace Quorate.Conformance.Tests;

public sealed class SimTests
{
    private const int Seeds = 40;

    // Goal: a seed means the same in every process. Within one, whatever differs between processes (the hashes of texts, addresses,
    // times) would go unnoticed.
    [Fact]
    public async Task Two_processes_give_equal_traces()
    {
        string directory = Directory.CreateTempSubdirectory("quorate-sim-").FullName;
        try
        {
            string[] reports = [Path.Combine(directory, "a.json"), Path.Combine(directory, "b.json")];
            Tool.Result[] results = await Task.WhenAll(reports.Select(report => Task.Run(() => Tool.Run(
                "dotnet", [ServerProcess.Binary, "sim", "--seeds", $"1..{Seeds}", "--jobs", "1", "--report", report], seconds: 600))));
            foreach (Tool.Result result in results) { result.Succeeded(); }
            string[] first = Runs(reports[0]);
            string[] second = Runs(reports[1]);
            Assert.Equal(Seeds, first.Length);
            for (int i = 0; i < Seeds; i++)
            {
                Assert.True(
                    first[i] == second[i],
                    $"{first[i]} and {second[i]}; to see where they part: quorate sim --seed {i + 1} --trace a.txt, again with b.txt, quorate sim diff a.txt b.txt");
            }
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    // Seed, trace and events of each run.
    private static string[] Runs(string report)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(report));
        return [.. json.RootElement.GetProperty("runs").EnumerateArray().Select(run => string.Create(
            CultureInfo.InvariantCulture,
            $"seed {run.GetProperty("seed").GetUInt64()} trace {run.GetProperty("trace").GetString()} events {run.GetProperty("events").GetInt64()}"))];
    }
}
