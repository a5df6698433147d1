using System.Net;
using System.Net.Sockets;

namespace Quorate.Conformance.Tests;

/// <summary>A TCP connection to a server's port, for bytes that no client would send.</summary>
internal sealed class RawConnection : IDisposable
{
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = 30_000, SendTimeout = 30_000 };

    public RawConnection(int port) => _socket.Connect(IPAddress.Loopback, port);

    /// <summary>Sends as much as the other side takes: it may close while we still send.</summary>
    public void Send(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _socket.Send(bytes);
        }
        catch (SocketException)
        {
            // Closed: what came before it is read below.
        }
    }

    /// <summary>All bytes until the other side closes. Fails after 30 s of silence.</summary>
    public byte[] ReadToEnd()
    {
        var bytes = new MemoryStream();
        byte[] buffer = new byte[16 * 1024];
        try
        {
            for (int count; (count = _socket.Receive(buffer)) > 0;) { bytes.Write(buffer, 0, count); }
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.ConnectionAborted)
        {
            // A way to close, too.
        }

        return bytes.ToArray();
    }

    public void Dispose() => _socket.Dispose();
}
