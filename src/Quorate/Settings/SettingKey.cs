namespace Quorate.Settings;

/// <summary>One setting of a server: the flag, the environment variable and the JSON key are the same words.</summary>
/// <param name="Flag">Without dashes, as in etcd where etcd has it: <c>listen-client-urls</c>.</param>
/// <param name="Value">What stands for the value in help.</param>
/// <param name="Help">One sentence, with unit and default.</param>
internal sealed record SettingKey(string Flag, string Value, string Help)
{
    /// <summary>For switches: given without a value means true.</summary>
    public bool IsSwitch => Value == "bool";

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

    public static readonly SettingKey SnapshotCount = new(
        "snapshot-count", "entries", "Entries after which tables are flushed though memory is not full. Default: 100000.");

    public static readonly SettingKey MemTableBytes = new(
        "mem-table-bytes", "bytes", "Bytes in memory at which they are written to a table. Default: 16777216.");

    public static readonly SettingKey WalSegmentBytes = new(
        "wal-segment-bytes", "bytes", "Bytes of one segment of the log, a multiple of 4096. Default: 67108864.");

    public static readonly SettingKey AllowPlaintext = new(
        "allow-plaintext", "bool", "Listen beyond this machine without encryption. There is no TLS yet.");

    public static readonly SettingKey LogFormat = new("log-format", "format", "text or json, on stderr. Default: text.");

    /// <summary>In the order of help.</summary>
    public static readonly SettingKey[] All =
    [
        Name, DataDir, ListenClientUrls, AdvertiseClientUrls, ListenPeerUrls, AdvertisePeerUrls, InitialCluster,
        InitialClusterToken, InitialClusterState, HeartbeatInterval, ElectionTimeout, SnapshotCount, MemTableBytes,
        WalSegmentBytes, AllowPlaintext, LogFormat,
    ];
}
