using System.IO.Pipelines;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;
using Quorate.Core;
using Quorate.FrontDoors.Metrics;

namespace Quorate.FrontDoors.Etcd;

/// <summary>A streaming RPC over one HTTP/2 request: its body brings requests, the response's body takes the answers.</summary>
internal sealed class GrpcStream : IEtcdStream
{
    // Beyond this, a row of responses goes out before it is complete.
    private const int FlushBytes = 64 * 1024;

    private readonly WakeSignal _signal = new();
    private readonly PipeReader _requests;
    private readonly PipeWriter _responses;
    private readonly MessageParser _parser;
    private readonly int _maxMessageBytes;
    private readonly DoorMeters _meters;
    private readonly RpcMeter _meter;
    private Task<StreamRead>? _reading;
    private long _unflushed;

    public GrpcStream(HttpContext context, MessageParser parser, int maxMessageBytes, DoorMeters meters, RpcMeter meter)
    {
        _requests = context.Request.BodyReader;
        _responses = context.Response.BodyWriter;
        _parser = parser;
        _maxMessageBytes = maxMessageBytes;
        _meters = meters;
        _meter = meter;
    }

    /// <summary>True once something was written: then the status goes into the trailers.</summary>
    public bool HasWritten { get; private set; }

    /// <inheritdoc/>
    public ValueTask<StreamRead> ReadAsync(CancellationToken stop)
    {
        _reading = ReadCounted(stop);
        return new(_reading);
    }

    /// <inheritdoc/>
    public ValueTask WriteAsync(IMessage response, CancellationToken stop)
    {
        int size = response.CalculateSize();
        Invariant.Holds(size >= 0, $"a response of a stream is beyond 2 GiB");
        GrpcMessages.Write(_responses, response, size);
        _meters.CountSent(_meter, size);
        HasWritten = true;
        _unflushed += size;
        return _unflushed >= FlushBytes ? FlushAsync(stop) : default;
    }

    /// <inheritdoc/>
    public async ValueTask FlushAsync(CancellationToken stop)
    {
        _unflushed = 0;
        await _responses.FlushAsync(stop);
    }

    /// <inheritdoc/>
    public async ValueTask YieldAsync() => await Task.Yield();

    /// <inheritdoc/>
    public ValueTask WaitAsync() => _signal.WaitAsync();

    /// <inheritdoc/>
    public void Wake() => _signal.Wake();

    private async Task<StreamRead> ReadCounted(CancellationToken stop)
    {
        StreamRead read = await GrpcMessages.ReadAsync(_requests, _parser, _maxMessageBytes, stop);
        if (read.Request is not null) { _meters.CountReceived(_meter, read.Bytes); }
        return read;
    }

    /// <summary>Waits for the read that was under way; the handler has ended, and its token is cancelled.</summary>
    public async ValueTask CloseAsync()
    {
        if (_reading is { } reading) { await ((Task)reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); }
    }
}
