using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Quorate.FrontDoors.Http2;

/// <summary>
/// Where HTTP/2 connections come in. One whose first request is gRPC is ours; any other is Kestrel's, which serves the gateway and the pages.
/// </summary>
/// <remarks>
/// Some clients (Go's) send no request before the server's settings, so those go out first. Nothing is consumed meanwhile: Kestrel
/// greets a connection that it gets once more, which the protocol allows at any time.
/// </remarks>
internal sealed class Http2Entry(IHttp2Server server, ConnectionLimits limits)
{
    private const int MaxUndecidedBytes = 64 * 1024;

    /// <summary>Serves a connection, the preface of which is known to come.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="toKestrel">Serves it in our place.</param>
    public async Task ServeAsync(ConnectionContext connection, Func<Task> toKestrel)
    {
        bool isOurs;
        try
        {
            await Http2Connection.GreetAsync(connection.Transport.Output, limits).ConfigureAwait(false);
            isOurs = await IsGrpcAsync(connection).ConfigureAwait(false);
        }
        catch (Exception e) when (Http2Connection.IsBroken(e))
        {
            connection.Abort(); // The client hung up.
            return;
        }

        await (isOurs ? new Http2Connection(connection, server, limits).RunAsync() : toKestrel()).ConfigureAwait(false);
    }

    private async ValueTask<bool> IsGrpcAsync(ConnectionContext connection)
    {
        PipeReader input = connection.Transport.Input;
        CancellationToken stops =
            connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? default;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stops);
        patience.CancelAfter(limits.DecideWithin);
        while (true)
        {
            ReadResult read;
            try
            {
                read = await input.ReadAsync(patience.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return true; // It idles: ours asks whether it is still there. Or the server stops: ours says goodbye.
            }

            bool? isGrpc = IsGrpc(read.Buffer);
            if (isGrpc is null && (read.IsCompleted || read.IsCanceled || read.Buffer.Length > MaxUndecidedBytes)) { isGrpc = true; }
            input.AdvanceTo(read.Buffer.Start, isGrpc is null ? read.Buffer.End : read.Buffer.Start);
            if (isGrpc is { } decided) { return decided; }
        }
    }

    // Null: not known yet. What breaks the protocol is ours to answer.
    private bool? IsGrpc(ReadOnlySequence<byte> buffer)
    {
        if (buffer.Length < Http2.Preface.Length) { return null; }
        buffer = buffer.Slice(Http2.Preface.Length);
        Span<byte> header = stackalloc byte[Http2.HeaderBytes];
        while (buffer.Length >= Http2.HeaderBytes)
        {
            buffer.Slice(0, Http2.HeaderBytes).CopyTo(header);
            int length = (header[0] << 16) | (header[1] << 8) | header[2];
            var kind = (FrameKind)header[3];
            if (kind == FrameKind.Headers && (header[4] & Http2.EndHeaders) != 0 && length <= Http2.MaxFrameBytes)
            {
                if (buffer.Length < Http2.HeaderBytes + length) { return null; }
                return IsGrpcCall(header[4], buffer.Slice(Http2.HeaderBytes, length));
            }

            bool tellsNothing = kind is FrameKind.Settings or FrameKind.WindowUpdate or FrameKind.Priority or > FrameKind.Continuation;
            if (!tellsNothing) { return true; }
            if (buffer.Length < Http2.HeaderBytes + length) { return length > Http2.MaxFrameBytes ? true : null; }
            buffer = buffer.Slice(Http2.HeaderBytes + length);
        }

        return null;
    }

    private bool IsGrpcCall(byte flags, in ReadOnlySequence<byte> payload)
    {
        var first = new FirstHeaders();
        try
        {
            ReadOnlySequence<byte> block = Http2Connection.WithoutPadding(flags, payload);
            if ((flags & Http2.WithPriority) != 0) { block = block.Slice(Math.Min(5, block.Length)); }
            new HpackDecoder(limits.MaxHeaderBytes).Decode(block.ToArray(), first);
        }
        catch (Http2Exception)
        {
            return true;
        }

        return first.ContentType is { } type && IsGrpcType(type);
    }

    /// <summary>True of <c>application/grpc</c>, plain or with <c>+proto</c> or parameters.</summary>
    public static bool IsGrpcType(string type) =>
        type.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase)
        && (type.Length == "application/grpc".Length || type["application/grpc".Length] is '+' or ';' or ' ');

    private sealed class FirstHeaders : IHeaderSink
    {
        public string? ContentType { get; private set; }

        public void Take(HeaderName name, string value)
        {
            if (name == HeaderName.ContentType) { ContentType = value; }
        }
    }
}
