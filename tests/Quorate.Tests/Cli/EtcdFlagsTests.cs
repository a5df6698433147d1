using Quorate.Settings;
using Xunit;

namespace Quorate.Tests.Cli;

public class EtcdFlagsTests
{
    private static readonly Dictionary<string, string> NoEnvironment = [];

    [Theory]
    [InlineData("--name", "a")]
    [InlineData("-name", "a")]
    [InlineData("--name=a")]
    [InlineData("-name=a")]
    public void One_dash_or_two_and_both_forms_of_values(params string[] args)
    {
        EtcdFlagsResult result = EtcdFlags.Parse(args, NoEnvironment);
        Assert.Empty(result.Problems);
        Assert.Equal("a", Assert.Single(result.Settings).Value);
    }

    [Fact]
    public void Defaults_are_etcds()
    {
        var problems = new List<string>();
        ServerSettings settings = SettingsBuilder.Build(SettingsDefaults.Etcd, problems, EtcdFlags.Parse([], NoEnvironment).Settings);
        Assert.Empty(problems);
        Assert.Equal("default.etcd", settings.DataDir);
        Assert.Equal("etcd-cluster", settings.Token);
        Assert.Equal(0x8e9e05c52164694dUL, settings.Self.Id.Value); // As etcd 3.4.23 printed.
        Assert.Equal(0xcdf818194e3a8c32UL, settings.Cluster.Value);
    }

    [Fact]
    public void A_whole_command_line_of_a_member()
    {
        EtcdFlagsResult result = EtcdFlags.Parse(
            [
                "--name", "b", "--data-dir=/tmp/b", "-listen-client-urls", "http://0.0.0.0:2379", "--advertise-client-urls",
                "http://10.0.0.2:2379", "--listen-peer-urls=http://0.0.0.0:2380", "--initial-advertise-peer-urls", "http://10.0.0.2:2380",
                "--initial-cluster", "a=http://10.0.0.1:2380,b=http://10.0.0.2:2380", "--initial-cluster-token=t",
                "--initial-cluster-state", "new", "--snapshot-count=5000", "--heartbeat-interval", "50", "--election-timeout=500",
            ],
            NoEnvironment);
        Assert.Empty(result.Problems);
        Assert.Empty(result.Warnings);
        var problems = new List<string>();
        ServerSettings settings = SettingsBuilder.Build(SettingsDefaults.Etcd, problems, result.Settings);
        Assert.Empty(problems);
        Assert.Equal((5000, 50, 500), (settings.SnapshotCount, settings.HeartbeatMilliseconds, settings.ElectionMilliseconds));
        Assert.Equal("http://10.0.0.2:2379", settings.AdvertiseClientUrls.Single().Text);
        Assert.Equal("b", settings.Self.Name);
    }

    // Goal: both of etcd's names of the interval are honoured, in Go's notation.
    [Theory]
    [InlineData("--watch-progress-notify-interval", "1m30s", 90_000)]
    [InlineData("--experimental-watch-progress-notify-interval", "500ms", 500)]
    [InlineData("--watch-progress-notify-interval", "1.5s", 1500)]
    public void The_interval_of_progress_notices_is_honoured(string flag, string value, int milliseconds)
    {
        EtcdFlagsResult result = EtcdFlags.Parse([flag, value], NoEnvironment);
        Assert.Empty(result.Warnings);
        var problems = new List<string>();
        ServerSettings settings = SettingsBuilder.Build(SettingsDefaults.Etcd, problems, result.Settings);
        Assert.Empty(problems);
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), settings.WatchProgressInterval);
        Assert.Empty(settings.Problems());
    }

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("-5s")]
    [InlineData("s")]
    [InlineData("1..5s")]
    [InlineData("5 s")]
    [InlineData("5d")]
    [InlineData("1e3s")]
    public void What_is_no_time_is_refused(string value)
    {
        EtcdFlagsResult result = EtcdFlags.Parse(["--watch-progress-notify-interval=" + value], NoEnvironment);
        var problems = new List<string>();
        SettingsBuilder.Build(SettingsDefaults.Etcd, problems, result.Settings);
        Assert.Single(problems);
    }

    [Theory]
    [InlineData("flag provided but not defined: -bogus", "--bogus")]
    [InlineData("flag provided but not defined: -bogus", "-bogus=1")]
    [InlineData("flag needs an argument: -name", "--name")]
    [InlineData("'foo' is not a valid flag", "foo")]
    [InlineData("--ca-file is not supported: use --trusted-ca-file", "--ca-file", "x")]
    [InlineData("--force-new-cluster is not supported", "--force-new-cluster")]
    public void What_cannot_be_honoured_is_refused_in_etcds_manner(string problem, params string[] args) =>
        Assert.StartsWith(problem, Assert.Single(EtcdFlags.Parse(args, NoEnvironment).Problems), StringComparison.Ordinal);

    [Theory]
    [InlineData("--logger has no effect", "--logger", "zap")]
    [InlineData("--pre-vote has no effect", "--pre-vote")]
    [InlineData("--pre-vote has no effect", "--pre-vote=false")]
    public void What_changes_nothing_here_is_accepted_with_a_warning(string warning, params string[] args)
    {
        EtcdFlagsResult result = EtcdFlags.Parse([.. args, "--name", "a"], NoEnvironment);
        Assert.Empty(result.Problems);
        Assert.StartsWith(warning, Assert.Single(result.Warnings), StringComparison.Ordinal);
        Assert.Equal("a", Assert.Single(result.Settings).Value);
    }

    // Goal: all that etcd documents for TLS of a member is taken, switches in Go's manner too, and reaches the settings.
    [Fact]
    public void The_flags_of_tls_are_etcds()
    {
        EtcdFlagsResult result = EtcdFlags.Parse(
            [
                "--listen-client-urls=https://127.0.0.1:2379", "--cert-file", "c.crt", "--key-file=c.key", "--trusted-ca-file", "ca.crt",
                "--client-cert-auth", "--client-crl-file=x.crl", "--client-cert-allowed-hostname", "h1,h2", "--auto-tls=false",
                "--listen-peer-urls", "https://127.0.0.1:2380", "--initial-advertise-peer-urls", "https://127.0.0.1:2380",
                "--peer-cert-file", "p.crt", "--peer-key-file", "p.key", "--peer-trusted-ca-file", "pca.crt", "--peer-client-cert-auth=true",
                "--peer-cert-allowed-cn=a,b", "--self-signed-cert-validity", "3", "--tls-min-version=TLS1.2", "--tls-max-version", "TLS1.2",
                "--cipher-suites=TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305,TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            ],
            new Dictionary<string, string> { ["ETCD_PEER_CRL_FILE"] = "p.crl", ["ETCD_PEER_AUTO_TLS"] = "true" });
        Assert.Empty(result.Problems);
        var problems = new List<string>();
        ServerSettings settings = SettingsBuilder.Build(SettingsDefaults.Etcd, problems, result.Settings);
        Assert.Empty(problems);
        Assert.Equal(("c.crt", "c.key", "ca.crt", "x.crl"), (
            settings.ClientTls.CertFile, settings.ClientTls.KeyFile, settings.ClientTls.TrustedCaFile, settings.ClientTls.CrlFile));
        Assert.Equal((true, false, true, true), (
            settings.ClientTls.CertAuth, settings.ClientTls.Auto, settings.PeerTls.CertAuth, settings.PeerTls.Auto));
        Assert.Equal(["h1", "h2"], settings.ClientTls.AllowedHostnames);
        Assert.Equal(["a", "b"], settings.PeerTls.AllowedNames);
        Assert.Equal(("p.crl", 3, "TLS1.2", 2), (
            settings.PeerTls.CrlFile, settings.SelfSignedYears, settings.TlsMaxVersion, settings.CipherSuites.Length));
        Assert.Contains(TlsRules.Warnings(settings), w => w.Contains("--peer-cert-file", StringComparison.Ordinal) || w.Contains("has no effect", StringComparison.Ordinal));
    }

    [Fact]
    public void A_switch_that_would_hurt_may_be_turned_off() =>
        Assert.Empty(EtcdFlags.Parse(["--force-new-cluster=false", "--unsafe-no-fsync=false"], NoEnvironment).Problems);

    [Fact]
    public void The_environment_is_read_and_flags_win()
    {
        EtcdFlagsResult result = EtcdFlags.Parse(
            ["--name", "flag"],
            new Dictionary<string, string> { ["ETCD_NAME"] = "env", ["ETCD_DATA_DIR"] = "/d", ["ETCD_BOGUS"] = "1", ["ETCD_TOKEN"] = "" });
        Assert.Empty(result.Problems);
        Assert.Equal("unrecognized environment variable ETCD_BOGUS=1", Assert.Single(result.Warnings));
        ServerSettings settings = SettingsBuilder.Build(SettingsDefaults.Etcd, [], result.Settings);
        Assert.Equal(("flag", "/d"), (settings.Name, settings.DataDir));
    }

    [Fact]
    public void No_flag_is_in_two_tables()
    {
        string[] all = [.. EtcdFlags.Supported.Select(k => k.Flag), .. EtcdFlags.Pointless.Keys, .. EtcdFlags.Refused.Keys];
        Assert.Equal(all.Length, all.Distinct().Count());
    }
}
