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
    /// <param name="start">What <see cref="TryPeek"/> said.</param>
    /// <param name="ticket">Comes back with what became of it.</param>
    ReadOnlySpan<byte> Take(long start, out BenchTicket ticket);

    /// <summary>Looks at the answer's message.</summary>
    /// <returns>Null if it is good; else what the failure is called.</returns>
    string? Judge(in BenchTicket ticket, long start, ReadOnlySpan<byte> answer);

    /// <summary>It was answered, well.</summary>
    void Done(in BenchTicket ticket, long start, long now);

    /// <summary>It failed.</summary>
    void Failed(in BenchTicket ticket, long start, string kind);
}

/// <summary>Takes the messages of a stream that stays open. Called by the connection's thread only.</summary>
internal interface IBenchSink
{
    /// <summary>A message has come.</summary>
    void Message(ReadOnlySpan<byte> message, long now);

    /// <summary>No more will come.</summary>
    void Ended(string why);
}

/// <summary>
/// One TCP connection with a number of requests in flight, driven by one thread: reads what has come, records it, writes all
/// that may start, in one send. No allocation per request.
/// </summary>
internal sealed class BenchConnection : IDisposable
{
    private const long Second = 1_000_000_000;
    private const int Refill = 1 << 30;
    private const int LeastStreamWindow = 1024; // What is sent on streams that stay open is smaller.
    private const int MostMessageBytes = 256 << 20;
    private const int PrefixBytes = 5; // gRPC: a flag and the length.
    private const string Good = "good";
    private static readonly string[] StatusNames =
        ["ok", "canceled", "unknown", "invalid argument", "deadline exceeded", "not found", "already exists",
         "permission denied", "resource exhausted", "failed precondition", "aborted", "out of range", "unimplemented",
         "internal", "unavailable", "data loss", "unauthenticated"];

    private readonly Socket _socket;
    private readonly TlsRecords? _records;
    private readonly SslStream? _tls;
    private readonly int _lanes;
    private readonly HeaderBlocks _headers;
    private readonly byte[][] _turns;
    private readonly Dictionary<int, Exchange> _streams = [];
    private readonly Queue<Exchange> _idle = []; // Streams that stay open, and wait for their next request.
    private readonly Stack<Exchange> _spare = [];
    private readonly byte[] _in = new byte[256 * 1024];
    private byte[] _out = new byte[64 * 1024];
    private int _inLength;
    private int _outLength;
    private int _inFlight;
    private int _turn;
    private int _nextStream = 1;
    private long _connectionWindow = Http2Frames.InitialWindow;
    private int _streamWindow = Http2Frames.InitialWindow;
    private int _mostStreams = int.MaxValue;
    private int _received;
    private bool _hasSettings;
    private bool _isClosing;

    /// <summary>Connects and exchanges settings.</summary>
    /// <param name="endpoint">http or https.</param>
    /// <param name="lanes">Requests in flight at most.</param>
    /// <param name="tls">For https: certificates and trust.</param>
    /// <param name="metadata">Headers of every request.</param>
    /// <param name="turns">Headers that streams have in turn, one each; null or none: no such header.</param>
    /// <exception cref="SocketException">Nobody is there.</exception>
    /// <exception cref="IOException">Somebody is there who does not speak HTTP/2.</exception>
    public BenchConnection(
        Uri endpoint, int lanes, SslClientAuthenticationOptions? tls = null, (string Name, string Value)[]? metadata = null,
        (string Name, string Value)[]? turns = null)
    {
        _lanes = lanes;
        bool isTls = endpoint.Scheme == Uri.UriSchemeHttps;
        _headers = new HeaderBlocks(endpoint.Authority, isTls, metadata ?? []);
        _turns = [.. (turns ?? []).Select(t => HeaderBlocks.Once(t.Name, t.Value))];
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

    /// <summary>To wait for several connections at once.</summary>
    public Socket Socket => _socket;

    /// <summary>Something has been read from the socket that was not handed over yet.</summary>
    public bool HasWaiting => _records is { HasWaiting: true };

    /// <summary>Opens a stream whose messages go to a sink.</summary>
    /// <returns>Its number.</returns>
    public int OpenStream(string path, IBenchSink sink)
    {
        Exchange exchange = Open(path, true);
        exchange.Sink = sink;
        return exchange.Stream;
    }

    /// <summary>Sends a message on such a stream, with the next <see cref="Flush"/>.</summary>
    /// <returns>False if the server takes no more for now, or the stream has ended.</returns>
    public bool TrySend(int stream, ReadOnlySpan<byte> message)
    {
        if (!_streams.TryGetValue(stream, out Exchange? exchange) || message.Length > Math.Min(exchange.Window, _connectionWindow)) { return false; }
        exchange.Window -= message.Length;
        _connectionWindow -= message.Length;
        Reserve(Http2Frames.HeaderBytes + message.Length);
        Frame(message, Http2Frames.Data, 0, stream);
        return true;
    }

    /// <summary>Sends all requests that are due and fit.</summary>
    /// <returns>When to look again though nothing has come.</returns>
    public long Start(IBenchLoad load, long now)
    {
        StartAll(load, now, out long next);
        Flush();
        return next;
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
                if (!hasMore && _inFlight == 0) { return true; }
                if (now >= stopAt)
                {
                    FailAll(load, BenchErrors.NoAnswer);
                    return true;
                }

                if (_isClosing && _inFlight == 0) { return false; }
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
            if (_isClosing || _inFlight >= _lanes || _inFlight >= _mostStreams) { return true; }
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
        if (_connectionWindow < Http2Frames.InitialWindow / 2 || _idle.TryPeek(out Exchange? waiting) && waiting.Window < LeastStreamWindow) { return false; }
        ReadOnlySpan<byte> message = load.Take(start, out BenchTicket ticket);
        if (message.Length > _streamWindow || message.Length > _connectionWindow)
        {
            load.Failed(ticket, start, $"the server's window of {Math.Min(_streamWindow, _connectionWindow)} bytes is too small");
            return true;
        }

        bool stays = ticket.Step.Kind.IsStream;
        Exchange exchange = stays && _idle.TryDequeue(out Exchange? open) ? open : Open(ticket.Step.Kind.Path, stays);
        (exchange.Ticket, exchange.Start, exchange.IsInFlight) = (ticket, start, true);
        _inFlight++;
        _connectionWindow -= message.Length;
        exchange.Window -= message.Length;
        Reserve((message.Length / Http2Frames.MaxFrameBytes + 1) * Http2Frames.HeaderBytes + message.Length);
        while (!message.IsEmpty)
        {
            ReadOnlySpan<byte> piece = message[..Math.Min(message.Length, Http2Frames.MaxFrameBytes)];
            message = message[piece.Length..];
            Frame(piece, Http2Frames.Data, message.IsEmpty && !stays ? Http2Frames.EndStream : (byte)0, exchange.Stream);
        }

        return true;
    }

    private Exchange Open(string path, bool stays)
    {
        byte[] block = _headers.For(path);
        byte[] turn = [];
        if (_turns.Length > 0)
        {
            turn = _turns[_turn];
            _turn = (_turn + 1) % _turns.Length;
        }

        Reserve(Http2Frames.HeaderBytes + block.Length + turn.Length);
        Frame(block, Http2Frames.Headers, Http2Frames.EndHeaders, _nextStream, turn);
        Exchange exchange = _spare.TryPop(out Exchange? spare) ? spare : new Exchange();
        exchange.Begin(_nextStream, _streamWindow, stays);
        _streams.Add(_nextStream, exchange);
        if (_nextStream == int.MaxValue) { _isClosing = true; }
        else { _nextStream += 2; }
        return exchange;
    }

    // False if nothing came in time.
    private bool Read(long nanoseconds, IBenchLoad? load)
    {
        if (!HasWaiting && (nanoseconds <= 0 || !BenchClock.WaitReadable(_socket, Math.Min(nanoseconds, 3600 * Second)))) { return false; }
        Receive(load);
        return true;
    }

    /// <summary>Reads what has come; waits if nothing has.</summary>
    /// <param name="load">Takes the answers; null while the connection is set up.</param>
    /// <exception cref="SocketException">The connection is lost.</exception>
    /// <exception cref="IOException">The server has closed it, or does not speak HTTP/2.</exception>
    public void Receive(IBenchLoad? load)
    {
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
    }

    private void Take(byte type, byte flags, int stream, ReadOnlySpan<byte> payload, IBenchLoad? load, long now)
    {
        switch (type)
        {
            case Http2Frames.Data:
                Received(payload.Length, stream);
                if ((flags & Http2Frames.Padded) != 0) { throw new IOException("the server pads its frames, which bench does not read"); }
                if (load is not null && _streams.TryGetValue(stream, out Exchange? open)) { open.Add(payload, this, load, now); }
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
            case Http2Frames.WindowUpdate when payload.Length == 4:
                if (_streams.TryGetValue(stream, out Exchange? wider)) { wider.Window += BinaryPrimitives.ReadInt32BigEndian(payload) & int.MaxValue; }
                break;
            default: break;
        }
    }

    // A whole message has come.
    private void Answered(Exchange exchange, ReadOnlySpan<byte> message, IBenchLoad load, long now)
    {
        exchange.Sink?.Message(message, now);
        if (!exchange.IsInFlight) { return; }
        exchange.Verdict = load.Judge(exchange.Ticket, exchange.Start, message) ?? Good;
        if (!exchange.Stays) { return; } // A status comes too.
        Finish(exchange, load, now, null);
        _idle.Enqueue(exchange);
    }

    // A status other than ok, or ok without a message, is a failure.
    private void End(int stream, IBenchLoad? load, long now, string? failure)
    {
        if (load is null || !_streams.Remove(stream, out Exchange? exchange)) { return; }
        exchange.Sink?.Ended(failure ?? "the server has ended it");
        if (exchange.IsInFlight) { Finish(exchange, load, now, failure ?? (exchange.Stays ? "the stream has ended" : null)); }
        else { RemoveIdle(exchange); }
        _spare.Push(exchange);
    }

    private void Finish(Exchange exchange, IBenchLoad load, long now, string? failure)
    {
        _inFlight--;
        exchange.IsInFlight = false;
        failure ??= exchange.Verdict is null ? "the answer is empty" : ReferenceEquals(exchange.Verdict, Good) ? null : exchange.Verdict;
        exchange.Verdict = null;
        if (failure is null) { load.Done(exchange.Ticket, exchange.Start, now); }
        else { load.Failed(exchange.Ticket, exchange.Start, failure); }
    }

    private void RemoveIdle(Exchange ended)
    {
        for (int i = _idle.Count; i > 0; i--)
        {
            Exchange one = _idle.Dequeue();
            if (one != ended) { _idle.Enqueue(one); }
        }
    }

    private void TakeSettings(ReadOnlySpan<byte> payload)
    {
        for (; payload.Length >= 6; payload = payload[6..])
        {
            uint value = BinaryPrimitives.ReadUInt32BigEndian(payload[2..]);
            switch (BinaryPrimitives.ReadUInt16BigEndian(payload))
            {
                case 3: _mostStreams = (int)Math.Min(value, int.MaxValue); break;
                case 4:
                    int window = (int)Math.Min(value, int.MaxValue);
                    foreach (Exchange open in _streams.Values) { open.Window += window - _streamWindow; } // RFC 9113, 6.9.2.
                    _streamWindow = window;
                    break;
                default: break;
            }
        }

        _hasSettings = true;
        Reserve(Http2Frames.HeaderBytes);
        Frame([], Http2Frames.Settings, Http2Frames.Ack, 0);
    }

    // The windows we opened are 2 GiB; topped up every GiB.
    private void Received(int bytes, int stream)
    {
        _received += bytes;
        if (_received >= Refill)
        {
            Append(Http2Frames.WindowUpdateFrame(_received));
            _received = 0;
        }

        if (!_streams.TryGetValue(stream, out Exchange? open) || (open.Received += bytes) < Refill) { return; }
        Append(Http2Frames.WindowUpdateFrame(open.Received, stream));
        open.Received = 0;
    }

    private void FailAll(IBenchLoad load, string kind)
    {
        foreach (Exchange exchange in _streams.Values)
        {
            if (exchange.IsInFlight) { load.Failed(exchange.Ticket, exchange.Start, kind); }
        }

        _streams.Clear();
        _idle.Clear();
        _inFlight = 0;
    }

    private void Frame(ReadOnlySpan<byte> payload, byte type, byte flags, int stream, ReadOnlySpan<byte> more = default)
    {
        Http2Frames.WriteHeader(_out.AsSpan(_outLength), payload.Length + more.Length, type, flags, stream);
        _outLength += Http2Frames.HeaderBytes;
        payload.CopyTo(_out.AsSpan(_outLength));
        more.CopyTo(_out.AsSpan(_outLength + payload.Length));
        _outLength += payload.Length + more.Length;
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

    /// <summary>Sends what is waiting to be sent.</summary>
    public void Flush()
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

    /// <summary>A stream: one request and its answer, or, if it stays open, one after the other.</summary>
    private sealed class Exchange
    {
        private byte[] _part = [];
        private int _partLength;

        public int Stream { get; private set; }

        /// <summary>The next request takes the same stream.</summary>
        public bool Stays { get; private set; }

        /// <summary>Bytes that the server takes at once.</summary>
        public long Window { get; set; }

        /// <summary>Bytes that came since the window was topped up.</summary>
        public int Received { get; set; }

        /// <summary>Takes the messages of a stream that is not for requests; null of others.</summary>
        public IBenchSink? Sink { get; set; }

        public BenchTicket Ticket { get; set; }

        public long Start { get; set; }

        public bool IsInFlight { get; set; }

        /// <summary>What the load thinks of the answer; null: there is none yet.</summary>
        public string? Verdict { get; set; }

        public void Begin(int stream, int window, bool stays)
        {
            (Stream, Window, Stays) = (stream, window, stays);
            (_partLength, Received, IsInFlight, Verdict, Sink) = (0, 0, false, null, null);
        }

        /// <summary>Takes the bytes of a frame: messages need not begin or end where frames do.</summary>
        public void Add(ReadOnlySpan<byte> bytes, BenchConnection connection, IBenchLoad load, long now)
        {
            while (!bytes.IsEmpty)
            {
                if (_partLength == 0 && bytes.Length >= PrefixBytes && bytes.Length - PrefixBytes >= LengthOf(bytes))
                {
                    int length = LengthOf(bytes);
                    connection.Answered(this, bytes.Slice(PrefixBytes, length), load, now);
                    bytes = bytes[(PrefixBytes + length)..];
                    continue;
                }

                int wanted = _partLength < PrefixBytes ? PrefixBytes : PrefixBytes + LengthOf(_part);
                int taken = Math.Min(wanted - _partLength, bytes.Length);
                if (_part.Length < _partLength + taken) { Array.Resize(ref _part, Math.Max(_part.Length * 2, _partLength + taken)); }
                bytes[..taken].CopyTo(_part.AsSpan(_partLength));
                _partLength += taken;
                bytes = bytes[taken..];
                if (_partLength < PrefixBytes || _partLength < PrefixBytes + LengthOf(_part)) { continue; }
                ReadOnlySpan<byte> whole = _part.AsSpan(PrefixBytes, _partLength - PrefixBytes);
                _partLength = 0;
                connection.Answered(this, whole, load, now);
            }
        }

        private static int LengthOf(ReadOnlySpan<byte> prefix)
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
            if (prefix[0] != 0) { throw new IOException("the server compresses its answers, which bench does not read"); }
            return length <= MostMessageBytes ? (int)length : throw new IOException($"the server sends a message of {length} bytes");
        }
    }
}
