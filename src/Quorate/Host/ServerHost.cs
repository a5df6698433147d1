using System.Collections.Immutable;
using System.Net;
using Quorate.Cli;
using Quorate.Core;
using Quorate.FrontDoors.Etcd;
using Quorate.Node;
using Quorate.Node.Files;
using Quorate.Node.Logging;
using Quorate.Node.Peers;
using Quorate.Node.Tls;
using Quorate.Replication;
using Quorate.Settings;
using Quorate.StateMachines;
using Quorate.StateMachines.KeyValue;

namespace Quorate.Host;

/// <summary>Runs one server from its settings until it is told to stop, or stops by itself.</summary>
internal static class ServerHost
{
    /// <summary>The shard that every cluster has from the start.</summary>
    public static readonly ShardId FirstShard = new(1);

    /// <summary>Runs the server.</summary>
    /// <param name="settings">Without problems.</param>
    /// <param name="log">One line per change of state.</param>
    /// <param name="stop">Asks for a graceful stop.</param>
    public static async Task<ExitCode> RunAsync(ServerSettings settings, INodeLog log, CancellationToken stop)
    {
        NodeRuntime node;
        TlsKeeper? clientTls;
        ClusterStart start;
        PeerTable table;
        DataDirectoryLock? held = null;
        try
        {
            held = ServerTls.MakeAutomatic(settings);
            clientTls = ServerTls.Keep(ServerTls.ForClients(settings), "client", log);
            PeerOptions peer = PeerOptions(settings, ServerTls.Keep(ServerTls.ForPeers(settings), "peer", log));
            start = ClusterStart.Decide(settings, new RealFileSystem(Path.GetFullPath(settings.DataDir)), peer.Streams);
            table = new PeerTable(settings, start.Peers, peer.Streams, log);
            node = NodeRuntime.Start(NodeOptions(settings, start, peer with { Answer = table.Answer }), log, held: held);
        }
        catch (Exception e) when (CodeOf(e) is not null)
        {
            held?.Dispose();
            log.Write(LogSeverity.Error, "start-failed", new LogField("reason", e.Message));
            return CodeOf(e)!.Value;
        }

        await using (node)
        await using (table)
        {
            table.Start(node);
            return await ServeAsync(settings, start, node, table, clientTls, log, stop);
        }
    }

    /// <summary>What the runtime needs, from what the operator said.</summary>
    public static NodeRuntimeOptions NodeOptions(ServerSettings settings, ClusterStart start, PeerOptions peer) => new()
    {
        DataDirectory = Path.GetFullPath(settings.DataDir),
        Node = new NodeConfig
        {
            Cluster = start.Cluster,
            Node = start.Node,
            Bootstrap = [start.Shard],
            Machines = static (_, id) => id < 0 ? null : Catalog.Find((uint)id)?.Create(),
            Raft = settings.Raft,
            Wal = settings.Wal,
            Engine = settings.Engine,
            BlockCacheBytes = settings.BlockCacheBytes,
            ScrubBytesPerSecond = settings.ScrubBytesPerSecond,
            ScrubTicks = 3_600_000 / settings.TickMilliseconds,
            TickMilliseconds = settings.TickMilliseconds,
            // etcd's request timeout: 5 s for a slow disk, and two elections.
            RequestTicks = (5000 + 2 * settings.ElectionMilliseconds) / settings.TickMilliseconds,
            FlushEntries = settings.SnapshotCount,
            CheckTicks = Ticks(settings, settings.CorruptCheckTime),
            ForgottenCheckTicks = settings.CompactHashCheck ? Ticks(settings, settings.CompactHashCheckTime) : 0,
            ChecksAtStart = settings.InitialCorruptCheck,
            SlowedWriteBytes = settings.SlowedWriteBytes,
        },
        SyncTarget = settings.MergeSyncTarget,
        Peer = peer,
        Peers = start.Peers,
    };

    private static long Ticks(ServerSettings settings, TimeSpan time) => (long)(time.TotalMilliseconds / settings.TickMilliseconds);

    /// <summary>Links to the other members.</summary>
    public static PeerOptions PeerOptions(ServerSettings settings, TlsKeeper? tls)
    {
        var options = new PeerOptions { Listen = settings.ListenPeerUrls[0].BindAddress! };
        return tls is null ? options : options with { Streams = PeerTls.Streams(tls, settings.ListenPeerUrls[0].IsTls) };
    }

    /// <summary>The exit code of a failure that is no bug of ours; null for one that is.</summary>
    public static ExitCode? CodeOf(Exception e) => e switch
    {
        CorruptFileException => ExitCode.Integrity,
        WrongDataDirectoryException or DataDirectoryInUseException or ClusterStartException => ExitCode.Precondition,
        ArgumentException => ExitCode.Usage,
        IOException or UnauthorizedAccessException => ExitCode.Failed,
        _ => null,
    };

    private static async Task<ExitCode> ServeAsync(
        ServerSettings settings, ClusterStart start, NodeRuntime node, PeerTable table, TlsKeeper? tls, INodeLog log, CancellationToken stop)
    {
        EtcdServer door;
        try
        {
            door = await EtcdServer.StartAsync(DoorOptions(settings, start, node, tls), log, CancellationToken.None);
        }
        catch (Exception e) when (CodeOf(e) is not null)
        {
            log.Write(LogSeverity.Error, "start-failed", new LogField("reason", e.Message));
            return CodeOf(e)!.Value;
        }

        await using (door)
        {
            var stopping = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using CancellationTokenRegistration registration = stop.Register(stopping.SetResult);
            log.Write(
                LogSeverity.Info, "listening", new LogField("client-urls", string.Join(',', settings.ListenClientUrls)),
                new LogField("advertised", string.Join(',', settings.AdvertiseClientUrls)),
                new LogField("keyspace-urls", string.Join(',', settings.KeyspaceListens.Select(k => $"{k.Keyspace}={k.Url}"))));
            using var ready = CancellationTokenSource.CreateLinkedTokenSource(stop);
            Task announcing = AnnounceReadyAsync(settings, start, node, log, ready.Token);
            Task first = await Task.WhenAny(node.Fatal, stopping.Task, table.Removed);
            await ready.CancelAsync();
            await announcing;
            if (first == node.Fatal)
            {
                // Said already, with its reason. Nothing is acknowledged any more, so nobody is waited for.
                return (ExitCode)(await node.Fatal).ExitCode;
            }

            if (first == table.Removed) { await BidFarewellAsync(node, log, stopping.Task); }
            log.Write(LogSeverity.Info, "stopping");
            ServiceManager.OfThisProcess.Stopping();
            await door.StopAsync();
            await node.StopAsync();
            log.Write(LogSeverity.Info, "stopped");
            return node.Fatal.IsCompleted ? (ExitCode)(await node.Fatal).ExitCode : ExitCode.Ok;
        }
    }

    private static readonly TimeSpan LongestFarewell = TimeSpan.FromSeconds(30);

    // A group of two that has become one may need the one that goes to say that it has: it stays until its successors know.
    private static async Task BidFarewellAsync(NodeRuntime node, INodeLog log, Task stopping)
    {
        log.Write(
            LogSeverity.Error, "removed", new LogField("message", "the member has been permanently removed from the cluster"),
            new LogField("member", node.Node.Value.ToString("x", null)));
        Task least = Task.Delay(TimeSpan.FromSeconds(2));
        Task most = Task.Delay(LongestFarewell);
        await Task.WhenAny(stopping, least);

        // The groups of keyspaces follow: until they have let it go, its vote may be needed for just that.
        while (!stopping.IsCompleted && !most.IsCompleted && node.Statuses.Any(status => status.Members.Any(member => member.Node == node.Node)))
        {
            await Task.WhenAny(stopping, Task.Delay(100));
        }

        log.Write(LogSeverity.Info, "removed", new LogField("message", "the data-dir used by this member must be removed."));
    }

    private static EtcdServerOptions DoorOptions(ServerSettings settings, ClusterStart start, NodeRuntime node, TlsKeeper? tls)
    {
        // Until the records of members say so.
        ImmutableDictionary<NodeId, MemberRecord> founders = start.Founders.ToImmutableDictionary(m => new NodeId(m.Id));
        EtcdMember? Member(NodeId id) =>
            founders.TryGetValue(id, out MemberRecord? member) ? new EtcdMember(member.Name, member.PeerUrls, []) : null;

        return new EtcdServerOptions
        {
            Node = node,
            Shard = FirstShard,
            Members = Member,
            ElectionTimeout = TimeSpan.FromMilliseconds(settings.ElectionMilliseconds),
            QuotaBytes = Math.Max(0, settings.QuotaBackendBytes),
            WatchProgressInterval = settings.WatchProgressInterval,
            MaxRequestBytes = settings.Door.MaxRequestBytes,
            MaxTxnOps = settings.Door.MaxTxnOps,
            Auth = new EtcdAuthOptions
            {
                TokenLife = TimeSpan.FromSeconds(settings.Door.AuthTokenSeconds),
                PasswordCost = settings.Door.BcryptCost,
                SignedTokens = settings.Door.Jwt?.Open(),
            },
            MaxStreamsPerConnection = (int)Math.Min(settings.Door.MaxConcurrentStreams, int.MaxValue),
            KeepAliveInterval = settings.Door.KeepAliveInterval,
            KeepAliveTimeout = settings.Door.KeepAliveTimeout,
            RetentionTime = settings.Door.RetentionTime,
            RetentionRevisions = settings.Door.RetentionRevisions,
            HostWhitelist = settings.Door.HostWhitelist,
            Cors = settings.Door.Cors,
            Counters = node.Counters,
            MeasuresCalls = settings.Door.Metrics == "extensive",
            ListenHttp = Addresses(settings.Door.ListenClientHttpUrls, isTls: false),
            ListenHttpTls = Addresses(settings.Door.ListenClientHttpUrls, isTls: true),
            ListenPages = Addresses(settings.Door.ListenMetricsUrls, isTls: false),
            ListenPagesTls = Addresses(settings.Door.ListenMetricsUrls, isTls: true),
            Listen = Addresses(settings.ListenClientUrls, isTls: false),
            ListenTls = Addresses(settings.ListenClientUrls, isTls: true),
            KeyspacePorts = [.. settings.KeyspaceListens.Select(k => new EtcdKeyspacePort(k.Keyspace, k.Url.BindAddress!, k.Url.IsTls, k.Url.Text))],
            Tls = tls,
        };
    }

    private static ImmutableArray<IPEndPoint> Addresses(ImmutableArray<ServerUrl> urls, bool isTls) =>
        [.. urls.Where(u => u.IsTls == isTls).Select(u => u.BindAddress!).Distinct<IPEndPoint>()];

    // A server is ready once it has served a linearizable read, so it has found a leader and caught up with it, and all members know where
    // clients reach it.
    private static async Task AnnounceReadyAsync(ServerSettings settings, ClusterStart start, NodeRuntime node, INodeLog log, CancellationToken stop)
    {
        var pause = TimeSpan.FromMilliseconds(50);
        try
        {
            while (!stop.IsCancellationRequested)
            {
                ReadResult read = await node.ReadAsync(FirstShard, ReadLevel.Linearizable, stop);
                bool isPublished = false;
                if (read.View is { } view)
                {
                    using (view) { isPublished = await MemberPublisher.PublishAsync(settings, start.Founders, node, view, stop); }
                }

                if (isPublished)
                {
                    // Scripts written for etcd wait for these words.
                    log.Write(
                        LogSeverity.Info, "ready", new LogField("message", "ready to serve client requests"),
                        new LogField("name", settings.Name), new LogField("member", node.Node.Value.ToString("x", null)),
                        new LogField("client-urls", string.Join(',', settings.AdvertiseClientUrls)));
                    ServiceManager.OfThisProcess.Ready();
                    return;
                }

                await Task.Delay(pause, stop);
                pause = TimeSpan.FromMilliseconds(Math.Min(1000, pause.TotalMilliseconds * 2)); // Each attempt costs the leader a round and an entry.
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped before it was ready.
        }
    }
}
