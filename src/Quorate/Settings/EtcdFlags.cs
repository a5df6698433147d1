using System.Collections.Immutable;

namespace Quorate.Settings;

/// <summary>What became of a command line or environment written for etcd.</summary>
/// <param name="Settings">Values for our settings, named as written.</param>
/// <param name="Warnings">Flags that were accepted and do nothing here.</param>
/// <param name="Problems">Flags that cannot be honoured. In etcd's words where etcd has some.</param>
/// <param name="WantsHelp">-h or --help.</param>
/// <param name="WantsVersion">--version.</param>
internal sealed record EtcdFlagsResult(
    List<RawSetting> Settings, List<string> Warnings, List<string> Problems, bool WantsHelp, bool WantsVersion);

/// <summary>
/// etcd's own flags. Go's rules: one dash or two, <c>--flag=value</c> or <c>--flag value</c>, switches only as <c>--flag</c>
/// or <c>--flag=false</c>. To support one more: a line in one of the tables.
/// </summary>
internal static class EtcdFlags
{
    /// <summary>etcd's flags that are settings of ours, under the same name.</summary>
    public static readonly ImmutableArray<SettingKey> Supported =
    [
        SettingKeys.Name, SettingKeys.DataDir, SettingKeys.ListenClientUrls, SettingKeys.AdvertiseClientUrls,
        SettingKeys.ListenPeerUrls, SettingKeys.AdvertisePeerUrls, SettingKeys.InitialCluster,
        SettingKeys.InitialClusterToken, SettingKeys.InitialClusterState, SettingKeys.SnapshotCount,
        SettingKeys.HeartbeatInterval, SettingKeys.ElectionTimeout, SettingKeys.WatchProgressInterval, SettingKeys.QuotaBackendBytes,
        SettingKeys.CorruptCheckTime, SettingKeys.CompactHashCheckTime,
        .. SettingKeys.Tls, .. SettingKeys.Door,
    ];

    /// <summary>Other names of etcd's for settings of ours: what was called "experimental" once, or is a feature gate by now.</summary>
    public static readonly ImmutableSortedDictionary<string, SettingKey> Renamed = new Dictionary<string, SettingKey>
    {
        ["experimental-watch-progress-notify-interval"] = SettingKeys.WatchProgressInterval,
        ["experimental-corrupt-check-time"] = SettingKeys.CorruptCheckTime,
        ["experimental-initial-corrupt-check"] = SettingKeys.InitialCorruptCheck,
        ["experimental-compact-hash-check-enabled"] = SettingKeys.CompactHashCheck,
        ["experimental-compact-hash-check-time"] = SettingKeys.CompactHashCheckTime,
    }.ToImmutableSortedDictionary(StringComparer.Ordinal);

    /// <summary>Flags that are read here: what they hold is judged by their own rules.</summary>
    public static readonly ImmutableArray<string> Special = ["config-file", "feature-gates", "version"];

    /// <summary>Flags that change nothing here, and why. A switch has a true in front.</summary>
    public static readonly ImmutableSortedDictionary<string, (bool IsSwitch, string Why)> Pointless =
        new Dictionary<string, (bool, string)>
        {
            // The log and the store are not etcd's.
            ["max-snapshots"] = (false, "old files are removed as soon as nothing needs them"),
            ["max-wals"] = (false, "old segments are recycled as soon as nothing needs them"),
            ["snapshot-catchup-entries"] = (false, "the log keeps a number of bytes for followers that lag"),
            ["experimental-snapshot-catchup-entries"] = (false, "the log keeps a number of bytes for followers that lag"),
            ["backend-batch-interval"] = (false, "there is no second database to commit to"),
            ["backend-batch-limit"] = (false, "there is no second database to commit to"),
            ["backend-bbolt-freelist-type"] = (false, "the store is not bbolt"),
            ["experimental-backend-bbolt-freelist-type"] = (false, "the store is not bbolt"),
            ["bootstrap-defrag-threshold-megabytes"] = (false, "there is nothing to defragment"),
            ["experimental-bootstrap-defrag-threshold-megabytes"] = (false, "there is nothing to defragment"),
            ["experimental-stop-grpc-service-on-defrag"] = (true, "defragmentation stops nothing"),
            ["memory-mlock"] = (true, "the store is not mapped into memory"),
            ["experimental-memory-mlock"] = (true, "the store is not mapped into memory"),
            ["compaction-batch-limit"] = (false, "compacted versions go with the rewriting of files"),
            ["experimental-compaction-batch-limit"] = (false, "compacted versions go with the rewriting of files"),
            ["compaction-sleep-interval"] = (false, "compacted versions go with the rewriting of files"),
            ["experimental-compaction-sleep-interval"] = (false, "compacted versions go with the rewriting of files"),
            ["experimental-txn-mode-write-with-shared-buffer"] = (true, "a transaction reads the state that it writes to"),
            // Always on.
            ["enable-grpc-gateway"] = (true, "the JSON gateway is always on"),
            ["pre-vote"] = (true, "pre-votes are always asked for"),
            ["strict-reconfig-check"] = (true, "unsafe changes of membership are always refused"),
            ["initial-election-tick-advance"] = (true, "the first election is not delayed"),
            ["experimental-enable-lease-checkpoint"] = (true, "what is left of a lease is always replicated"),
            ["experimental-enable-lease-checkpoint-persist"] = (true, "what is left of a lease is always replicated"),
            // Limits that there are none of here.
            ["grpc-keepalive-min-time"] = (false, "the server sets no bound to pings"),
            ["max-learners"] = (false, "the number of learners is not limited"),
            ["raft-read-timeout"] = (false, "links between members have timeouts of their own"),
            ["raft-write-timeout"] = (false, "links between members have timeouts of their own"),
            ["downgrade-check-time"] = (false, "there is no downgrade to watch"),
            ["experimental-downgrade-check-time"] = (false, "there is no downgrade to watch"),
            ["socket-reuse-port"] = (true, "ports are not shared"),
            ["socket-reuse-address"] = (true, "addresses are reused"),
            ["experimental-peer-skip-client-san-verification"] = (true, "a peer's certificate is compared with its URL, not with where it calls from"),
            ["peer-skip-client-san-verification"] = (true, "a peer's certificate is compared with its URL, not with where it calls from"),
            // Log, traces, profiles.
            ["logger"] = (false, "there is one logger; --log-format has a choice"),
            ["log-output"] = (false, "use --log-outputs"),
            ["log-package-levels"] = (false, "use --log-level"),
            ["debug"] = (true, "use --log-level=debug"),
            ["log-rotation-config-json"] = (false, "files are not rotated"),
            ["warning-apply-duration"] = (false, "slow requests are not logged"),
            ["experimental-warning-apply-duration"] = (false, "slow requests are not logged"),
            ["warning-unary-request-duration"] = (false, "slow requests are not logged; --metrics extensive measures all"),
            ["experimental-warning-unary-request-duration"] = (false, "slow requests are not logged; --metrics extensive measures all"),
            ["enable-pprof"] = (true, "dotnet-counters and dotnet-trace look into the process"),
            ["enable-distributed-tracing"] = (true, "no traces are sent"),
            ["experimental-enable-distributed-tracing"] = (true, "no traces are sent"),
            ["distributed-tracing-address"] = (false, "no traces are sent"),
            ["experimental-distributed-tracing-address"] = (false, "no traces are sent"),
            ["distributed-tracing-service-name"] = (false, "no traces are sent"),
            ["experimental-distributed-tracing-service-name"] = (false, "no traces are sent"),
            ["distributed-tracing-instance-id"] = (false, "no traces are sent"),
            ["experimental-distributed-tracing-instance-id"] = (false, "no traces are sent"),
            ["distributed-tracing-sampling-rate"] = (false, "no traces are sent"),
            ["experimental-distributed-tracing-sampling-rate"] = (false, "no traces are sent"),
            // The v2 API, and the ways to find members that are refused below.
            ["enable-v2"] = (true, "there is no v2 API"),
            ["experimental-enable-v2v3"] = (false, "there is no v2 API"),
            ["v2-deprecation"] = (false, "there is no v2 store"),
            ["proxy-failure-wait"] = (false, "there is no proxy mode"),
            ["proxy-refresh-interval"] = (false, "there is no proxy mode"),
            ["proxy-dial-timeout"] = (false, "there is no proxy mode"),
            ["proxy-write-timeout"] = (false, "there is no proxy mode"),
            ["proxy-read-timeout"] = (false, "there is no proxy mode"),
            ["discovery-fallback"] = (false, "it belongs to a way of discovery"),
            ["discovery-proxy"] = (false, "it belongs to a way of discovery"),
            ["discovery-srv-name"] = (false, "it belongs to a way of discovery"),
            ["discovery-token"] = (false, "it belongs to a way of discovery"),
            ["discovery-dial-timeout"] = (false, "it belongs to a way of discovery"),
            ["discovery-request-timeout"] = (false, "it belongs to a way of discovery"),
            ["discovery-keepalive-time"] = (false, "it belongs to a way of discovery"),
            ["discovery-keepalive-timeout"] = (false, "it belongs to a way of discovery"),
            ["discovery-insecure-transport"] = (true, "it belongs to a way of discovery"),
            ["discovery-insecure-skip-tls-verify"] = (true, "it belongs to a way of discovery"),
            ["discovery-cert"] = (false, "it belongs to a way of discovery"),
            ["discovery-key"] = (false, "it belongs to a way of discovery"),
            ["discovery-cacert"] = (false, "it belongs to a way of discovery"),
            ["discovery-user"] = (false, "it belongs to a way of discovery"),
            ["discovery-password"] = (false, "it belongs to a way of discovery"),
        }.ToImmutableSortedDictionary(StringComparer.Ordinal);

    /// <summary>Flags whose silence would hurt: they change who may connect, or what is kept. Refused with the reason.</summary>
    public static readonly ImmutableSortedDictionary<string, (bool IsSwitch, string Why)> Refused =
        new Dictionary<string, (bool, string)>
        {
            ["ca-file"] = (false, "use --trusted-ca-file"),
            ["peer-ca-file"] = (false, "use --peer-trusted-ca-file"),
            ["client-cert-file"] = (false, "a member shows one certificate, --cert-file"),
            ["client-key-file"] = (false, "a member shows one certificate, --cert-file"),
            ["peer-client-cert-file"] = (false, "a member shows one certificate to peers, --peer-cert-file"),
            ["peer-client-key-file"] = (false, "a member shows one certificate to peers, --peer-cert-file"),
            ["discovery"] = (false, "members are named in --initial-cluster"),
            ["discovery-srv"] = (false, "members are named in --initial-cluster"),
            ["discovery-endpoints"] = (false, "members are named in --initial-cluster"),
            ["proxy"] = (false, "every member is a full one"),
            ["force-new-cluster"] = (true, "members are not dropped from a log that a majority may still have; restore a backup into a new cluster"),
            ["wal-dir"] = (false, "log and tables share one directory, --data-dir"),
            ["enable-log-rotation"] = (true, "files are appended to; let logrotate turn them, with copytruncate"),
            ["unsafe-no-fsync"] = (true, "every acknowledged write is synced"),
        }.ToImmutableSortedDictionary(StringComparer.Ordinal);

    // A documented default, written out: it asks for nothing.
    private static readonly ImmutableArray<string> Harmless = ["", "false", "off"];

    /// <summary>Reads the arguments after the verb, and <c>ETCD_*</c>; flags win. With a configuration file nothing else counts (etcd).</summary>
    public static EtcdFlagsResult Parse(IReadOnlyList<string> args, IReadOnlyDictionary<string, string> environment)
    {
        var result = new EtcdFlagsResult([], [], [], false, false);
        ReadEnvironment(environment, result);
        string file = environment.GetValueOrDefault("ETCD_CONFIG_FILE", "");
        for (int i = 0; i < args.Count; i++)
        {
            string arg = args[i];
            string body = arg.StartsWith("--", StringComparison.Ordinal) ? arg[2..] : arg.StartsWith('-') ? arg[1..] : "";
            if (body.Length == 0)
            {
                result.Problems.Add(arg is "gateway" or "grpc-proxy"
                    ? $"'etcd {arg}' is not supported: every member serves clients itself; give clients the members' URLs"
                    : $"'{arg}' is not a valid flag");
                return result;
            }

            int equals = body.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? body : body[..equals];
            string? value = equals < 0 ? null : body[(equals + 1)..];
            if (name is "h" or "help") { return result with { WantsHelp = true }; }
            if (name == "version") { return result with { WantsVersion = true }; }
            if (!Knows(name))
            {
                // The rest cannot be told apart from values any more; Go's flag package stops here too.
                result.Problems.Add($"flag provided but not defined: -{name}");
                return result;
            }

            if (value is null && !IsSwitch(name))
            {
                if (i + 1 == args.Count)
                {
                    result.Problems.Add($"flag needs an argument: -{name}");
                    return result;
                }

                value = args[++i];
            }

            if (name == "config-file") { file = value!; }
            else { Take(name, value ?? "true", "--" + name, result); }
        }

        return file.Length == 0 || result.Problems.Exists(IsOfTheLine) ? result : EtcdConfigFile.Read(file);
    }

    /// <summary>True for a flag of etcd, one of any of the tables.</summary>
    public static bool Knows(string flag) =>
        Setting(flag) is not null || Special.Contains(flag) || Pointless.ContainsKey(flag) || Refused.ContainsKey(flag);

    /// <summary>Our setting of that name, or null.</summary>
    public static SettingKey? Setting(string flag) =>
        Renamed.GetValueOrDefault(flag) ?? Supported.FirstOrDefault(k => k.Flag == flag);

    /// <summary>Takes one value, from wherever it was written.</summary>
    public static void Take(string flag, string value, string writtenAs, EtcdFlagsResult result)
    {
        SettingKey? key = Setting(flag);
        if (key is not null)
        {
            result.Settings.Add(new RawSetting(key, value, writtenAs));
        }
        else if (flag == "feature-gates")
        {
            FeatureGates.Take(value, writtenAs, result);
        }
        else if (Pointless.TryGetValue(flag, out (bool IsSwitch, string Why) pointless))
        {
            result.Warnings.Add($"{writtenAs} has no effect: {pointless.Why}");
        }
        else if (Refused.TryGetValue(flag, out (bool IsSwitch, string Why) refused) && !Harmless.Contains(value))
        {
            result.Problems.Add($"{writtenAs} is not supported: {refused.Why}");
        }
    }

    private static void ReadEnvironment(IReadOnlyDictionary<string, string> environment, EtcdFlagsResult result)
    {
        foreach ((string variable, string value) in environment.OrderBy(e => e.Key, StringComparer.Ordinal))
        {
            if (!variable.StartsWith("ETCD_", StringComparison.Ordinal) || value.Length == 0) { continue; }
            string flag = variable["ETCD_".Length..].ToLowerInvariant().Replace('_', '-');
            if (flag is "unsupported-arch" or "config-file") { continue; }
            if (Knows(flag)) { Take(flag, value, variable, result); }
            else { result.Warnings.Add($"unrecognized environment variable {variable}={value}"); }
        }
    }

    // Go's flag package has given up before any file is read.
    private static bool IsOfTheLine(string problem) =>
        problem.StartsWith("flag ", StringComparison.Ordinal) || problem.EndsWith(" is not a valid flag", StringComparison.Ordinal);

    private static bool IsSwitch(string flag) =>
        Setting(flag) is { } key ? key.IsSwitch
        : (Pointless.TryGetValue(flag, out (bool IsSwitch, string Why) entry) || Refused.TryGetValue(flag, out entry)) && entry.IsSwitch;
}
