using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Quorate.FrontDoors.Http;

/// <summary>
/// The sockets that clients connect to. A client that vanished without a word is noticed by the kernel's probes: HTTP/1.1 has no
/// pings, and a watch through the gateway may be silent, and kept, for ever.
/// </summary>
internal static class ClientSockets
{
    // Go's defaults, and so etcd's.
    private const int IdleSeconds = 15;
    private const int IntervalSeconds = 15;
    private const int Probes = 9;

    /// <summary>Makes a bound socket to listen on. What it accepts inherits its options (tcp(7)).</summary>
    /// <exception cref="SocketException">The address cannot be bound.</exception>
    public static Socket Bind(EndPoint address)
    {
        Socket socket = SocketTransportOptions.CreateDefaultBoundListenSocket(address);
        if (address is not IPEndPoint) { return socket; }
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, IdleSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, IntervalSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, Probes);
        return socket;
    }
}
