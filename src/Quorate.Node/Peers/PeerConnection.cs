using System.Net.Sockets;

namespace Quorate.Node.Peers;

// One TCP connection after its handshake, or during it. Closed once, by whoever notices first.
internal sealed class PeerConnection : IDisposable
{
    private readonly Socket _socket;
    private readonly Timer? _deadline;
    private int _isClosed;
    private long _lastHeard = Environment.TickCount64;

    // The deadline is for connecting and the handshake as a whole: a side that sends a byte a second must not extend it.
    public PeerConnection(Socket socket, TimeSpan deadline)
    {
        _socket = socket;
        Remote = "?";
        _deadline = new Timer(static self => ((PeerConnection)self!).Close(), this, deadline, Timeout.InfiniteTimeSpan);
    }

    public string Remote { get; private set; }

    public Stream Stream { get; private set; } = Stream.Null;

    public PeerFrameReader Reader { get; private set; } = new(Stream.Null);

    // The run of the process at the other end.
    public ulong Incarnation { get; set; }

    public bool IsClosed => Volatile.Read(ref _isClosed) != 0;

    // Set once the loop found a malformed frame: whatever else waits from this connection is not looked at.
    public bool IsPoisoned { get; set; }

    public long MillisecondsSilent => Environment.TickCount64 - Volatile.Read(ref _lastHeard);

    public void Open(Stream stream)
    {
        Stream = stream;
        Reader = new PeerFrameReader(stream);
    }

    // For log lines; once connected.
    public void LearnRemote() => Remote = _socket.RemoteEndPoint?.ToString() ?? "?";

    // The handshake is done: from here on silence, not total time, ends the connection.
    public void Establish(TimeSpan idle)
    {
        _deadline?.Dispose();
        _socket.ReceiveTimeout = (int)idle.TotalMilliseconds;
        _socket.SendTimeout = (int)idle.TotalMilliseconds;
        Heard();
    }

    public void Heard() => Volatile.Write(ref _lastHeard, Environment.TickCount64);

    // The other side reads what was sent and then sees the end; reading goes on here.
    public void EndSending()
    {
        try { _socket.Shutdown(SocketShutdown.Send); }
        catch (Exception e) when (PeerErrors.IsConnectionError(e))
        {
            // It is gone already, which is what was wanted.
        }
    }

    // Wakes a thread that blocks in a read or write of it.
    public void Close()
    {
        if (Interlocked.Exchange(ref _isClosed, 1) != 0) { return; }
        _deadline?.Dispose();
        _socket.Dispose();
    }

    public void Dispose() => Close();
}
