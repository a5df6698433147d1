using System.Collections.Immutable;
using System.Net;
using Quorate.Core;
using Quorate.Node;
using Quorate.Node.Tls;
using Quorate.StateMachines.KeyValue;

namespace Quorate.FrontDoors.Etcd;

/// <summary>What a member tells about itself beyond its id.</summary>
/// <param name="Name">For people. Empty: the member has not started yet.</param>
/// <param name="PeerUrls">Where its peers reach it.</param>
/// <param name="ClientUrls">Where clients reach it: they connect to all URLs they are told, so they must be real.</param>
public sealed record EtcdMember(string Name, ImmutableArray<string> PeerUrls, ImmutableArray<string> ClientUrls)
{
    internal static readonly EtcdMember Unknown = new("", [], []);
}

/// <summary>What the etcd API is served from, and its limits on requests.</summary>
public record EtcdServiceOptions
{
    /// <summary>The node asked.</summary>
    public required INodeClient Node { get; init; }

    /// <summary>The shard that holds the keyspace.</summary>
    public required ShardId Shard { get; init; }

    /// <summary>The keyspace's name. Default: that of the keyspace that every cluster has.</summary>
    public string Keyspace { get; init; } = KeyspaceRules.DefaultName;

    /// <summary>Where clients reach this keyspace on this member by a port of its own. Default: empty, there is none.</summary>
    public ImmutableArray<string> KeyspaceUrls { get; init; } = [];

    /// <summary>Tells of a member of the shard; null if nothing is known of it. Called for each MemberList; must be quick.</summary>
    public required Func<NodeId, EtcdMember?> Members { get; init; }

    /// <summary>Largest write, in bytes of the command made of it. Default: 1,572,864 (1.5 MiB), as etcd's --max-request-bytes.</summary>
    public int MaxRequestBytes { get; init; } = 1536 * 1024;

    /// <summary>Most conditions, and most operations on either side, of a transaction. Default: 128, as etcd's --max-txn-ops.</summary>
    public int MaxTxnOps { get; init; } = RequestChecks.DefaultMaxTxnOps;

    /// <summary>
    /// Bytes that this member's data may take. What would let it grow beyond raises the alarm NOSPACE and is refused. Default: 0, no quota
    /// (etcd: 2 GiB): here no store is too large for memory.
    /// </summary>
    public long QuotaBytes { get; init; }

    /// <summary>The shard's election timeout; a stream that wants a leader ends after three without one. Default: 1 s, as in etcd.</summary>
    public TimeSpan ElectionTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Time after which an idle watch that asked for it is told so. Default: 10 min, as etcd's --watch-progress-notify-interval.</summary>
    public TimeSpan WatchProgressInterval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>What a watching stream that is not read may keep in memory before its watches read the store instead. Default: 4 MiB.</summary>
    public long MaxWatchQueueBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>How users show who they are. It matters once users are asked for.</summary>
    public EtcdAuthOptions Auth { get; init; } = new();

    /// <summary>Says what is wrong with these options, in the operator's words. Empty if nothing is.</summary>
    public virtual IEnumerable<string> Problems()
    {
        if (Shard.Value == 0) { yield return "etcd.shard is 0; a shard's id is 1 or more."; }
        if (MaxRequestBytes is < 1024 or > 64 * 1024 * 1024)
        {
            yield return $"etcd.maxRequestBytes is {MaxRequestBytes}; it must be from 1024 to 67108864 (64 MiB).";
        }

        if (QuotaBytes < 0) { yield return $"etcd.quotaBytes is {QuotaBytes}; the least is 0, which means no quota."; }
        if (ElectionTimeout <= TimeSpan.Zero || ElectionTimeout > TimeSpan.FromHours(1))
        {
            yield return $"etcd.electionTimeout is {ElectionTimeout}; it must be more than 0 and at most 1 hour.";
        }

        if (WatchProgressInterval < TimeSpan.FromMilliseconds(100) || WatchProgressInterval > TimeSpan.FromDays(1))
        {
            yield return $"etcd.watchProgressInterval is {WatchProgressInterval}; it must be from 100 ms to 1 day.";
        }

        if (MaxWatchQueueBytes is < 1024 or > 1024 * 1024 * 1024)
        {
            yield return $"etcd.maxWatchQueueBytes is {MaxWatchQueueBytes}; it must be from 1024 to 1073741824 (1 GiB).";
        }

        foreach (string problem in Auth.Problems()) { yield return problem; }
        if (MaxTxnOps is < 1 or > 10_000)
        {
            yield return $"etcd.maxTxnOps is {MaxTxnOps}; it must be from 1 to 10000.";
        }
    }
}

/// <summary>A port that serves one keyspace to clients that know nothing of keyspaces.</summary>
/// <param name="Keyspace">Its name; it need not exist yet.</param>
/// <param name="Address">Where to listen.</param>
/// <param name="IsTls">Over TLS, as <see cref="EtcdServerOptions.ListenTls"/>.</param>
/// <param name="Url">What its clients are told of it.</param>
public sealed record EtcdKeyspacePort(string Keyspace, IPEndPoint Address, bool IsTls, string Url);

/// <summary>Where the etcd API listens, and its limits on connections. Read once, when the server starts.</summary>
public sealed record EtcdServerOptions : EtcdServiceOptions
{
    /// <summary>Addresses for cleartext gRPC and HTTP/1.1 alike; port 0 takes a free one.</summary>
    public required ImmutableArray<IPEndPoint> Listen { get; init; }

    /// <summary>Addresses for the same over TLS. At least one address is needed, here or in <see cref="Listen"/>.</summary>
    public ImmutableArray<IPEndPoint> ListenTls { get; init; } = [];

    /// <summary>Ports that serve other keyspaces.</summary>
    public ImmutableArray<EtcdKeyspacePort> KeyspacePorts { get; init; } = [];

    /// <summary>What is shown and asked for on <see cref="ListenTls"/>. Needed if that is not empty.</summary>
    public TlsKeeper? Tls { get; init; }

    /// <summary>Addresses for HTTP/1.1 alone: the gateway and the pages. If there are any, the others take gRPC alone.</summary>
    public ImmutableArray<IPEndPoint> ListenHttp { get; init; } = [];

    /// <summary>The same over TLS.</summary>
    public ImmutableArray<IPEndPoint> ListenHttpTls { get; init; } = [];

    /// <summary>Addresses for metrics and health alone.</summary>
    public ImmutableArray<IPEndPoint> ListenPages { get; init; } = [];

    /// <summary>The same over TLS.</summary>
    public ImmutableArray<IPEndPoint> ListenPagesTls { get; init; } = [];

    /// <summary>Host names that unencrypted HTTP requests may use; empty or with <c>*</c>: any. As etcd's --host-whitelist.</summary>
    public ImmutableArray<string> HostWhitelist { get; init; } = [];

    /// <summary>Origins that browsers may call from; empty or with <c>*</c>: any. As etcd's --cors.</summary>
    public ImmutableArray<string> Cors { get; init; } = [];

    /// <summary>What the node counts, for the metrics; null: they are without it.</summary>
    public Func<NodeCounters>? Counters { get; init; }

    /// <summary>Measure how long each RPC takes. Default: false, as etcd's --metrics basic.</summary>
    public bool MeasuresCalls { get; init; }

    /// <summary>Time for which history is kept; zero: for ever. As etcd's --auto-compaction-retention, mode periodic.</summary>
    public TimeSpan RetentionTime { get; init; }

    /// <summary>Revisions that are kept; 0: all. As etcd's --auto-compaction-retention, mode revision.</summary>
    public long RetentionRevisions { get; init; }

    /// <summary>True if history is compacted by itself.</summary>
    public bool HasRetention => RetentionTime > TimeSpan.Zero || RetentionRevisions > 0;

    /// <summary>Silence after which a client is asked whether it is there; zero: never. Default: 1 min. As etcd's --grpc-keepalive-interval.</summary>
    public TimeSpan KeepAliveInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Time for its answer. Default: 20 s, as etcd's --grpc-keepalive-timeout.</summary>
    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Most connections open at once; more are closed at once. Default: 10,000, as Redis' maxclients.</summary>
    public int MaxConnections { get; init; } = 10_000;

    /// <summary>Most requests in flight on one connection. Default: 1,000; gRPC clients hold the rest back themselves.</summary>
    public int MaxStreamsPerConnection { get; init; } = 1_000;

    /// <summary>Time for a new connection to show which protocol it speaks, and for its TLS handshake. Default: 10 s; real clients speak at once.</summary>
    public TimeSpan FirstBytesTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time that <see cref="EtcdServer.StopAsync"/> gives requests in flight. Default: 8 s, one more than the node gives a request.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(8);

    /// <inheritdoc/>
    public override IEnumerable<string> Problems()
    {
        foreach (string problem in base.Problems()) { yield return problem; }
        if (Listen.IsDefaultOrEmpty && ListenTls.IsDefaultOrEmpty) { yield return "etcd.listen is empty; at least one address is needed."; }
        if (Tls is null && !(ListenTls.IsDefaultOrEmpty && ListenHttpTls.IsEmpty && ListenPagesTls.IsEmpty && KeyspacePorts.All(static port => !port.IsTls))) { yield return "etcd.listenTls has addresses, but there is no certificate."; }
        foreach (EtcdKeyspacePort port in KeyspacePorts.Where(static port => !KeyspaceRules.IsName(port.Keyspace)))
        {
            yield return $"etcd.keyspacePorts has '{port.Keyspace}', which is no keyspace's name.";
        }

        if (MaxConnections < 1) { yield return $"etcd.maxConnections is {MaxConnections}; the least is 1."; }
        if (MaxStreamsPerConnection < 1)
        {
            yield return $"etcd.maxStreamsPerConnection is {MaxStreamsPerConnection}; the least is 1.";
        }

        if (FirstBytesTimeout <= TimeSpan.Zero || FirstBytesTimeout > TimeSpan.FromHours(1))
        {
            yield return $"etcd.firstBytesTimeout is {FirstBytesTimeout}; it must be more than 0 and at most 1 hour.";
        }

        if ((KeepAliveInterval != TimeSpan.Zero && KeepAliveInterval < TimeSpan.FromSeconds(1)) || KeepAliveTimeout < TimeSpan.FromSeconds(1))
        {
            yield return $"etcd.keepAlive is {KeepAliveInterval} and {KeepAliveTimeout}; the least is 1 s.";
        }

        if (RetentionTime < TimeSpan.Zero || RetentionRevisions < 0 || (RetentionTime > TimeSpan.Zero && RetentionRevisions > 0))
        {
            yield return $"etcd.retention is {RetentionTime} and {RetentionRevisions}; at most one of them may be more than 0.";
        }

        if (DrainTimeout < TimeSpan.Zero || DrainTimeout > TimeSpan.FromHours(1))
        {
            yield return $"etcd.drainTimeout is {DrainTimeout}; it must be from 0 to 1 hour.";
        }
    }
}
