using System.Globalization;
using Quorate.Client;
using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>Each sample, as its reader would run it, against three real members.</summary>
public sealed class SampleTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Lock()
    {
        using ClusterProcesses cluster = Members.Start(Members.Ours, 3);
        using RunningTool first = Sample("Lock", Urls(cluster));
        using RunningTool second = Sample("Lock", Urls(cluster));
        Assert.Equal((0, 0), (first.WaitForExit(), second.WaitForExit()));
        string[] tokens = [Token(first.Output), Token(second.Output)];
        Assert.NotEqual(tokens[0], tokens[1]);

        // The pages are those of whoever came last, all of them: no page of the other's in between.
        using QuorateClient client = cluster.Client();
        RangeResult pages = await client.Kv.RangeAsync(KeyRange.Prefix("samples/report-pages/"));
        Assert.Equal(3, pages.Items.Length);
        string last = $"token {tokens.Max(static token => long.Parse(token, CultureInfo.InvariantCulture))}";
        Assert.All(pages.Items, page => Assert.EndsWith(last, page.Value.ToString(), StringComparison.Ordinal));

        static string Token(string output)
        {
            Assert.EndsWith("done\n", output, StringComparison.Ordinal);
            return output.Split("token is ")[1].Split('.')[0];
        }
    }

    [Fact]
    public void LeaderElection()
    {
        using ClusterProcesses cluster = Members.Start(Members.Ours, 3);
        using RunningTool alice = Sample("LeaderElection", Urls(cluster), "alice");
        WaitFor(alice, "alice: I lead");
        using RunningTool bob = Sample("LeaderElection", Urls(cluster), "bob");
        WaitFor(bob, "bob sees: alice leads");
        Assert.DoesNotContain("bob: I lead", bob.Output, StringComparison.Ordinal);
        alice.Kill();
        WaitFor(bob, "bob: I lead");
        WaitFor(bob, "bob sees: bob leads");
    }

    [Fact]
    public async Task Configuration()
    {
        using ClusterProcesses cluster = Members.Start(Members.Ours, 3);
        using QuorateClient client = cluster.Client();
        string url = $"http://127.0.0.1:{ServerProcess.FreePorts(1)[0]}";
        using RunningTool shop = Sample("Configuration", Urls(cluster), "--urls", url);
        WaitFor(shop, "Now listening on");
        using var http = new HttpClient();
        Assert.Equal("no greeting is set", await http.GetStringAsync(url));
        await client.Kv.PutAsync("config/shop/Greeting", "hello");
        for (int i = 0; await http.GetStringAsync(url) != "hello"; i++)
        {
            Assert.True(i < 1000, "the setting never came");
            await Task.Delay(20);
        }
    }

    [Fact]
    public void Discovery()
    {
        using ClusterProcesses cluster = Members.Start(Members.Ours, 3);
        using RunningTool list = Sample("Discovery", Urls(cluster), "list");
        WaitFor(list, "0: \n");
        using RunningTool a = Sample("Discovery", Urls(cluster), "offer", "a", "http://10.0.0.1:8080");
        WaitFor(list, "1: a at http://10.0.0.1:8080\n");
        using RunningTool b = Sample("Discovery", Urls(cluster), "offer", "b", "http://10.0.0.2:8080");
        WaitFor(list, "2: a at http://10.0.0.1:8080, b at http://10.0.0.2:8080\n");
        a.Kill(); // Its lease ends by itself.
        WaitFor(list, "1: b at http://10.0.0.2:8080\n");
    }

    private static string Urls(ClusterProcesses cluster) => string.Join(',', cluster.Servers.Select(static server => server.Endpoint));

    // Built together with these tests, so in the same configuration: .../bin/Release/net10.0.
    private static RunningTool Sample(string name, params string[] arguments)
    {
        var ours = new DirectoryInfo(AppContext.BaseDirectory);
        string root = ours.Parent!.Parent!.Parent!.Parent!.Parent!.FullName;
        return new("dotnet", [Path.Combine(root, "samples", name, "bin", ours.Parent.Name, ours.Name, $"{name}.dll"), .. arguments]);
    }

    private static void WaitFor(RunningTool sample, string text) => Assert.True(
        SpinWait.SpinUntil(() => sample.Output.Contains(text, StringComparison.Ordinal), Patience), $"'{text}' is not in '{sample.Output}{sample.Error}'");
}
