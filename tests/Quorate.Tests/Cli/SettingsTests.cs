using System.Net;
using System.Net.Sockets;
using System.Text;
using Quorate.Settings;
using Xunit;

namespace Quorate.Tests.Cli;

public class SettingsTests
{
    private static readonly string[] ThreeMembers =
        ["a=http://127.0.0.1:2380", "b=http://127.0.0.1:22380", "c=http://127.0.0.1:32380"];

    [Fact]
    public void Nothing_given_is_a_good_single_node()
    {
        (ServerSettings settings, List<string> problems) = Build();
        Assert.Empty(problems);
        Assert.Equal("default", settings.Name);
        Assert.Equal("default.quorate", settings.DataDir);
        Assert.Equal("http://localhost:2379", settings.ListenClientUrls.Single().Text);
        Assert.Equal("http://localhost:2380", settings.Self.PeerUrl.Text);
        Assert.Equal(100, settings.HeartbeatMilliseconds);
        Assert.Equal(1000, settings.ElectionMilliseconds);
        Assert.Equal(10, settings.Raft.HeartbeatTicks);
        Assert.Equal(100, settings.Raft.ElectionTicks);
        Assert.Empty(settings.Raft.Problems());
    }

    // Each line: a setting, a wrong value, and words that the message must have beside the setting's name.
    [Theory]
    [InlineData("name", "", "not empty")]
    [InlineData("name", "a=b", "'='")]
    [InlineData("data-dir", "", "name a directory")]
    [InlineData("listen-client-urls", "localhost:2379", "write http://localhost:2379")]
    [InlineData("listen-client-urls", "https://127.0.0.1:2379", "there is no certificate")]
    [InlineData("listen-peer-urls", "https://127.0.0.1:2380", "there is no certificate")]
    [InlineData("cert-file", "a.crt", "without --key-file")]
    [InlineData("peer-key-file", "a.key", "without --peer-cert-file")]
    [InlineData("client-cert-auth", "true", "without --trusted-ca-file")]
    [InlineData("client-crl-file", "a.crl", "not asked for certificates")]
    [InlineData("peer-cert-allowed-cn", "a", "not asked for certificates")]
    [InlineData("client-cert-allowed-hostname", "a", "not asked for certificates")]
    [InlineData("tls-min-version", "TLS1.1", "TLS1.2 or TLS1.3")]
    [InlineData("tls-max-version", "1.3", "TLS1.2 or TLS1.3")]
    [InlineData("cipher-suites", "TLS_AES_128_GCM_SHA256", "not a cipher suite of TLS 1.2")]
    [InlineData("self-signed-cert-validity", "0", "1 to 100")]
    [InlineData("listen-client-urls", "ftp://127.0.0.1:2379", "http://")]
    [InlineData("listen-client-urls", "http://127.0.0.1", "lacks a port")]
    [InlineData("listen-client-urls", "http://127.0.0.1:0", "1 to 65535")]
    [InlineData("listen-client-urls", "http://127.0.0.1:99999", "1 to 65535")]
    [InlineData("listen-client-urls", "http://127.0.0.1:2379/kv", "only http://host:port")]
    [InlineData("listen-client-urls", "http://:2379", "lacks a host")]
    [InlineData("listen-client-urls", "", "empty URL")]
    [InlineData("listen-client-urls", "http://example.org:2379", "not on a name")]
    [InlineData("listen-client-urls", "http://0.0.0.0:2379", "--allow-plaintext")]
    [InlineData("listen-client-urls", "http://localhost:2380", "has too")]
    [InlineData("listen-peer-urls", "http://10.1.2.3:2380", "--allow-plaintext")]
    [InlineData("listen-peer-urls", "http://127.0.0.1:2380,http://127.0.0.1:2390", "listens on one")]
    [InlineData("advertise-client-urls", "http://0.0.0.0:2379", "nobody can connect")]
    [InlineData("initial-cluster", "a", "not name=http://host:port")]
    [InlineData("initial-cluster", "default=localhost:2380", "write http://localhost:2380")]
    [InlineData("initial-cluster", "a=http://localhost:2380", "does not name")]
    [InlineData("initial-cluster", "default=http://localhost:2390", "but")]
    [InlineData("initial-cluster", "default=http://localhost:2380,default=http://localhost:2381", "2 times")]
    [InlineData("initial-cluster", "default=http://localhost:2380,b=http://localhost:2380", "default and b")]
    [InlineData("initial-cluster-state", "old", "new or existing")]
    [InlineData("heartbeat-interval", "soon", "not a whole number")]
    [InlineData("heartbeat-interval", "0", "10 to 10000")]
    [InlineData("heartbeat-interval", "-100", "10 to 10000")]
    [InlineData("heartbeat-interval", "99999999999999999999", "not a whole number")]
    [InlineData("heartbeat-interval", "9999999999", "far out of range")]
    [InlineData("election-timeout", "100", "five times")]
    [InlineData("election-timeout", "60000", "50000")]
    [InlineData("snapshot-count", "0", "the least is 1")]
    [InlineData("mem-table-bytes", "1", "65536")]
    [InlineData("block-cache-bytes", "64", "1048576")]
    [InlineData("scrub-bytes-per-second", "-1", "0 to")]
    [InlineData("wal-segment-bytes", "65537", "multiple of 4096")]
    [InlineData("allow-plaintext", "perhaps", "true or false")]
    [InlineData("log-format", "xml", "text, json or console")]
    public void A_wrong_setting_is_named_as_the_operator_wrote_it(string flag, string value, string words)
    {
        (_, List<string> problems) = Build(($"--{flag}", value));
        string problem = Assert.Single(problems, p => p.Contains(words, StringComparison.Ordinal));
        Assert.Contains($"--{flag}", problem, StringComparison.Ordinal);
        Assert.EndsWith(".", problem, StringComparison.Ordinal);

        SettingKey key = Key(flag);
        problems = [];
        SettingsBuilder.Build(SettingsDefaults.Start, problems, [new RawSetting(key, value, key.Variable)]);
        Assert.Contains(problems, p => p.Contains(key.Variable, StringComparison.Ordinal) && p.Contains(words, StringComparison.Ordinal));
    }

    // Goal: a process with a limit of 1 GiB, of which the runtime tells three quarters, keeps room for all else; a large machine is not filled.
    [Theory]
    [InlineData(768L << 20, 192L << 20)]
    [InlineData(32L << 20, 16L << 20)]
    [InlineData(64L << 30, 1L << 30)]
    public void The_block_cache_takes_a_share_of_the_memory(long memory, long share) =>
        Assert.Equal(share, ServerSettings.BlockCacheShare(memory));

    // Goal: the operator's word goes before the share.
    [Fact]
    public void The_block_cache_is_as_large_as_the_operator_says() =>
        Assert.Equal(2L << 20, Build(("--block-cache-bytes", "2097152")).Settings.BlockCacheBytes);

    // Goal: with TLS a server may be reached by others without being asked for it in so many words; http beside it may not.
    [Fact]
    public void Https_may_be_reached_by_other_machines()
    {
        (string, string)[] tls = [("--cert-file", "a.crt"), ("--key-file", "a.key")];
        (ServerSettings settings, List<string> problems) = Build([("--listen-client-urls", "https://0.0.0.0:2379"), .. tls]);
        Assert.Empty(problems);
        Assert.Equal("https://localhost:2379", settings.AdvertiseClientUrls.Single().Text);
        (_, problems) = Build([("--listen-client-urls", "https://0.0.0.0:2379,http://0.0.0.0:2378"), .. tls]);
        Assert.Contains("--allow-plaintext", Assert.Single(problems), StringComparison.Ordinal);
        (settings, problems) = Build([("--listen-client-urls", "http://127.0.0.1:2379"), .. tls]);
        Assert.Empty(problems);
        Assert.Contains("is not encrypted", Assert.Single(TlsRules.Warnings(settings)), StringComparison.Ordinal);
    }

    // Goal: members of a cluster are never left to trust whatever answers.
    [Fact]
    public void Peers_need_an_authority_and_one_scheme()
    {
        (_, List<string> problems) = Build(
            ("--name", "a"), ("--initial-cluster", "a=https://127.0.0.1:2380,b=https://127.0.0.1:22380"),
            ("--listen-peer-urls", "https://127.0.0.1:2380"), ("--peer-cert-file", "a.crt"), ("--peer-key-file", "a.key"));
        Assert.Contains("--peer-trusted-ca-file", Assert.Single(problems), StringComparison.Ordinal);
        (_, problems) = Build(
            ("--listen-peer-urls", "http://127.0.0.1:2380"), ("--initial-advertise-peer-urls", "https://127.0.0.1:2380"), ("--peer-auto-tls", "true"));
        Assert.Contains("both are http or both https", Assert.Single(problems), StringComparison.Ordinal);
    }

    [Fact]
    public void All_wrong_settings_are_named_at_once()
    {
        (_, List<string> problems) = Build(
            ("--heartbeat-interval", "0"), ("--snapshot-count", "x"), ("--listen-client-urls", "nowhere"), ("--log-format", "xml"),
            ("--initial-cluster-state", "?"));
        foreach (string flag in new[] { "heartbeat-interval", "snapshot-count", "listen-client-urls", "log-format", "initial-cluster-state" })
        {
            Assert.Contains(problems, p => p.StartsWith("--" + flag, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Flags_win_over_the_environment_and_that_over_the_file()
    {
        var problems = new List<string>();
        ServerSettings settings = SettingsBuilder.Build(
            SettingsDefaults.Start, problems,
            [new RawSetting(SettingKeys.Name, "flag", "--name")],
            SettingsBuilder.FromEnvironment(
                new Dictionary<string, string> { ["QUORATE_NAME"] = "env", ["QUORATE_HEARTBEAT_INTERVAL"] = "50", ["PATH"] = "/bin" }, problems),
            JsonSettings.FromText(
                "q.json", """{ "name": "file", "heartbeatInterval": 20, "electionTimeout": 2000 }"""u8, problems));
        Assert.Empty(problems);
        Assert.Equal("flag", settings.Name);
        Assert.Equal(50, settings.HeartbeatMilliseconds);
        Assert.Equal(2000, settings.ElectionMilliseconds);
    }

    [Fact]
    public void A_wrong_value_that_is_overridden_does_no_harm()
    {
        var problems = new List<string>();
        SettingsBuilder.Build(
            SettingsDefaults.Start, problems,
            [new RawSetting(SettingKeys.HeartbeatInterval, "100", "--heartbeat-interval")],
            [new RawSetting(SettingKeys.HeartbeatInterval, "never", "QUORATE_HEARTBEAT_INTERVAL")]);
        Assert.Empty(problems);
    }

    [Fact]
    public void A_typo_in_the_environment_is_named_with_a_hint()
    {
        var problems = new List<string>();
        SettingsBuilder.FromEnvironment(new Dictionary<string, string> { ["QUORATE_NAM"] = "a", ["QUORATE_ENDPOINTS"] = "x" }, problems);
        Assert.Equal("QUORATE_NAM is set, but there is no such setting; did you mean QUORATE_NAME.", Assert.Single(problems));
    }

    [Fact]
    public void A_file_may_have_comments_lists_and_members_as_an_object()
    {
        var problems = new List<string>();
        List<RawSetting> found = JsonSettings.FromText(
            "q.json",
            """
            {
              // Where clients connect.
              "listenClientUrls": ["http://127.0.0.1:1", "http://127.0.0.1:2"],
              "initialCluster": { "a": "http://127.0.0.1:3", "b": "http://127.0.0.1:4" },
              "allowPlaintext": true,
            }
            """u8,
            problems);
        Assert.Empty(problems);
        Assert.Equal(
            ["http://127.0.0.1:1,http://127.0.0.1:2", "a=http://127.0.0.1:3,b=http://127.0.0.1:4", "true"], found.Select(f => f.Value));
        Assert.Equal("q.json line 4, initialCluster", found[1].WrittenAs);
    }

    [Theory]
    [InlineData("{\n  \"nam\": \"a\"\n}", "q.json line 2: there is no setting 'nam'; did you mean name.")]
    [InlineData("{\n\n  \"name\": null }", "q.json line 3: name must be text")]
    [InlineData("{ \"name\": \"a\",\n \"name\": \"b\" }", "q.json line 2: name is given twice.")]
    [InlineData("[]", "q.json line 1: the file must be one JSON object")]
    [InlineData("", "q.json line 1: this is not JSON")]
    [InlineData("{ \"name\": \"a\",\n\n oops }", "q.json line 3: this is not JSON")]
    [InlineData("{ \"name\": { \"a\": [[[[[[[[[[1]]]]]]]]]] } }", "q.json line 1: this is not JSON")]
    [InlineData("{ } { }", "q.json line 1: this is not JSON")]
    public void A_wrong_file_is_told_with_its_line(string text, string expected)
    {
        var problems = new List<string>();
        JsonSettings.FromText("q.json", Encoding.UTF8.GetBytes(text), problems);
        Assert.StartsWith(expected, Assert.Single(problems), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_there_is_a_problem()
    {
        var problems = new List<string>();
        Assert.Empty(JsonSettings.FromFile("/nowhere/q.json", problems));
        Assert.Contains("/nowhere/q.json cannot be read", Assert.Single(problems), StringComparison.Ordinal);
    }

    [Fact]
    public void A_taken_port_and_a_directory_that_cannot_be_written_are_named()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        int port = ((IPEndPoint)taken.LocalEndpoint).Port;
        using var file = new TemporaryFile();
        (ServerSettings settings, List<string> problems) = Build(
            ("--listen-client-urls", $"http://127.0.0.1:{port}"), ("--data-dir", Path.Combine(file.Path, "below-a-file")));
        Assert.Empty(problems);
        string[] found = [.. MachineProbe.Problems(settings)];
        Assert.Contains(found, p => p.StartsWith("--listen-client-urls", StringComparison.Ordinal)
            && p.Contains($"port {port} is taken", StringComparison.Ordinal));
        Assert.Contains(found, p => p.StartsWith("--data-dir", StringComparison.Ordinal) && p.Contains("cannot be written", StringComparison.Ordinal));
    }

    // Golden values: what etcd 3.4.23 printed when started with these flags.
    [Fact]
    public void Ids_are_those_that_etcd_computes()
    {
        Assert.Equal(0x8e9e05c52164694dUL, ClusterIdentity.MemberId(["http://localhost:2380"], "etcd-cluster").Value);
        (ServerSettings settings, List<string> problems) = Build(
            ("--name", "a"), ("--initial-cluster", string.Join(',', ThreeMembers)), ("--initial-cluster-token", "tok"),
            ("--listen-peer-urls", "http://127.0.0.1:2380"));
        Assert.Empty(problems);
        Assert.Equal([0x71405583d3e2d5ceUL, 0x117b9266988c4966UL, 0xca7a34e16cff9c1bUL], settings.InitialCluster.Select(m => m.Id.Value));
        Assert.Equal(0xf0b4ecea3cadb363UL, settings.Cluster.Value);
        Assert.Equal(0x71405583d3e2d5ceUL, settings.Self.Id.Value);
    }

    [Fact]
    public void The_order_of_members_does_not_change_the_cluster()
    {
        (ServerSettings one, _) = Build(("--name", "a"), ("--initial-cluster", string.Join(',', ThreeMembers)));
        (ServerSettings other, _) = Build(("--name", "b"), ("--initial-cluster", string.Join(',', ThreeMembers.Reverse())));
        Assert.Equal(one.Cluster, other.Cluster);
        Assert.NotEqual(one.Self.Id, other.Self.Id);
    }

    private static SettingKey Key(string flag) => SettingKeys.All.Single(k => k.Flag == flag);

    private static (ServerSettings Settings, List<string> Problems) Build(params (string Flag, string Value)[] flags)
    {
        var problems = new List<string>();
        ServerSettings settings = SettingsBuilder.Build(
            SettingsDefaults.Start, problems, flags.Select(f => new RawSetting(Key(f.Flag[2..]), f.Value, f.Flag)));
        return (settings, problems);
    }

    private sealed class TemporaryFile : IDisposable
    {
        public string Path { get; } = System.IO.Path.GetTempFileName();

        public void Dispose() => File.Delete(Path);
    }
}
