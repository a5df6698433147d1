using System.Buffers.Binary;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace Quorate.Bench;

/// <summary>Gives a connection its next request, and takes what became of it. Called by the connection's thread only.</summary>
internal interface IBenchLoad
{
    /// <summary>When the next request is to start, in <see cref="BenchClock"/>'s nanoseconds; in the past: at once.</summary>
    /// <returns>False if there is none any more.</returns>
    bool TryPeek(long now, out long start);

    /// <summary>The message of that request. Valid until the next call.</summary>
    ReadOnlySpan<byte> Take();

    /// <summary>It was answered.</summary>
    void Done(long start, long now);

    /// <summary>It failed.</summary>
    void Failed(long start, string kind);
}

/// <summary>
/// One TCP connection with a number of requests in flight, driven by one thread: reads what has come, records it, writes all
/// that may start, in one send. No allocation per request.
/// </summary>
internal sealed class BenchConnection : IDisposable
{
    private const long Second = 1_000_000_000;
    private static readonly string[] StatusNames =
        ["ok", "canceled", "unknown", "invalid argument", "deadline exceeded", "not found", "already exists",
         "permission denied", "resource exhausted", "failed precondition", "aborted", "out of range", "unimplemented",
         "internal", "unavailable", "data loss", "unauthenticated"];

    private readonly Socket _socket;
    private readonly TlsRecords? _records;
    private readonly SslStream? _tls;
    private readonly int _lanes;
    private readonly byte[] _firstBlock;
    private readonly byte[] _laterBlock;
    private readonly Dictionary<int, (long Start, bool HasMessage)> _streams = [];
    private readonly byte[] _in = new byte[256 * 1024];
    private byte[] _out = new byte[64 * 1024];
    private int _inLength;
    private int _outLength;
    private int _nextStream = 1;
    private long _connectionWindow = Http2Frames.InitialWindow;
    private int _streamWindow = Http2Frames.InitialWindow;
    private int _mostStreams = int.MaxValue;
    private int _received;
    private bool _hasSettings;
    private bool _isClosing;

    /// <summary>Connects and exchanges settings.</summary>
    /// <param name="endpoint">http or https.</param>
    /// <param name="path"><c>/package.Service/Method</c>.</param>
    /// <param name="lanes">Requests in flight at most.</param>
    /// <param name="tls">For https: certificates and trust.</param>
    /// <exception cref="SocketException">Nobody is there.</exception>
    /// <exception cref="IOException">Somebody is there who does not speak HTTP/2.</exception>
    public BenchConnection(Uri endpoint, string path, int lanes, SslClientAuthenticationOptions? tls = null)
    {
        _lanes = lanes;
        bool isTls = endpoint.Scheme == Uri.UriSchemeHttps;
        _firstBlock = Http2Frames.FirstBlock(path, endpoint.Authority, isTls);
        _laterBlock = Http2Frames.LaterBlock(isTls);
        _socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, SendTimeout = 10_000 };
        try
        {
            _socket.Connect(endpoint.IdnHost.Trim('[', ']'), endpoint.Port);
            if (isTls)
            {
                _records = new TlsRecords(_socket);
                _tls = Encrypt(_records, endpoint.IdnHost.Trim('[', ']'), tls);
            }

            Append(Http2Frames.Preface());
            Flush();
            long until = BenchClock.Now() + 5 * Second;
            while (!_hasSettings)
            {
                if (!Read(until - BenchClock.Now(), null)) { throw new IOException("no HTTP/2 settings came within 5 s"); }
            }

            Flush();
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
    }

    /// <summary>Runs a load until it has no more requests and all are answered.</summary>
    /// <param name="load">What to send.</param>
    /// <param name="stopAt">Gives up then, whatever is in flight.</param>
    /// <returns>False if the connection broke; what was in flight has failed.</returns>
    public bool Run(IBenchLoad load, long stopAt)
    {
        try
        {
            while (true)
            {
                long now = BenchClock.Now();
                bool hasMore = StartAll(load, now, out long next);
                Flush();
                if (!hasMore && _streams.Count == 0) { return true; }
                if (now >= stopAt)
                {
                    FailAll(load, BenchErrors.NoAnswer);
                    return true;
                }

                if (_isClosing && _streams.Count == 0) { return false; }
                Read(Math.Min(next, stopAt) - now, load);
            }
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            FailAll(load, BenchErrors.ConnectionLost);
            return false;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _tls?.Dispose();
        _socket.Dispose();
    }

    private SslStream Encrypt(TlsRecords records, string host, SslClientAuthenticationOptions? given)
    {
        var stream = new SslStream(records);
        try
        {
            _socket.ReceiveTimeout = 5000;
            stream.AuthenticateAsClient(new SslClientAuthenticationOptions
            {
                TargetHost = host,
                ApplicationProtocols = [SslApplicationProtocol.Http2],
                CertificateChainPolicy = given?.CertificateChainPolicy?.Clone(),
                ClientCertificateContext = given?.ClientCertificateContext,
                RemoteCertificateValidationCallback = given?.RemoteCertificateValidationCallback,
            });
            _socket.ReceiveTimeout = 0;
            return stream;
        }
        catch (AuthenticationException e)
        {
            stream.Dispose();
            throw new IOException($"TLS: {e.GetBaseException().Message}", e);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    // Starts what is due and fits. Next: when to look again though nothing comes in.
    private bool StartAll(IBenchLoad load, long now, out long next)
    {
        next = long.MaxValue;
        while (true)
        {
            if (!load.TryPeek(now, out long start)) { return false; }
            if (_isClosing || _streams.Count >= _lanes || _streams.Count >= _mostStreams) { return true; }
            if (start > now)
            {
                next = start;
                return true;
            }

            if (!TrySend(load, start)) { return true; } // The server's window is full: its update will come.
        }
    }

    private bool TrySend(IBenchLoad load, long start)
    {
        if (_connectionWindow < Http2Frames.InitialWindow / 2) { return false; }
        ReadOnlySpan<byte> message = load.Take();
        if (message.Length > _streamWindow || message.Length > _connectionWindow)
        {
            load.Failed(start, $"the server's window of {Math.Min(_streamWindow, _connectionWindow)} bytes is too small");
            return true;
        }

        byte[] block = _nextStream == 1 ? _firstBlock : _laterBlock;
        int frames = (message.Length + Http2Frames.MaxFrameBytes - 1) / Http2Frames.MaxFrameBytes;
        Reserve((frames + 1) * Http2Frames.HeaderBytes + block.Length + message.Length);
        Frame(block, Http2Frames.Headers, Http2Frames.EndHeaders, _nextStream);
        _connectionWindow -= message.Length;
        while (!message.IsEmpty)
        {
            ReadOnlySpan<byte> piece = message[..Math.Min(message.Length, Http2Frames.MaxFrameBytes)];
            message = message[piece.Length..];
            Frame(piece, Http2Frames.Data, message.IsEmpty ? Http2Frames.EndStream : (byte)0, _nextStream);
        }

        _streams.Add(_nextStream, (start, false));
        if (_nextStream == int.MaxValue) { _isClosing = true; }
        else { _nextStream += 2; }
        return true;
    }

    // False if nothing came in time.
    private bool Read(long nanoseconds, IBenchLoad? load)
    {
        bool isWaiting = _records is { HasWaiting: true };
        if (!isWaiting && (nanoseconds <= 0 || !BenchClock.WaitReadable(_socket, Math.Min(nanoseconds, 3600 * Second)))) { return false; }
        int read = _tls?.Read(_in, _inLength, _in.Length - _inLength)
            ?? _socket.Receive(_in, _inLength, _in.Length - _inLength, SocketFlags.None);
        if (read == 0) { throw new IOException("the server closed the connection"); }
        long now = BenchClock.Now();
        _inLength += read;
        int at = 0;
        while (_inLength - at >= Http2Frames.HeaderBytes)
        {
            int length = _in[at] << 16 | _in[at + 1] << 8 | _in[at + 2];
            if (length > Http2Frames.MaxFrameBytes) { throw new IOException("the server does not speak HTTP/2"); }
            if (_inLength - at - Http2Frames.HeaderBytes < length) { break; }
            int stream = BinaryPrimitives.ReadInt32BigEndian(_in.AsSpan(at + 5)) & int.MaxValue;
            Take(_in[at + 3], _in[at + 4], stream, _in.AsSpan(at + Http2Frames.HeaderBytes, length), load, now);
            at += Http2Frames.HeaderBytes + length;
        }

        _inLength -= at;
        _in.AsSpan(at, _inLength).CopyTo(_in);
        return true;
    }

    private void Take(byte type, byte flags, int stream, ReadOnlySpan<byte> payload, IBenchLoad? load, long now)
    {
        switch (type)
        {
            case Http2Frames.Data:
                Received(payload.Length);
                if (!payload.IsEmpty && _streams.TryGetValue(stream, out (long Start, bool) open)) { _streams[stream] = (open.Start, true); }
                if ((flags & Http2Frames.EndStream) != 0) { End(stream, load, now, "the answer has no status"); }
                break;
            case Http2Frames.Headers when (flags & Http2Frames.EndStream) != 0:
                int status = Http2Frames.GrpcStatus(payload);
                End(stream, load, now, status == 0 ? null : status > 0 && status < StatusNames.Length ? StatusNames[status] : $"status {status}");
                break;
            case Http2Frames.RstStream: End(stream, load, now, "stream reset"); break;
            case Http2Frames.Settings when (flags & Http2Frames.Ack) == 0: TakeSettings(payload); break;
            case Http2Frames.Ping when (flags & Http2Frames.Ack) == 0:
                Reserve(payload.Length + Http2Frames.HeaderBytes);
                Frame(payload, Http2Frames.Ping, Http2Frames.Ack, 0);
                break;
            case Http2Frames.GoAway: _isClosing = true; break;
            case Http2Frames.WindowUpdate when stream == 0 && payload.Length == 4:
                _connectionWindow += BinaryPrimitives.ReadInt32BigEndian(payload) & int.MaxValue;
                break;
            default: break;
        }
    }

    // A status other than ok, or ok without a message, is a failure.
    private void End(int stream, IBenchLoad? load, long now, string? failure)
    {
        if (load is null || !_streams.Remove(stream, out (long Start, bool HasMessage) open)) { return; }
        if (failure is null && open.HasMessage) { load.Done(open.Start, now); }
        else { load.Failed(open.Start, failure ?? "the answer is empty"); }
    }

    private void TakeSettings(ReadOnlySpan<byte> payload)
    {
        for (; payload.Length >= 6; payload = payload[6..])
        {
            uint value = BinaryPrimitives.ReadUInt32BigEndian(payload[2..]);
            switch (BinaryPrimitives.ReadUInt16BigEndian(payload))
            {
                case 3: _mostStreams = (int)Math.Min(value, int.MaxValue); break;
                case 4: _streamWindow = (int)Math.Min(value, int.MaxValue); break;
                default: break;
            }
        }

        _hasSettings = true;
        Reserve(Http2Frames.HeaderBytes);
        Frame([], Http2Frames.Settings, Http2Frames.Ack, 0);
    }

    // The windows we opened are 2 GiB; topped up every GiB.
    private void Received(int bytes)
    {
        _received += bytes;
        if (_received < 1 << 30) { return; }
        Append(Http2Frames.WindowUpdateFrame(_received));
        _received = 0;
    }

    private void FailAll(IBenchLoad load, string kind)
    {
        foreach ((long start, bool _) in _streams.Values) { load.Failed(start, kind); }
        _streams.Clear();
    }

    private void Frame(ReadOnlySpan<byte> payload, byte type, byte flags, int stream)
    {
        Http2Frames.WriteHeader(_out.AsSpan(_outLength), payload.Length, type, flags, stream);
        payload.CopyTo(_out.AsSpan(_outLength + Http2Frames.HeaderBytes));
        _outLength += Http2Frames.HeaderBytes + payload.Length;
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        Reserve(bytes.Length);
        bytes.CopyTo(_out.AsSpan(_outLength));
        _outLength += bytes.Length;
    }

    private void Reserve(int bytes)
    {
        if (_out.Length - _outLength < bytes) { Array.Resize(ref _out, Math.Max(_out.Length * 2, _outLength + bytes)); }
    }

    private void Flush()
    {
        if (_outLength == 0) { return; }
        if (_tls is not null)
        {
            _tls.Write(_out, 0, _outLength);
            _outLength = 0;
            return;
        }

        for (int sent = 0; sent < _outLength;) { sent += _socket.Send(_out, sent, _outLength - sent, SocketFlags.None); }
        _outLength = 0;
    }
}
