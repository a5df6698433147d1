using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Quorate.FrontDoors.Http2;
using Quorate.Node.Logging;
using Quorate.Node.Tls;

namespace Quorate.FrontDoors.Http;

/// <summary>
/// HTTP/1.1 and HTTP/2 over TLS on one port, told apart by ALPN. Each handshake takes the certificates as they are then. What
/// goes wrong costs the client its connection and us a log line, at most one per minute and kind.
/// </summary>
internal sealed class TlsPort
{
    private const byte HandshakeRecord = 0x16; // RFC 8446, 5.1.

    private readonly TlsKeeper _keeper;
    private readonly Http2Entry _http2;
    private readonly TimeSpan _timeout;
    private readonly INodeLog _log;
    private readonly LineLimiter _limiter = new(TimeSpan.FromMinutes(1));

    /// <param name="keeper">Certificates.</param>
    /// <param name="http2">Takes the HTTP/2 connections of clients.</param>
    /// <param name="timeout">Time for the first byte, and then for the handshake.</param>
    /// <param name="log">Gets the lines.</param>
    public TlsPort(TlsKeeper keeper, Http2Entry http2, TimeSpan timeout, INodeLog log)
    {
        _http2 = http2;
        _keeper = keeper;
        _timeout = timeout;
        _log = log;
    }

    // What a Go server says to the same mistake.
    private static ReadOnlySpan<byte> NotTls =>
        "HTTP/1.0 400 Bad Request\r\nConnection: close\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"u8;

    /// <summary>Adds the addresses.</summary>
    public void Listen(KestrelServerOptions kestrel, IReadOnlyList<IPEndPoint> addresses, PortRole role, string? keyspace = null)
    {
        foreach (IPEndPoint address in addresses)
        {
            kestrel.Listen(address, port =>
            {
                port.Protocols = HttpProtocols.Http1AndHttp2;
                port.Use(next => connection => ServeAsync(connection, next));
                port.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = Options, HandshakeTimeout = _timeout });
                port.Use(next => connection => Encrypted(connection, new PortFeature(role, keyspace), next));
            });
        }
    }

    private async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        if (await FirstByte(connection) is not { } first) { return; }
        if (first != HandshakeRecord)
        {
            Report(connection, new TlsObjection("plaintext-on-tls-port", "what came is not TLS, which this port speaks (https://)"));
            if (char.IsAsciiLetterUpper((char)first)) { await connection.Transport.Output.WriteAsync(NotTls.ToArray()); }
            return;
        }

        TlsHandshake handshake = TlsHandshake.Begin();
        try
        {
            await next(connection);
        }
        catch (NotSupportedException e) when (!handshake.IsDone)
        {
            // .NET's answer to a hello that cannot be read: it says that it has no certificate, since it asked nobody for one.
            handshake.Failed(new AuthenticationException("the TLS hello cannot be read", e), isWhole: true);
        }

        if (!handshake.IsDone) { Report(connection, handshake.Reason); }
    }

    // Null: nothing came.
    private async ValueTask<byte?> FirstByte(ConnectionContext connection)
    {
        PipeReader input = connection.Transport.Input;
        CancellationToken stops =
            connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? default;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stops);
        patience.CancelAfter(_timeout);
        try
        {
            ReadResult read = await input.ReadAsync(patience.Token);
            byte? first = read.Buffer.IsEmpty ? null : read.Buffer.FirstSpan[0];
            input.AdvanceTo(read.Buffer.Start);
            return first;
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            return null; // Out of patience, or reset by the client.
        }
    }

    private ValueTask<SslServerAuthenticationOptions> Options(TlsHandshakeCallbackContext context)
    {
        TlsHandshake? handshake = TlsHandshake.Current;
        SslServerAuthenticationOptions options = _keeper.ForServer(objection => handshake?.Refused(objection));
        options.ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11];
        return new(options);
    }

    private Task Encrypted(ConnectionContext connection, PortFeature port, ConnectionDelegate next)
    {
        connection.Features.Set(port);
        TlsHandshake.Current?.Done();
        if (_keeper.Options.NamesUsers
            && connection.Features.Get<ITlsConnectionFeature>()?.ClientCertificate is { } certificate
            && CommonName.Of(certificate) is { } name)
        {
            connection.Features.Set(new CertificateUser(name));
        }

        if (connection.Features.Get<ITlsApplicationProtocolFeature>()?.ApplicationProtocol.Span.SequenceEqual("h2"u8) == true)
        {
            return port.Role == PortRole.Clients ? _http2.ServeAsync(connection, () => next(connection)) : next(connection);
        }

        return next(connection);
    }

    private void Report(ConnectionContext connection, TlsObjection reason)
    {
        if (!_limiter.MayWrite(reason.Kind, out long suppressed)) { return; }
        _log.Write(
            LogSeverity.Warning, "client-refused", new("from", connection.RemoteEndPoint?.ToString() ?? "?"),
            new("kind", reason.Kind), new("reason", reason.Text), new("suppressed", suppressed));
    }
}
