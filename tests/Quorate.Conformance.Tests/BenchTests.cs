using System.Text.Json.Nodes;
using Quorate.Bench;
using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>Every load of <c>quorate bench</c>, for a second, against one Quorate and one etcd: it ends, counts something, and no answer is wrong.</summary>
public sealed class BenchTests(BenchTests.Servers servers) : IClassFixture<BenchTests.Servers>
{
    public static TheoryData<string> Loads() => [.. BenchWorkload.All.Select(w => w.Name)];

    // Goal: no load rots: each gets good answers only, from Quorate.
    [Theory]
    [MemberData(nameof(Loads))]
    public void A_load_runs_without_an_error(string load) => Check(load, servers.Quorate.Endpoints);

    // Goal: the same of etcd, so that what is compared is the same work.
    [Theory]
    [MemberData(nameof(Loads))]
    public void A_load_runs_without_an_error_against_etcd(string load) => Check(load, servers.Etcd().Endpoint);

    // Goal: two servers in turns, with ratios; the open loop starts what it plans.
    [Fact]
    public void A_comparison_has_a_ratio_per_round()
    {
        JsonNode result = Run("put", servers.Quorate.Endpoints, "--rate", "200", "--rounds", "2", "--compare", servers.Quorate.Endpoints);
        Assert.Equal((2, 2), (result["roundsA"]!.AsArray().Count, result["roundsB"]!.AsArray().Count));
        Assert.All(["throughputRatio", "leastRoundRatio", "greatestRoundRatio"], name => Assert.True(result[name]!.GetValue<double>() > 0));
        Assert.Equal(200, result["roundsA"]![0]!["requests"]!.GetValue<long>() + result["roundsA"]![0]!["errors"]!.AsObject().Sum(e => e.Value!.GetValue<long>()));
    }

    // Goal: without filling, keys that are not there are counted as such.
    [Fact]
    public void Keys_that_are_not_there_are_counted()
    {
        JsonNode result = Run("get", servers.Quorate.Endpoints, "--skip-fill", "--key-size", "40", "--keys", "100");
        Assert.Equal(result["requests"]!.GetValue<long>(), result["misses"]!["the key is absent"]!.GetValue<long>());
    }

    // Goal: a load logs in: what a server that asks for users refuses to nobody, it does for a user with the permission.
    [Fact]
    public void A_load_runs_as_a_user()
    {
        using ClusterProcesses cluster = ClusterProcesses.StartReady(1, "--bcrypt-cost", "4");
        foreach (string line in (string[])["user add root:r", "user grant-role root root", "auth enable"])
        {
            Tool.Quorate([.. line.Split(' '), "--endpoints", cluster.Endpoints]).Succeeded();
        }

        Assert.NotEqual(0, Tool.Quorate("bench", "put", "--seconds", "1", "--warm-up", "0", "--endpoints", cluster.Endpoints).ExitCode);
        JsonNode result = Run("put", cluster.Endpoints, "--user", "root:r", "--rounds", "1", "--compare", cluster.Endpoints);
        foreach (string side in (string[])["roundsA", "roundsB"])
        {
            Assert.True(result[side]![0]!["requests"]!.GetValue<long>() > 0, result.ToJsonString());
            Assert.Equal("{}", result[side]![0]!["errors"]!.ToJsonString());
        }

        Tool.Result wrong = Tool.Quorate("bench", "put", "--user", "root:wrong", "--endpoints", cluster.Endpoints);
        Assert.NotEqual(0, wrong.ExitCode);
        Assert.Contains("invalid user ID or password", wrong.Error, StringComparison.Ordinal);
    }

    private static void Check(string load, string endpoint)
    {
        JsonNode result = Run(load, endpoint);
        Assert.Equal(load, result["operation"]!.GetValue<string>());
        Assert.True(result["requests"]!.GetValue<long>() > 0, result.ToJsonString());
        Assert.Equal(("{}", "{}"), (result["errors"]!.ToJsonString(), result["misses"]!.ToJsonString()));
        Assert.All(result["operations"]?.AsObject() ?? [], o => Assert.True(o.Value!["requests"]!.GetValue<long>() > 0, o.Key));
    }

    private static JsonNode Run(string load, string endpoint, params string[] more)
    {
        string[] verb = load.StartsWith("ycsb-", StringComparison.Ordinal) ? ["ycsb", load[^1..]] : [load];
        string[] keys = load is "watch" or "keep-alive" || more.Contains("--keys") ? [] : ["--keys", "1000"];
        return JsonNode.Parse(Tool.Quorate(
            ["bench", .. verb, "--clients", "8", "--seconds", "1", "--warm-up", "0", "--format", "json", "--endpoints", endpoint, .. keys, .. more]).Succeeded())!;
    }

    /// <summary>One of each; etcd only once it is asked for.</summary>
    public sealed class Servers : IDisposable
    {
        private RealEtcd? _etcd;

        internal ClusterProcesses Quorate { get; } = ClusterProcesses.StartReady(1);

        internal RealEtcd Etcd()
        {
            if (_etcd is not null) { return _etcd; }
            string etcdctl = Tool.Find("etcdctl");
            _etcd = new RealEtcd(Tool.Find("etcd"));
            _etcd.WaitUntilReady(etcdctl);
            return _etcd;
        }

        public void Dispose()
        {
            _etcd?.Dispose();
            Quorate.Dispose();
        }
    }
}
