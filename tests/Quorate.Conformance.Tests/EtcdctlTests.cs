using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>Real etcdctl (3.4, Debian's) against one node and against each of three.</summary>
public sealed class EtcdctlTests
{
    [Fact]
    public void Etcdctl_works_against_one_node()
    {
        string etcdctl = Tool.Find("etcdctl");
        using ClusterProcesses cluster = ClusterProcesses.StartReady(1);
        Converse(etcdctl, cluster.Endpoints, "one");
        string members = Run(etcdctl, cluster.Endpoints, "member", "list");
        Assert.Contains("started, n0, http://127.0.0.1:", members, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Etcdctl_works_against_each_of_three_nodes()
    {
        string etcdctl = Tool.Find("etcdctl");
        using ClusterProcesses cluster = ClusterProcesses.StartReady(3);
        await cluster.FindLeaderAsync();
        foreach (ServerProcess server in cluster.Servers) { Converse(etcdctl, $"127.0.0.1:{server.ClientPort}", server.Name); }

        Assert.Equal(3, Lines(Run(etcdctl, cluster.Endpoints, "member", "list")).Length);
        string[] statuses = Lines(Run(etcdctl, cluster.Endpoints, "endpoint", "status"));
        Assert.Equal(3, statuses.Length);
        Assert.Single(statuses, line => line.Split(", ")[4] == "true");
        Tool.Result health = Tool.Run(etcdctl, ["--endpoints", cluster.Endpoints, "endpoint", "health"]);
        Assert.Equal(3, Lines(health.Succeeded() + health.Error).Count(line => line.Contains("is healthy", StringComparison.Ordinal)));

        // What one node has acknowledged, another shows at once.
        Run(etcdctl, $"127.0.0.1:{cluster.Servers[0].ClientPort}", "put", "seen", "everywhere");
        Assert.All(cluster.Servers, server =>
            Assert.Equal("seen\neverywhere\n", Run(etcdctl, $"127.0.0.1:{server.ClientPort}", "get", "seen")));
    }

    private static void Converse(string etcdctl, string endpoint, string prefix)
    {
        Assert.Equal("OK\n", Run(etcdctl, endpoint, "put", $"{prefix}/a", "1"));
        Assert.Equal("OK\n", Run(etcdctl, endpoint, "put", $"{prefix}/b", "2"));
        Assert.Equal("OK\n\n1\n", Run(etcdctl, endpoint, "put", $"{prefix}/a", "3", "--prev-kv").Replace($"{prefix}/a", "", StringComparison.Ordinal));
        Assert.Equal($"{prefix}/a\n3\n", Run(etcdctl, endpoint, "get", $"{prefix}/a"));
        Assert.Equal($"{prefix}/a\n3\n{prefix}/b\n2\n", Run(etcdctl, endpoint, "get", "--prefix", $"{prefix}/"));
        Assert.Equal($"{prefix}/b\n\n", Run(etcdctl, endpoint, "get", "--prefix", "--keys-only", "--limit=1", "--order=DESCEND", "--sort-by=KEY", $"{prefix}/"));

        string then = Tool.Run(
            etcdctl, ["--endpoints", endpoint, "txn"], $"value(\"{prefix}/a\") = \"3\"\n\nput {prefix}/t yes\nget {prefix}/t\n\nput {prefix}/t no\n\n").Succeeded();
        Assert.Equal($"SUCCESS\n\nOK\n\n{prefix}/t\nyes\n", then);
        string otherwise = Tool.Run(
            etcdctl, ["--endpoints", endpoint, "txn"], $"version(\"{prefix}/missing\") > \"0\"\n\nput {prefix}/t no\n\nget {prefix}/t\n\n").Succeeded();
        Assert.Equal($"FAILURE\n\n{prefix}/t\nyes\n", otherwise);

        Assert.Equal("1\n", Run(etcdctl, endpoint, "del", $"{prefix}/b"));
        Assert.Equal("2\n", Run(etcdctl, endpoint, "del", "--prefix", $"{prefix}/"));
        Assert.Equal("", Run(etcdctl, endpoint, "get", "--prefix", $"{prefix}/"));

        string json = Run(etcdctl, endpoint, "get", "x", "-w", "json");
        long revision = System.Text.Json.JsonDocument.Parse(json).RootElement.GetProperty("header").GetProperty("revision").GetInt64();
        Assert.Equal($"{prefix}/a\n3\n", Run(etcdctl, endpoint, "get", $"{prefix}/a", $"--rev={revision - 2}"));
        Assert.Equal($"compacted revision {revision}\n", Run(etcdctl, endpoint, "compaction", $"{revision}"));
        Tool.Result compacted = Tool.Run(etcdctl, ["--endpoints", endpoint, "get", "x", $"--rev={revision - 1}"]);
        Assert.NotEqual(0, compacted.ExitCode);
        Assert.Contains("etcdserver: mvcc: required revision has been compacted", compacted.Error, StringComparison.Ordinal);
        Tool.Result future = Tool.Run(etcdctl, ["--endpoints", endpoint, "get", "x", $"--rev={revision + 1000}"]);
        Assert.Contains("etcdserver: mvcc: required revision is a future revision", future.Error, StringComparison.Ordinal);
        Assert.Contains(", true, ", Run(etcdctl, endpoint, "endpoint", "status") + ", true, ", StringComparison.Ordinal);
    }

    private static string Run(string etcdctl, string endpoint, params IEnumerable<string> arguments) =>
        Tool.Run(etcdctl, ["--endpoints", endpoint, .. arguments]).Succeeded();

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
