using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Raft;
using Quorate.Storage.Engine;
using Quorate.Storage.Wal;

namespace Quorate.Settings;

/// <summary>A member of the cluster as all members know it from the start.</summary>
/// <param name="Name">Unique in the cluster.</param>
/// <param name="PeerUrl">Where the others reach it; unique in the cluster.</param>
/// <param name="Id">Computed from the URL and the token.</param>
internal sealed record InitialMember(string Name, ServerUrl PeerUrl, NodeId Id);

/// <summary>What a server is told when it starts, whichever verb and source it came from. Read once.</summary>
internal sealed record ServerSettings
{
    /// <summary>Name of this member.</summary>
    public string Name { get; init; } = "default"; // As in etcd.

    /// <summary>Directory for everything it stores.</summary>
    public string DataDir { get; init; } = "default.quorate";

    /// <summary>Where clients connect.</summary>
    public ImmutableArray<ServerUrl> ListenClientUrls { get; init; } = [new("http://localhost:2379", "localhost", 2379)];

    /// <summary>What clients are told.</summary>
    public ImmutableArray<ServerUrl> AdvertiseClientUrls { get; init; } = [new("http://localhost:2379", "localhost", 2379)];

    /// <summary>Ports for single keyspaces.</summary>
    public ImmutableArray<KeyspaceListen> KeyspaceListens { get; init; } = [];

    /// <summary>What is listened on besides client and peer URLs.</summary>
    public IEnumerable<(SettingKey Key, ImmutableArray<ServerUrl> Urls)> OtherUrls =>
        [.. Door.OtherUrls, (SettingKeys.KeyspaceListen, [.. KeyspaceListens.Select(k => k.Url)])];

    /// <summary>Where members connect.</summary>
    public ImmutableArray<ServerUrl> ListenPeerUrls { get; init; } = [new("http://localhost:2380", "localhost", 2380)];

    /// <summary>This member's URL as the others know it.</summary>
    public ImmutableArray<ServerUrl> AdvertisePeerUrls { get; init; } = [new("http://localhost:2380", "localhost", 2380)];

    /// <summary>All members, this one included, ordered as written. Empty if <c>--initial-cluster</c> could not be read.</summary>
    public ImmutableArray<InitialMember> InitialCluster { get; init; } = [];

    /// <summary>Part of all ids.</summary>
    public string Token { get; init; } = "quorate-cluster";

    /// <summary><c>new</c> or <c>existing</c>.</summary>
    public string InitialClusterState { get; init; } = "new";

    /// <summary>Milliseconds between heartbeats.</summary>
    public int HeartbeatMilliseconds { get; init; } = 100; // etcd's default.

    /// <summary>Milliseconds of silence before an election.</summary>
    public int ElectionMilliseconds { get; init; } = 1000; // etcd's default.

    /// <summary>Time after which an idle watch that asked for it is told so.</summary>
    public TimeSpan WatchProgressInterval { get; init; } = TimeSpan.FromMinutes(10); // etcd's default.

    /// <summary>Bytes of data at which writes are refused; 0 or less: never.</summary>
    public long QuotaBackendBytes { get; init; } // etcd's 2 GiB protects its memory; data need not fit into ours.

    /// <summary>Entries between flushes at most.</summary>
    public int SnapshotCount { get; init; } = 100_000; // etcd 3.5's default.

    /// <summary>Time from one comparison of all members to the next; zero: never.</summary>
    public TimeSpan CorruptCheckTime { get; init; } = TimeSpan.FromHours(24); // Off in etcd. Here a difference is mended, and the reading is slow on purpose.

    /// <summary>Whether they are compared once this member has started.</summary>
    public bool InitialCorruptCheck { get; init; }

    /// <summary>Whether they are compared after compactions.</summary>
    public bool CompactHashCheck { get; init; }

    /// <summary>Then, the least time between two comparisons.</summary>
    public TimeSpan CompactHashCheckTime { get; init; } = TimeSpan.FromMinutes(1); // etcd's default.

    /// <summary>Sizes of tables.</summary>
    public EngineOptions Engine { get; init; } = new();

    /// <summary>Bytes of tables' blocks kept in memory, for all keyspaces.</summary>
    public long BlockCacheBytes { get; init; } = BlockCacheShare(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);

    /// <summary>Bytes of tables a second that are read in the background; 0: none.</summary>
    public long ScrubBytesPerSecond { get; init; } = 4 * 1024 * 1024; // A few percent of a slow disk; 100 GB in seven hours.

    /// <summary>Bytes a second that are written when flushes or merges fall behind.</summary>
    public long SlowedWriteBytes { get; init; } = 16L * 1024 * 1024;

    /// <summary>Time a sync of the log may take before merges give way; 0: never.</summary>
    public TimeSpan MergeSyncTarget { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>Sizes of the log.</summary>
    public WalOptions Wal { get; init; } = new();

    /// <summary>Listening beyond this machine without encryption is wanted.</summary>
    public bool AllowPlaintext { get; init; }

    /// <summary>Certificates towards clients.</summary>
    public TlsSettings ClientTls { get; init; } = new();

    /// <summary>Certificates between members.</summary>
    public TlsSettings PeerTls { get; init; } = new();

    /// <summary>Years that self-made certificates are good for.</summary>
    public int SelfSignedYears { get; init; } = 1; // As in etcd.

    /// <summary><c>TLS1.2</c> or <c>TLS1.3</c>.</summary>
    public string TlsMinVersion { get; init; } = "TLS1.2"; // As in etcd.

    /// <summary>The same, or empty: the newest.</summary>
    public string TlsMaxVersion { get; init; } = "";

    /// <summary>IANA's names. Empty: the platform's choice.</summary>
    public ImmutableArray<string> CipherSuites { get; init; } = [];

    /// <summary>What the client door allows and how it is watched.</summary>
    public DoorSettings Door { get; init; } = new();

    /// <summary>How the operator wrote each setting that was given: <c>QUORATE_NAME</c>, or <c>a.json line 3, name</c>.</summary>
    public ImmutableSortedDictionary<string, string> WrittenAs { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>This member's peer URL, and those of all others.</summary>
    public ImmutableArray<ServerUrl> PeerUrls => [.. ListenPeerUrls, .. InitialCluster.Select(m => m.PeerUrl)];

    /// <summary>True if some link is to be encrypted.</summary>
    public bool UsesPeerTls => PeerUrls.Any(u => u.IsTls);

    /// <summary>The cluster, as every member computes it.</summary>
    public ClusterId Cluster => ClusterIdentity.ClusterIdOf(InitialCluster.Select(m => m.Id));

    /// <summary>This member in the cluster. Only once <see cref="Problems"/> is empty.</summary>
    public InitialMember Self => InitialCluster.First(m => m.Name == Name);

    /// <summary>Ticks of 10 ms, or of a tenth of the heartbeat if that is less than 100 ms, so that timeouts differ between members.</summary>
    public int TickMilliseconds => Math.Clamp(HeartbeatMilliseconds / 10, 1, 10);

    /// <summary>Raft's timers in ticks.</summary>
    public RaftOptions Raft => new()
    {
        HeartbeatTicks = Math.Max(1, HeartbeatMilliseconds / TickMilliseconds),
        ElectionTicks = Math.Max(1, ElectionMilliseconds / TickMilliseconds),
    };

    /// <summary>Says what is wrong with these settings, in the operator's words. Looks at nothing but the settings.</summary>
    public IEnumerable<string> Problems()
    {
        if (Name.Length == 0 || Name.AsSpan().IndexOfAny("=, \t") >= 0)
        {
            yield return $"{Written(SettingKeys.Name)} is '{Name}'; a name is not empty and has no '=', ',' or blank.";
        }

        if (DataDir.Length == 0) { yield return $"{Written(SettingKeys.DataDir)} is empty; name a directory."; }
        foreach (string problem in UrlProblems()) { yield return problem; }
        foreach (string problem in ClusterProblems()) { yield return problem; }
        foreach (string problem in NumberProblems()) { yield return problem; }
        foreach (string problem in TlsRules.Problems(this)) { yield return problem; }
        foreach (string problem in DoorRules.Problems(this)) { yield return problem; }
        if (InitialClusterState is not ("new" or "existing"))
        {
            yield return $"{Written(SettingKeys.InitialClusterState)} is '{InitialClusterState}'; it must be new or existing.";
        }
    }

    /// <summary>How the operator knows this setting.</summary>
    public string Written(SettingKey key) => WrittenAs.GetValueOrDefault(key.Flag, "--" + key.Flag);

    private IEnumerable<string> UrlProblems()
    {
        (SettingKey Key, ImmutableArray<ServerUrl> Urls)[] listens =
            [(SettingKeys.ListenClientUrls, ListenClientUrls), (SettingKeys.ListenPeerUrls, ListenPeerUrls), .. OtherUrls];
        var ports = new Dictionary<(string Host, int Port), SettingKey>();
        foreach ((SettingKey key, ImmutableArray<ServerUrl> urls) in listens)
        {
            foreach (ServerUrl url in urls)
            {
                if (url.BindAddress is null)
                {
                    yield return $"{Written(key)} has '{url}'; a server listens on an IP address or localhost, not on a name.";
                }

                if (!url.IsLoopback && !url.IsTls && !AllowPlaintext)
                {
                    yield return $"{Written(key)} has '{url}', which other machines can reach without encryption; " +
                        "write https:// and give certificates, or --allow-plaintext if the network is trusted.";
                }

                if (!ports.TryAdd((url.Host, url.Port), key))
                {
                    yield return $"{Written(key)} has '{url}', which {Written(ports[(url.Host, url.Port)])} has too.";
                }
            }
        }

        if (ListenPeerUrls.Length > 1)
        {
            yield return $"{Written(SettingKeys.ListenPeerUrls)} has {ListenPeerUrls.Length} URLs; a member listens on one.";
        }

        (SettingKey Key, ImmutableArray<ServerUrl> Urls)[] advertised =
            [(SettingKeys.AdvertiseClientUrls, AdvertiseClientUrls), (SettingKeys.AdvertisePeerUrls, AdvertisePeerUrls)];
        foreach ((SettingKey key, ImmutableArray<ServerUrl> urls) in advertised)
        {
            foreach (ServerUrl url in urls.Where(u => u.BindAddress is { } a && IsWildcard(a.Address)))
            {
                yield return $"{Written(key)} has '{url}'; nobody can connect to {url.Host}, name an address of this machine.";
            }
        }
    }

    private IEnumerable<string> ClusterProblems()
    {
        string cluster = Written(SettingKeys.InitialCluster);
        // What a joining member is to be told is printed by etcdctl: there those that have not started have no names yet, and one with several URLs
        // stands there with each. A founder's id is made of its one URL.
        bool joins = InitialClusterState == "existing";
        foreach (IGrouping<string, InitialMember> same in InitialCluster.GroupBy(m => m.Name).Where(g => !joins && g.Key.Length > 0 && g.Count() > 1))
        {
            yield return $"{cluster} names '{same.Key}' {same.Count()} times; each member has one name and one URL.";
        }

        foreach (IGrouping<string, InitialMember> same in InitialCluster.GroupBy(m => m.PeerUrl.Text).Where(g => g.Count() > 1))
        {
            yield return $"{cluster} gives {same.Key} to {string.Join(" and ", same.Select(m => m.Name))}.";
        }

        if (InitialCluster.IsEmpty) { yield break; } // It could not be read: that was said already.
        InitialMember? self = InitialCluster.FirstOrDefault(m => m.Name == Name);
        if (self is null)
        {
            yield return $"{Written(SettingKeys.Name)} is '{Name}', which {cluster} does not name; " +
                $"it has {string.Join(", ", InitialCluster.Select(m => m.Name))}.";
        }
        else if (!AdvertisePeerUrls.IsEmpty && !InitialCluster.Any(m => m.Name == Name && m.PeerUrl.Text == AdvertisePeerUrls[0].Text))
        {
            yield return $"{Written(SettingKeys.AdvertisePeerUrls)} is {AdvertisePeerUrls[0]}, " +
                $"but {cluster} has {Name}={self.PeerUrl}.";
        }

        if (AdvertisePeerUrls.Length > 1 && !joins)
        {
            yield return $"{Written(SettingKeys.AdvertisePeerUrls)} has {AdvertisePeerUrls.Length} URLs; a founder has one.";
        }

        if (InitialCluster.Select(m => m.Name).Distinct().Count() is > 9 and var members)
        {
            yield return $"{cluster} has {members} members; the most is 9, and 3 or 5 are usual.";
        }
    }

    private IEnumerable<string> NumberProblems()
    {
        // Below 10 ms a garbage collection looks like a dead leader; above 10 s nobody notices a dead one (our own bounds).
        if (HeartbeatMilliseconds is < 10 or > 10_000)
        {
            yield return $"{Written(SettingKeys.HeartbeatInterval)} is {HeartbeatMilliseconds} ms; it must be 10 to 10000.";
        }

        // etcd's bounds: five heartbeats, and 50 s.
        if (ElectionMilliseconds > 50_000)
        {
            yield return $"{Written(SettingKeys.ElectionTimeout)} is {ElectionMilliseconds} ms; the most is 50000.";
        }
        else if (ElectionMilliseconds < 5L * HeartbeatMilliseconds)
        {
            yield return $"{Written(SettingKeys.ElectionTimeout)} is {ElectionMilliseconds} ms; the least is five times " +
                $"{Written(SettingKeys.HeartbeatInterval)}, {5L * HeartbeatMilliseconds} ms.";
        }

        // The door's bounds: below, every watcher is written to ten times a second for nothing.
        if (WatchProgressInterval < TimeSpan.FromMilliseconds(100) || WatchProgressInterval > TimeSpan.FromDays(1))
        {
            yield return $"{Written(SettingKeys.WatchProgressInterval)} is {WatchProgressInterval}; it must be 100ms to 24h.";
        }

        // Below, one comparison would hardly end before the next; above, it is a typo.
        if (CorruptCheckTime != TimeSpan.Zero && !IsCheckTime(CorruptCheckTime))
        {
            yield return $"{Written(SettingKeys.CorruptCheckTime)} is {CorruptCheckTime}; it must be 0, or 1s to 365 days.";
        }

        if (!IsCheckTime(CompactHashCheckTime))
        {
            yield return $"{Written(SettingKeys.CompactHashCheckTime)} is {CompactHashCheckTime}; it must be 1s to 365 days.";
        }

        if (SnapshotCount < 1) { yield return $"{Written(SettingKeys.SnapshotCount)} is {SnapshotCount}; the least is 1."; }

        // At most 1 GiB each: a typo of three digits must not take the machine's memory or disk.
        if (Engine.MemTableBytes is < 65_536 or > 1 << 30)
        {
            yield return $"{Written(SettingKeys.MemTableBytes)} is {Engine.MemTableBytes}; it must be 65536 to 1073741824.";
        }

        if (BlockCacheBytes is < 1 << 20 or > 1L << 40)
        {
            yield return $"{Written(SettingKeys.BlockCacheBytes)} is {BlockCacheBytes}; it must be 1048576 to 1099511627776.";
        }

        if (ScrubBytesPerSecond is < 0 or > 1L << 40)
        {
            yield return $"{Written(SettingKeys.ScrubBytesPerSecond)} is {ScrubBytesPerSecond}; it must be 0 to 1099511627776.";
        }

        // Below, not even the commands that keep leases alive get through in their time.
        if (SlowedWriteBytes < 65_536) { yield return $"{Written(SettingKeys.SlowedWriteBytes)} is {SlowedWriteBytes}; the least is 65536."; }
        if (MergeSyncTarget < TimeSpan.Zero || MergeSyncTarget > TimeSpan.FromMinutes(1))
        {
            yield return $"{Written(SettingKeys.MergeSyncTarget)} is {MergeSyncTarget}; it must be 0s to 1m.";
        }

        if (Wal.SegmentBytes is < 65_536 or > 1 << 30 || Wal.SegmentBytes % 4096 != 0)
        {
            yield return $"{Written(SettingKeys.WalSegmentBytes)} is {Wal.SegmentBytes}; " +
                "it must be 65536 to 1073741824 and a multiple of 4096.";
        }
    }

    /// <summary>
    /// The cache's default of the bytes of memory that are there for this process: those of the machine, or three quarters of its control
    /// group's limit. Our own choice: the rest is for memtables, requests, and the system's cache of files.
    /// </summary>
    internal static long BlockCacheShare(long memory) => Math.Clamp(memory / 4, 1L << 24, 1L << 30);

    private static bool IsCheckTime(TimeSpan time) => time >= TimeSpan.FromSeconds(1) && time <= TimeSpan.FromDays(365);

    private static bool IsWildcard(System.Net.IPAddress address) =>
        address.Equals(System.Net.IPAddress.Any) || address.Equals(System.Net.IPAddress.IPv6Any);
}
