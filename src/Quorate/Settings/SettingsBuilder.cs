using System.Collections.Immutable;
using System.Globalization;

namespace Quorate.Settings;

/// <summary>A value as the operator wrote it, and where.</summary>
/// <param name="Key">Which setting.</param>
/// <param name="Value">The text.</param>
/// <param name="WrittenAs">How to name it to the operator: <c>--name</c>, <c>QUORATE_NAME</c>, <c>a.json line 3, name</c>.</param>
internal readonly record struct RawSetting(SettingKey Key, string Value, string WrittenAs);

/// <summary>What differs between the verbs when a setting is not given.</summary>
/// <param name="DataDirSuffix">The data directory is the name and this.</param>
/// <param name="Token">The cluster token.</param>
/// <param name="AllowPlaintext">Whether to listen beyond this machine without being told.</param>
/// <param name="LogFormat">Form of log lines.</param>
internal sealed record SettingsDefaults(string DataDirSuffix, string Token, bool AllowPlaintext, string LogFormat)
{
    /// <summary>Of <c>quorate start</c>.</summary>
    public static readonly SettingsDefaults Start = new(".quorate", "quorate-cluster", AllowPlaintext: false, "text");

    /// <summary>Of <c>quorate etcd</c>: etcd's.</summary>
    public static readonly SettingsDefaults Etcd = new(".etcd", "etcd-cluster", AllowPlaintext: true, "json");
}

/// <summary>Turns texts into <see cref="ServerSettings"/>. Collects what cannot be read instead of stopping at the first.</summary>
internal sealed class SettingsBuilder
{
    private readonly Dictionary<string, RawSetting> _raw = new(StringComparer.Ordinal);
    private readonly List<string> _problems;

    private SettingsBuilder(List<string> problems) => _problems = problems;

    /// <summary>Builds settings from sources, the strongest first: a setting found in one hides it in those that follow.</summary>
    /// <param name="defaults">For what no source has.</param>
    /// <param name="problems">Gets everything that is wrong, <see cref="ServerSettings.Problems"/> included.</param>
    /// <param name="sources">Flags, environment, file.</param>
    public static ServerSettings Build(SettingsDefaults defaults, List<string> problems, params IEnumerable<RawSetting>[] sources)
    {
        var builder = new SettingsBuilder(problems);
        foreach (IEnumerable<RawSetting> source in sources)
        {
            // Within one source the last one wins, as on every command line.
            foreach (RawSetting raw in source.Reverse()) { builder._raw.TryAdd(raw.Key.Flag, raw); }
        }

        ServerSettings settings = builder.Settings(defaults);
        problems.AddRange(settings.Problems());
        return settings;
    }

    /// <summary>The settings in the environment. Unknown QUORATE_ names are problems, so that a typo is not silence.</summary>
    public static List<RawSetting> FromEnvironment(IReadOnlyDictionary<string, string> environment, List<string> problems)
    {
        var found = new List<RawSetting>();
        foreach ((string name, string value) in environment.OrderBy(e => e.Key, StringComparer.Ordinal))
        {
            if (!name.StartsWith(SettingKey.VariablePrefix, StringComparison.Ordinal) || OtherVariables.Contains(name)) { continue; }
            SettingKey? key = Array.Find(SettingKeys.All, k => k.Variable == name);
            if (key is null) { problems.Add($"{name} is set, but there is no such setting{Hint(name, SettingKeys.All.Select(k => k.Variable))}."); }
            else { found.Add(new RawSetting(key, value, name)); }
        }

        return found;
    }

    /// <summary><c>; did you mean X</c> if one of the candidates is at most two letters away, else nothing.</summary>
    public static string Hint(string text, IEnumerable<string> candidates)
    {
        string? best = null;
        int distance = 3;
        foreach (string candidate in candidates)
        {
            int d = Distance(text, candidate, distance);
            if (d < distance) { (best, distance) = (candidate, d); }
        }

        return best is null ? "" : $"; did you mean {best}";
    }

    // Read or set by other verbs, not settings of a server.
    private static readonly ImmutableHashSet<string> OtherVariables =
        ["QUORATE_ENDPOINTS", "QUORATE_CONFIG", "QUORATE_CACERT", "QUORATE_CERT", "QUORATE_KEY", "QUORATE_INSECURE_SKIP_TLS_VERIFY",
            "QUORATE_LOCK_KEY", "QUORATE_LOCK_REV", "QUORATE_KEYSPACE"];

    private ServerSettings Settings(SettingsDefaults defaults)
    {
        string name = Text(SettingKeys.Name, "default");
        ImmutableArray<ServerUrl> listenClient = Urls(SettingKeys.ListenClientUrls, [Local(2379)]);
        ImmutableArray<ServerUrl> listenPeer = Urls(SettingKeys.ListenPeerUrls, [Local(2380)]);
        ImmutableArray<ServerUrl> advertisePeer = Urls(SettingKeys.AdvertisePeerUrls, AdvertiseDefault(listenPeer));
        string token = Text(SettingKeys.InitialClusterToken, defaults.Token);
        var plain = new ServerSettings();
        return new ServerSettings
        {
            Name = name,
            DataDir = Text(SettingKeys.DataDir, name + defaults.DataDirSuffix),
            ListenClientUrls = listenClient,
            AdvertiseClientUrls = Urls(SettingKeys.AdvertiseClientUrls, AdvertiseDefault(listenClient)),
            KeyspaceListens = KeyspacePorts(),
            ListenPeerUrls = listenPeer,
            AdvertisePeerUrls = advertisePeer,
            InitialCluster = Members(name, advertisePeer, token),
            Token = token,
            InitialClusterState = Text(SettingKeys.InitialClusterState, "new"),
            HeartbeatMilliseconds = Number(SettingKeys.HeartbeatInterval, plain.HeartbeatMilliseconds),
            ElectionMilliseconds = Number(SettingKeys.ElectionTimeout, plain.ElectionMilliseconds),
            WatchProgressInterval = Duration(SettingKeys.WatchProgressInterval, plain.WatchProgressInterval),
            QuotaBackendBytes = LongNumber(SettingKeys.QuotaBackendBytes, plain.QuotaBackendBytes),
            CorruptCheckTime = Duration(SettingKeys.CorruptCheckTime, plain.CorruptCheckTime),
            InitialCorruptCheck = Switch(SettingKeys.InitialCorruptCheck, plain.InitialCorruptCheck),
            CompactHashCheck = Switch(SettingKeys.CompactHashCheck, plain.CompactHashCheck),
            CompactHashCheckTime = Duration(SettingKeys.CompactHashCheckTime, plain.CompactHashCheckTime),
            SnapshotCount = Number(SettingKeys.SnapshotCount, plain.SnapshotCount),
            Engine = plain.Engine with { MemTableBytes = Number(SettingKeys.MemTableBytes, plain.Engine.MemTableBytes) },
            BlockCacheBytes = LongNumber(SettingKeys.BlockCacheBytes, plain.BlockCacheBytes),
            ScrubBytesPerSecond = LongNumber(SettingKeys.ScrubBytesPerSecond, plain.ScrubBytesPerSecond),
            SlowedWriteBytes = LongNumber(SettingKeys.SlowedWriteBytes, plain.SlowedWriteBytes),
            MergeSyncTarget = Duration(SettingKeys.MergeSyncTarget, plain.MergeSyncTarget),
            Wal = plain.Wal with { SegmentBytes = Number(SettingKeys.WalSegmentBytes, plain.Wal.SegmentBytes) },
            AllowPlaintext = Switch(SettingKeys.AllowPlaintext, defaults.AllowPlaintext),
            ClientTls = Tls(TlsSettingKeys.Client),
            PeerTls = Tls(TlsSettingKeys.Peer),
            SelfSignedYears = Number(SettingKeys.SelfSignedCertValidity, plain.SelfSignedYears),
            TlsMinVersion = Text(SettingKeys.TlsMinVersion, plain.TlsMinVersion),
            TlsMaxVersion = Text(SettingKeys.TlsMaxVersion, plain.TlsMaxVersion),
            CipherSuites = List(SettingKeys.CipherSuites),
            Door = Door(plain.Door, defaults),
            WrittenAs = _raw.Values.ToImmutableSortedDictionary(r => r.Key.Flag, r => r.WrittenAs, StringComparer.Ordinal),
        };
    }

    private DoorSettings Door(DoorSettings plain, SettingsDefaults defaults) => new()
    {
        MaxRequestBytes = Number(SettingKeys.MaxRequestBytes, plain.MaxRequestBytes),
        MaxTxnOps = Number(SettingKeys.MaxTxnOps, plain.MaxTxnOps),
        AuthToken = Text(SettingKeys.AuthToken, plain.AuthToken),
        AuthTokenSeconds = Number(SettingKeys.AuthTokenTtl, plain.AuthTokenSeconds),
        BcryptCost = Number(SettingKeys.BcryptCost, plain.BcryptCost),
        MaxConcurrentStreams = LongNumber(SettingKeys.MaxConcurrentStreams, plain.MaxConcurrentStreams),
        KeepAliveInterval = Duration(SettingKeys.KeepAliveInterval, plain.KeepAliveInterval),
        KeepAliveTimeout = Duration(SettingKeys.KeepAliveTimeout, plain.KeepAliveTimeout),
        AutoCompactionMode = Text(SettingKeys.AutoCompactionMode, plain.AutoCompactionMode),
        AutoCompactionRetention = Text(SettingKeys.AutoCompactionRetention, plain.AutoCompactionRetention),
        ListenMetricsUrls = Urls(SettingKeys.ListenMetricsUrls, []),
        ListenClientHttpUrls = Urls(SettingKeys.ListenClientHttpUrls, []),
        Metrics = Text(SettingKeys.Metrics, plain.Metrics),
        Cors = List(SettingKeys.Cors),
        HostWhitelist = List(SettingKeys.HostWhitelist),
        LogLevel = Text(SettingKeys.LogLevel, plain.LogLevel),
        LogOutputs = _raw.ContainsKey(SettingKeys.LogOutputs.Flag) ? List(SettingKeys.LogOutputs) : plain.LogOutputs,
        LogFormat = Text(SettingKeys.LogFormat, defaults.LogFormat),
    };

    private TlsSettings Tls(TlsSettingKeys keys) => new()
    {
        CertFile = Text(keys.CertFile, ""),
        KeyFile = Text(keys.KeyFile, ""),
        TrustedCaFile = Text(keys.TrustedCaFile, ""),
        CertAuth = Switch(keys.CertAuth, false),
        CrlFile = Text(keys.CrlFile, ""),
        AllowedNames = keys.AllowedCn is { } cn ? List(cn) : [],
        AllowedHostnames = List(keys.AllowedHostname),
        Auto = Switch(keys.Auto, false),
    };

    private ImmutableArray<string> List(SettingKey key) =>
        [.. Text(key, "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];

    private static ServerUrl Local(int port, string scheme = "http") => new($"{scheme}://localhost:{port}", "localhost", port);

    // A wildcard is no address to connect to; on one machine its loopback is.
    private static ImmutableArray<ServerUrl> AdvertiseDefault(ImmutableArray<ServerUrl> listen) =>
        [.. listen.Select(u => u.Host is "0.0.0.0" or "::" ? Local(u.Port, u.IsTls ? "https" : "http") : u)];

    private string Text(SettingKey key, string otherwise) => _raw.TryGetValue(key.Flag, out RawSetting raw) ? raw.Value : otherwise;

    private TimeSpan Duration(SettingKey key, TimeSpan otherwise)
    {
        if (!_raw.TryGetValue(key.Flag, out RawSetting raw)) { return otherwise; }
        if (GoDuration.TryParse(raw.Value, out TimeSpan duration)) { return duration; }
        _problems.Add($"{raw.WrittenAs} is '{raw.Value}', which is not a time such as 10m, 1m30s or 500ms.");
        return otherwise;
    }

    private int Number(SettingKey key, int otherwise)
    {
        long number = LongNumber(key, otherwise);
        if (number is >= int.MinValue and <= int.MaxValue) { return (int)number; }
        _problems.Add($"{_raw[key.Flag].WrittenAs} is {number}, which is far out of range.");
        return otherwise;
    }

    private long LongNumber(SettingKey key, long otherwise)
    {
        if (!_raw.TryGetValue(key.Flag, out RawSetting raw)) { return otherwise; }
        if (long.TryParse(raw.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)) { return number; }
        _problems.Add($"{raw.WrittenAs} is '{raw.Value}', which is not a whole number.");
        return otherwise;
    }

    private bool Switch(SettingKey key, bool otherwise)
    {
        if (!_raw.TryGetValue(key.Flag, out RawSetting raw)) { return otherwise; }
        switch (raw.Value.ToLowerInvariant())
        {
            case "" or "true" or "1" or "yes": return true;
            case "false" or "0" or "no": return false;
            default:
                _problems.Add($"{raw.WrittenAs} is '{raw.Value}'; it must be true or false.");
                return otherwise;
        }
    }

    private ImmutableArray<ServerUrl> Urls(SettingKey key, ImmutableArray<ServerUrl> otherwise)
    {
        if (!_raw.TryGetValue(key.Flag, out RawSetting raw) || (raw.Value.Length == 0 && otherwise.IsEmpty)) { return otherwise; }
        ImmutableArray<ServerUrl>.Builder urls = ImmutableArray.CreateBuilder<ServerUrl>();
        foreach (string text in raw.Value.Split(',', StringSplitOptions.TrimEntries))
        {
            if (ServerUrl.TryParse(text, out ServerUrl? url) is { } problem) { _problems.Add($"{raw.WrittenAs} {problem}."); }
            else { urls.Add(url!); }
        }

        return urls.ToImmutable();
    }

    private ImmutableArray<KeyspaceListen> KeyspacePorts()
    {
        if (!_raw.TryGetValue(SettingKeys.KeyspaceListen.Flag, out RawSetting raw)) { return []; }
        ImmutableArray<KeyspaceListen>.Builder listens = ImmutableArray.CreateBuilder<KeyspaceListen>();
        foreach (string text in raw.Value.Split(',', StringSplitOptions.TrimEntries))
        {
            if (KeyspaceListen.TryParse(text, out KeyspaceListen? listen) is { } problem) { _problems.Add($"{raw.WrittenAs} {problem}."); }
            else { listens.Add(listen!); }
        }

        return listens.ToImmutable();
    }

    private ImmutableArray<InitialMember> Members(string name, ImmutableArray<ServerUrl> advertisePeer, string token)
    {
        if (!_raw.TryGetValue(SettingKeys.InitialCluster.Flag, out RawSetting raw))
        {
            return advertisePeer.IsEmpty ? [] : [NewMember(name, advertisePeer[0], token)];
        }

        ImmutableArray<InitialMember>.Builder members = ImmutableArray.CreateBuilder<InitialMember>();
        bool allReadable = true;
        foreach (string text in raw.Value.Split(',', StringSplitOptions.TrimEntries))
        {
            int equals = text.IndexOf('=', StringComparison.Ordinal);
            ServerUrl? url = null;
            string? problem = equals < 0
                ? $"has '{text}', which is not name=http://host:port"
                : ServerUrl.TryParse(text[(equals + 1)..], out url);
            if (problem is null) { members.Add(NewMember(text[..equals], url!, token)); }
            else
            {
                _problems.Add($"{raw.WrittenAs} {problem}.");
                allReadable = false;
            }
        }

        return allReadable ? members.ToImmutable() : [];
    }

    private static InitialMember NewMember(string name, ServerUrl url, string token) =>
        new(name, url, ClusterIdentity.MemberId([url.Text], token));

    // Levenshtein's distance, given up at a bound.
    private static int Distance(string a, string b, int bound)
    {
        if (Math.Abs(a.Length - b.Length) >= bound) { return bound; }
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int substituted = diagonal + (char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(substituted, 1 + Math.Min(row[j], row[j - 1]));
            }
        }

        return row[b.Length];
    }
}
