using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using Google.Protobuf;

namespace Quorate.Client;

/// <summary>One gRPC message as a request's body; the body stays open if the call is a stream.</summary>
internal sealed class MessageContent : HttpContent
{
    private readonly byte[] _bytes;
    private readonly TaskCompletionSource? _end;
    private volatile bool _wasAskedFor;

    public MessageContent(IMessage message, bool staysOpen)
    {
        // gRPC over HTTP/2, "Length-Prefixed-Message": not compressed, length, message.
        _bytes = new byte[5 + message.CalculateSize()];
        BinaryPrimitives.WriteUInt32BigEndian(_bytes.AsSpan(1), (uint)_bytes.Length - 5);
        message.WriteTo(_bytes.AsSpan(5));
        _end = staysOpen ? new(TaskCreationOptions.RunContinuationsAsynchronously) : null;
        Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
    }

    /// <summary>False: not a byte of the message has left this process, so no server can have acted on it.</summary>
    public bool WasAskedFor => _wasAskedFor;

    public void End() => _end?.TrySetResult();

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        _wasAskedFor = true;
        await stream.WriteAsync(_bytes, cancellationToken).ConfigureAwait(false);
        if (_end is null) { return; }
        await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
        await _end.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = _bytes.Length;
        return _end is null;
    }
}
