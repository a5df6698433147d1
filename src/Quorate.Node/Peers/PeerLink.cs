using Quorate.Core;

namespace Quorate.Node.Peers;

// Counts of one link; a copy.
internal readonly record struct PeerLinkCounts(
    bool IsConnected, long QueuedBytes, long SentBytes, long SentFrames, long ReceivedBytes, long ReceivedFrames,
    long DroppedFrames, long Connects);

/*
 * The one link to one peer: at most one connection, the queue of frames for it, and the thread that writes them. Whoever
 * established a connection (the dialer's or the acceptor's thread) attaches it and then reads it.
 *
 * Frames go out in order and without gaps while a connection lasts. Without a connection they are dropped: Raft repeats
 * what matters, and a queue of stale frames would only delay it.
 */
internal sealed class PeerLink
{
    private const int KeptBufferBytes = 4 * 1024 * 1024;

    private readonly object _gate = new();
    private readonly object _receiveGate = new();
    private readonly PeerOptions _options;
    private readonly IPeerReceiver _receiver;
    private readonly Action<PeerLink, PeerConnection, string?> _changed;
    private readonly Thread _writer;
    private ByteWriter _filling = new(16 * 1024);
    private ByteWriter _writing = new(16 * 1024);
    private PeerConnection? _connection;
    private bool _writerWaits;
    private bool _toldLoss;
    private bool _isClosing;
    private bool _isAborted;
    private bool _readerWaits;
    private long _waitingReceiveBytes;
    private long _sentBytes;
    private long _sentFrames;
    private long _receivedBytes;
    private long _receivedFrames;
    private long _droppedFrames;
    private long _connects;

    public PeerLink(
        PeerAddress address, PeerOptions options, IPeerReceiver receiver,
        Action<PeerLink, PeerConnection, string?> changed)
    {
        Peer = address.Node;
        Address = address;
        _options = options;
        _receiver = receiver;
        _changed = changed;
        _writer = new Thread(WriteFrames, maxStackSize: 512 * 1024) { IsBackground = true, Name = $"quorate-send-{Peer.Value:x}" };
        _writer.Start();
    }

    public NodeId Peer { get; }

    // May change while the node runs; the next attempt to connect uses it.
    public PeerAddress Address { get; set; }

    public PeerLinkCounts Counts
    {
        get
        {
            lock (_gate)
            {
                return new PeerLinkCounts(
                    IsConnected: _connection is not null, QueuedBytes: (long)_filling.Length + _writing.Length,
                    SentBytes: Volatile.Read(ref _sentBytes), SentFrames: _sentFrames,
                    ReceivedBytes: Volatile.Read(ref _receivedBytes), ReceivedFrames: Volatile.Read(ref _receivedFrames),
                    DroppedFrames: _droppedFrames, Connects: _connects);
            }
        }
    }

    // Takes a copy of the frame, or drops it. Never waits for the network.
    public void Send(ReadOnlySpan<byte> frame)
    {
        Invariant.Holds(frame.Length <= _options.MaxFrameBytes, $"a frame of {frame.Length} bytes for {Peer}");
        lock (_gate)
        {
            bool fits = (long)_filling.Length + _writing.Length + frame.Length + PeerFrame.HeaderBytes <= _options.SendQueueBytes;
            if (_connection is not null && !_isClosing && fits)
            {
                PeerFrame.Append(_filling, PeerFrameKind.Node, frame);
                _sentFrames++;
                if (_writerWaits) { Monitor.PulseAll(_gate); }
                return;
            }

            _droppedFrames++;
            if (_toldLoss) { return; }
            _toldLoss = true; // Told once for each run of losses, not for each frame.
        }

        _receiver.Disconnected(Peer);
    }

    // Makes a connection the current one, or says why not.
    public PeerRefusal? Attach(PeerConnection connection)
    {
        PeerConnection? replaced;
        lock (_gate)
        {
            if (_isClosing) { return PeerRefusal.UnknownNode; }

            // Two processes with one id would take the link from each other for ever. A connection that was heard of lately
            // belongs to a living process, so another process that claims the id is the impostor, or comes too early: a
            // restarted node is let in by its next attempt, since its predecessor's connection stays silent.
            replaced = _connection;
            if (replaced is not null && replaced.Incarnation != connection.Incarnation &&
                replaced.MillisecondsSilent < 2 * _options.PingInterval.TotalMilliseconds)
            {
                return PeerRefusal.DuplicateNode;
            }

            _connection = connection;
            _filling.Clear();
            _toldLoss = false;
            _connects++;
            Monitor.PulseAll(_gate);
        }

        if (replaced is not null)
        {
            replaced.Close();
            _receiver.Disconnected(Peer);
        }

        _changed(this, connection, null);
        return null;
    }

    // Ends a connection; does nothing if another one has taken its place.
    public void Detach(PeerConnection connection, string reason)
    {
        bool isCurrent;
        lock (_gate)
        {
            isCurrent = _connection == connection;
            if (isCurrent)
            {
                _connection = null;
                _filling.Clear();
                _toldLoss = false;
                Monitor.PulseAll(_gate);
            }
        }

        // Closed only now: it wakes the reader, whose reason must not come before this one.
        connection.Close();
        if (!isCurrent) { return; }
        _receiver.Disconnected(Peer);
        _changed(this, connection, reason);
    }

    // Reads an attached connection until it ends. Returns why it ended.
    public string ReadFrames(PeerConnection connection)
    {
        string reason = "closed by the peer";
        try
        {
            PeerFrameReader reader = connection.Reader;
            while (reader.TryRead(_options.MaxFrameBytes, out PeerFrameKind kind, out ReadOnlyMemory<byte> payload))
            {
                connection.Heard();
                Interlocked.Add(ref _receivedBytes, payload.Length + PeerFrame.HeaderBytes);
                switch (kind)
                {
                    case PeerFrameKind.Node:
                        Interlocked.Increment(ref _receivedFrames);
                        Admit(payload.Length);
                        _receiver.Received(this, connection, payload);
                        break;
                    case PeerFrameKind.Ping: break;
                    case PeerFrameKind.Refusal: throw PeerHandshake.ReadRefusal(payload.Span);
                    default: throw new PeerProtocolException($"{kind} came after the handshake");
                }
            }
        }
        catch (Exception e) when (PeerErrors.IsConnectionError(e))
        {
            reason = connection.IsClosed ? "closed here" : PeerErrors.Describe(e);
        }

        Detach(connection, reason);
        return reason;
    }

    // The loop has dealt with a frame: the reader may go on.
    public void Release(int bytes)
    {
        lock (_receiveGate)
        {
            _waitingReceiveBytes -= bytes;
            if (_readerWaits) { Monitor.PulseAll(_receiveGate); }
        }
    }

    // First step of a stop: what is queued is still written, then the other side sees the end of the stream.
    public void BeginClose()
    {
        lock (_gate)
        {
            _isClosing = true;
            Monitor.PulseAll(_gate);
        }
    }

    // Ends the connection now.
    public void Abort()
    {
        BeginClose();
        PeerConnection? connection;
        lock (_gate) { connection = _connection; }
        lock (_receiveGate)
        {
            _isAborted = true;
            Monitor.PulseAll(_receiveGate);
        }

        if (connection is not null) { Detach(connection, "closed here"); }
    }

    // Sleeps between two attempts to connect; false if the link is closing.
    public bool PauseBeforeDial(TimeSpan pause)
    {
        long until = Environment.TickCount64 + (long)pause.TotalMilliseconds;
        lock (_gate)
        {
            while (!_isClosing && until - Environment.TickCount64 is > 0 and long left) { Monitor.Wait(_gate, (int)left); }
            return !_isClosing;
        }
    }

    public bool IsClosing
    {
        get { lock (_gate) { return _isClosing; } }
    }

    public bool Join(TimeSpan timeout) => _writer.Join(timeout);

    // A peer that sends faster than the loop works is slowed down by TCP, at its own end.
    private void Admit(int bytes)
    {
        lock (_receiveGate)
        {
            // One frame is always let in, however large.
            while (!_isAborted && _waitingReceiveBytes > 0 && _waitingReceiveBytes + bytes > _options.ReceiveQueueBytes)
            {
                _readerWaits = true;
                Monitor.Wait(_receiveGate);
                _readerWaits = false;
            }

            _waitingReceiveBytes += bytes;
        }
    }

    private void WriteFrames()
    {
        try
        {
            while (NextBatch() is { } connection) { WriteBatch(connection); }
        }
        catch (Exception e) { _receiver.Failed(e); }
    }

    private void WriteBatch(PeerConnection connection)
    {
        try
        {
            PeerFrame.Seal(_writing);
            connection.Stream.Write(_writing.Written);
            Interlocked.Add(ref _sentBytes, _writing.Length);
        }
        catch (Exception e) when (PeerErrors.IsConnectionError(e))
        {
            Detach(connection, connection.IsClosed ? "closed here" : $"cannot send: {PeerErrors.Describe(e)}");
        }
    }

    // Waits for frames, or for the time of a ping, and moves all of them to _writing. Null: the link is closed.
    private PeerConnection? NextBatch()
    {
        lock (_gate)
        {
            // A burst must not keep its memory for ever.
            if (_writing.Length > KeptBufferBytes) { _writing = new ByteWriter(16 * 1024); }
            _writing.Clear();
            while (_filling.Length == 0)
            {
                if (_isClosing)
                {
                    _connection?.EndSending();
                    return null;
                }

                _writerWaits = true;
                bool wasWoken = Monitor.Wait(_gate, _connection is null ? Timeout.InfiniteTimeSpan : _options.PingInterval);
                _writerWaits = false;
                if (!wasWoken && _connection is not null && _filling.Length == 0)
                {
                    PeerFrame.Append(_filling, PeerFrameKind.Ping, default);
                }
            }

            (_filling, _writing) = (_writing, _filling);
            return _connection;
        }
    }
}
