using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>Several keyspaces in one cluster of real processes, each of them an etcd of its own to etcdctl.</summary>
public sealed class KeyspaceTests
{
    // Goal: two ports of one cluster are two etcds: separate keys, revisions, leases and watches; and both survive kill -9 of all nodes.
    [Fact]
    public void Two_ports_are_two_etcds()
    {
        string etcdctl = Tool.Find("etcdctl");
        using var ports = new KeyspacePorts(3, "a", "b");
        ports.Cluster.StartAll();
        string main = ports.Cluster.Endpoints;
        Tool.Result unknown = Tool.Run(etcdctl, ["--endpoints", ports["a"], "get", "k"]);
        Assert.Contains("keyspace not found", unknown.Error, StringComparison.Ordinal);
        foreach (string name in new[] { "a", "b" })
        {
            Tool.Quorate("keyspace", "create", name, "--endpoints", main, "--timeout", "30").Succeeded();
        }

        using var watch = new RunningTool(etcdctl, "--endpoints", ports["b"], "watch", "--prefix", "", "--rev=1");
        for (int i = 0; i < 3; i++) { Run(etcdctl, ports["a"], "put", "k", $"a{i}"); }
        string lease = Run(etcdctl, ports["a"], "lease", "grant", "600");
        Run(etcdctl, ports["b"], "put", "k", "b0");
        Run(etcdctl, main, "put", "k", "main");
        Check(etcdctl, ports, lease.Split(' ')[1]);
        Assert.Equal(["PUT", "k", "b0"], watch.WaitForLines(3)[..3]);

        foreach (ServerProcess server in ports.Cluster.Servers) { server.Kill(); }
        ports.Cluster.StartAll();
        Tool.Quorate("kv", "get", "k", "--keyspace", "b", "--endpoints", main, "--timeout", "30").Succeeded();
        Check(etcdctl, ports, lease.Split(' ')[1]);
    }

    // Goal: what is deleted while a node is down is gone there too once it is back, files and all; a keyspace of the same name is new.
    [Fact]
    public void A_deleted_keyspace_is_gone_everywhere()
    {
        string etcdctl = Tool.Find("etcdctl");
        using var ports = new KeyspacePorts(3, "a", "b");
        ports.Cluster.StartAll();
        string main = ports.Cluster.Endpoints;
        Tool.Quorate("keyspace", "create", "a", "--endpoints", main, "--timeout", "30").Succeeded();
        Run(etcdctl, ports["a"], "put", "k", "old");
        using var watch = new RunningTool(etcdctl, "--endpoints", ports["a"], "watch", "k");
        Assert.Equal(2, Tool.Quorate("keyspace", "delete", "a", "--endpoints", main).ExitCode);
        WaitUntil(() => ports.Directories(2).All(Directory.Exists), "the first shards are everywhere");
        ports.Cluster.Servers[2].Kill();
        Tool.Quorate("keyspace", "delete", "a", "--yes", "--endpoints", main, "--timeout", "30").Succeeded();
        Assert.NotEqual(0, watch.WaitForExit());
        Assert.Contains("keyspace not found", watch.Output + watch.Error, StringComparison.Ordinal);
        Assert.Contains("keyspace not found", Tool.Run(etcdctl, ["--endpoints", ports["a"].Split(',')[0], "get", "k"]).Error, StringComparison.Ordinal);
        Tool.Quorate("keyspace", "create", "a", "--endpoints", main, "--timeout", "30").Succeeded();
        ports.Cluster.Servers[2].Start();
        ports.Cluster.Servers[2].WaitUntilReady();
        WaitUntil(() => ports.Directories(3).All(Directory.Exists) && !ports.Directories(2).Any(Directory.Exists), "one is made, the other gone");
        foreach (string endpoint in ports["a"].Split(','))
        {
            Assert.Equal("", Tool.Quorate("kv", "get", "k", "--endpoints", endpoint, "--timeout", "30").Output);
        }

        // The log speaks of what was deleted no more: a start from it finds what there is.
        ports.Cluster.Servers[2].Kill();
        ports.Cluster.Servers[2].Start();
        ports.Cluster.Servers[2].WaitUntilReady();
    }

    // Goal: a port that is bound to a keyspace serves no other, whatever the request says; nothing but the default keyspace manages keyspaces.
    [Fact]
    public void A_port_leads_to_its_keyspace_only()
    {
        using var ports = new KeyspacePorts(1, "a");
        ports.Cluster.StartAll();
        string main = ports.Cluster.Endpoints;
        Tool.Quorate("keyspace", "create", "a", "--endpoints", main, "--timeout", "30").Succeeded();
        Tool.Result other = Tool.Quorate("kv", "get", "k", "--keyspace", "default", "--endpoints", ports["a"]);
        Assert.Equal(2, other.ExitCode);
        Assert.Contains("different keyspaces", other.Error, StringComparison.Ordinal);
        Tool.Result create = Tool.Quorate("keyspace", "create", "c", "--endpoints", ports["a"]);
        Assert.Equal(3, create.ExitCode);
        Assert.Contains("the default keyspace", create.Error, StringComparison.Ordinal);
        Assert.Equal(3, Tool.Quorate("keyspace", "create", "a", "--endpoints", main).ExitCode);
        Assert.Equal(3, Tool.Quorate("keyspace", "delete", "c", "--yes", "--endpoints", main).ExitCode);
        Assert.Equal(2, Tool.Quorate("keyspace", "create", "A", "--endpoints", main).ExitCode);
    }

    // Goal: a keyspace grows and shrinks with the cluster: in the end it is on a member that was not there when it was made, with all that
    // was acknowledged.
    [Fact]
    public void A_keyspace_moves_with_the_members()
    {
        using var cluster = new ChangingCluster();
        ServerProcess a = cluster.Founder("a");
        a.Start();
        a.WaitUntilReady();
        Ours(a, "keyspace", "create", "k");
        Ours(a, "kv", "put", "--keyspace", "k", "key", "value");
        ServerProcess b = cluster.Add(a, "b");
        b.Start();
        b.WaitUntilReady();
        WaitUntil(() => MembersOf("k", b) == 2, "the keyspace is on both");
        Assert.Equal("key\nvalue\n", Ours(b, "kv", "get", "--keyspace", "k", "key"));
        cluster.Run(b, "member", "remove", cluster.IdOf(b, a));
        Assert.Equal(0, a.WaitForExit());
        WaitUntil(() => MembersOf("k", b) == 1, "the keyspace is where the cluster is");
        Ours(b, "kv", "put", "--keyspace", "k", "key", "other");
        b.Kill();
        b.Start();
        b.WaitUntilReady();
        Assert.Equal("key\nother\n", Ours(b, "kv", "get", "--keyspace", "k", "key"));
        Tool.Result add = Tool.Run("/usr/bin/curl", ["-s", $"{b.Endpoint}keyspaces/k/v3/cluster/member/add", "-d", "{\"peerURLs\":[\"http://127.0.0.1:1\"]}"]);
        Assert.Contains("through the default keyspace", add.Output, StringComparison.Ordinal);
        Tool.Result list = Tool.Run("/usr/bin/curl", ["-s", $"{b.Endpoint}keyspaces/k/v3/cluster/member/list", "-d", "{}"]);
        Assert.Contains("\"name\":\"b\"", list.Output, StringComparison.Ordinal);
    }

    private static string Ours(ServerProcess server, params string[] arguments) =>
        Tool.Quorate([.. arguments, "--endpoints", server.Endpoint.OriginalString, "--timeout", "30"]).Succeeded();

    // As this server sees it; 0 if it has no replica, or the group no leader.
    private static int MembersOf(string keyspace, ServerProcess server)
    {
        Tool.Result status = Tool.Quorate("keyspace", "status", "--format", "json", "--endpoints", server.Endpoint.OriginalString);
        if (status.Output.Length == 0) { return 0; }
        System.Text.Json.Nodes.JsonNode found =
            System.Text.Json.Nodes.JsonNode.Parse(status.Output)![0]!["keyspaces"]!.AsArray().First(k => (string?)k!["name"] == keyspace)!;
        return (string?)found["leaderId"] == "0" ? 0 : found["members"]!.AsArray().Count;
    }

    private static void Check(string etcdctl, KeyspacePorts ports, string lease)
    {
        foreach (string endpoint in ports["a"].Split(','))
        {
            string k = Run(etcdctl, endpoint, "get", "k", "-w", "json");
            Assert.Contains("\"mod_revision\":4,\"version\":3", k, StringComparison.Ordinal);
            Assert.Contains(lease, Run(etcdctl, endpoint, "lease", "list"), StringComparison.Ordinal);
        }

        foreach (string endpoint in ports["b"].Split(','))
        {
            Assert.Contains("\"mod_revision\":2,\"version\":1", Run(etcdctl, endpoint, "get", "k", "-w", "json"), StringComparison.Ordinal);
            Assert.DoesNotContain(lease, Run(etcdctl, endpoint, "lease", "list"), StringComparison.Ordinal);
        }

        Assert.Equal("k\nmain\n", Run(etcdctl, ports.Cluster.Endpoints, "get", "k"));
    }

    private static void WaitUntil(Func<bool> condition, string what) =>
        Assert.True(SpinWait.SpinUntil(condition, TimeSpan.FromSeconds(60)), what);

    private static string Run(string etcdctl, string endpoints, params string[] arguments) =>
        Tool.Run(etcdctl, ["--endpoints", endpoints, "--command-timeout=30s", .. arguments]).Succeeded();

    // A cluster with a port on each server for each of some names.
    private sealed class KeyspacePorts : IDisposable
    {
        private readonly Dictionary<string, string> _endpoints;

        public KeyspacePorts(int count, params string[] names)
        {
            int[] ports = ServerProcess.FreePorts(count * names.Length);
            string Endpoint(int server, int name) => $"127.0.0.1:{ports[(server * names.Length) + name]}";
            Cluster = new ClusterProcesses(
                count, "start", Directory.CreateTempSubdirectory("quorate-conformance-").FullName,
                server => names.SelectMany((name, i) => new[] { "--keyspace-listen", $"{name}=http://{Endpoint(server, i)}" }));
            _endpoints = names.Select((name, i) => (name, Text: string.Join(',', Enumerable.Range(0, count).Select(server => Endpoint(server, i)))))
                .ToDictionary(pair => pair.name, pair => pair.Text);
        }

        public ClusterProcesses Cluster { get; }

        // What etcdctl is to be given for a keyspace.
        public string this[string name] => _endpoints[name];

        public IEnumerable<string> Directories(int shard) =>
            Enumerable.Range(0, Cluster.Servers.Length).Select(server => Path.Combine(Cluster.DataDirectoryOf(server), "shards", $"{shard}"));

        public void Dispose() => Cluster.Dispose();
    }
}
