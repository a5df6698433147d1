using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Quorate.Core;
using Quorate.Node.Logging;

namespace Quorate.Node.Peers;

/*
 * All links of a node: the listener, one link per peer, and the threads that call peers. Of two nodes the one with the
 * smaller id calls, so that there is one connection per pair and no race about which of two survives. Frames travel both ways.
 */
internal sealed class PeerNetwork : IDisposable
{
    private readonly PeerIdentity _self;
    private readonly PeerOptions _options;
    private readonly IPeerReceiver _receiver;
    private readonly INodeLog _log;
    private readonly LineLimiter _limiter;
    private readonly LineLimiter _changeLimiter;
    private readonly Socket _listener;
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<PeerConnection, byte> _unidentified = [];
    private readonly ConcurrentDictionary<PeerConnection, byte> _dialing = [];
    private readonly List<Thread> _threads = [];
    private volatile ImmutableSortedDictionary<NodeId, PeerLink> _links = ImmutableSortedDictionary<NodeId, PeerLink>.Empty;
    private volatile bool _isClosing;

    // Binds at once, so that a port in use is told before anything else is started; Start begins to accept and to call.
    public PeerNetwork(PeerIdentity self, PeerOptions options, IPeerReceiver receiver, INodeLog log)
    {
        _self = self;
        _options = options;
        _receiver = receiver;
        _log = log;
        _limiter = new LineLimiter(options.LogInterval);
        _changeLimiter = new LineLimiter(options.LogInterval / 12);
        _listener = new Socket(options.Listen.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            _listener.Bind(options.Listen);
            _listener.Listen(128);
        }
        catch (SocketException e)
        {
            _listener.Dispose();
            throw new IOException($"cannot listen for peers on {options.Listen}: {e.Message}", e);
        }

        Local = (IPEndPoint)_listener.LocalEndPoint!;
    }

    // Where it listens, with the port that was chosen if none was asked for.
    public IPEndPoint Local { get; }

    public ImmutableSortedDictionary<NodeId, PeerLink> Links => _links;

    public void Start() => Spawn("quorate-accept", AcceptAll);

    // Adds a peer, or changes the address of one.
    public void SetPeer(PeerAddress address)
    {
        Invariant.Holds(address.Node != _self.Node, $"{address.Node} is no peer of itself");
        PeerLink link;
        lock (_gate)
        {
            if (_isClosing) { return; }
            if (_links.TryGetValue(address.Node, out PeerLink? known))
            {
                known.Address = address;
                return;
            }

            link = new PeerLink(address, _options, _receiver, LogChange);
            _links = _links.Add(address.Node, link);
        }

        if (_self.Node.CompareTo(address.Node) < 0) { Spawn($"quorate-peer-{address.Node.Value:x}", () => CallForEver(link)); }
    }

    // Forgets a peer: its connection ends and it is refused from now on.
    public void RemovePeer(NodeId peer)
    {
        PeerLink? link;
        lock (_gate)
        {
            if (!_links.TryGetValue(peer, out link)) { return; }
            _links = _links.Remove(peer);
        }

        link.Abort();
    }

    public void Send(NodeId to, ReadOnlySpan<byte> frame)
    {
        if (_links.TryGetValue(to, out PeerLink? link))
        {
            link.Send(frame);
        }
        else if (_limiter.MayWrite($"peer-without-address {to.Value:x}", out long suppressed))
        {
            _log.Write(LogSeverity.Warning, "peer-without-address", new("peer", Name(to)), new("suppressed", suppressed));
        }
    }

    // Sends what is queued and closes, within the timeout.
    public void Close(TimeSpan timeout)
    {
        long until = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        StopAccepting();
        foreach (PeerLink link in _links.Values) { link.BeginClose(); }
        foreach (PeerLink link in _links.Values) { link.Join(Left(until)); }
        Abort(until);
    }

    // Closes at once; queued frames are lost.
    public void Dispose()
    {
        StopAccepting();
        Abort(Environment.TickCount64 + 1000);
    }

    private void Abort(long until)
    {
        foreach (PeerLink link in _links.Values) { link.Abort(); }
        foreach (PeerConnection connection in _unidentified.Keys.Concat(_dialing.Keys)) { connection.Close(); }
        Thread[] threads;
        lock (_gate) { threads = [.. _threads]; }
        foreach (Thread thread in threads) { thread.Join(Left(until)); }
    }

    private static TimeSpan Left(long until) => TimeSpan.FromMilliseconds(Math.Max(1, until - Environment.TickCount64));

    private void StopAccepting()
    {
        lock (_gate) { _isClosing = true; }
        _listener.Dispose();
    }

    private void Spawn(string name, Action body)
    {
        var thread = new Thread(Guarded, maxStackSize: 512 * 1024) { IsBackground = true, Name = name };
        lock (_gate)
        {
            if (_isClosing) { return; }
            _threads.RemoveAll(static t => !t.IsAlive && t.ThreadState != ThreadState.Unstarted);
            _threads.Add(thread);
            thread.Start();
        }

        void Guarded()
        {
            try { body(); }
            catch (Exception e) { _receiver.Failed(e); }
        }
    }

    private void AcceptAll()
    {
        while (!_isClosing)
        {
            Socket socket;
            try { socket = _listener.Accept(); }
            catch (Exception e) when (PeerErrors.IsConnectionError(e))
            {
                if (_isClosing) { return; }
                LogLimited("peer-accept-failed", "", new LogField("reason", e.Message));
                Thread.Sleep(100); // Out of file descriptors, most likely: trying again at once would only burn the processor.
                continue;
            }

            if (_unidentified.Count >= _options.MaxUnidentified)
            {
                socket.Dispose();
                LogLimited(
                    "peer-connection-shed", "", new LogField("reason", "too many connections have not said who they are"));
                continue;
            }

            var connection = new PeerConnection(socket, _options.HandshakeTimeout);
            _unidentified.TryAdd(connection, 0);
            Spawn("quorate-peer-in", () => Serve(socket, connection));
            if (_isClosing) { connection.Close(); }
        }
    }

    private void Serve(Socket socket, PeerConnection connection)
    {
        PeerLink? link = null;
        try
        {
            Prepare(socket);
            connection.LearnRemote();
            connection.Open(_options.Streams(socket, dialed: null));
            if (PeerHandshake.Accept(connection.Stream, connection.Reader, _self, _links.ContainsKey, _options.Answer) is not { } peer)
            {
                connection.EndSending();
                connection.Close();
                return;
            }

            connection.Incarnation = peer.Incarnation;
            connection.Establish(_options.IdleTimeout);
            if (!_links.TryGetValue(peer.Node, out link)) { throw new PeerRefusedException(PeerRefusal.UnknownNode, "removed"); }
            if (PeerTls.Objection(connection.Stream, link.Address) is { } objection)
            {
                PeerHandshake.Refuse(connection.Stream, withMagic: false, PeerRefusal.Certificate, objection);
                throw new PeerRefusedException(PeerRefusal.Certificate, objection);
            }

            if (link.Attach(connection) is { } refusal)
            {
                link = null;
                string text = $"another process runs as {peer.Node}, or its end was not noticed yet";
                PeerHandshake.Refuse(connection.Stream, withMagic: false, refusal, text);
                throw new PeerRefusedException(refusal, text);
            }
        }
        catch (Exception e) when (PeerErrors.IsConnectionError(e))
        {
            // Anyone can connect and send anything, so a minute has at most one line of each kind.
            bool timedOut = connection.IsClosed;
            connection.Close();
            link = null;
            if (!_isClosing)
            {
                string kind = e switch
                {
                    PeerRefusedException refused => PeerErrors.Word(refused.Reason),
                    PeerTlsException tls => tls.Kind,
                    _ => "not-our-protocol",
                };
                string reason = timedOut ? "the handshake took too long" : e.Message;
                LogLimited("peer-refused", kind, new("remote", connection.Remote), new("kind", kind), new("reason", reason));
            }
        }
        finally
        {
            _unidentified.TryRemove(connection, out _);
        }

        link?.ReadFrames(connection);
    }

    private void CallForEver(PeerLink link)
    {
        TimeSpan pause = _options.ReconnectLeast;
        PeerAddress known = link.Address;
        PeerAddress turn = known;
        do
        {
            long start = Environment.TickCount64;
            if (link.Address != known) { known = turn = link.Address; }
            if (!CallOnce(link, turn)) { turn = turn.Next ?? known; }
            bool lasted = Environment.TickCount64 - start > 2 * _options.ReconnectMost.TotalMilliseconds;
            pause = lasted ? _options.ReconnectLeast : TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, _options.ReconnectMost.Ticks));
        }
        while (link.PauseBeforeDial(pause * (0.5 + (Random.Shared.NextDouble() / 2))));
    }

    // Calls, and if that succeeds reads until the connection ends. False: nobody who is that peer took the call.
    private bool CallOnce(PeerLink link, PeerAddress address)
    {
        PeerConnection? connection = null;
        try
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            connection = new PeerConnection(socket, _options.HandshakeTimeout);
            _dialing[connection] = 0;
            Prepare(socket);
            socket.Connect(address.Host, address.Port);
            connection.LearnRemote();
            connection.Open(_options.Streams(socket, address));
            connection.Incarnation = PeerHandshake.Dial(connection.Stream, connection.Reader, _self, link.Peer);
            connection.Establish(_options.IdleTimeout);
            if (link.Attach(connection) is not null)
            {
                connection.Close();
                return true;
            }
        }
        catch (Exception e) when (PeerErrors.IsConnectionError(e))
        {
            string reason = connection is { IsClosed: true } ? "no answer in time" : PeerErrors.Describe(e);
            connection?.Close();
            if (!link.IsClosing)
            {
                LogLimited(
                    "peer-unreachable", Name(link.Peer), new("peer", Name(link.Peer)),
                    new("address", $"{address.Host}:{address.Port}"), new("reason", reason));
            }

            return false;
        }
        finally
        {
            if (connection is not null) { _dialing.TryRemove(connection, out _); }
        }

        link.ReadFrames(connection);
        return true;
    }

    private static void Prepare(Socket socket)
    {
        socket.NoDelay = true;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
    }

    private void LogChange(PeerLink link, PeerConnection connection, string? reason)
    {
        string name = reason is null ? "peer-connected" : "peer-disconnected";
        LogLimited(
            name, Name(link.Peer), new("peer", Name(link.Peer)), new("remote", connection.Remote), new("reason", reason ?? "-"));
    }

    private void LogLimited(string name, string subject, params ReadOnlySpan<LogField> fields)
    {
        // Connecting and disconnecting are changes of state that an operator looks for, so they may come more often.
        LineLimiter limiter = name is "peer-connected" or "peer-disconnected" ? _changeLimiter : _limiter;
        if (!limiter.MayWrite($"{name} {subject}", out long suppressed)) { return; }
        _log.Write(
            name == "peer-connected" ? LogSeverity.Info : LogSeverity.Warning, name,
            [.. fields, .. suppressed > 0 ? [new LogField("suppressed", suppressed)] : Array.Empty<LogField>()]);
    }

    private static string Name(NodeId node) => node.Value.ToString("x", System.Globalization.CultureInfo.InvariantCulture);
}
