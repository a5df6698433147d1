using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Quorate.FrontDoors.Http2;
using Quorate.Node.Logging;

namespace Quorate.FrontDoors.Http;

/// <summary>
/// One cleartext port for HTTP/1.1 and HTTP/2: looks at a connection's first bytes and hands it to the one or the other of two
/// endpoints inside of Kestrel. Kestrel itself tells them apart only by TLS (dotnet/aspnetcore #56984).
/// </summary>
/// <remarks>
/// The connection is not copied: the inner endpoint reads the same pipe, with nothing consumed. Bytes that no client of ours
/// would send first (a TLS hello, noise) close the connection and cost a log line, at most one per minute.
/// </remarks>
internal sealed class CleartextPort
{
    private readonly VirtualTransport _transport;
    private readonly Http2Entry _http2;
    private readonly TimeSpan _firstBytesTimeout;
    private readonly INodeLog _log;
    private readonly LineLimiter _limiter = new(TimeSpan.FromMinutes(1));
    private bool _hasInner;

    public CleartextPort(VirtualTransport transport, Http2Entry http2, TimeSpan firstBytesTimeout, INodeLog log)
    {
        _http2 = http2;
        _transport = transport;
        _firstBytesTimeout = firstBytesTimeout;
        _log = log;
    }

    private enum Protocol
    {
        Undecided,
        Http1,
        Http2,
        Tls,
        Noise,
    }

    /// <summary>Adds the addresses, and with the first of them the two inner endpoints.</summary>
    public void Listen(KestrelServerOptions kestrel, IReadOnlyList<IPEndPoint> addresses, string? keyspace = null)
    {
        if (addresses.Count > 0 && !_hasInner)
        {
            _hasInner = true;
            kestrel.Listen(_transport.Http1, static inner => inner.Protocols = HttpProtocols.Http1);
            kestrel.Listen(_transport.Http2, static inner => inner.Protocols = HttpProtocols.Http2);
        }

        foreach (IPEndPoint address in addresses)
        {
            kestrel.Listen(address, outer =>
            {
                outer.Protocols = HttpProtocols.Http1; // Never reached: what follows ends the pipeline.
                outer.Run(connection =>
                {
                    if (keyspace is not null) { connection.Features.Set(new PortFeature(PortRole.Clients, keyspace)); }
                    return ServeAsync(connection);
                });
            });
        }
    }

    private async Task ServeAsync(ConnectionContext connection)
    {
        Protocol protocol = await Decide(connection);
        switch (protocol)
        {
            case Protocol.Http1:
                await VirtualTransport.Forward(connection, _transport.Http1);
                break;
            case Protocol.Http2:
                await _http2.ServeAsync(connection, () => VirtualTransport.Forward(connection, _transport.Http2));
                break;
            case Protocol.Tls or Protocol.Noise:
                Report(connection, protocol);
                connection.Abort();
                break;
            default:
                // Closed, silent for too long, or the server stops: nothing to say.
                connection.Abort();
                break;
        }
    }

    private async ValueTask<Protocol> Decide(ConnectionContext connection)
    {
        PipeReader input = connection.Transport.Input;
        CancellationTokenSource? patience = null;
        try
        {
            while (true)
            {
                if (!input.TryRead(out ReadResult read))
                {
                    patience ??= Patience(connection);
                    read = await input.ReadAsync(patience.Token);
                }

                Protocol protocol = Classify(read.Buffer);
                bool decided = protocol != Protocol.Undecided || read.IsCompleted || read.IsCanceled;
                input.AdvanceTo(read.Buffer.Start, decided ? read.Buffer.Start : read.Buffer.End);
                if (decided) { return protocol; }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            return Protocol.Undecided; // Out of patience, or reset by the client.
        }
        finally
        {
            patience?.Dispose();
        }
    }

    private CancellationTokenSource Patience(ConnectionContext connection)
    {
        CancellationToken stops =
            connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? default;
        var patience = CancellationTokenSource.CreateLinkedTokenSource(stops);
        patience.CancelAfter(_firstBytesTimeout);
        return patience;
    }

    private static Protocol Classify(in ReadOnlySequence<byte> bytes)
    {
        if (bytes.IsEmpty) { return Protocol.Undecided; }
        Span<byte> first = stackalloc byte[Http2.Http2.Preface.Length];
        int length = (int)Math.Min(first.Length, bytes.Length);
        bytes.Slice(0, length).CopyTo(first);
        int same = first[..length].CommonPrefixLength(Http2.Http2.Preface); // No HTTP/1.1 request can start with it.
        if (same == first.Length) { return Protocol.Http2; }
        if (same == length) { return Protocol.Undecided; }

        // A method's name starts with a capital letter in all that is spoken here; the HTTP/1.1 parser judges the rest.
        if (char.IsAsciiLetterUpper((char)first[0])) { return Protocol.Http1; }
        return first[0] == 0x16 ? Protocol.Tls : Protocol.Noise;
    }

    private void Report(ConnectionContext connection, Protocol protocol)
    {
        string name = protocol == Protocol.Tls ? "tls-on-cleartext-port" : "noise-on-client-port";
        if (!_limiter.MayWrite(name, out long suppressed)) { return; }
        _log.Write(
            LogSeverity.Warning,
            name,
            new LogField("from", connection.RemoteEndPoint?.ToString() ?? "?"),
            new LogField("suppressed", suppressed));
    }
}
