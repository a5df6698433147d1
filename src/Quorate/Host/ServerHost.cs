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
        DataDirectoryLock? held = null;
        try
        {
            held = ServerTls.MakeAutomatic(settings);
            clientTls = ServerTls.Keep(ServerTls.ForClients(settings), "client", log);
            TlsKeeper? peerTls = ServerTls.Keep(ServerTls.ForPeers(settings), "peer", log);
            node = NodeRuntime.Start(NodeOptions(settings, peerTls), log, held: held);
        }
        catch (Exception e) when (CodeOf(e) is not null)
        {
            held?.Dispose();
            log.Write(LogSeverity.Error, "start-failed", new LogField("reason", e.Message));
            return CodeOf(e)!.Value;
        }

        await using (node)
        {
            return await ServeAsync(settings, node, clientTls, log, stop);
        }
    }

    /// <summary>What the runtime needs, from what the operator said.</summary>
    public static NodeRuntimeOptions NodeOptions(ServerSettings settings, TlsKeeper? peerTls = null) => new()
    {
        DataDirectory = Path.GetFullPath(settings.DataDir),
        Node = new NodeConfig
        {
            Cluster = settings.Cluster,
            Node = settings.Self.Id,
            // By id, not as written: all members must create the same shard.
            Bootstrap =
            [
                new ShardDescriptor(
                    FirstShard, (int)Catalog.KeyValue.Id,
                    [.. settings.InitialCluster.OrderBy(m => m.Id).Select(m => new ReplicaPlace(new ReplicaId(m.Id.Value), m.Id))]),
            ],
            Machines = static (_, id) => id < 0 ? null : Catalog.Find((uint)id)?.Create(),
            Raft = settings.Raft,
            Wal = settings.Wal,
            Engine = settings.Engine,
            TickMilliseconds = settings.TickMilliseconds,
            // etcd's request timeout: 5 s for a slow disk, and two elections.
            RequestTicks = (5000 + 2 * settings.ElectionMilliseconds) / settings.TickMilliseconds,
            FlushEntries = settings.SnapshotCount,
        },
        Peer = PeerOptions(settings, peerTls),
        Peers = [.. settings.InitialCluster.Select(m => new PeerAddress(m.Id, m.PeerUrl.Host, m.PeerUrl.Port, m.PeerUrl.IsTls))],
    };

    private static PeerOptions PeerOptions(ServerSettings settings, TlsKeeper? tls)
    {
        var options = new PeerOptions
        {
            Listen = settings.ListenPeerUrls[0].BindAddress!,
            About = MemberAbout.Write([.. settings.AdvertiseClientUrls.Select(u => u.Text)]),
        };
        return tls is null ? options : options with { Streams = PeerTls.Streams(tls, settings.ListenPeerUrls[0].IsTls) };
    }

    /// <summary>The exit code of a failure that is no bug of ours; null for one that is.</summary>
    public static ExitCode? CodeOf(Exception e) => e switch
    {
        CorruptFileException => ExitCode.Integrity,
        WrongDataDirectoryException or DataDirectoryInUseException => ExitCode.Precondition,
        ArgumentException => ExitCode.Usage,
        IOException or UnauthorizedAccessException => ExitCode.Failed,
        _ => null,
    };

    private static async Task<ExitCode> ServeAsync(
        ServerSettings settings, NodeRuntime node, TlsKeeper? tls, INodeLog log, CancellationToken stop)
    {
        EtcdServer door;
        try
        {
            door = await EtcdServer.StartAsync(DoorOptions(settings, node, tls), log, CancellationToken.None);
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
            Task announcing = AnnounceReadyAsync(settings, node, log, ready.Token);
            Task first = await Task.WhenAny(node.Fatal, stopping.Task);
            await ready.CancelAsync();
            await announcing;
            if (first == node.Fatal)
            {
                // Said already, with its reason. Nothing is acknowledged any more, so nobody is waited for.
                return (ExitCode)(await node.Fatal).ExitCode;
            }

            log.Write(LogSeverity.Info, "stopping");
            ServiceManager.OfThisProcess.Stopping();
            await door.StopAsync();
            await node.StopAsync();
            log.Write(LogSeverity.Info, "stopped");
            return node.Fatal.IsCompleted ? (ExitCode)(await node.Fatal).ExitCode : ExitCode.Ok;
        }
    }

    private static EtcdServerOptions DoorOptions(ServerSettings settings, NodeRuntime node, TlsKeeper? tls)
    {
        ImmutableDictionary<NodeId, InitialMember> members = settings.InitialCluster.ToImmutableDictionary(m => m.Id);
        EtcdMember? Member(NodeId id)
        {
            if (!members.TryGetValue(id, out InitialMember? member)) { return null; }
            ImmutableArray<string> urls = id == node.Node
                ? [.. settings.AdvertiseClientUrls.Select(u => u.Text)]
                : MemberAbout.Read(node.AboutPeer(id));
            return new EtcdMember(member.Name, [member.PeerUrl.Text], urls);
        }

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
            KeyspacePorts = [.. settings.KeyspaceListens.Select(k => new EtcdKeyspacePort(k.Keyspace, k.Url.BindAddress!, k.Url.IsTls))],
            Tls = tls,
        };
    }

    private static ImmutableArray<IPEndPoint> Addresses(ImmutableArray<ServerUrl> urls, bool isTls) =>
        [.. urls.Where(u => u.IsTls == isTls).Select(u => u.BindAddress!).Distinct<IPEndPoint>()];

    // A server is ready once it has served a linearizable read: it has found a leader and caught up with it.
    private static async Task AnnounceReadyAsync(ServerSettings settings, NodeRuntime node, INodeLog log, CancellationToken stop)
    {
        try
        {
            while (!stop.IsCancellationRequested)
            {
                ReadResult read = await node.ReadAsync(FirstShard, ReadLevel.Linearizable, stop);
                read.View?.Dispose();
                if (read.Outcome == RequestOutcome.Done)
                {
                    // Scripts written for etcd wait for these words.
                    log.Write(
                        LogSeverity.Info, "ready", new LogField("message", "ready to serve client requests"),
                        new LogField("name", settings.Name), new LogField("member", node.Node.Value.ToString("x", null)),
                        new LogField("client-urls", string.Join(',', settings.AdvertiseClientUrls)));
                    ServiceManager.OfThisProcess.Ready();
                    return;
                }

                await Task.Delay(50, stop);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped before it was ready.
        }
    }
}
