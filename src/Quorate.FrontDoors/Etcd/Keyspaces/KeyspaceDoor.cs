using Microsoft.AspNetCore.Http;
using Quorate.FrontDoors.Http;
using Quorate.FrontDoors.Metrics;
using Quorate.Node.Logging;

namespace Quorate.FrontDoors.Etcd;

/// <summary>All that serves one keyspace: the etcd API over its shard, its watchers, its pages, its compactions.</summary>
internal sealed class KeyspaceDoor : IAsyncDisposable
{
    /// <summary>etcd's grpcOverheadBytes: a message may be this much over the limit.</summary>
    public const int OverheadBytes = 512 * 1024;

    private readonly DoorRouter _router;
    private readonly WatchDriver _watches;
    private readonly AutoCompactor? _compactor;

    public KeyspaceDoor(EtcdServerOptions options, INodeLog log, Action<string, Exception> reportBug)
    {
        Service = new EtcdService(options, reportBug);
        var meters = new DoorMeters(options.MeasuresCalls);
        Grpc = new GrpcAdaptor(Service, options.MaxRequestBytes + OverheadBytes, meters);
        _router = new DoorRouter(
            new JsonGateway(Service, options.MaxRequestBytes + OverheadBytes),
            new StatusPages(Service, new EtcdMetrics(Service, options, meters), meters.Health),
            new HttpAccess(options.HostWhitelist, options.Cors),
            clientPortsAreGrpcOnly: !(options.ListenHttp.IsEmpty && options.ListenHttpTls.IsEmpty));
        _watches = new WatchDriver(Service, options);
        _compactor = options.HasRetention
            ? new AutoCompactor(Service, new AutoCompaction(options.RetentionTime, options.RetentionRevisions), log)
            : null;
    }

    /// <summary>The API itself.</summary>
    public EtcdService Service { get; }

    /// <summary>Its calls over gRPC.</summary>
    public GrpcAdaptor Grpc { get; }

    /// <summary>Serves one request that is not gRPC, whatever is wrong with it.</summary>
    public Task ServeAsync(HttpContext context) => _router.ServeAsync(context);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _watches.DisposeAsync().ConfigureAwait(false);
        if (_compactor is not null) { await _compactor.DisposeAsync().ConfigureAwait(false); }
    }
}
