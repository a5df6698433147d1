using System.Globalization;
using System.Runtime.CompilerServices;
using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>The scripts that measure, as small as they go: they end well, print their tables, and no request failed. Times are not looked at.</summary>
public sealed class BenchScriptTests
{
    // Goal: no script rots when an option, a verb or a result's name changes.
    [Theory]
    [InlineData("bench-etcd.sh", "0.3 1", "| 1 | events to 10 watches of a key | 8 |", "| etcd | 3,000 |")]
    [InlineData("bench-size.sh", "3000 512 0.3 1 quorate", "## quorate: 3000 of 3000 keys", "Restart after kill -9")]
    [InlineData("bench-groups.sh", "0.3", "| 1 |", "| 3 |")]
    public void A_script_prints_its_table(string script, string arguments, string first, string last)
    {
        Tool.Find("curl");
        Tool.Find("etcd");
        int port = 18_000 + Environment.ProcessId % 300 * 32; // The scripts use the 32 from there on; elsewhere for each run of the tests.
        string[] small =
        [
            $"BENCH_DLL={ServerProcess.Binary}", string.Create(CultureInfo.InvariantCulture, $"PORT={port}"), "KEYS=300", "MEMORY_KEYS=3000", "CLIENTS=4", "WATCHERS=10", "SETTLE=0", "FILL_SECONDS=60",
            "STALL_SECONDS=5",
        ];
        string[] parts = script switch { "bench-etcd.sh" => ["1 memory"], "bench-groups.sh" => ["1 3"], _ => [] };
        Tool.Result result = Tool.Run(
            "/usr/bin/env", [.. small, "bash", Path.Combine(Scripts(), script), .. arguments.Split(' '), .. parts], seconds: 240);
        string output = result.Succeeded();
        Assert.Contains(first, output, StringComparison.Ordinal);
        Assert.Contains(last, output, StringComparison.Ordinal);
        Assert.DoesNotContain("errors", output, StringComparison.Ordinal);
    }

    private static string Scripts([CallerFilePath] string here = "")
    {
        string? directory = Path.GetDirectoryName(here);
        while (directory is not null && !File.Exists(Path.Combine(directory, "Quorate.slnx"))) { directory = Path.GetDirectoryName(directory); }
        return Path.Combine(directory ?? throw new InvalidOperationException($"no Quorate.slnx above {here}"), "eng");
    }
}
