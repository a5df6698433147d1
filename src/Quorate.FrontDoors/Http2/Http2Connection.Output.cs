using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Google.Protobuf;

namespace Quorate.FrontDoors.Http2;

/*
 * The answers' way. Frames are written under the lock into the connection's pipe. While the client takes nothing, and the pipe is full, what answers and
 * acknowledges goes to a backlog, and whoever sends data waits. The windows of the protocol bound data; the backlog has a limit of its own.
 */
internal sealed partial class Http2Connection
{
    /// <summary>Bytes before a gRPC message: compressed or not, and its length.</summary>
    public const int GrpcPrefixBytes = 5;

    private const int MaxBacklogBytes = 8 * 1024 * 1024;
    private const int MostInBacklog = 256 * 1024; // Answers beyond it wait for the client.
    private const int MostAtOnce = 64 * 1024;

    // A client that opens no window for so long has no answer coming; watches may wait for ever.
    private static readonly TimeSpan MostPatience = TimeSpan.FromMinutes(1);

    private readonly PipeWriter _output;
    private ArrayBufferWriter<byte> _backlog = new();
    private byte[] _scratch = [];
    private TaskCompletionSource _unblocked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _initialSendWindow = Http2.DefaultWindow;
    private long _sendWindow = Http2.DefaultWindow;
    private bool _isFlushPending;
    private bool _isFlushDue;
    private int _unflushed;
    private volatile int _batchThread; // Reads frames now: what it writes is flushed when it is done with what came.
    private long _lastHeard = Environment.TickCount64;
    private long _pingedAfter = -1;
    private long _pingedAt;

    // The block of an answer's headers: field 8 (status 200), then a literal without indexing by the name of field 31, content-type.
    private static readonly byte[] AnswerBlock = [0x88, 0x0F, 0x10, 16, .. "application/grpc"u8];

    private static ReadOnlySpan<byte> StatusName => "grpc-status"u8;

    private static ReadOnlySpan<byte> MessageName => "grpc-message"u8;

    /// <summary>Sends the whole answer of a unary call, at once if the windows allow.</summary>
    /// <param name="stream">The call.</param>
    /// <param name="message">The answer.</param>
    /// <param name="size">Its size as it calculates it.</param>
    public ValueTask AnswerAsync(Http2Stream stream, IMessage message, int size)
    {
        int body = GrpcPrefixBytes + size;
        int headers = Http2.HeaderBytes + AnswerBlock.Length;
        int trailers = Http2.HeaderBytes + 2 + StatusName.Length + 2;
        lock (_gate)
        {
            if (stream.HasEnded || _isDead) { return default; }
            if (body <= Http2.MaxFrameBytes && body <= stream.SendWindow && body <= _sendWindow && _backlog.WrittenCount < MostInBacklog)
            {
                stream.SendWindow -= body;
                _sendWindow -= body;
                Span<byte> frames = Reserve(headers + Http2.HeaderBytes + body + trailers);
                WriteAnswerHeaders(frames, stream);
                frames = frames[headers..];
                Http2.WriteHeader(frames, body, FrameKind.Data, 0, stream.Id);
                frames[Http2.HeaderBytes] = 0;
                BinaryPrimitives.WriteInt32BigEndian(frames[(Http2.HeaderBytes + 1)..], size);
                message.WriteTo(frames.Slice(Http2.HeaderBytes + GrpcPrefixBytes, size));
                frames = frames[(Http2.HeaderBytes + body)..];
                Http2.WriteHeader(frames, 2 + StatusName.Length + 2, FrameKind.Headers, Http2.EndHeaders | Http2.EndStream, stream.Id);
                WriteLiteral(frames[Http2.HeaderBytes..], StatusName, "0"u8);
                End(stream);
                FlushLater();
                return default;
            }
        }

        return AnswerInPartsAsync(stream, message, size);
    }

    /// <summary>Sends a part of the answer's body, as fast as the client takes it.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled, or nobody reads the answer any more.</exception>
    /// <exception cref="TimeoutException">The client of a unary call has taken nothing for a minute.</exception>
    public async ValueTask SendAsync(Http2Stream stream, ReadOnlyMemory<byte> bytes, CancellationToken stop)
    {
        while (true)
        {
            Task wait;
            lock (_gate)
            {
                if (stream.HasEnded || _isDead) { throw new OperationCanceledException("nobody reads the answer"); }
                if (!stream.HasSentHeaders)
                {
                    WriteAnswerHeaders(Reserve(Http2.HeaderBytes + AnswerBlock.Length), stream);
                    stream.HasSentHeaders = true;
                    Flush();
                }

                int length = (int)Math.Max(0, Math.Min(Math.Min(bytes.Length, MostAtOnce), Math.Min(stream.SendWindow, _sendWindow)));
                if (_isFlushPending)
                {
                    wait = _unblocked.Task;
                }
                else if (length > 0 || bytes.IsEmpty)
                {
                    WriteData(stream, bytes.Span[..length]);
                    bytes = bytes[length..];
                    Flush();
                    if (bytes.IsEmpty) { return; }
                    continue;
                }
                else
                {
                    stream.WindowOpened ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    wait = stream.WindowOpened.Task;
                }
            }

            await (stream.Requests is null ? wait.WaitAsync(MostPatience, stop) : wait.WaitAsync(stop)).ConfigureAwait(false);
        }
    }

    /// <summary>Ends a call with its status: after what was sent, or as all of the answer.</summary>
    /// <param name="stream">The call.</param>
    /// <param name="status">The number of gRPC's status.</param>
    /// <param name="message">What goes into <c>grpc-message</c>, encoded; null for none.</param>
    public void Finish(Http2Stream stream, int status, string? message)
    {
        byte[] text = message is null ? [] : System.Text.Encoding.ASCII.GetBytes(message.Length <= 8000 ? message : message[..8000]);
        Span<byte> digits = stackalloc byte[2];
        status.TryFormat(digits, out int digitCount);
        int block = (stream.HasSentHeaders ? 0 : AnswerBlock.Length) + LiteralBytes(StatusName.Length, digitCount)
            + (message is null ? 0 : LiteralBytes(MessageName.Length, text.Length));
        lock (_gate)
        {
            if (stream.HasEnded || _isDead) { return; }
            Span<byte> frame = Reserve(Http2.HeaderBytes + block);
            Http2.WriteHeader(frame, block, FrameKind.Headers, Http2.EndHeaders | Http2.EndStream, stream.Id);
            frame = frame[Http2.HeaderBytes..];
            if (!stream.HasSentHeaders)
            {
                AnswerBlock.CopyTo(frame);
                frame = frame[AnswerBlock.Length..];
            }

            int written = WriteLiteral(frame, StatusName, digits[..digitCount]);
            if (message is not null) { WriteLiteral(frame[written..], MessageName, text); }
            End(stream);
            FlushLater();
        }
    }

    /// <summary>Refuses what is no gRPC call: clients ask again over HTTP/1.1 (RFC 9113, 7).</summary>
    public void RefuseHttp(Http2Stream stream)
    {
        lock (_gate)
        {
            if (stream.HasEnded || _isDead) { return; }
            WriteReset(stream.Id, Http2Error.Http11Required);
            stream.HasEnded = true;
            _streams.Remove(stream.Id);
            FlushLater();
        }
    }

    /// <summary>Breaks an answer off: the client must not take what it has for the whole.</summary>
    public void Break(Http2Stream stream)
    {
        lock (_gate)
        {
            if (stream.HasEnded || _isDead) { return; }
            WriteReset(stream.Id, Http2Error.Internal);
            stream.HasEnded = true;
            _streams.Remove(stream.Id);
            FlushLater();
        }
    }

    /// <summary>Bytes of a streaming call's requests were read: the client may send as many more.</summary>
    public void Consumed(Http2Stream stream, int bytes)
    {
        lock (_gate)
        {
            stream.ReceiveWindow += bytes;
            stream.Uncredited += bytes;
            _unreadBytes -= bytes;
            CreditStream(stream);
        }
    }

    /// <summary>Whoever served the call is done with it, and with the object. Every call that was opened is released once.</summary>
    public void Release(Http2Stream stream)
    {
        bool ends;
        lock (_gate)
        {
            _running--;
            ends = _running == 0 && (_isClosing || _readingHasEnded);
            if (stream.Requests is not null) { _unreadBytes -= _limits.MaxRequestBytes - stream.ReceiveWindow; }
            if (!stream.HasEnded && !_isDead)
            {
                WriteReset(stream.Id, Http2Error.Internal);
                stream.HasEnded = true;
                _streams.Remove(stream.Id);
                FlushLater();
            }

            if (stream.TryReset() && !_isDead) { _spare.Push(stream); }
        }

        if (!ends) { return; }
        _quiet.TrySetResult();
        lock (_gate)
        {
            if (_readingHasEnded) { return; }
        }

        _context.Transport.Input.CancelPendingRead();
    }

    private async ValueTask AnswerInPartsAsync(Http2Stream stream, IMessage message, int size)
    {
        byte[] bytes = ArrayPool<byte>.Shared.Rent(GrpcPrefixBytes + size);
        try
        {
            bytes[0] = 0;
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(1), size);
            message.WriteTo(bytes.AsSpan(GrpcPrefixBytes, size));
            await SendAsync(stream, bytes.AsMemory(0, GrpcPrefixBytes + size), stream.Stop).ConfigureAwait(false);
            Finish(stream, 0, null);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    // Under the lock, as all below. So early that the largest request still fits into what the client thinks that it may send.
    private void CreditStream(Http2Stream stream)
    {
        int known = stream.ReceiveWindow - stream.Uncredited;
        bool isDue = stream.Uncredited >= _limits.MaxRequestBytes / 2 || (stream.Uncredited > 0 && known < _limits.MaxRequestBytes / 2);
        if (!isDue || stream.RemoteHasEnded || stream.HasEnded) { return; }
        WriteWindowUpdate(stream.Id, stream.Uncredited);
        stream.Uncredited = 0;
    }

    private void End(Http2Stream stream)
    {
        _answered++;
        stream.HasEnded = true;
        _streams.Remove(stream.Id);
        if (!stream.RemoteHasEnded) { WriteReset(stream.Id, Http2Error.None); } // RFC 9113, 8.1: the rest of the request is not needed.
    }

    private static void WriteAnswerHeaders(Span<byte> to, Http2Stream stream)
    {
        Http2.WriteHeader(to, AnswerBlock.Length, FrameKind.Headers, Http2.EndHeaders, stream.Id);
        AnswerBlock.CopyTo(to[Http2.HeaderBytes..]);
    }

    private void WriteData(Http2Stream stream, ReadOnlySpan<byte> bytes)
    {
        stream.SendWindow -= bytes.Length;
        _sendWindow -= bytes.Length;
        while (!bytes.IsEmpty)
        {
            int length = Math.Min(bytes.Length, Http2.MaxFrameBytes);
            Http2.WriteHeader(Reserve(Http2.HeaderBytes), length, FrameKind.Data, 0, stream.Id);
            _output.Write(bytes[..length]); // Never while a flush is pending.
            bytes = bytes[length..];
        }
    }

    private void WriteReset(int id, Http2Error error)
    {
        Span<byte> frame = Reserve(Http2.HeaderBytes + 4);
        Http2.WriteHeader(frame, 4, FrameKind.RstStream, 0, id);
        BinaryPrimitives.WriteInt32BigEndian(frame[Http2.HeaderBytes..], (int)error);
    }

    private void WriteWindowUpdate(int id, int more)
    {
        Span<byte> frame = Reserve(Http2.HeaderBytes + 4);
        Http2.WriteHeader(frame, 4, FrameKind.WindowUpdate, 0, id);
        BinaryPrimitives.WriteInt32BigEndian(frame[Http2.HeaderBytes..], more);
        FlushLater();
    }

    private void WriteGoAway(Http2Error error)
    {
        Span<byte> frame = Reserve(Http2.HeaderBytes + 8);
        Http2.WriteHeader(frame, 8, FrameKind.GoAway, 0, 0);
        BinaryPrimitives.WriteInt32BigEndian(frame[Http2.HeaderBytes..], _lastStream);
        BinaryPrimitives.WriteInt32BigEndian(frame[(Http2.HeaderBytes + 4)..], (int)error);
    }

    // A literal header without indexing, its name spelled out.
    private static int WriteLiteral(Span<byte> to, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        to[0] = 0;
        to[1] = (byte)name.Length; // Ours are shorter than 127.
        name.CopyTo(to[2..]);
        int at = 2 + name.Length;
        at += WriteLength(to[at..], value.Length);
        value.CopyTo(to[at..]);
        return at + value.Length;
    }

    private static int LiteralBytes(int name, int value)
    {
        Span<byte> length = stackalloc byte[5];
        return 2 + name + WriteLength(length, value) + value;
    }

    // RFC 7541, 5.1 with a prefix of 7 bits.
    private static int WriteLength(Span<byte> to, int value)
    {
        if (value < 127)
        {
            to[0] = (byte)value;
            return 1;
        }

        to[0] = 127;
        int at = 1;
        for (value -= 127; value >= 128; value >>= 7) { to[at++] = (byte)(value | 128); }
        to[at++] = (byte)value;
        return at;
    }

    // Room for a frame in the pipe, or in the backlog while that is full. To be filled before the lock is left.
    private Span<byte> Reserve(int length)
    {
        if (_isDead)
        {
            if (_scratch.Length < length) { _scratch = new byte[length]; }
            return _scratch.AsSpan(0, length);
        }

        _unflushed += length;
        if (!_isFlushPending)
        {
            Span<byte> room = _output.GetSpan(length)[..length];
            _output.Advance(length);
            return room;
        }

        if (_backlog.WrittenCount + length > MaxBacklogBytes)
        {
            // It asks, and takes no answers.
            _isDead = true;
            _context.Abort(new Microsoft.AspNetCore.Connections.ConnectionAbortedException("the client does not read its answers"));
            return Reserve(length);
        }

        Span<byte> later = _backlog.GetSpan(length)[..length];
        _backlog.Advance(length);
        return later;
    }

    private void FlushLater()
    {
        if (_batchThread == Environment.CurrentManagedThreadId && _unflushed < MostAtOnce) { _isFlushDue = true; }
        else { Flush(); }
    }

    private void Flush()
    {
        _isFlushDue = false;
        if (_isDead || _isFlushPending) { return; }
        _unflushed = 0;
        try
        {
            ValueTask<FlushResult> flush = _output.FlushAsync();
            if (flush.IsCompletedSuccessfully)
            {
                _ = flush.Result; // That nobody reads any more is seen by the reading loop.
                return;
            }

            _isFlushPending = true;
            _ = GoOnAfterAsync(flush);
        }
        catch (Exception e) when (IsBroken(e))
        {
            Die();
        }
    }

    // Nothing more can be sent. The reading loop learns of it, and ends the calls.
    private void Die()
    {
        _isDead = true;
        _backlog.Clear();
        _context.Abort();
    }

    private async Task GoOnAfterAsync(ValueTask<FlushResult> flush)
    {
        bool isBroken = false;
        try
        {
            await flush.ConfigureAwait(false);
        }
        catch (Exception e) when (IsBroken(e))
        {
            isBroken = true;
        }

        await Task.Yield(); // Never inside of Flush, whose lock its caller still holds.
        TaskCompletionSource unblocked;
        lock (_gate)
        {
            _isFlushPending = false;
            if (isBroken) { Die(); }
            if (_backlog.WrittenCount > 0 && !_isDead)
            {
                _output.Write(_backlog.WrittenSpan);
                if (_backlog.Capacity > MostInBacklog) { _backlog = new ArrayBufferWriter<byte>(); }
                else { _backlog.ResetWrittenCount(); }
                Flush();
            }

            if (_isFlushPending) { return; }
            unblocked = _unblocked;
            _unblocked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        unblocked.TrySetResult();
    }

    private void GoAway(Http2Error error)
    {
        lock (_gate)
        {
            WriteGoAway(error);
            Flush();
        }
    }

    // Answers that were written reach the client if it takes them soon.
    private async ValueTask LastFlushAsync()
    {
        Task pending;
        lock (_gate)
        {
            if (!_isFlushPending) { return; }
            pending = _unblocked.Task;
        }

        try
        {
            await pending.WaitAsync(TimeSpan.FromSeconds(5)).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _context.Abort();
        }
    }

    private void Reset(int id, Http2Error error)
    {
        lock (_gate)
        {
            WriteReset(id, error);
            FlushLater();
        }
    }

    private void ResetAndRelease(Http2Stream stream, Http2Error error)
    {
        lock (_gate)
        {
            WriteReset(stream.Id, error);
            stream.HasEnded = true;
            stream.IsDispatched = true;
            _streams.Remove(stream.Id);
            FlushLater();
        }

        Release(stream);
    }

    private void SetInitialWindow(int window)
    {
        lock (_gate)
        {
            int more = window - _initialSendWindow;
            _initialSendWindow = window;
            foreach (Http2Stream stream in _streams.Values)
            {
                if ((long)stream.SendWindow + more > int.MaxValue) { throw new Http2Exception(Http2Error.FlowControl, "a window beyond 2^31-1"); }
                stream.SendWindow += more;
                WakeIfOpen(stream);
            }
        }
    }

    private void OpenWindow(int id, int more)
    {
        Http2Stream? overflown = null;
        lock (_gate)
        {
            if (id == 0)
            {
                bool wasShut = _sendWindow <= 0;
                _sendWindow += more;
                if (_sendWindow > int.MaxValue) { throw new Http2Exception(Http2Error.FlowControl, "a window beyond 2^31-1"); }
                if (wasShut) { foreach (Http2Stream stream in _streams.Values) { WakeIfOpen(stream); } }
            }
            else if (_streams.TryGetValue(id, out Http2Stream? stream))
            {
                if ((long)stream.SendWindow + more > int.MaxValue) { overflown = stream; }
                else { stream.SendWindow += more; }
                WakeIfOpen(stream);
            }

            if (overflown is not null)
            {
                WriteReset(id, Http2Error.FlowControl);
                _streams.Remove(id);
                overflown.MarkAborted();
                FlushLater();
            }
        }

        if (overflown is null) { return; }
        overflown.Abort();
        if (overflown.IsDispatched) { return; }
        _partialBytes -= overflown.DropBody();
        Release(overflown);
    }

    private void WakeIfOpen(Http2Stream stream)
    {
        if (stream.WindowOpened is null || stream.SendWindow <= 0 || _sendWindow <= 0) { return; }
        stream.WindowOpened.TrySetResult();
        stream.WindowOpened = null;
    }

    private Timer StartPings()
    {
        bool isOff = _limits.PingAfter <= TimeSpan.Zero;
        TimeSpan period = _limits.PingAfter < _limits.PingTimeout ? _limits.PingAfter : _limits.PingTimeout;
        return new Timer(
            static self => ((Http2Connection)self!).CheckSilence(), this,
            isOff ? Timeout.InfiniteTimeSpan : _limits.PingAfter, isOff ? Timeout.InfiniteTimeSpan : period);
    }

    private void CheckSilence()
    {
        long heard = Volatile.Read(ref _lastHeard);
        long silent = Environment.TickCount64 - heard;
        lock (_gate)
        {
            if (_isDead || silent < _limits.PingAfter.TotalMilliseconds) { return; }
            if (_pingedAfter != heard)
            {
                _pingedAfter = heard;
                _pingedAt = Environment.TickCount64;
                Span<byte> frame = Reserve(Http2.HeaderBytes + 8);
                Http2.WriteHeader(frame, 8, FrameKind.Ping, 0, 0);
                frame[Http2.HeaderBytes..].Clear();
                Flush();
                return;
            }

            if (Environment.TickCount64 - _pingedAt < _limits.PingTimeout.TotalMilliseconds) { return; }
        }

        _context.Abort(new Microsoft.AspNetCore.Connections.ConnectionAbortedException("the client does not answer pings"));
    }
}
