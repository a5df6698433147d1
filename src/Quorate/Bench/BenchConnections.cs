using System.Net.Sockets;

namespace Quorate.Bench;

/// <summary>Several connections that one thread serves.</summary>
internal sealed class BenchConnections : IDisposable
{
    private readonly List<BenchConnection> _all = [];
    private Socket[] _sockets = [];
    private bool[] _isReadable = [];

    /// <summary>The connection that was added as this one, from 0 on.</summary>
    public BenchConnection this[int index] => _all[index];

    /// <summary>Adds a connection, and disposes of it with the others.</summary>
    public void Add(BenchConnection connection)
    {
        _all.Add(connection);
        _sockets = [.. _all.Select(c => c.Socket)];
        _isReadable = new bool[_all.Count];
    }

    /// <summary>Sends what is to be sent; reads what has come, or the first that comes within a time.</summary>
    /// <exception cref="SocketException">A connection is lost.</exception>
    /// <exception cref="IOException">A server has closed a connection, or does not speak HTTP/2.</exception>
    public void Exchange(IBenchLoad load, long nanoseconds)
    {
        bool isWaiting = false;
        foreach (BenchConnection connection in _all)
        {
            connection.Flush();
            isWaiting |= connection.HasWaiting;
        }

        BenchClock.WaitReadable(_sockets, _isReadable, isWaiting ? 0 : Math.Max(0, nanoseconds));
        for (int i = 0; i < _isReadable.Length; i++)
        {
            if (_isReadable[i] || _all[i].HasWaiting) { _all[i].Receive(load); }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _all.ForEach(static c => c.Dispose());
}
