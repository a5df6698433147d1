using System.Net;
using System.Net.Sockets;
using Quorate.FrontDoors.Http;
using Xunit;

namespace Quorate.Tests.FrontDoors;

public class ClientSocketsTests
{
    // Goal: the kernel probes every client that is silent, so that one that vanished does not keep its watches for ever.
    [Fact]
    public async Task An_accepted_socket_probes_its_peer()
    {
        using Socket listener = ClientSockets.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(listener.LocalEndPoint!);
        using Socket accepted = await listener.AcceptAsync();
        Assert.Equal(1, accepted.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive));
        Assert.Equal(15, accepted.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime));
        Assert.Equal(15, accepted.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval));
        Assert.Equal(9, accepted.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount));
    }
}
