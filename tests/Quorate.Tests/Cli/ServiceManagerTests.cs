using System.Net.Sockets;
using System.Text;
using Quorate.Host;
using Xunit;

namespace Quorate.Tests.Cli;

public sealed class ServiceManagerTests
{
    // Goal: a unit of Type=notify learns when the service serves, by a socket file and by an abstract name.
    [Theory]
    [InlineData("/")]
    [InlineData("@")]
    public void Systemd_is_told(string kind)
    {
        string name = Path.Combine(Path.GetTempPath(), $"quorate-notify-{Guid.NewGuid():n}");
        string address = kind == "@" ? "@" + name : name;
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(kind == "@" ? "\0" + name : name));
        socket.ReceiveTimeout = 10_000;

        var manager = new ServiceManager(address);
        manager.Ready();
        manager.Stopping();

        byte[] buffer = new byte[100];
        Assert.Equal("READY=1", Encoding.ASCII.GetString(buffer, 0, socket.Receive(buffer)));
        Assert.Equal("STOPPING=1", Encoding.ASCII.GetString(buffer, 0, socket.Receive(buffer)));
        File.Delete(name);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("/nowhere/socket")]
    public void Nobody_who_listens_is_no_failure(string? address) => new ServiceManager(address).Ready();
}
