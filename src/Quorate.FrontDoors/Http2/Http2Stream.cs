using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;

namespace Quorate.FrontDoors.Http2;

/// <summary>One call: its headers, the rest of its request, and the way of its answer. Its methods may be called from any thread, by one caller at a time.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A token source whose wait handle nobody asks for, and whose timer is stopped, holds nothing to release.")]
internal sealed class Http2Stream : IHeaderSink
{
    private readonly Http2Connection _connection;
    private readonly CancellationTokenSource _stop = new();
    private byte[]? _body;

    public Http2Stream(Http2Connection connection) => _connection = connection;

    /// <summary>The connection it came by.</summary>
    public Http2Connection Connection => _connection;

    public string? Method { get; private set; }

    public string? Path { get; set; }

    public string? ContentType { get; private set; }

    public string? Encoding { get; private set; }

    public string? Timeout { get; private set; }

    public string? Token { get; private set; }

    public string? Authorization { get; private set; }

    public string? Keyspace { get; private set; }

    public bool RequiresLeader { get; private set; }

    /// <summary>Cancelled when the client gives the call up, the connection breaks, or the time of <see cref="CancelAfter"/> has passed.</summary>
    public CancellationToken Stop => _stop.Token;

    /// <summary>The client gave the call up, or its connection broke: nobody reads an answer.</summary>
    public bool IsAborted { get; private set; }

    /// <summary>Who serves it: set when its headers have come.</summary>
    public IHttp2Call? Call { get; set; }

    /// <summary>The requests of a streaming call.</summary>
    public Pipe? Requests { get; private set; }

    // What follows is the connection's, under its lock unless said otherwise.
    internal int Id { get; private set; }

    internal int SendWindow { get; set; }

    internal int ReceiveWindow { get; set; }

    internal int Uncredited { get; set; } // Consumed, and not told yet.

    internal bool HasSentHeaders { get; set; }

    internal bool RemoteHasEnded { get; set; }

    internal bool HasEnded { get; set; } // The answer is complete, or the stream was reset by either side.

    internal TaskCompletionSource? WindowOpened { get; set; }

    // The reading loop's own.
    internal bool IsDispatched { get; set; }

    internal int BodyBytes { get; private set; }

    internal ReadOnlyMemory<byte> Body => _body.AsMemory(0, BodyBytes);

    /// <summary>Ends the call's time after a while, unless it has ended by then.</summary>
    public void CancelAfter(TimeSpan time) => _stop.CancelAfter(time);

    /// <summary>From now on requests are read from <see cref="Requests"/>.</summary>
    public void BeginStreaming() => Requests = new Pipe(new PipeOptions(pauseWriterThreshold: 0, useSynchronizationContext: false));

    /// <inheritdoc/>
    public void Take(HeaderName name, string value)
    {
        switch (name)
        {
            case HeaderName.Method: Method = value; break;
            case HeaderName.Path: Path = value; break;
            case HeaderName.ContentType: ContentType = value; break;
            case HeaderName.GrpcEncoding: Encoding = value; break;
            case HeaderName.GrpcTimeout: Timeout = value; break;
            case HeaderName.HasLeader: RequiresLeader = value == "true"; break;
            case HeaderName.Token: Token ??= value; break;
            case HeaderName.Authorization: Authorization ??= value; break;
            case HeaderName.Keyspace: Keyspace = value; break;
            default: break;
        }
    }

    internal void Begin(int id, int sendWindow, int receiveWindow)
    {
        Id = id;
        SendWindow = sendWindow;
        ReceiveWindow = receiveWindow;
    }

    // The reading loop's: a part of a unary request.
    internal void Append(in ReadOnlySequence<byte> part)
    {
        int length = (int)part.Length;
        if (_body is null || _body.Length - BodyBytes < length)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(BodyBytes + length, 2 * BodyBytes));
            _body.AsSpan(0, BodyBytes).CopyTo(larger);
            ReleaseBody();
            _body = larger;
        }

        part.CopyTo(_body.AsSpan(BodyBytes));
        BodyBytes += length;
    }

    internal int DropBody()
    {
        int bytes = BodyBytes;
        ReleaseBody();
        BodyBytes = 0;
        return bytes;
    }

    // The client has gone. From here on the object is not used for another call, so that Abort can follow without the lock.
    internal void MarkAborted()
    {
        IsAborted = true;
        HasEnded = true;
        WindowOpened?.TrySetResult();
    }

    // After MarkAborted, and not under the connection's lock: what waits for the token goes on here.
    internal void Abort()
    {
        _stop.Cancel();
        Requests?.Writer.Complete(new OperationCanceledException("the call was given up"));
    }

    /// <summary>Makes it ready for another call.</summary>
    /// <returns>False if it cannot be used again.</returns>
    internal bool TryReset()
    {
        bool isStopped = !_stop.TryReset(); // Ends its timer, too, whatever becomes of the object.
        if (isStopped || IsAborted || Requests is not null) { return false; }
        (Method, Path, ContentType, Encoding, Timeout, Token, Authorization, Keyspace) = (null, null, null, null, null, null, null, null);
        RequiresLeader = HasSentHeaders = RemoteHasEnded = HasEnded = IsDispatched = false;
        Call = null;
        WindowOpened = null;
        Uncredited = 0;
        return true;
    }

    private void ReleaseBody()
    {
        if (_body is not null) { ArrayPool<byte>.Shared.Return(_body); }
        _body = null;
    }
}

/// <summary>Serves the calls of connections.</summary>
internal interface IHttp2Server
{
    /// <summary>A call's headers have come. Sets <see cref="Http2Stream.Call"/>, or answers at once.</summary>
    void Open(Http2Stream stream);
}

/// <summary>What serves one call.</summary>
internal interface IHttp2Call
{
    /// <summary>True: <see cref="Start"/> is called at once and reads the requests; false: it is called with the only request.</summary>
    bool IsStreaming { get; }

    /// <summary>Reads what goes before a unary request's message, as soon as it has come.</summary>
    /// <returns>False if the request cannot be taken: the call was answered then.</returns>
    bool MayBegin(Http2Stream stream, ReadOnlySpan<byte> prefix, out int length);

    /// <summary>Serves the call; must not throw, nor block.</summary>
    /// <param name="stream">The call.</param>
    /// <param name="message">The bytes of the only request, valid until it returns; empty for a streaming call and if the client ended without one.</param>
    /// <param name="isWhole">False if the client ended before the message was whole.</param>
    /// <param name="othersWait">Other frames of the connection have come already, and are read when this returns.</param>
    void Start(Http2Stream stream, in ReadOnlySequence<byte> message, bool isWhole, bool othersWait);
}
