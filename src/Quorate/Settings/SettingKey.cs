namespace Quorate.Settings;

/// <summary>One setting of a server: the flag, the environment variable and the JSON key are the same words.</summary>
/// <param name="Flag">Without dashes, as in etcd where etcd has it: <c>listen-client-urls</c>.</param>
/// <param name="Value">What stands for the value in help.</param>
/// <param name="Help">One sentence, with unit and default.</param>
internal sealed record SettingKey(string Flag, string Value, string Help)
{
    /// <summary>For switches: given without a value means true.</summary>
    public bool IsSwitch => Value == "bool";

    /// <summary>Given several times, it has all the values; other settings have the last one.</summary>
    public bool IsRepeatable { get; init; }

    /// <summary><c>QUORATE_LISTEN_CLIENT_URLS</c>.</summary>
    public string Variable => VariablePrefix + Flag.ToUpperInvariant().Replace('-', '_');

    /// <summary><c>listenClientUrls</c>.</summary>
    public string Json { get; } = ToCamelCase(Flag);

    /// <summary>What every environment variable of ours starts with.</summary>
    public const string VariablePrefix = "QUORATE_";

    private static string ToCamelCase(string flag)
    {
        string[] words = flag.Split('-');
        return words[0] + string.Concat(words.Skip(1).Select(w => char.ToUpperInvariant(w[0]) + w[1..]));
    }
}

/// <summary>All settings of a server. To add one: a line in <see cref="All"/>, and its field in <see cref="ServerSettings"/>.</summary>
internal static class SettingKeys
{
    public static readonly SettingKey Name = new("name", "name", "Name of this member. Default: default.");

    public static readonly SettingKey DataDir =
        new("data-dir", "path", "Directory for everything this member stores. Default: NAME.quorate.");

    public static readonly SettingKey ListenClientUrls = new(
        "listen-client-urls", "urls", "Where clients connect, separated by commas. Default: http://localhost:2379.");

    public static readonly SettingKey AdvertiseClientUrls = new(
        "advertise-client-urls", "urls", "What clients are told to connect to. Default: the listen URLs.");

    public static readonly SettingKey KeyspaceListen = new(
        "keyspace-listen", "name=url", "A port for one keyspace, which unchanged clients then take for an etcd of its own: team-a=http://localhost:12379. Repeatable.")
    {
        IsRepeatable = true,
    };

    public static readonly SettingKey ListenPeerUrls = new(
        "listen-peer-urls", "urls", "Where the other members connect. Default: http://localhost:2380.");

    public static readonly SettingKey AdvertisePeerUrls = new(
        "initial-advertise-peer-urls", "urls", "This member's URL in --initial-cluster. Default: the listen URL.");

    public static readonly SettingKey InitialCluster = new(
        "initial-cluster", "members", "All members: a=http://host1:2380,b=http://host2:2380,... Default: this member alone.");

    public static readonly SettingKey InitialClusterToken = new(
        "initial-cluster-token", "text", "Tells clusters with the same URLs apart. Default: quorate-cluster.");

    public static readonly SettingKey InitialClusterState = new(
        "initial-cluster-state", "state", "new or existing; the data directory decides, this only checks. Default: new.");

    public static readonly SettingKey HeartbeatInterval = new(
        "heartbeat-interval", "ms", "Milliseconds between a leader's heartbeats. Default: 100, as in etcd.");

    public static readonly SettingKey ElectionTimeout = new(
        "election-timeout", "ms", "Milliseconds of silence before a follower campaigns. Default: 1000, as in etcd.");

    public static readonly SettingKey WatchProgressInterval = new(
        "watch-progress-notify-interval", "time", "Time after which an idle watch that asked for it is told so: 10m, 30s, 500ms. Default: 10m, as in etcd.");

    public static readonly SettingKey QuotaBackendBytes = new(
        "quota-backend-bytes", "bytes", "Bytes of data at which writes are refused with the alarm NOSPACE. Default: 0, no quota.");

    public static readonly SettingKey CorruptCheckTime = new(
        "corrupt-check-time", "time", "Time after which all members are compared by a hash of their state, again and again; 0 for never. Default: 24h.");

    public static readonly SettingKey InitialCorruptCheck = new(
        "initial-corrupt-check", "bool", "Compare the members when this one has started, too.");

    public static readonly SettingKey CompactHashCheck = new(
        "compact-hash-check", "bool", "Compare the members after compactions, too.");

    public static readonly SettingKey CompactHashCheckTime = new(
        "compact-hash-check-time", "time", "With --compact-hash-check, the least time from one comparison to the next. Default: 1m, as in etcd.");

    public static readonly SettingKey SnapshotCount = new(
        "snapshot-count", "entries", "Entries after which tables are flushed though memory is not full. Default: 100000.");

    public static readonly SettingKey MemTableBytes = new(
        "mem-table-bytes", "bytes", "Bytes in memory at which they are written to a table. Default: 16777216.");

    public static readonly SettingKey BlockCacheBytes = new(
        "block-cache-bytes", "bytes",
        "Bytes of tables' blocks kept in memory. Default: a quarter of the memory this process may use, at least 16 MiB and at most 1 GiB.");

    public static readonly SettingKey ScrubBytesPerSecond = new(
        "scrub-bytes-per-second", "bytes",
        "Bytes of tables a second that are read and checked in the background, each table again an hour after the last. Default: 4194304; 0: none.");

    public static readonly SettingKey SlowedWriteBytes = new(
        "slowed-write-bytes", "bytes", "Bytes a second that are written when flushes or merges fall behind, and less the further. Default: 16777216.");

    public static readonly SettingKey MergeSyncTarget = new(
        "merge-sync-target", "duration", "Time a sync of the log may take before merges give way to requests; 0: never. Default: 10ms.");

    public static readonly SettingKey WalSegmentBytes = new(
        "wal-segment-bytes", "bytes", "Bytes of one segment of the log, a multiple of 4096. Default: 67108864.");

    public static readonly SettingKey AllowPlaintext = new(
        "allow-plaintext", "bool", "Listen on http:// URLs beyond this machine, where anybody on the way reads along.");

    public static readonly SettingKey CertFile = new(
        "cert-file", "path", "Certificate for https:// client URLs, PEM, with intermediate ones behind it.");

    public static readonly SettingKey KeyFile = new("key-file", "path", "Private key of --cert-file, PEM, not encrypted.");

    public static readonly SettingKey TrustedCaFile = new(
        "trusted-ca-file", "path", "Authorities, PEM; clients must then show a certificate of one of them.");

    public static readonly SettingKey ClientCertAuth = new(
        "client-cert-auth", "bool", "Ask clients for certificates of --trusted-ca-file; the common name is the user.");

    public static readonly SettingKey ClientCrlFile = new(
        "client-crl-file", "path", "Client certificates that were revoked, PEM or DER.");

    public static readonly SettingKey ClientCertAllowedHostname = new(
        "client-cert-allowed-hostname", "names", "Client certificates must be for one of these hosts. Default: any.");

    public static readonly SettingKey AutoTls = new(
        "auto-tls", "bool", "Make a self-signed certificate for https:// client URLs, in the data directory.");

    public static readonly SettingKey PeerCertFile = new(
        "peer-cert-file", "path", "Certificate for https:// peer URLs, shown to callers and to those that are called.");

    public static readonly SettingKey PeerKeyFile = new("peer-key-file", "path", "Private key of --peer-cert-file.");

    public static readonly SettingKey PeerTrustedCaFile = new(
        "peer-trusted-ca-file", "path", "Authorities that peers' certificates must come from.");

    public static readonly SettingKey PeerClientCertAuth = new(
        "peer-client-cert-auth", "bool", "Ask peers that call for certificates of --peer-trusted-ca-file.");

    public static readonly SettingKey PeerCrlFile = new("peer-crl-file", "path", "Peer certificates that were revoked, PEM or DER.");

    public static readonly SettingKey PeerCertAllowedCn = new(
        "peer-cert-allowed-cn", "names", "Peer certificates must have one of these common names. Default: any.");

    public static readonly SettingKey PeerCertAllowedHostname = new(
        "peer-cert-allowed-hostname", "names", "Peer certificates must be for one of these hosts. Default: any.");

    public static readonly SettingKey PeerAutoTls = new(
        "peer-auto-tls", "bool", "Encrypt links between members with self-signed certificates, which nobody checks.");

    public static readonly SettingKey SelfSignedCertValidity = new(
        "self-signed-cert-validity", "years", "Years that certificates of --auto-tls and --peer-auto-tls are good for. Default: 1.");

    public static readonly SettingKey TlsMinVersion = new("tls-min-version", "version", "TLS1.2 or TLS1.3. Default: TLS1.2.");

    public static readonly SettingKey TlsMaxVersion = new("tls-max-version", "version", "TLS1.2 or TLS1.3. Default: TLS1.3.");

    public static readonly SettingKey CipherSuites = new(
        "cipher-suites", "names", "Cipher suites of TLS 1.2, by commas; those of 1.3 are fixed. Default: the platform's.");

    public static readonly SettingKey AuthToken = new(
        "auth-token", "kind", "Kind of token that users get for their passwords: simple (default), or jwt,sign-method=..,pub-key=..,priv-key=..,ttl=10m, as in etcd.");

    public static readonly SettingKey AuthTokenTtl = new(
        "auth-token-ttl", "s", "Seconds that a token is good after its last use. Default: 300, as in etcd.");

    public static readonly SettingKey BcryptCost = new(
        "bcrypt-cost", "cost", "How much work a guess at a password is; one more doubles it. 4 to 20. Default: 10, as in etcd.");

    public static readonly SettingKey MaxRequestBytes = new(
        "max-request-bytes", "bytes", "Largest write that clients may send. Default: 1572864, as in etcd.");

    public static readonly SettingKey MaxTxnOps = new(
        "max-txn-ops", "number", "Most conditions, and most operations on either side, of a transaction. Default: 128, as in etcd.");

    public static readonly SettingKey MaxConcurrentStreams = new(
        "max-concurrent-streams", "number", "Most requests in flight on one connection of a client. Default: 1000.");

    public static readonly SettingKey KeepAliveInterval = new(
        "grpc-keepalive-interval", "time", "Silence after which a client is asked whether it is there; 0 to never ask. Default: 1m.");

    public static readonly SettingKey KeepAliveTimeout = new(
        "grpc-keepalive-timeout", "time", "Time for its answer, then the connection is closed. Default: 20s, as in etcd.");

    public static readonly SettingKey AutoCompactionMode = new(
        "auto-compaction-mode", "mode", "periodic (by age) or revision (by number). Default: periodic.");

    public static readonly SettingKey AutoCompactionRetention = new(
        "auto-compaction-retention", "amount",
        "History that automatic compaction keeps: a time (10m; a bare number means hours) or, in mode revision, a number. Default: 0, no compaction.");

    public static readonly SettingKey ListenMetricsUrls = new(
        "listen-metrics-urls", "urls", "Where /metrics and the health pages are served besides the client URLs. Default: none.");

    public static readonly SettingKey ListenClientHttpUrls = new(
        "listen-client-http-urls", "urls", "Where HTTP/1.1 is served; the client URLs then take gRPC only. Default: none, they take both.");

    public static readonly SettingKey Metrics = new(
        "metrics", "level", "basic, or extensive to measure how long each RPC takes, too. Default: basic.");

    public static readonly SettingKey Cors = new(
        "cors", "origins", "Origins that browsers may call the JSON gateway from, by commas; * for any. Default: *, as in etcd.");

    public static readonly SettingKey HostWhitelist = new(
        "host-whitelist", "names", "Host names by which unencrypted HTTP requests may call this server; * for any. Default: *, as in etcd.");

    public static readonly SettingKey LogLevel = new(
        "log-level", "level", "Least level of lines: debug, info, warn, error, panic or fatal. Default: info.");

    public static readonly SettingKey LogOutputs = new(
        "log-outputs", "targets", "Where lines go, by commas: stderr, stdout, default (stderr) or files. Default: default.");

    public static readonly SettingKey LogFormat = new(
        "log-format", "format", "text (key=value), json or console (both as etcd's). Default: text; of 'quorate etcd' json.");

    /// <summary>When members are compared.</summary>
    public static readonly SettingKey[] Checks = [CorruptCheckTime, InitialCorruptCheck, CompactHashCheck, CompactHashCheckTime];

    /// <summary>What the client door allows and how it is watched: etcd's, in etcd's words.</summary>
    public static readonly SettingKey[] Door =
    [
        AuthToken, AuthTokenTtl, BcryptCost, MaxRequestBytes, MaxTxnOps, MaxConcurrentStreams, KeepAliveInterval, KeepAliveTimeout, AutoCompactionMode, AutoCompactionRetention,
        ListenMetricsUrls, ListenClientHttpUrls, Metrics, Cors, HostWhitelist, LogLevel, LogOutputs, LogFormat,
    ];

    /// <summary>Those of TLS: etcd's, in etcd's words.</summary>
    public static readonly SettingKey[] Tls =
    [
        CertFile, KeyFile, TrustedCaFile, ClientCertAuth, ClientCrlFile, ClientCertAllowedHostname, AutoTls,
        PeerCertFile, PeerKeyFile, PeerTrustedCaFile, PeerClientCertAuth, PeerCrlFile, PeerCertAllowedCn, PeerCertAllowedHostname,
        PeerAutoTls, SelfSignedCertValidity, TlsMinVersion, TlsMaxVersion, CipherSuites,
    ];

    /// <summary>In the order of help.</summary>
    public static readonly SettingKey[] All =
    [
        Name, DataDir, ListenClientUrls, AdvertiseClientUrls, KeyspaceListen, ListenPeerUrls, AdvertisePeerUrls, InitialCluster,
        InitialClusterToken, InitialClusterState, HeartbeatInterval, ElectionTimeout, WatchProgressInterval, QuotaBackendBytes, SnapshotCount, MemTableBytes,
        BlockCacheBytes, ScrubBytesPerSecond, SlowedWriteBytes, MergeSyncTarget, WalSegmentBytes, .. Checks, AllowPlaintext, .. Tls, .. Door,
    ];
}
