using System.Collections.Immutable;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Quorate.FrontDoors.Http;
using Quorate.FrontDoors.Http2;
using Quorate.Node.Logging;

namespace Quorate.FrontDoors.Etcd;

/// <summary>The etcd door: gRPC, its JSON gateway, version and health pages on one port, in the clear or over TLS.</summary>
public sealed class EtcdServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly EtcdServerOptions _options;
    private readonly KeyspaceDoors _doors;

    private EtcdServer(WebApplication app, EtcdServerOptions options, KeyspaceDoors doors)
    {
        _app = app;
        _options = options;
        _doors = doors;
    }

    /// <summary>The addresses listened on, in the order of the options (cleartext clients, keyspaces, HTTP, pages; then the same over TLS), with the ports that were free where 0 was asked for.</summary>
    public ImmutableArray<IPEndPoint> Addresses { get; private set; } = [];

    /// <summary>Streaming calls that are being served.</summary>
    public int OpenStreams => _doors.OpenStreams;

    /// <summary>Starts to listen and to serve.</summary>
    /// <param name="options">Where and what.</param>
    /// <param name="log">Gets a line for each failure of ours and, at most one per minute and kind, for noise from clients.</param>
    /// <param name="cancellationToken">Gives the start up.</param>
    /// <exception cref="ArgumentException">The options have problems; the message names all of them.</exception>
    /// <exception cref="IOException">An address cannot be listened on.</exception>
    public static async Task<EtcdServer> StartAsync(
        EtcdServerOptions options, INodeLog log, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(log);
        string[] problems = [.. options.Problems()];
        if (problems.Length > 0) { throw new ArgumentException(string.Join(" ", problems), nameof(options)); }

        var limiter = new LineLimiter(TimeSpan.FromMinutes(1));
        var doors = new KeyspaceDoors(options, log, (rpc, exception) =>
        {
            if (!limiter.MayWrite(rpc, out long suppressed)) { return; }
            log.Write(
                LogSeverity.Error,
                "etcd-rpc-failed",
                new LogField("rpc", rpc),
                new LogField("exception", exception.ToString()),
                new LogField("suppressed", suppressed));
        });
        var transport = new VirtualTransport();
        var http2 = new Http2Entry(doors, new ConnectionLimits
        {
            MaxStreams = options.MaxStreamsPerConnection,
            MaxRequestBytes = options.MaxRequestBytes + KeyspaceDoor.OverheadBytes + Http2Connection.GrpcPrefixBytes,
            PingAfter = options.KeepAliveInterval,
            PingTimeout = options.KeepAliveTimeout,
        });
        var port = new CleartextPort(transport, http2, options.FirstBytesTimeout, log);

        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.Services.AddSingleton<IConnectionListenerFactory>(transport);
        builder.Services.Configure<SocketTransportOptions>(static sockets => sockets.CreateBoundListenSocket = ClientSockets.Bind);
        builder.Services.AddSingleton<IHostLifetime>(new OwnersLifetime());
        builder.Logging.AddProvider(new KestrelLog(log));
        builder.Logging.AddFilter(TlsHandshake.LogCategory, LogLevel.Debug);

        // Where a request's activity and log scope would be made if anybody listened; the door has its own counters and lines.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            SetLimits(kestrel, options);
            port.Listen(kestrel, options.Listen);
            foreach (EtcdKeyspacePort own in options.KeyspacePorts.Where(static own => !own.IsTls)) { port.Listen(kestrel, [own.Address], own.Keyspace); }
            ListenHttpOnly(kestrel, options.ListenHttp, PortRole.Http);
            ListenHttpOnly(kestrel, options.ListenPages, PortRole.Pages);
            if (options.Tls is { } keeper)
            {
                var tls = new TlsPort(keeper, http2, options.FirstBytesTimeout, log);
                tls.Listen(kestrel, options.ListenTls, PortRole.Clients);
                foreach (EtcdKeyspacePort own in options.KeyspacePorts.Where(static own => own.IsTls))
                {
                    tls.Listen(kestrel, [own.Address], PortRole.Clients, own.Keyspace);
                }

                tls.Listen(kestrel, options.ListenHttpTls, PortRole.Http);
                tls.Listen(kestrel, options.ListenPagesTls, PortRole.Pages);
            }
        });

        WebApplication app = builder.Build();
        app.Run(doors.ServeAsync);
        var server = new EtcdServer(app, options, doors);
        try
        {
            await app.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await doors.DisposeAsync().ConfigureAwait(false);
            await app.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        server.Addresses = BoundAddresses(app);
        doors.Start();
        return server;
    }

    /// <summary>
    /// Ends streams, stops listening, lets requests in flight end for at most <see cref="EtcdServerOptions.DrainTimeout"/>, then
    /// closes what is left. Writes cut off this way may have happened.
    /// </summary>
    public async Task StopAsync()
    {
        _doors.EndStreams();
        using var drain = new CancellationTokenSource(_options.DrainTimeout);
        await _app.StopAsync(drain.Token).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        await _doors.DisposeAsync().ConfigureAwait(false);
        await _app.DisposeAsync().ConfigureAwait(false);
    }

    private static void SetLimits(KestrelServerOptions kestrel, EtcdServerOptions options)
    {
        kestrel.AddServerHeader = false;
        KestrelServerLimits limits = kestrel.Limits;
        limits.MaxConcurrentConnections = options.MaxConnections;
        limits.MaxRequestBodySize = null; // The adaptor and the gateway compare each message with their own limit.
        limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);

        // gRPC clients keep a connection for its whole life; dead ones are found by the pings below.
        limits.KeepAliveTimeout = TimeSpan.FromMinutes(10);

        Http2Limits http2 = limits.Http2;
        http2.MaxStreamsPerConnection = options.MaxStreamsPerConnection;
        http2.InitialConnectionWindowSize = 4 * 1024 * 1024; // What one connection can make us hold; a few requests of full size.
        http2.InitialStreamWindowSize = 1024 * 1024;
        http2.KeepAlivePingDelay = options.KeepAliveInterval == TimeSpan.Zero ? TimeSpan.MaxValue : options.KeepAliveInterval;
        http2.KeepAlivePingTimeout = options.KeepAliveTimeout;
    }

    private static void ListenHttpOnly(KestrelServerOptions kestrel, ImmutableArray<IPEndPoint> addresses, PortRole role)
    {
        foreach (IPEndPoint address in addresses)
        {
            kestrel.Listen(address, port =>
            {
                port.Protocols = HttpProtocols.Http1;
                port.Use(next => connection =>
                {
                    connection.Features.Set(new PortFeature(role));
                    return next(connection);
                });
            });
        }
    }

    private static ImmutableArray<IPEndPoint> BoundAddresses(WebApplication app)
    {
        IServerAddressesFeature? feature =
            app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>();
        ImmutableArray<IPEndPoint>.Builder bound = ImmutableArray.CreateBuilder<IPEndPoint>();
        foreach (string address in feature?.Addresses ?? [])
        {
            if (IPEndPoint.TryParse(BindingAddress.Parse(address).ToString().Split("://")[^1], out IPEndPoint? endpoint))
            {
                bound.Add(endpoint);
            }
        }

        return bound.ToImmutable();
    }

    /// <summary>The process belongs to whoever started this server: without it, the host would swallow SIGTERM and SIGINT.</summary>
    private sealed class OwnersLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
