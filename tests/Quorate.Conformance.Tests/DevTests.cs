using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>The first command of the README.</summary>
public sealed partial class DevTests
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(90);

    // Goal: all URLs that dev prints answer, and it ends by itself and cleanly, leaving no process and no file behind.
    [Fact]
    public async Task Dev_serves_on_every_url_it_prints_and_leaves_nothing_behind()
    {
        using Process dev = Start("--exit-after", "4");
        (string[] urls, int[] children, string directory) = await ReadyAsync(dev);
        Assert.Equal(3, urls.Distinct().Count());
        using (var http = new HttpClient())
        {
            foreach (string url in urls)
            {
                Assert.Contains("\"true\"", await http.GetStringAsync(url + "/health", TestContext.Current.CancellationToken), StringComparison.Ordinal);
            }
        }

        string rest = await dev.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken).WaitAsync(Longest, TestContext.Current.CancellationToken);
        await dev.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Longest, TestContext.Current.CancellationToken);
        Assert.Equal(0, dev.ExitCode);
        Assert.EndsWith("stopping\nstopped\n", rest, StringComparison.Ordinal);
        Assert.DoesNotContain(children, IsOurs);
        Assert.False(Directory.Exists(directory), $"{directory} was left behind");
    }

    // Goal: no server outlives a dev that could not say goodbye.
    [Fact]
    public async Task The_nodes_stop_when_dev_is_killed()
    {
        using Process dev = Start();
        (_, int[] children, string directory) = await ReadyAsync(dev);
        dev.Kill();
        await dev.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Longest, TestContext.Current.CancellationToken);
        for (var watch = Stopwatch.StartNew(); children.Any(IsOurs); await Task.Delay(50, TestContext.Current.CancellationToken))
        {
            Assert.True(watch.Elapsed < Longest, "a node has outlived dev");
        }

        Directory.Delete(directory, recursive: true); // Nobody else is left to do it.
    }

    private static Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardInput = true };
        foreach (string argument in (string[])[ServerProcess.Binary, "dev", "--no-keys", .. arguments]) { start.ArgumentList.Add(argument); }
        return Process.Start(start)!;
    }

    // Reads up to the last line that dev prints once it is ready.
    private static async Task<(string[] Urls, int[] Children, string Directory)> ReadyAsync(Process dev)
    {
        var urls = new List<string>();
        var children = new List<int>();
        string directory = "";
        string all = "";
        while (!all.Contains("Ctrl-C", StringComparison.Ordinal))
        {
            string? line = await dev.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask()
                .WaitAsync(Longest, TestContext.Current.CancellationToken);
            Assert.True(line is not null, "dev ended before it was ready:\n" + all);
            all += line + "\n";
            if (NodeLine().Match(line) is { Success: true } node)
            {
                urls.Add(node.Groups["url"].Value);
                children.Add(int.Parse(node.Groups["pid"].Value, CultureInfo.InvariantCulture));
            }

            if (StartingLine().Match(line) is { Success: true } starting) { directory = starting.Groups["directory"].Value; }
        }

        return ([.. urls], [.. children], directory);
    }

    // By its command line: an id may belong to another process soon, and one that nobody has waited for yet has none.
    private static bool IsOurs(int process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/cmdline").Contains("--stop-with-stdin", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }

    [GeneratedRegex(@"^  n\d  clients (?<url>\S+)  peers \S+  pid (?<pid>\d+)  log ")]
    private static partial Regex NodeLine();

    [GeneratedRegex("^starting 3 nodes in (?<directory>.+)$")]
    private static partial Regex StartingLine();
}
