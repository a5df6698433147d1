using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using Quorate.FrontDoors.Http;

namespace Quorate.FrontDoors.Etcd;

/// <summary>gRPC over Kestrel's HTTP/2: reads one message, calls the RPC, writes one message and the trailers.</summary>
/// <remarks>
/// gRPC over HTTP/2 (grpc.io, PROTOCOL-HTTP2). Nothing is flushed: Kestrel sends headers, message and trailers together when
/// the request ends.
/// </remarks>
internal sealed class GrpcAdaptor
{
    /// <summary>A zero byte (or 1: compressed) and the length of the message, big-endian.</summary>
    private const int PrefixBytes = 5;

    // Below this one contiguous span is asked for; above, the message is written in the pipe's own pieces.
    private const int OneSpanBytes = 4096;

    private readonly EtcdService _service;
    private readonly int _maxMessageBytes;

    public GrpcAdaptor(EtcdService service, int maxMessageBytes)
    {
        _service = service;
        _maxMessageBytes = maxMessageBytes;
    }

    /// <summary>True if the request speaks gRPC: HTTP/2 and <c>application/grpc</c>, plain or <c>+proto</c>.</summary>
    public static bool Claims(HttpContext context) =>
        HttpProtocol.IsHttp2(context.Request.Protocol)
        && context.Request.ContentType is { } type
        && type.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase)
        && (type.Length == "application/grpc".Length || type["application/grpc".Length] is '+' or ';' or ' ');

    /// <summary>Serves one request, whatever is wrong with it.</summary>
    public async Task ServeAsync(HttpContext context)
    {
        context.Response.ContentType = "application/grpc";
        string path = context.Request.Path.Value ?? "";
        if (!EtcdRpcs.ByPath.TryGetValue(path, out EtcdRpc? rpc))
        {
            RefuseInHeaders(context, NotServed(path));
            return;
        }

        if (Encoding(context.Request.Headers) is { } encoding)
        {
            RefuseInHeaders(context, EtcdErrors.CompressionNotSupported(encoding));
            return;
        }

        CancellationToken aborted = context.RequestAborted;
        TimeSpan? timeout = GrpcTimeout.Parse(context.Request.Headers["grpc-timeout"].ToString());
        using CancellationTokenSource? deadline =
            timeout is null ? null : CancellationTokenSource.CreateLinkedTokenSource(aborted);
        if (timeout is { } time) { deadline!.CancelAfter(time); }
        CancellationToken stop = deadline?.Token ?? aborted;

        EtcdResult result;
        try
        {
            (IMessage? request, EtcdError? refusal) = await ReadMessage(context.Request.BodyReader, rpc.Parser, stop);
            result = request is null
                ? refusal!
                : await rpc.Handler(_service, request, new EtcdCall(RequiresLeader(context.Request.Headers), stop));
        }
        catch (OperationCanceledException)
        {
            result = EtcdErrors.Canceled;
        }
        catch (Exception e) when (BrokenConnection.IsCauseOf(e))
        {
            // The client reset the stream or the connection broke; nobody reads the answer.
            context.Abort();
            return;
        }
        catch (Exception e)
        {
            result = _service.Failed(rpc.Path, e);
        }

        // The caller's own deadline explains all that fails after it (etcd answers with the context's error, too).
        if (result.Error is not null && stop.IsCancellationRequested)
        {
            result = aborted.IsCancellationRequested ? EtcdErrors.Canceled : EtcdErrors.DeadlineExceeded;
        }

        if (result.Error is { } error)
        {
            RefuseInHeaders(context, error);
            return;
        }

        int size = result.Response!.CalculateSize();
        if (size < 0)
        {
            RefuseInHeaders(context, EtcdErrors.AnswerTooLarge);
            return;
        }

        WriteMessage(context.Response.BodyWriter, result.Response, size);
        context.Features.GetRequiredFeature<IHttpResponseTrailersFeature>().Trailers[HeaderNames.GrpcStatus] = "0";
    }

    private async ValueTask<(IMessage? Request, EtcdError? Refusal)> ReadMessage(
        PipeReader body, MessageParser parser, CancellationToken stop)
    {
        while (true)
        {
            if (!body.TryRead(out ReadResult read)) { read = await body.ReadAsync(stop); }
            ReadOnlySequence<byte> buffer = read.Buffer;
            if (buffer.Length >= PrefixBytes)
            {
                (uint length, EtcdError? refusal) = ReadPrefix(buffer);
                if (refusal is not null)
                {
                    body.AdvanceTo(buffer.End);
                    return (null, refusal);
                }

                if (buffer.Length >= PrefixBytes + length)
                {
                    ReadOnlySequence<byte> bytes = buffer.Slice(PrefixBytes, length);
                    (IMessage?, EtcdError?) parsed = Parse(bytes, parser);
                    body.AdvanceTo(bytes.End);
                    return parsed;
                }
            }

            body.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted) { return (null, EtcdErrors.CutShort); }
        }
    }

    // The length is the client's claim: it is compared with the limit before any byte is waited for.
    private (uint Length, EtcdError? Refusal) ReadPrefix(ReadOnlySequence<byte> buffer)
    {
        Span<byte> prefix = stackalloc byte[PrefixBytes];
        buffer.Slice(0, PrefixBytes).CopyTo(prefix);
        if (prefix[0] != 0) { return (0, EtcdErrors.CompressedWithoutEncoding); }
        uint length = BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
        return length > _maxMessageBytes ? (0, EtcdErrors.MessageTooLarge(length, _maxMessageBytes)) : (length, null);
    }

    private static (IMessage? Request, EtcdError? Refusal) Parse(ReadOnlySequence<byte> bytes, MessageParser parser)
    {
        try
        {
            return (bytes.IsSingleSegment ? parser.ParseFrom(bytes.FirstSpan) : parser.ParseFrom(bytes), null);
        }
        catch (InvalidProtocolBufferException e)
        {
            return (null, EtcdErrors.Unreadable(e.Message));
        }
        catch (Exception e) when (e is IndexOutOfRangeException or ArgumentException or OverflowException)
        {
            // Google.Protobuf 3.25.1 itself stumbles over some lengths (a nested message of 2^31-1 bytes).
            return (null, EtcdErrors.Unreadable("a length is out of bounds"));
        }
    }

    private static void WriteMessage(PipeWriter body, IMessage message, int size)
    {
        int first = size <= OneSpanBytes ? PrefixBytes + size : PrefixBytes;
        Span<byte> span = body.GetSpan(first)[..first];
        span[0] = 0;
        BinaryPrimitives.WriteUInt32BigEndian(span[1..], (uint)size);
        if (first > PrefixBytes) { message.WriteTo(span[PrefixBytes..]); }
        body.Advance(first);
        if (size > OneSpanBytes) { message.WriteTo(body); }
    }

    // "Trailers-Only": without a message, the status travels in the headers and the answer is a single frame.
    private static void RefuseInHeaders(HttpContext context, EtcdError error)
    {
        IHeaderDictionary headers = context.Response.Headers;
        headers[HeaderNames.GrpcStatus] = StatusText[(int)error.Status];
        headers[HeaderNames.GrpcMessage] = GrpcMessageText.Encode(error.Message);
    }

    private static EtcdError NotServed(string path)
    {
        int slash = path.LastIndexOf('/');
        if (slash <= 0) { return EtcdErrors.MalformedPath(path); }
        string service = path[1..slash];
        return EtcdRpcs.Services.Contains(service)
            ? EtcdErrors.UnknownMethod(path[(slash + 1)..], service)
            : EtcdErrors.UnknownService(service);
    }

    private static string? Encoding(IHeaderDictionary headers)
    {
        StringValues encoding = headers[HeaderNames.GrpcEncoding];
        return StringValues.IsNullOrEmpty(encoding) || encoding == "identity" ? null : encoding.ToString();
    }

    private static bool RequiresLeader(IHeaderDictionary headers) => headers["hasleader"] == "true";

    private static readonly string[] StatusText =
        [.. Enumerable.Range(0, 17).Select(number => number.ToString(System.Globalization.CultureInfo.InvariantCulture))];
}
