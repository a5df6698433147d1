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
    [InlineData("--feature-gates: unrecognized feature gate: Bogus", "--feature-gates", "Bogus=true")]
    [InlineData("--feature-gates: missing bool value for AllAlpha", "--feature-gates", "AllAlpha")]
    [InlineData("'etcd grpc-proxy' is not supported", "grpc-proxy", "start")]
    public void What_cannot_be_honoured_is_refused_in_etcds_manner(string problem, params string[] args) =>
        Assert.StartsWith(problem, Assert.Single(EtcdFlags.Parse(args, NoEnvironment).Problems), StringComparison.Ordinal);

    [Theory]
    [InlineData("--logger has no effect", "--logger", "zap")]
    [InlineData("--max-wals has no effect", "--max-wals", "0")]
    [InlineData("--feature-gates LeaseCheckpoint=true has no effect", "--feature-gates=LeaseCheckpoint=true")]
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

    // Goal: every flag that etcd 3.4, 3.5 or 3.6 takes for a member is judged on purpose: it works, or there is a reason why not.
    [Fact]
    public void Every_flag_of_etcd_is_in_exactly_one_table()
    {
        string[] all =
        [
            .. EtcdFlags.Supported.Select(k => k.Flag), .. EtcdFlags.Renamed.Keys, .. EtcdFlags.Special,
            .. EtcdFlags.Pointless.Keys, .. EtcdFlags.Refused.Keys,
        ];
        Assert.Equal(all.Length, all.Distinct().Count());
        string[] documented = [.. EtcdFlagNames.All.Distinct()];
        Assert.Equal(149, documented.Length);
        Assert.Empty(documented.Except(all));
    }

    // Goal: what belongs to one of etcd's flags reaches the settings, from a flag as from a variable.
    [Fact]
    public void The_flags_of_the_door_are_etcds()
    {
        EtcdFlagsResult result = EtcdFlags.Parse(
            [
                "--max-request-bytes=2000000", "--max-txn-ops", "500", "--max-concurrent-streams=4294967295", "--grpc-keepalive-interval=0",
                "--grpc-keepalive-timeout", "5s", "--auto-compaction-mode=revision", "--auto-compaction-retention=1000",
                "--listen-metrics-urls=http://127.0.0.1:2381,http://127.0.0.1:2382", "--listen-client-http-urls", "http://127.0.0.1:2383",
                "--metrics=extensive", "--cors=https://a.example", "--log-level=warn", "--log-outputs=stdout,/tmp/x.log", "--log-format=console",
            ],
            new Dictionary<string, string> { ["ETCD_HOST_WHITELIST"] = "a,b" });
        Assert.Empty(result.Problems);
        Assert.Empty(result.Warnings);
        var problems = new List<string>();
        DoorSettings door = SettingsBuilder.Build(SettingsDefaults.Etcd, problems, result.Settings).Door;
        Assert.Empty(problems);
        Assert.Equal((2_000_000, 500, 4294967295), (door.MaxRequestBytes, door.MaxTxnOps, door.MaxConcurrentStreams));
        Assert.Equal((TimeSpan.Zero, TimeSpan.FromSeconds(5)), (door.KeepAliveInterval, door.KeepAliveTimeout));
        Assert.Equal((TimeSpan.Zero, 1000), (door.RetentionTime, door.RetentionRevisions));
        Assert.Equal([2381, 2382], door.ListenMetricsUrls.Select(u => u.Port));
        Assert.Equal([2383], door.ListenClientHttpUrls.Select(u => u.Port));
        Assert.Equal(("extensive", "warn", "console"), (door.Metrics, door.LogLevel, door.LogFormat));
        Assert.Equal(["https://a.example"], door.Cors);
        Assert.Equal(["a", "b"], door.HostWhitelist);
        Assert.Equal(["stdout", "/tmp/x.log"], door.LogOutputs);
    }

    // Goal: the flags by which etcd compares its members act, under all names that they had, and as feature gates.
    [Theory]
    [InlineData("2h0m0s True True 30s", "--corrupt-check-time=2h", "--feature-gates=InitialCorruptCheck=true,CompactHashCheck=true", "--compact-hash-check-time=30s")]
    [InlineData("5m0s True False 1m0s", "--experimental-corrupt-check-time", "5m", "--experimental-initial-corrupt-check")]
    [InlineData("0s False True 2m0s", "--corrupt-check-time=0", "--experimental-compact-hash-check-enabled=true", "--experimental-compact-hash-check-time=2m")]
    [InlineData("24h0m0s False False 1m0s", "--feature-gates=InitialCorruptCheck=false")]
    public void The_flags_that_compare_members_act(string expected, params string[] args)
    {
        EtcdFlagsResult result = EtcdFlags.Parse(args, NoEnvironment);
        Assert.Empty(result.Problems);
        Assert.Empty(result.Warnings);
        var problems = new List<string>();
        ServerSettings settings = SettingsBuilder.Build(SettingsDefaults.Etcd, problems, result.Settings);
        Assert.Empty(problems);
        Assert.Equal(
            expected,
            $"{Go(settings.CorruptCheckTime)} {settings.InitialCorruptCheck} {settings.CompactHashCheck} {Go(settings.CompactHashCheckTime)}");

        static string Go(TimeSpan time) =>
            time.TotalHours >= 1 ? $"{(int)time.TotalHours}h{time.Minutes}m{time.Seconds}s" : time.TotalMinutes >= 1 ? $"{time.Minutes}m{time.Seconds}s" : $"{time.Seconds}s";
    }

    // Goal: etcd's meaning of a retention: a bare number is hours, or revisions in that mode; anything else is told.
    [Theory]
    [InlineData("periodic", "0", 0, 0)]
    [InlineData("periodic", "2", 7200, 0)]
    [InlineData("periodic", "10m", 600, 0)]
    [InlineData("revision", "10", 0, 10)]
    [InlineData("revision", "10m", null, 0)]
    [InlineData("periodic", "soon", null, 0)]
    [InlineData("periodic", "10ms", null, 0)]
    [InlineData("daily", "1", null, 0)]
    public void Retention_is_read_as_etcd_reads_it(string mode, string retention, int? seconds, long revisions)
    {
        EtcdFlagsResult result = EtcdFlags.Parse(["--auto-compaction-mode", mode, "--auto-compaction-retention", retention], NoEnvironment);
        var problems = new List<string>();
        DoorSettings door = SettingsBuilder.Build(SettingsDefaults.Etcd, problems, result.Settings).Door;
        Assert.Equal(seconds is null, problems.Count > 0);
        if (seconds is not null) { Assert.Equal((TimeSpan.FromSeconds(seconds.Value), revisions), (door.RetentionTime, door.RetentionRevisions)); }
    }

    [Theory]
    [InlineData("--max-request-bytes", "17000000")]
    [InlineData("--max-txn-ops", "0")]
    [InlineData("--auth-token", "jwt")]
    [InlineData("--auth-token", "jwt,sign-method=none")]
    [InlineData("--auth-token", "jwt,sign-method=EdDSA,priv-key=x")]
    [InlineData("--auth-token", "jwt,sign-method=RS256,ttl=soon")]
    [InlineData("--auth-token", "jwt,sign-method=RS256,sign-method=RS256")]
    [InlineData("--auth-token", "jwt,sign-method=RS256,key=x")]
    [InlineData("--auth-token", "simple,ttl=1m")]
    [InlineData("--auth-token-ttl", "0")]
    [InlineData("--bcrypt-cost", "21")]
    [InlineData("--max-concurrent-streams", "4294967296")]
    [InlineData("--grpc-keepalive-interval", "10ms")]
    [InlineData("--metrics", "some")]
    [InlineData("--log-level", "loud")]
    [InlineData("--log-format", "xml")]
    [InlineData("--log-outputs", "default,stderr")]
    [InlineData("--corrupt-check-time", "10ms")]
    [InlineData("--experimental-corrupt-check-time", "soon")]
    [InlineData("--compact-hash-check-time", "0")]
    [InlineData("--listen-metrics-urls", "https://127.0.0.1:2381")]
    [InlineData("--listen-metrics-urls", "http://localhost:2379")]
    public void Values_beyond_reason_are_named(string flag, string value)
    {
        var problems = new List<string>();
        SettingsBuilder.Build(SettingsDefaults.Etcd, problems, EtcdFlags.Parse([flag, value], NoEnvironment).Settings);
        Assert.Contains(flag, Assert.Single(problems), StringComparison.Ordinal);
    }

    // Goal: a file written for etcd is read as etcd reads it: groups, lists, nanoseconds; flags and variables beside it do not count.
    [Fact]
    public void A_configuration_file_replaces_flags_and_variables()
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, """
                # This is the configuration file for the etcd server.
                name: 'from-file'
                data-dir: /var/lib/etcd
                wal-dir:
                snapshot-count: 10000
                listen-client-urls: http://127.0.0.1:2379,http://127.0.0.1:4001
                initial-cluster:
                cors:
                strict-reconfig-check: false
                enable-v2: true
                proxy: 'off'
                client-transport-security:
                  cert-file: c.crt
                  key-file: c.key
                  client-cert-auth: true
                  trusted-ca-file: ca.crt
                  auto-tls: false
                peer-transport-security:
                  allowed-cn: [a, b]
                grpc-keepalive-timeout: 5000000000
                grpc-keepalive-interval: 90s
                log-outputs: [stdout]
                force-new-cluster: false
                auto-compaction-retention: "1"
                bogus: 1
                """);
            EtcdFlagsResult result = EtcdFlags.Parse(
                ["--name", "from-flag", "--config-file", path], new Dictionary<string, string> { ["ETCD_DATA_DIR"] = "/from/variable", ["ETCD_DISCOVERY"] = "x" });
            Assert.Empty(result.Problems);
            var problems = new List<string>();
            ServerSettings settings = SettingsBuilder.Build(SettingsDefaults.Etcd, problems, result.Settings);
            Assert.Equal(("from-file", "/var/lib/etcd", 10000, 2), (settings.Name, settings.DataDir, settings.SnapshotCount, settings.ListenClientUrls.Length));
            Assert.Equal(("c.crt", true, false), (settings.ClientTls.CertFile, settings.ClientTls.CertAuth, settings.ClientTls.Auto));
            Assert.Equal(["a", "b"], settings.PeerTls.AllowedNames);
            Assert.Equal((TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(90), TimeSpan.FromHours(1)),
                (settings.Door.KeepAliveTimeout, settings.Door.KeepAliveInterval, settings.Door.RetentionTime));
            Assert.Equal(["stdout"], settings.Door.LogOutputs);
            Assert.Contains(result.Warnings, w => w.EndsWith("bogus is no setting of etcd and has no effect", StringComparison.Ordinal));
            Assert.Contains(result.Warnings, w => w.Contains("enable-v2", StringComparison.Ordinal));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("- a\n- b", "must be a list of")]
    [InlineData("name: [a\n", "not YAML")]
    [InlineData("name: {a: b}", "line 1, name must be a text")]
    [InlineData("wal-dir: /wal", "line 1, wal-dir is not supported")]
    [InlineData("client-transport-security: 1", "must be a group")]
    public void A_wrong_file_is_told_with_its_line(string text, string problem)
    {
        var result = new EtcdFlagsResult([], [], [], false, false);
        EtcdConfigFile.ReadText("etcd.yml", text, result);
        Assert.Contains(problem, Assert.Single(result.Problems), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_there_is_told() =>
        Assert.Contains("cannot be read", Assert.Single(EtcdFlags.Parse(["--config-file=/nowhere/etcd.yml"], NoEnvironment).Problems), StringComparison.Ordinal);
}
