using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Quorate.FrontDoors.Http;

/// <summary>A transport without sockets: Kestrel accepts from it the connections that <see cref="CleartextPort"/> has sorted.</summary>
internal sealed class VirtualTransport : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    /// <summary>Where HTTP/1.1 connections are accepted.</summary>
    public VirtualEndPoint Http1 { get; } = new("http/1.1");

    /// <summary>Where HTTP/2 connections are accepted.</summary>
    public VirtualEndPoint Http2 { get; } = new("h2c");

    /// <summary>Hands the connection over; completes when the inner endpoint is done with it.</summary>
    public static Task Forward(ConnectionContext connection, VirtualEndPoint to)
    {
        var forwarded = new ForwardedConnection(connection);
        if (to.Accepted.Writer.TryWrite(forwarded)) { return forwarded.Done; }
        connection.Abort(); // The server stops.
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public bool CanBind(EndPoint endpoint) => endpoint is VirtualEndPoint;

    /// <inheritdoc/>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new(new Listener((VirtualEndPoint)endpoint));

    private sealed class Listener(VirtualEndPoint endpoint) : IConnectionListener
    {
        public EndPoint EndPoint => endpoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            while (await endpoint.Accepted.Reader.WaitToReadAsync(cancellationToken))
            {
                if (endpoint.Accepted.Reader.TryRead(out ConnectionContext? connection)) { return connection; }
            }

            return null;
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            endpoint.Accepted.Writer.TryComplete();
            return ValueTask.CompletedTask;
        }

        public ValueTask DisposeAsync() => UnbindAsync();
    }

    /// <summary>The same connection with the inner endpoint's own features on top of the outer one's.</summary>
    private sealed class ForwardedConnection : ConnectionContext
    {
        private readonly ConnectionContext _outer;
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ForwardedConnection(ConnectionContext outer)
        {
            _outer = outer;
            Features = new FeatureCollection(outer.Features);
            Transport = outer.Transport;
            ConnectionClosed = outer.ConnectionClosed;
            LocalEndPoint = outer.LocalEndPoint;
            RemoteEndPoint = outer.RemoteEndPoint;
        }

        /// <summary>Completes when Kestrel has disposed of it.</summary>
        public Task Done => _done.Task;

        [AllowNull]
        public override string ConnectionId
        {
            get => _outer.ConnectionId;
            set => _outer.ConnectionId = value!;
        }

        public override IFeatureCollection Features { get; }

        public override IDictionary<object, object?> Items
        {
            get => _outer.Items;
            set => _outer.Items = value;
        }

        public override IDuplexPipe Transport { get; set; }

        public override CancellationToken ConnectionClosed { get; set; }

        public override void Abort(ConnectionAbortedException abortReason) => _outer.Abort(abortReason);

        public override ValueTask DisposeAsync()
        {
            _done.TrySetResult();
            return base.DisposeAsync();
        }
    }
}

/// <summary>An address that only <see cref="VirtualTransport"/> knows.</summary>
internal sealed class VirtualEndPoint : EndPoint
{
    private readonly string _name;

    public VirtualEndPoint(string name) => _name = name;

    /// <summary>Connections that wait to be accepted. Kestrel's limit on connections bounds it.</summary>
    public Channel<ConnectionContext> Accepted { get; } =
        Channel.CreateUnbounded<ConnectionContext>(new UnboundedChannelOptions { SingleReader = true });

    /// <inheritdoc/>
    public override string ToString() => _name;
}
