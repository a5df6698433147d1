using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Quorate.FrontDoors.Http;

namespace Quorate.FrontDoors.Etcd;

/// <summary>The JSON face of the RPCs: POST of a request's message as JSON, in the shape of etcd's grpc-gateway.</summary>
internal sealed class JsonGateway
{
    private readonly EtcdService _service;
    private readonly int _maxBodyBytes;

    /// <param name="service">Serves the RPCs.</param>
    /// <param name="maxMessageBytes">Largest message, as over gRPC.</param>
    public JsonGateway(EtcdService service, int maxMessageBytes)
    {
        _service = service;

        // Base64 makes four bytes of three; names and quotes fit in the overhead that the limit holds already.
        _maxBodyBytes = checked(maxMessageBytes / 3 * 4);
    }

    /// <summary>Serves one request, whatever is wrong with it.</summary>
    public async Task ServeAsync(HttpContext context)
    {
        string path = context.Request.Path.Value ?? "";
        const string Beta = "/v3beta/";
        if (path.StartsWith(Beta, StringComparison.Ordinal)) { path = "/v3/" + path[Beta.Length..]; }
        EtcdStreamRpc? streamRpc = null;
        if (!EtcdRpcs.ByJsonPath.TryGetValue(path, out EtcdRpc? rpc) && !EtcdRpcs.StreamsByJsonPath.TryGetValue(path, out streamRpc))
        {
            Refuse(context, new EtcdError(GrpcStatus.NotFound, "Not Found"));
            return;
        }

        if (context.Request.Method != HttpMethods.Post)
        {
            context.Response.Headers.Allow = HttpMethods.Post;
            Refuse(context, new EtcdError(GrpcStatus.Unimplemented, "Method Not Allowed"), StatusCodes.Status405MethodNotAllowed);
            return;
        }

        var call = new EtcdCall(
            context.Request.Headers["Grpc-Metadata-hasleader"] == "true", context.RequestAborted,
            Token: TokenHeader.Of(context.Request.Headers, TokenHeader.Json));
        await (rpc is not null ? ServeUnary(context, rpc, call) : ServeStream(context, streamRpc!, call));
    }

    private async Task ServeUnary(HttpContext context, EtcdRpc rpc, EtcdCall call)
    {
        EtcdResult result;
        try
        {
            StreamRead read = await ReadMessage(context.Request, rpc, call.Stop);
            result = read.Request is null ? read.Error! : await _service.Serve(rpc, read.Request, call);
        }
        catch (OperationCanceledException)
        {
            result = EtcdErrors.Canceled;
        }
        catch (Exception e) when (BrokenConnection.IsCauseOf(e))
        {
            context.Abort(); // The connection broke within the request: nobody reads an answer.
            return;
        }
        catch (Exception e)
        {
            result = _service.Failed(rpc.Path, e);
        }

        if (result.Error is { } error)
        {
            Refuse(context, error);
            return;
        }

        context.Response.ContentType = "application/json";
        if (result.Parts is { } parts) { await WriteParts(context, rpc, parts, call); }
        else { JsonMessages.Write(context.Response.BodyWriter, result.Response!); }
    }

    private async Task WriteParts(HttpContext context, EtcdRpc rpc, EtcdParts parts, EtcdCall call)
    {
        try
        {
            // Kestrel takes no memory that was lent before the headers went out.
            await context.Response.StartAsync(call.Stop);
            await JsonMessages.WriteAsync(context.Response.BodyWriter, parts, call.Stop);
        }
        catch (Exception e)
        {
            bool isExpected = e is OperationCanceledException or AnswerCutException || BrokenConnection.IsCauseOf(e);
            if (!isExpected) { _service.Failed(rpc.Path, e); }
            context.Abort();
        }
    }

    private async Task ServeStream(HttpContext context, EtcdStreamRpc rpc, EtcdCall call)
    {
        // A watcher may say nothing for days, and be told nothing.
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } requests) { requests.MinDataRate = null; }
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } responses) { responses.MinDataRate = null; }
        var stream = new JsonStream(context, rpc, _maxBodyBytes);
        try
        {
            EtcdError? error = await _service.Serve(rpc, stream, call);
            if (error is not null) { stream.WriteError(error); }
        }
        catch (Exception e) when (BrokenConnection.IsCauseOf(e))
        {
            context.Abort();
        }
        finally
        {
            await stream.CloseAsync();
        }
    }

    private async ValueTask<StreamRead> ReadMessage(HttpRequest request, EtcdRpc rpc, CancellationToken stop)
    {
        EtcdError tooLarge = EtcdErrors.MessageTooLarge((uint)Math.Min(request.ContentLength ?? 0, uint.MaxValue), _maxBodyBytes);
        if (request.ContentLength > _maxBodyBytes) { return new(null, tooLarge); }
        PipeReader body = request.BodyReader;
        while (true)
        {
            ReadResult read = await body.ReadAsync(stop);
            if (read.Buffer.Length > _maxBodyBytes)
            {
                body.AdvanceTo(read.Buffer.End);
                return new(null, tooLarge);
            }

            if (read.IsCompleted)
            {
                StreamRead message = Parse(read.Buffer, rpc.RequestType);
                body.AdvanceTo(read.Buffer.End);
                return message;
            }

            body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    /// <summary>Reads one request. An empty one is an empty message (grpc-gateway).</summary>
    public static StreamRead Parse(ReadOnlySequence<byte> json, MessageDescriptor type)
    {
        try
        {
            return new(IsBlank(json) ? type.Parser.ParseFrom(ByteString.Empty) : JsonRequests.Read(json, type), null);
        }
        catch (JsonException e)
        {
            return new(null, new EtcdError(GrpcStatus.InvalidArgument, e.Message));
        }
    }

    private static bool IsBlank(ReadOnlySequence<byte> json)
    {
        foreach (ReadOnlyMemory<byte> piece in json)
        {
            if (piece.Span.ContainsAnyExcept(" \t\r\n"u8)) { return false; }
        }

        return true;
    }

    /// <summary>Answers a request with an error.</summary>
    /// <remarks>All three fields: gateway v1 (etcd to 3.5) has "error" and "message", v2 has only the latter; clients read either.</remarks>
    public static void Refuse(HttpContext context, EtcdError error, int? status = null)
    {
        context.Response.StatusCode = status ?? HttpStatus(error.Status);
        context.Response.ContentType = "application/json";
        using var json = new Utf8JsonWriter((IBufferWriter<byte>)context.Response.BodyWriter, JsonMessages.Options);
        json.WriteStartObject();
        json.WriteString("error", error.Message);
        json.WriteNumber("code", (int)error.Status);
        json.WriteString("message", error.Message);
        json.WriteEndObject();
    }

    /// <summary>The HTTP status that grpc-gateway makes of a gRPC status.</summary>
    public static int HttpStatus(GrpcStatus status) => status switch
    {
        GrpcStatus.OK => StatusCodes.Status200OK,
        GrpcStatus.Canceled => 499,
        GrpcStatus.InvalidArgument or GrpcStatus.FailedPrecondition or GrpcStatus.OutOfRange =>
            StatusCodes.Status400BadRequest,
        GrpcStatus.Unauthenticated => StatusCodes.Status401Unauthorized,
        GrpcStatus.PermissionDenied => StatusCodes.Status403Forbidden,
        GrpcStatus.NotFound => StatusCodes.Status404NotFound,
        GrpcStatus.AlreadyExists or GrpcStatus.Aborted => StatusCodes.Status409Conflict,
        GrpcStatus.ResourceExhausted => StatusCodes.Status429TooManyRequests,
        GrpcStatus.Unimplemented => StatusCodes.Status501NotImplemented,
        GrpcStatus.Unavailable => StatusCodes.Status503ServiceUnavailable,
        GrpcStatus.DeadlineExceeded => StatusCodes.Status504GatewayTimeout,
        _ => StatusCodes.Status500InternalServerError,
    };
}
