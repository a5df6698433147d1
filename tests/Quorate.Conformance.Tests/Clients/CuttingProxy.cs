using System.Net;
using System.Net.Sockets;

namespace Quorate.Conformance.Tests;

/// <summary>Stands between a client and a server. It can hold back the server's answers, and cut all connections.</summary>
internal sealed class CuttingProxy : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly List<Socket> _sockets = [];
    private readonly int _server;
    private volatile bool _holdsAnswers;
    private volatile bool _refuses;

    public CuttingProxy(int serverPort)
    {
        _server = serverPort;
        _listener.Start();
        _ = AcceptAsync();
    }

    public string Endpoint => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>What clients send goes on; what the server answers does not.</summary>
    public void HoldAnswers() => _holdsAnswers = true;

    /// <summary>Ends all connections, with what was held back; new ones are whole.</summary>
    public void Cut()
    {
        lock (_gate)
        {
            _sockets.ForEach(static socket => socket.Dispose());
            _sockets.Clear();
            _holdsAnswers = false;
        }
    }

    /// <summary>Ends all connections, and closes new ones at once.</summary>
    public void Refuse()
    {
        _refuses = true;
        Cut();
    }

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Stop();
        Refuse();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket client = await _listener.AcceptSocketAsync(_stop.Token);
                if (_refuses)
                {
                    client.Dispose();
                    continue;
                }

                var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await server.ConnectAsync(IPAddress.Loopback, _server);
                client.NoDelay = true;
                lock (_gate) { _sockets.AddRange([client, server]); }
                _ = PumpAsync(client, server, isAnswer: false);
                _ = PumpAsync(server, client, isAnswer: true);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over, or has killed the server.
        }
    }

    private async Task PumpAsync(Socket from, Socket to, bool isAnswer)
    {
        byte[] buffer = new byte[64 * 1024];
        try
        {
            for (int count; (count = await from.ReceiveAsync(buffer)) > 0;)
            {
                if (isAnswer && _holdsAnswers) { continue; }
                await to.SendAsync(buffer.AsMemory(0, count));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Cut.
        }

        from.Dispose();
        to.Dispose();
    }
}
