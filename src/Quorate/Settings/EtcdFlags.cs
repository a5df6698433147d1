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
        .. SettingKeys.Tls,
    ];

    /// <summary>Flags that change nothing here, and why. A switch has a true in front.</summary>
    public static readonly ImmutableSortedDictionary<string, (bool IsSwitch, string Why)> Pointless =
        new Dictionary<string, (bool, string)>
        {
            ["max-snapshots"] = (false, "old files are removed as soon as nothing needs them"),
            ["max-wals"] = (false, "old segments are recycled as soon as nothing needs them"),
            ["snapshot-catchup-entries"] = (false, "the log keeps a number of bytes for followers that lag"),
            ["backend-batch-interval"] = (false, "there is no second database to commit to"),
            ["backend-batch-limit"] = (false, "there is no second database to commit to"),
            ["backend-bbolt-freelist-type"] = (false, "the store is not bbolt"),
            ["experimental-backend-bbolt-freelist-type"] = (false, "the store is not bbolt"),
            ["logger"] = (false, "there is one logger"),
            ["log-level"] = (false, "one line per change of state is logged, no more"),
            ["log-outputs"] = (false, "the log goes to stderr"),
            ["log-output"] = (false, "the log goes to stderr"),
            ["log-package-levels"] = (false, "one line per change of state is logged, no more"),
            ["debug"] = (true, "one line per change of state is logged, no more"),
            ["enable-grpc-gateway"] = (true, "the JSON gateway is always on"),
            ["enable-v2"] = (true, "there is no v2 API"),
            ["pre-vote"] = (true, "pre-votes are always asked for"),
            ["strict-reconfig-check"] = (true, "unsafe changes of membership are always refused"),
            ["initial-election-tick-advance"] = (true, "the first election is not delayed"),
            ["experimental-initial-corrupt-check"] = (true, "stored bytes are always checked"),
            ["experimental-corrupt-check-time"] = (false, "stored bytes are always checked"),
            ["experimental-warning-apply-duration"] = (false, "slow requests are not logged yet"),
            ["grpc-keepalive-min-time"] = (false, "the server sets no bound to pings"),
            ["grpc-keepalive-interval"] = (false, "idle connections are kept"),
            ["grpc-keepalive-timeout"] = (false, "idle connections are kept"),
            ["experimental-peer-skip-client-san-verification"] = (true, "a peer's certificate is compared with its URL, not with where it calls from"),
            ["peer-skip-client-san-verification"] = (true, "a peer's certificate is compared with its URL, not with where it calls from"),
            ["socket-reuse-port"] = (true, "ports are not shared"),
            ["socket-reuse-address"] = (true, "addresses are reused"),
        }.ToImmutableSortedDictionary(StringComparer.Ordinal);

    /// <summary>Flags whose silence would hurt: they change who may connect, or what is kept. Refused with the reason.</summary>
    public static readonly ImmutableSortedDictionary<string, (bool IsSwitch, string Why)> Refused =
        new Dictionary<string, (bool, string)>
        {
            ["config-file"] = (false, "use 'quorate start --config FILE.json', or flags"),
            ["ca-file"] = (false, "use --trusted-ca-file"),
            ["peer-ca-file"] = (false, "use --peer-trusted-ca-file"),
            ["client-cert-file"] = (false, "a member shows one certificate, --cert-file"),
            ["client-key-file"] = (false, "a member shows one certificate, --cert-file"),
            ["peer-client-cert-file"] = (false, "a member shows one certificate to peers, --peer-cert-file"),
            ["peer-client-key-file"] = (false, "a member shows one certificate to peers, --peer-cert-file"),
            ["auth-token"] = (false, "there are no users in this version"),
            ["discovery"] = (false, "members are named in --initial-cluster"),
            ["discovery-srv"] = (false, "members are named in --initial-cluster"),
            ["proxy"] = (false, "every member is a full one"),
            ["force-new-cluster"] = (true, "a lost majority cannot be dropped yet"),
            ["wal-dir"] = (false, "log and tables share one directory"),
            ["listen-metrics-urls"] = (false, "there are no metrics yet"),
            ["auto-compaction-retention"] = (false, "there is no automatic compaction yet"),
            ["auto-compaction-mode"] = (false, "there is no automatic compaction yet"),
            ["max-request-bytes"] = (false, "the limit is fixed at 1572864"),
            ["max-txn-ops"] = (false, "the limit is fixed at 128"),
            ["unsafe-no-fsync"] = (true, "every acknowledged write is synced"),
        }.ToImmutableSortedDictionary(StringComparer.Ordinal);

    /// <summary>Reads the arguments after the verb, and <c>ETCD_*</c>; flags win.</summary>
    public static EtcdFlagsResult Parse(IReadOnlyList<string> args, IReadOnlyDictionary<string, string> environment)
    {
        var result = new EtcdFlagsResult([], [], [], false, false);
        ReadEnvironment(environment, result);
        for (int i = 0; i < args.Count; i++)
        {
            string arg = args[i];
            string body = arg.StartsWith("--", StringComparison.Ordinal) ? arg[2..] : arg.StartsWith('-') ? arg[1..] : "";
            if (body.Length == 0)
            {
                result.Problems.Add($"'{arg}' is not a valid flag");
                continue;
            }

            int equals = body.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? body : body[..equals];
            string? value = equals < 0 ? null : body[(equals + 1)..];
            if (name is "h" or "help") { return result with { WantsHelp = true }; }
            if (name == "version") { return result with { WantsVersion = true }; }
            bool? isSwitch = IsSwitch(name);
            if (isSwitch is null)
            {
                // The rest cannot be told apart from values any more; Go's flag package stops here too.
                result.Problems.Add($"flag provided but not defined: -{name}");
                return result;
            }

            if (value is null && isSwitch == false)
            {
                if (i + 1 == args.Count)
                {
                    result.Problems.Add($"flag needs an argument: -{name}");
                    return result;
                }

                value = args[++i];
            }

            Take(name, value ?? "true", "--" + name, result);
        }

        return result;
    }

    private static void ReadEnvironment(IReadOnlyDictionary<string, string> environment, EtcdFlagsResult result)
    {
        foreach ((string variable, string value) in environment.OrderBy(e => e.Key, StringComparer.Ordinal))
        {
            if (!variable.StartsWith("ETCD_", StringComparison.Ordinal) || value.Length == 0) { continue; }
            string flag = variable["ETCD_".Length..].ToLowerInvariant().Replace('_', '-');
            if (flag == "unsupported-arch") { continue; }
            if (IsSwitch(flag) is null) { result.Warnings.Add($"unrecognized environment variable {variable}={value}"); }
            else { Take(flag, value, variable, result); }
        }
    }

    // Null: etcd has no such flag, or a newer one than these tables.
    private static bool? IsSwitch(string flag) =>
        Setting(flag) is { } key ? key.IsSwitch
        : Pointless.TryGetValue(flag, out (bool IsSwitch, string Why) entry) || Refused.TryGetValue(flag, out entry) ? entry.IsSwitch
        : null;

    private static SettingKey? Setting(string flag) =>
        flag == SettingKeys.OldWatchProgressInterval ? SettingKeys.WatchProgressInterval : Supported.FirstOrDefault(k => k.Flag == flag);

    private static void Take(string flag, string value, string writtenAs, EtcdFlagsResult result)
    {
        SettingKey? key = Setting(flag);
        if (key is not null)
        {
            result.Settings.Add(new RawSetting(key, value, writtenAs));
        }
        else if (Pointless.TryGetValue(flag, out (bool IsSwitch, string Why) pointless))
        {
            result.Warnings.Add($"{writtenAs} has no effect: {pointless.Why}");
        }
        else if (!(Refused[flag].IsSwitch && value is "false"))
        {
            result.Problems.Add($"{writtenAs} is not supported: {Refused[flag].Why}");
        }
    }
}
