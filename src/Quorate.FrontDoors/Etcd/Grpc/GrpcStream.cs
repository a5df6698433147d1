using System.Buffers;
using Google.Protobuf;
using Quorate.Core;
using Quorate.FrontDoors.Http2;
using Quorate.FrontDoors.Metrics;

namespace Quorate.FrontDoors.Etcd;

/// <summary>A streaming RPC over one stream of HTTP/2: its body brings requests, the response's body takes the answers.</summary>
internal sealed class GrpcStream : IEtcdStream
{
    // Beyond this, a row of responses goes out before it is complete.
    private const int FlushBytes = 64 * 1024;

    private readonly WakeSignal _signal = new();
    private readonly ArrayBufferWriter<byte> _responses = new();
    private readonly Http2Stream _stream;
    private readonly MessageParser _parser;
    private readonly int _maxMessageBytes;
    private readonly DoorMeters _meters;
    private readonly RpcMeter _meter;
    private Task<StreamRead>? _reading;

    public GrpcStream(Http2Stream stream, MessageParser parser, int maxMessageBytes, DoorMeters meters, RpcMeter meter)
    {
        _stream = stream;
        _parser = parser;
        _maxMessageBytes = maxMessageBytes;
        _meters = meters;
        _meter = meter;
    }

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
        return _responses.WrittenCount >= FlushBytes ? FlushAsync(stop) : default;
    }

    /// <inheritdoc/>
    public async ValueTask FlushAsync(CancellationToken stop)
    {
        await _stream.Connection.SendAsync(_stream, _responses.WrittenMemory, stop).ConfigureAwait(false);
        _responses.ResetWrittenCount();
    }

    /// <summary>Sends what is in the buffer, if anything is: before an error, which is headers only if it is all of the answer.</summary>
    public async ValueTask FlushWrittenAsync()
    {
        if (_responses.WrittenCount == 0) { return; }
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5)); // The caller's own token may be what the error is about.
        await FlushAsync(patience.Token).ConfigureAwait(false);
    }

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

    private async Task<StreamRead> ReadCounted(CancellationToken stop)
    {
        StreamRead read = await GrpcMessages.ReadAsync(_stream.Requests!.Reader, _parser, _maxMessageBytes, stop).ConfigureAwait(false);
        if (read.Request is null) { return read; }
        _meters.CountReceived(_meter, read.Bytes);
        _stream.Connection.Consumed(_stream, Http2Connection.GrpcPrefixBytes + read.Bytes);
        return read;
    }
}
