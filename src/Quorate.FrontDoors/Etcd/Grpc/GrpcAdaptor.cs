using System.Collections.Frozen;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using Quorate.FrontDoors.Http;
using Quorate.FrontDoors.Metrics;

namespace Quorate.FrontDoors.Etcd;

/// <summary>gRPC over Kestrel's HTTP/2: reads messages, calls the RPC, writes messages and the trailers.</summary>
/// <remarks>
/// gRPC over HTTP/2 (grpc.io, PROTOCOL-HTTP2). Of a unary call nothing is flushed: Kestrel sends headers, message and trailers
/// together when the request ends.
/// </remarks>
internal sealed class GrpcAdaptor
{
    private readonly EtcdService _service;
    private readonly int _maxMessageBytes;
    private readonly DoorMeters _meters;
    private readonly FrozenDictionary<string, (EtcdRpc? Unary, EtcdStreamRpc? Stream, RpcMeter Meter)> _rpcs;

    public GrpcAdaptor(EtcdService service, int maxMessageBytes, DoorMeters meters)
    {
        _service = service;
        _maxMessageBytes = maxMessageBytes;
        _meters = meters;
        _rpcs = meters.Rpcs.ToFrozenDictionary(
            rpc => rpc.Key, rpc => (EtcdRpcs.ByPath.GetValueOrDefault(rpc.Key), EtcdRpcs.StreamsByPath.GetValueOrDefault(rpc.Key), rpc.Value));
    }

    /// <summary>True if the request speaks gRPC: HTTP/2 and <c>application/grpc</c>, plain or <c>+proto</c>.</summary>
    public static bool Claims(HttpContext context) =>
        HttpProtocol.IsHttp2(context.Request.Protocol)
        && context.Request.ContentType is { } type
        && type.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase)
        && (type.Length == "application/grpc".Length || type["application/grpc".Length] is '+' or ';' or ' ');

    /// <summary>Answers a request with an error.</summary>
    public static void Refuse(HttpContext context, EtcdError error)
    {
        context.Response.ContentType = "application/grpc";
        RefuseInHeaders(context, error);
    }

    /// <summary>Serves one request, whatever is wrong with it.</summary>
    public async Task ServeAsync(HttpContext context)
    {
        context.Response.ContentType = "application/grpc";
        string path = context.Request.Path.Value ?? "";
        if (!_rpcs.TryGetValue(path, out (EtcdRpc? Unary, EtcdStreamRpc? Stream, RpcMeter Meter) rpc))
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
        var call = new EtcdCall(
            RequiresLeader(context.Request.Headers), deadline?.Token ?? aborted, CertificateUser.Of(context),
            TokenHeader.Of(context.Request.Headers, TokenHeader.Grpc));
        long start = rpc.Meter.Start();
        GrpcStatus status = GrpcStatus.Canceled; // Unless it comes to an end.
        try
        {
            status = await (rpc.Unary is not null ? ServeUnary(context, rpc.Unary, rpc.Meter, call) : ServeStream(context, rpc.Stream!, rpc.Meter, call));
        }
        finally
        {
            rpc.Meter.End(status, start);
        }
    }

    private async Task<GrpcStatus> ServeUnary(HttpContext context, EtcdRpc rpc, RpcMeter meter, EtcdCall call)
    {
        EtcdResult result;
        try
        {
            StreamRead read = await GrpcMessages.ReadAsync(context.Request.BodyReader, rpc.Parser, _maxMessageBytes, call.Stop);
            if (read.Request is not null) { _meters.CountReceived(meter, read.Bytes); }
            result = read.Request is null ? read.Error ?? EtcdErrors.CutShort : await _service.Serve(rpc, read.Request, call);
        }
        catch (OperationCanceledException)
        {
            result = EtcdErrors.Canceled;
        }
        catch (Exception e) when (BrokenConnection.IsCauseOf(e))
        {
            // The client reset the stream or the connection broke; nobody reads the answer.
            context.Abort();
            return GrpcStatus.Canceled;
        }
        catch (Exception e)
        {
            result = _service.Failed(rpc.Path, e);
        }

        if (result.Error is { } error) { return RefuseInHeaders(context, Explained(error, context, call)); }

        // A size that does not fit overflows into a negative one.
        long size = result.Parts?.Size ?? result.Response!.CalculateSize();
        if (size is < 0 or > int.MaxValue) { return RefuseInHeaders(context, EtcdErrors.AnswerTooLarge); }

        if (result.Parts is { } parts)
        {
            if (!await WriteParts(context, rpc, parts, call)) { return GrpcStatus.Canceled; }
        }
        else
        {
            GrpcMessages.Write(context.Response.BodyWriter, result.Response!, (int)size);
        }

        _meters.CountSent(meter, size);
        Trailers(context)[HeaderNames.GrpcStatus] = StatusText[(int)GrpcStatus.OK];
        return GrpcStatus.OK;
    }

    // False: the stream is broken off. The length was told already, so no status could follow a part of it.
    private async Task<bool> WriteParts(HttpContext context, EtcdRpc rpc, EtcdParts parts, EtcdCall call)
    {
        try
        {
            // Kestrel takes no memory that was lent before the headers went out.
            await context.Response.StartAsync(call.Stop);
            await GrpcMessages.WriteAsync(context.Response.BodyWriter, parts, call.Stop);
            return true;
        }
        catch (Exception e)
        {
            bool isExpected = e is OperationCanceledException or AnswerCutException || BrokenConnection.IsCauseOf(e);
            if (!isExpected) { _service.Failed(rpc.Path, e); }
            context.Abort();
            return false;
        }
    }

    private async Task<GrpcStatus> ServeStream(HttpContext context, EtcdStreamRpc rpc, RpcMeter meter, EtcdCall call)
    {
        // A watcher may say nothing for days; HTTP/2's pings find the dead ones.
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate) { rate.MinDataRate = null; }
        var stream = new GrpcStream(context, rpc.Parser, _maxMessageBytes, _meters, meter);
        EtcdError? error;
        try
        {
            error = await _service.Serve(rpc, stream, call);
        }
        catch (Exception e) when (BrokenConnection.IsCauseOf(e))
        {
            context.Abort();
            return GrpcStatus.Canceled;
        }
        finally
        {
            await stream.CloseAsync();
        }

        if (error is not null) { error = Explained(error, context, call); }
        if (error is not null && !stream.HasWritten) { return RefuseInHeaders(context, error); }

        GrpcStatus status = error?.Status ?? GrpcStatus.OK;
        IHeaderDictionary trailers = Trailers(context);
        trailers[HeaderNames.GrpcStatus] = StatusText[(int)status];
        if (error is not null) { trailers[HeaderNames.GrpcMessage] = GrpcMessageText.Encode(error.Message); }
        return status;
    }

    // The caller's own deadline explains all that fails after it (etcd answers with the context's error, too).
    private static EtcdError Explained(EtcdError error, HttpContext context, EtcdCall call) =>
        !call.Stop.IsCancellationRequested ? error
        : context.RequestAborted.IsCancellationRequested ? EtcdErrors.Canceled
        : EtcdErrors.DeadlineExceeded;

    private static IHeaderDictionary Trailers(HttpContext context) =>
        context.Features.GetRequiredFeature<IHttpResponseTrailersFeature>().Trailers;

    // "Trailers-Only": without a message, the status travels in the headers and the answer is a single frame.
    private static GrpcStatus RefuseInHeaders(HttpContext context, EtcdError error)
    {
        IHeaderDictionary headers = context.Response.Headers;
        headers[HeaderNames.GrpcStatus] = StatusText[(int)error.Status];
        headers[HeaderNames.GrpcMessage] = GrpcMessageText.Encode(error.Message);
        return error.Status;
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
