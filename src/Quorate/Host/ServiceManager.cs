using System.Net.Sockets;

namespace Quorate.Host;

/// <summary>Tells systemd how the service is doing, for units with <c>Type=notify</c> (sd_notify(3)). Does nothing elsewhere.</summary>
internal sealed class ServiceManager
{
    private readonly string? _address;

    /// <param name="notifySocket">The variable NOTIFY_SOCKET: a path, or '@' and an abstract name. Null or empty: nobody waits.</param>
    public ServiceManager(string? notifySocket) =>
        _address = string.IsNullOrEmpty(notifySocket) ? null : notifySocket[0] == '@' ? '\0' + notifySocket[1..] : notifySocket;

    /// <summary>The process's own.</summary>
    public static ServiceManager OfThisProcess { get; } = new(Environment.GetEnvironmentVariable("NOTIFY_SOCKET"));

    /// <summary>It serves.</summary>
    public void Ready() => Tell("READY=1");

    /// <summary>It is about to end.</summary>
    public void Stopping() => Tell("STOPPING=1");

    private void Tell(string state)
    {
        if (_address is null) { return; }
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            socket.SendTo(System.Text.Encoding.ASCII.GetBytes(state), new UnixDomainSocketEndPoint(_address));
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            // Whoever started us does not listen; that is no reason not to serve.
        }
    }
}
