using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;

namespace Quorate.FrontDoors.Etcd;

/// <summary>
/// A streaming RPC over the gateway: JSON objects one after the other in the request's body, and a line
/// <c>{"result":...}</c> for each response. The end of the body is the caller's half-close.
/// </summary>
internal sealed class JsonStream : IEtcdStream
{
    private const int FlushBytes = 64 * 1024;

    private static readonly JsonReaderOptions ReaderOptions = new() { MaxDepth = JsonRequests.MaxDepth };

    private readonly WakeSignal _signal = new();
    private readonly HttpResponse _response;
    private readonly PipeReader _body;
    private readonly EtcdStreamRpc _rpc;
    private readonly int _maxBytes;
    private Task<StreamRead>? _reading;
    private bool _hasWritten;

    // Of the object that is not whole yet: what was looked at already, so that a byte at a time does not cost the square of it.
    private JsonReaderState _state = new(ReaderOptions);
    private long _scanned;

    public JsonStream(HttpContext context, EtcdStreamRpc rpc, int maxBytes)
    {
        _response = context.Response;
        _response.ContentType = "application/json";
        _body = context.Request.BodyReader;
        _rpc = rpc;
        _maxBytes = maxBytes;
    }

    /// <inheritdoc/>
    public ValueTask<StreamRead> ReadAsync(CancellationToken stop)
    {
        _reading = ReadObject(stop);
        return new(_reading);
    }

    /// <inheritdoc/>
    public ValueTask WriteAsync(IMessage response, CancellationToken stop)
    {
        PipeWriter body = Begin();
        body.Write("{\"result\":"u8);
        JsonMessages.Write(body, _rpc.Decoded(response));
        body.Write("}\n"u8);
        return body.UnflushedBytes >= FlushBytes ? FlushAsync(stop) : default;
    }

    /// <summary>Writes why the stream failed, in the shape of both versions of etcd's gateway.</summary>
    public void WriteError(EtcdError error)
    {
        int status = JsonGateway.HttpStatus(error.Status);
        if (!_hasWritten) { _response.StatusCode = status; }
        PipeWriter body = Begin();
        using (var json = new Utf8JsonWriter((IBufferWriter<byte>)body, JsonMessages.Options))
        {
            json.WriteStartObject();
            json.WriteStartObject("error");
            json.WriteNumber("grpc_code", (int)error.Status);
            json.WriteNumber("http_code", status);
            json.WriteString("message", error.Message);
            json.WriteString("http_status", Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(status));
            json.WriteNumber("code", (int)error.Status);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        body.Write("\n"u8);
    }

    /// <inheritdoc/>
    public async ValueTask FlushAsync(CancellationToken stop) => await _response.BodyWriter.FlushAsync(stop);

    /// <inheritdoc/>
    public async ValueTask YieldAsync() => await Task.Yield();

    /// <inheritdoc/>
    public ValueTask WaitAsync() => _signal.WaitAsync();

    /// <inheritdoc/>
    public void Wake() => _signal.Wake();

    /// <summary>Waits for the read that was under way; the handler has ended, and its token is cancelled.</summary>
    public async ValueTask CloseAsync()
    {
        if (_reading is { } reading) { await ((Task)reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); }
    }

    private PipeWriter Begin()
    {
        _hasWritten = true;
        return _response.BodyWriter;
    }

    private async Task<StreamRead> ReadObject(CancellationToken stop)
    {
        while (true)
        {
            ReadResult read = await _body.ReadAsync(stop);
            ReadOnlySequence<byte> buffer = read.Buffer;
            if (_scanned == 0) { buffer = buffer.Slice(SpaceAtStart(buffer)); }
            if (buffer.Length > _maxBytes)
            {
                _body.AdvanceTo(buffer.End);
                return new(null, EtcdErrors.MessageTooLarge((uint)Math.Min(buffer.Length, uint.MaxValue), _maxBytes));
            }

            if (buffer.IsEmpty && read.IsCompleted)
            {
                _body.AdvanceTo(buffer.End);
                return default;
            }

            (long length, EtcdError? error) = Scan(buffer, read.IsCompleted);
            if (length > 0)
            {
                StreamRead message = JsonGateway.Parse(buffer.Slice(0, length), _rpc.RequestType);
                _body.AdvanceTo(buffer.GetPosition(length));
                return message;
            }

            _body.AdvanceTo(buffer.Start, buffer.End);
            if (error is not null) { return new(null, error); }
        }
    }

    // The length of the first value, or 0 if it is not whole yet.
    private (long Length, EtcdError? Error) Scan(ReadOnlySequence<byte> buffer, bool isLast)
    {
        var reader = new Utf8JsonReader(buffer.Slice(_scanned), isLast, _state);
        try
        {
            while (reader.Read())
            {
                if (reader.CurrentDepth > 0 || reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray) { continue; }
                long length = _scanned + reader.BytesConsumed;
                _scanned = 0;
                _state = new(ReaderOptions);
                return (length, null);
            }
        }
        catch (JsonException e)
        {
            return (0, new EtcdError(GrpcStatus.InvalidArgument, e.Message));
        }

        _scanned += reader.BytesConsumed;
        _state = reader.CurrentState;
        return (0, isLast ? EtcdErrors.CutShort : null);
    }

    private static long SpaceAtStart(ReadOnlySequence<byte> buffer)
    {
        long spaces = 0;
        foreach (ReadOnlyMemory<byte> piece in buffer)
        {
            int other = piece.Span.IndexOfAnyExcept(" \t\r\n"u8);
            if (other >= 0) { return spaces + other; }
            spaces += piece.Length;
        }

        return spaces;
    }
}
