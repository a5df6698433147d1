using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Quorate.Core;
using Quorate.FrontDoors.Http;

namespace Quorate.FrontDoors.Http2;

/// <summary>What a connection may make us hold and do.</summary>
internal sealed record ConnectionLimits
{
    /// <summary>Calls under way at once; also those that the client gave up and that have not ended yet.</summary>
    public int MaxStreams { get; init; } = 1000;

    /// <summary>Bytes of one request with its prefix; the window of a stream, so that no request waits for a window.</summary>
    public int MaxRequestBytes { get; init; } = 2 * 1024 * 1024;

    /// <summary>Bytes of unary requests that are not whole yet, all calls of a connection together.</summary>
    public int MaxPartialBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Bytes of one call's headers, compressed and not.</summary>
    public int MaxHeaderBytes { get; init; } = 64 * 1024;

    /// <summary>Time for the first request; a connection without one is taken for gRPC's then.</summary>
    public TimeSpan DecideWithin { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Silence after which the client is asked whether it is still there.</summary>
    public TimeSpan PingAfter { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Time it has to say something after that.</summary>
    public TimeSpan PingTimeout { get; init; } = TimeSpan.FromSeconds(20);
}

/// <summary>
/// The server's side of one HTTP/2 connection that carries gRPC (RFC 9113; grpc.io, PROTOCOL-HTTP2). One loop reads frames and starts calls, on its own thread
/// if they are short; answers are written by whoever has them, under one lock, straight into the connection's pipe.
/// </summary>
/// <remarks>The client's mistakes end a stream or the connection with the RFC's code; nothing it sends is held without one of <see cref="ConnectionLimits"/>.</remarks>
internal sealed partial class Http2Connection
{
    private const int ConnectionWindow = 4 * 1024 * 1024;
    private const int MaxIdleFramesPerSecond = 10_000;

    private readonly ConnectionContext _context;
    private readonly IHttp2Server _server;
    private readonly ConnectionLimits _limits;
    private readonly HpackDecoder _headers;
    private readonly Lock _gate = new();
    private readonly Dictionary<int, Http2Stream> _streams = [];
    private readonly Stack<Http2Stream> _spare = [];
    private readonly TaskCompletionSource _quiet = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // The reading loop's.
    private ArrayBufferWriter<byte>? _headerBlock; // Of headers that go on in CONTINUATION frames.
    private int _headerStream;
    private bool _headerEndsStream;
    private int _lastStream;
    private int _uncredited;
    private int _partialBytes;
    private long _idleSecond;
    private int _idleFrames;
    private bool _hasSettings;

    // Under the lock.
    private int _answered; // In this second.
    private long _unreadBytes; // Of streaming calls' requests.
    private int _running; // Calls that have not ended, whether or not the client still waits for them.
    private bool _isClosing;
    private bool _isDead;
    private bool _readingHasEnded;

    public Http2Connection(ConnectionContext context, IHttp2Server server, ConnectionLimits limits)
    {
        _context = context;
        _server = server;
        _limits = limits;
        _headers = new HpackDecoder(limits.MaxHeaderBytes);
        _output = context.Transport.Output;
        Port = context.Features.Get<PortFeature>();
        User = context.Features.Get<CertificateUser>()?.Name;
    }

    /// <summary>The port it came in by, if that has a role of its own.</summary>
    public PortFeature? Port { get; }

    /// <summary>The user that the client's certificate names; null if it names nobody.</summary>
    public string? User { get; }

    /// <summary>Sends what a server says first, once. The windows follow when it is known whose connection it is: Kestrel has others.</summary>
    public static async ValueTask GreetAsync(PipeWriter output, ConnectionLimits limits) => await output.WriteAsync(Settings(
        (Http2.SettingMaxConcurrentStreams, (uint)limits.MaxStreams), (Http2.SettingMaxHeaderListSize, (uint)limits.MaxHeaderBytes))).ConfigureAwait(false);

    private static byte[] Settings(params ReadOnlySpan<(ushort Setting, uint Value)> settings)
    {
        byte[] frame = new byte[Http2.HeaderBytes + (6 * settings.Length)];
        Http2.WriteHeader(frame, 6 * settings.Length, FrameKind.Settings, 0, 0);
        for (int i = 0; i < settings.Length; i++)
        {
            Span<byte> at = frame.AsSpan(Http2.HeaderBytes + (6 * i));
            BinaryPrimitives.WriteUInt16BigEndian(at, settings[i].Setting);
            BinaryPrimitives.WriteUInt32BigEndian(at[2..], settings[i].Value);
        }

        return frame;
    }

    private void OpenWindows()
    {
        byte[] window = Settings((Http2.SettingInitialWindowSize, (uint)_limits.MaxRequestBytes));
        lock (_gate)
        {
            window.CopyTo(Reserve(window.Length));
            WriteWindowUpdate(0, ConnectionWindow - Http2.DefaultWindow);
        }
    }

    /// <summary>Serves the connection, whose preface is the next to be read and which has been greeted, until it ends and no call is under way.</summary>
    public async Task RunAsync()
    {
        PipeReader input = _context.Transport.Input;
        CancellationToken stops =
            _context.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? default;
        using CancellationTokenRegistration closing = stops.UnsafeRegister(static self => ((Http2Connection)self!).Close(), this);
        using Timer pings = StartPings();
        bool hasPreface = false;
        bool isOrderly = true;
        try
        {
            OpenWindows();
            while (true)
            {
                ReadResult read = await input.ReadAsync().ConfigureAwait(false);
                ReadOnlySequence<byte> buffer = read.Buffer;
                _lastHeard = Environment.TickCount64;
                SequencePosition consumed = buffer.Start;
                try
                {
                    if (!hasPreface && buffer.Length >= Http2.Preface.Length)
                    {
                        if (!buffer.Slice(0, Http2.Preface.Length).ToArray().AsSpan().SequenceEqual(Http2.Preface)) { throw Broken("the preface is another"); }
                        buffer = buffer.Slice(Http2.Preface.Length);
                        hasPreface = true;
                    }

                    if (hasPreface) { ReadFrames(ref buffer); }
                    consumed = buffer.Start;
                }
                finally
                {
                    input.AdvanceTo(consumed, buffer.End);
                }

                if (read.IsCompleted || IsFinished()) { break; }
            }
        }
        catch (Http2Exception broken)
        {
            GoAway(broken.Error);
        }
        catch (Exception e) when (IsBroken(e))
        {
            isOrderly = false; // The client hung up.
        }
        finally
        {
            // Whatever happened, calls under way must learn that nobody waits for them any more.
            if (isOrderly) { await LastFlushAsync().ConfigureAwait(false); }
            await EndAsync().ConfigureAwait(false);
        }
    }

    /// <summary>No new calls; the connection ends with the last of those under way.</summary>
    public void Close()
    {
        lock (_gate)
        {
            if (_isClosing || _isDead) { return; }
            _isClosing = true;
            WriteGoAway(Http2Error.None);
            Flush();
        }

        _context.Transport.Input.CancelPendingRead();
    }

    private bool IsFlushPending()
    {
        lock (_gate) { return _isFlushPending; }
    }

    private bool IsFinished()
    {
        lock (_gate) { return _isDead || (_isClosing && _running == 0); }
    }

    private async ValueTask EndAsync()
    {
        List<Http2Stream> left;
        bool isQuiet;
        lock (_gate)
        {
            _isDead = true;
            _readingHasEnded = true;
            left = [.. _streams.Values];
            _streams.Clear();
            foreach (Http2Stream stream in left)
            {
                stream.MarkAborted();
            }

            isQuiet = _running == 0;
        }

        foreach (Http2Stream stream in left)
        {
            stream.Abort();
            if (!stream.IsDispatched) { Release(stream); }
        }

        if (!isQuiet) { await _quiet.Task.ConfigureAwait(false); }
        foreach (Http2Stream stream in left) { stream.DropBody(); }
        if (IsFlushPending())
        {
            _context.Abort();
            await LastFlushAsync().ConfigureAwait(false);
        }

        await _context.Transport.Input.CompleteAsync().ConfigureAwait(false);
        await _output.CompleteAsync().ConfigureAwait(false);
    }

    private void ReadFrames(ref ReadOnlySequence<byte> buffer)
    {
        Span<byte> header = stackalloc byte[Http2.HeaderBytes];
        _batchThread = Environment.CurrentManagedThreadId;
        try
        {
            while (buffer.Length >= Http2.HeaderBytes)
            {
                buffer.Slice(0, Http2.HeaderBytes).CopyTo(header);
                int length = (header[0] << 16) | (header[1] << 8) | header[2];
                if (length > Http2.MaxFrameBytes) { throw new Http2Exception(Http2Error.FrameSize, $"a frame of {length} bytes"); }
                if (buffer.Length < Http2.HeaderBytes + length) { return; }
                int stream = BinaryPrimitives.ReadInt32BigEndian(header[5..]) & int.MaxValue;
                ReadOnlySequence<byte> payload = buffer.Slice(Http2.HeaderBytes, length);
                buffer = buffer.Slice(Http2.HeaderBytes + length);
                Handle((FrameKind)header[3], header[4], stream, payload, hasMore: buffer.Length > Http2.HeaderBytes);
            }
        }
        finally
        {
            _batchThread = 0;
            lock (_gate)
            {
                if (_isFlushDue) { Flush(); }
            }
        }
    }

    private void Handle(FrameKind kind, byte flags, int stream, ReadOnlySequence<byte> payload, bool hasMore)
    {
        if (!_hasSettings && kind != FrameKind.Settings) { throw Broken("the first frame is no SETTINGS"); }
        if (_headerBlock is not null && (kind != FrameKind.Continuation || stream != _headerStream)) { throw Broken("headers are interrupted"); }
        switch (kind)
        {
            case FrameKind.Data: OnData(flags, stream, payload, hasMore); break;
            case FrameKind.Headers: OnHeaders(flags, stream, payload); break;
            case FrameKind.Continuation: OnContinuation(flags, stream, payload); break;
            case FrameKind.RstStream: OnReset(stream, payload); break;
            case FrameKind.Settings: OnSettings(flags, stream, payload); break;
            case FrameKind.Ping: OnPing(flags, stream, payload); break;
            case FrameKind.WindowUpdate: OnWindowUpdate(stream, payload); break;
            case FrameKind.PushPromise: throw Broken("a client pushes nothing");
            case FrameKind.GoAway: break; // It opens no more streams, and closes when it has its answers.
            default: CountIdle(); break; // Priorities, and kinds nobody knows.
        }
    }

    private void OnHeaders(byte flags, int id, ReadOnlySequence<byte> payload)
    {
        payload = WithoutPadding(flags, payload);
        if ((flags & Http2.WithPriority) != 0)
        {
            if (payload.Length < 5) { throw new Http2Exception(Http2Error.FrameSize, "HEADERS without the priority they announce"); }
            payload = payload.Slice(5);
        }

        _headerStream = id;
        _headerEndsStream = (flags & Http2.EndStream) != 0;
        if ((flags & Http2.EndHeaders) != 0)
        {
            if (payload.IsSingleSegment) { OnBlock(payload.FirstSpan); }
            else { OnLongBlock(payload); }
            return;
        }

        _headerBlock = new ArrayBufferWriter<byte>();
        AddToBlock(payload);
    }

    private void OnLongBlock(in ReadOnlySequence<byte> payload)
    {
        byte[] block = ArrayPool<byte>.Shared.Rent((int)payload.Length);
        try
        {
            payload.CopyTo(block);
            OnBlock(block.AsSpan(0, (int)payload.Length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    private void OnContinuation(byte flags, int id, ReadOnlySequence<byte> payload)
    {
        if (_headerBlock is not { } block || id != _headerStream) { throw Broken("CONTINUATION of nothing"); }
        if (payload.IsEmpty) { CountIdle(); }
        AddToBlock(payload);
        if ((flags & Http2.EndHeaders) == 0) { return; }
        _headerBlock = null;
        OnBlock(block.WrittenSpan);
    }

    private void AddToBlock(in ReadOnlySequence<byte> payload)
    {
        if (_headerBlock!.WrittenCount + payload.Length > _limits.MaxHeaderBytes)
        {
            throw new Http2Exception(Http2Error.EnhanceYourCalm, "headers larger than allowed");
        }

        foreach (ReadOnlyMemory<byte> part in payload) { _headerBlock.Write(part.Span); }
    }

    private void OnBlock(ReadOnlySpan<byte> block)
    {
        int id = _headerStream;
        if (id == 0) { throw Broken("headers of no stream"); }
        if (id <= _lastStream)
        {
            OnTrailers(id, block);
            return;
        }

        if ((id & 1) == 0) { throw Broken("a client's streams have odd numbers"); }
        _lastStream = id;
        Http2Stream stream;
        bool isRefused;
        lock (_gate)
        {
            stream = _spare.Count > 0 ? _spare.Pop() : new Http2Stream(this);
            stream.Begin(id, _initialSendWindow, _limits.MaxRequestBytes);
            stream.RemoteHasEnded = _headerEndsStream;
            isRefused = _isClosing || _isDead || _running >= _limits.MaxStreams;
            if (!isRefused)
            {
                _running++;
                _streams.Add(id, stream);
            }
        }

        bool fits = _headers.Decode(block, stream); // Even of a call that is refused: the table goes on.
        if (isRefused)
        {
            CountIdle();
            Reset(id, Http2Error.RefusedStream);
            return;
        }

        if (!fits || stream.Method is null || stream.Path is null)
        {
            ResetAndRelease(stream, fits ? Http2Error.Protocol : Http2Error.EnhanceYourCalm);
            return;
        }

        _server.Open(stream);
        if (stream.Call is not { } call)
        {
            stream.IsDispatched = true; // It was answered at once.
            Release(stream);
            return;
        }

        if (call.IsStreaming)
        {
            stream.IsDispatched = true;
            stream.BeginStreaming();
            if (_headerEndsStream) { stream.Requests!.Writer.Complete(); }
            call.Start(stream, default, isWhole: true, othersWait: true);
        }
        else if (_headerEndsStream)
        {
            Dispatch(stream, default, isWhole: false, hasMore: true);
        }
    }

    // After its first headers a client may send others to end its request.
    private void OnTrailers(int id, ReadOnlySpan<byte> block)
    {
        _headers.Decode(block, Nowhere.Instance);
        if (!_headerEndsStream) { throw Broken("headers in the middle of a request"); }
        CountIdle();
        Http2Stream? stream;
        Pipe? requests;
        bool isDispatched;
        lock (_gate)
        {
            if (!_streams.TryGetValue(id, out stream)) { return; }
            stream.RemoteHasEnded = true;
            requests = stream.Requests;
            isDispatched = stream.IsDispatched;
        }

        if (requests is not null) { requests.Writer.Complete(); }
        else if (!isDispatched) { Dispatch(stream, default, isWhole: false, hasMore: true); }
    }

    private void OnData(byte flags, int id, ReadOnlySequence<byte> payload, bool hasMore)
    {
        if (id == 0 || id > _lastStream) { throw Broken("DATA of a stream that was not opened"); }
        int counted = (int)payload.Length; // Padding counts (RFC 9113, 6.9.1).
        payload = WithoutPadding(flags, payload);
        Credit(counted);
        bool ends = (flags & Http2.EndStream) != 0;
        if (payload.IsEmpty && !ends) { CountIdle(); }
        int padding = counted - (int)payload.Length;
        Http2Stream? stream;
        Pipe? requests;
        bool isDispatched;
        bool isTooMuch = false;
        lock (_gate)
        {
            // What is not dispatched is nobody else's. Of a call that is, only what is copied here may be used without the lock.
            if (!_streams.TryGetValue(id, out stream)) { return; } // It has ended, which the client may not know yet.
            if (stream.RemoteHasEnded) { throw new Http2Exception(Http2Error.StreamClosed, "DATA after the end of the request"); }
            stream.ReceiveWindow -= (int)payload.Length;
            if (stream.ReceiveWindow < 0) { throw new Http2Exception(Http2Error.FlowControl, "DATA beyond the window"); }
            stream.RemoteHasEnded = ends;
            requests = stream.Requests;
            isDispatched = stream.IsDispatched;
            if (requests is not null)
            {
                _unreadBytes += payload.Length;
                isTooMuch = _unreadBytes > _limits.MaxPartialBytes;
                CreditStream(stream);
            }

            if (padding > 0 && !ends) { WriteWindowUpdate(id, padding); }
            if (isTooMuch)
            {
                WriteReset(id, Http2Error.EnhanceYourCalm);
                _streams.Remove(id);
                stream.MarkAborted();
                FlushLater();
            }
        }

        if (isTooMuch) { stream.Abort(); }
        else if (requests is not null)
        {
            foreach (ReadOnlyMemory<byte> part in payload) { requests.Writer.Write(part.Span); }
            if (ends) { requests.Writer.Complete(); }
            else { MakeVisible(requests.Writer); }
        }
        else if (!isDispatched)
        {
            OnUnaryData(stream, payload, ends, hasMore);
        }
    }

    private void OnUnaryData(Http2Stream stream, in ReadOnlySequence<byte> payload, bool ends, bool hasMore)
    {
        // A request in one frame, as nearly all are: it is read where it lies.
        ReadOnlySequence<byte> body = payload;
        if (stream.BodyBytes > 0)
        {
            stream.Append(payload);
            body = new ReadOnlySequence<byte>(stream.Body);
            _partialBytes += (int)payload.Length;
        }

        if (body.Length >= GrpcPrefixBytes)
        {
            Span<byte> prefix = stackalloc byte[GrpcPrefixBytes];
            body.Slice(0, GrpcPrefixBytes).CopyTo(prefix);
            if (!stream.Call!.MayBegin(stream, prefix, out int length))
            {
                _partialBytes -= stream.DropBody();
                stream.IsDispatched = true;
                Release(stream);
                return;
            }

            if (body.Length >= GrpcPrefixBytes + length)
            {
                Dispatch(stream, body.Slice(GrpcPrefixBytes, length), isWhole: true, hasMore);
                return;
            }
        }

        if (ends)
        {
            Dispatch(stream, default, isWhole: false, hasMore);
            return;
        }

        if (stream.BodyBytes == 0)
        {
            stream.Append(payload);
            _partialBytes += (int)payload.Length;
        }

        if (_partialBytes <= _limits.MaxPartialBytes) { return; }
        _partialBytes -= stream.DropBody();
        ResetAndRelease(stream, Http2Error.EnhanceYourCalm);
    }

    private void Dispatch(Http2Stream stream, in ReadOnlySequence<byte> message, bool isWhole, bool hasMore)
    {
        stream.IsDispatched = true;
        stream.Call!.Start(stream, message, isWhole, othersWait: hasMore);
        // From here on the stream may be another call's; its body was the loop's alone.
        if (stream.BodyBytes > 0) { _partialBytes -= stream.DropBody(); }
    }

    private void OnReset(int id, in ReadOnlySequence<byte> payload)
    {
        if (payload.Length != 4) { throw new Http2Exception(Http2Error.FrameSize, "RST_STREAM"); }
        if (id == 0 || id > _lastStream) { throw Broken("RST_STREAM of a stream that was not opened"); }
        CountIdle();
        Http2Stream? stream;
        lock (_gate)
        {
            if (!_streams.Remove(id, out stream)) { return; }
            stream.MarkAborted();
        }

        stream.Abort();
        if (!stream.IsDispatched)
        {
            _partialBytes -= stream.DropBody();
            Release(stream);
        }
    }

    private void OnSettings(byte flags, int stream, in ReadOnlySequence<byte> payload)
    {
        if (stream != 0) { throw Broken("SETTINGS of a stream"); }
        CountIdle();
        if ((flags & Http2.Ack) != 0)
        {
            if (!payload.IsEmpty) { throw new Http2Exception(Http2Error.FrameSize, "an acknowledgement with settings"); }
            return;
        }

        if (payload.Length % 6 != 0) { throw new Http2Exception(Http2Error.FrameSize, "SETTINGS"); }
        _hasSettings = true;
        Span<byte> settings = stackalloc byte[6];
        int window = -1;
        for (ReadOnlySequence<byte> rest = payload; !rest.IsEmpty; rest = rest.Slice(6))
        {
            rest.Slice(0, 6).CopyTo(settings);
            Check(BinaryPrimitives.ReadUInt16BigEndian(settings), BinaryPrimitives.ReadUInt32BigEndian(settings[2..]), ref window);
        }

        if (window >= 0) { SetInitialWindow(window); } // The last one counts.

        lock (_gate)
        {
            Http2.WriteHeader(Reserve(Http2.HeaderBytes), 0, FrameKind.Settings, Http2.Ack, 0);
            FlushLater();
        }
    }

    private static void Check(ushort setting, uint value, ref int window)
    {
        switch (setting)
        {
            case Http2.SettingEnablePush when value > 1: throw Broken("ENABLE_PUSH");
            case Http2.SettingMaxFrameSize when value is < Http2.MaxFrameBytes or > 16_777_215: throw Broken("MAX_FRAME_SIZE");
            case Http2.SettingInitialWindowSize when value > int.MaxValue: throw new Http2Exception(Http2Error.FlowControl, "INITIAL_WINDOW_SIZE");
            case Http2.SettingInitialWindowSize: window = (int)value; break;
            default: break; // What it allows beyond the defaults is not used, and pushes and the header table are not either.
        }
    }

    private void OnPing(byte flags, int stream, in ReadOnlySequence<byte> payload)
    {
        if (stream != 0) { throw Broken("a PING of a stream"); }
        if (payload.Length != 8) { throw new Http2Exception(Http2Error.FrameSize, "PING"); }
        CountIdle();
        if ((flags & Http2.Ack) != 0) { return; }
        lock (_gate)
        {
            Span<byte> frame = Reserve(Http2.HeaderBytes + 8);
            Http2.WriteHeader(frame, 8, FrameKind.Ping, Http2.Ack, 0);
            payload.CopyTo(frame[Http2.HeaderBytes..]);
            FlushLater();
        }
    }

    private void OnWindowUpdate(int id, in ReadOnlySequence<byte> payload)
    {
        if (payload.Length != 4) { throw new Http2Exception(Http2Error.FrameSize, "WINDOW_UPDATE"); }
        if (id > _lastStream) { throw Broken("WINDOW_UPDATE of a stream that was not opened"); }
        Span<byte> bytes = stackalloc byte[4];
        payload.CopyTo(bytes);
        int more = BinaryPrimitives.ReadInt32BigEndian(bytes) & int.MaxValue;
        if (more == 0) { throw Broken("WINDOW_UPDATE by nothing"); }
        OpenWindow(id, more);
    }

    // What came is paid back at once: how much is held is bounded by the streams' windows and MaxPartialBytes.
    private void Credit(int bytes)
    {
        _uncredited += bytes;
        if (_uncredited < ConnectionWindow / 2) { return; }
        lock (_gate) { WriteWindowUpdate(0, _uncredited); }
        _uncredited = 0;
    }

    // Frames that ask for nothing. So many of them that they do harm are no mistake. Clients that measure the way with a PING per call are not meant.
    private void CountIdle()
    {
        long second = Environment.TickCount64 / 1000;
        if (second != _idleSecond) { (_idleSecond, _idleFrames, _answered) = (second, 0, 0); }
        if (++_idleFrames > MaxIdleFramesPerSecond + (2 * Volatile.Read(ref _answered))) { throw new Http2Exception(Http2Error.EnhanceYourCalm, "too many frames that ask for nothing"); }
    }

    internal static ReadOnlySequence<byte> WithoutPadding(byte flags, in ReadOnlySequence<byte> payload)
    {
        if ((flags & Http2.Padded) == 0) { return payload; }
        if (payload.IsEmpty) { throw new Http2Exception(Http2Error.FrameSize, "a padded frame without a length of its padding"); }
        int padding = payload.FirstSpan.IsEmpty ? payload.ToArray()[0] : payload.FirstSpan[0];
        if (padding >= payload.Length) { throw Broken("a frame that is all padding"); }
        return payload.Slice(1, payload.Length - 1 - padding);
    }

    // The pipe has no threshold, so this never waits: the stream's window bounds what is in it.
    private static void MakeVisible(PipeWriter requests)
    {
        ValueTask<FlushResult> flush = requests.FlushAsync();
        Invariant.Holds(flush.IsCompletedSuccessfully, $"a pipe without a threshold waits");
    }

    // A socket's own exception comes through Kestrel for all that is neither a reset nor an abort.
    internal static bool IsBroken(Exception e) =>
        e is IOException or OperationCanceledException or SocketException or ObjectDisposedException or InvalidOperationException or NotSupportedException;

    private static Http2Exception Broken(string what) => new(Http2Error.Protocol, what);

    private sealed class Nowhere : IHeaderSink
    {
        public static readonly Nowhere Instance = new();

        public void Take(HeaderName name, string value)
        {
        }
    }
}
