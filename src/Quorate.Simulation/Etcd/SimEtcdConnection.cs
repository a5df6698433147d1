using Quorate.Core;

namespace Quorate.Simulation.Etcd;

/// <summary>
/// A client's end of a streaming call on one node. Bytes arrive in order, each way; the connection ends with the node, by the fault
/// that breaks connections, or when the client leaves.
/// </summary>
internal sealed class SimEtcdConnection
{
    private readonly SimCluster _cluster;
    private readonly SimNode _node;
    private readonly SimEtcdServer _server;
    private readonly Prng _random;
    private readonly Action<byte[]> _told;
    private readonly Action<string> _ended;
    private readonly int _life;
    private readonly long _connection;
    private SimEtcdCall? _call;
    private SimEtcdStream? _stream;
    private long _lastThere;
    private long _lastHere;
    private bool _isOver;
    private bool _isCut;

    /// <param name="door">The service.</param>
    /// <param name="endpoint">Position of the node.</param>
    /// <param name="path">Which RPC.</param>
    /// <param name="random">Delays.</param>
    /// <param name="told">Takes a response, in an event of its own.</param>
    /// <param name="ended">Hears why it has ended, once, unless the client itself has closed it.</param>
    public SimEtcdConnection(
        SimEtcdDoor door, int endpoint, string path, Prng random, Action<byte[]> told, Action<string> ended)
    {
        _cluster = door.Cluster;
        _node = _cluster.Nodes[endpoint];
        _server = door.Servers[endpoint];
        _random = random;
        _told = told;
        _ended = ended;
        _life = _node.Lives;
        if (_node.Core is null)
        {
            Break("connection refused");
            return;
        }

        _connection = _node.Connect(() => Break("the node has gone"));
        There(() => _call = _server.ServeStream(path, Send, error => Break(error?.Message ?? "the server has ended it"), out _stream));
    }

    /// <summary>Sends a request.</summary>
    public void Write(byte[] request) => There(() => _stream?.Receive(request));

    /// <summary>The client leaves; the server hears of it a moment later, if it can.</summary>
    public void Close()
    {
        if (_isOver) { return; }
        _isOver = true;
        _node.HangUp(_connection);
        _cluster.After(Delay(), Cancel);
    }

    private void Send(byte[] response)
    {
        if (_isOver || _isCut) { return; }
        if (_random.Below(100) < _cluster.ClientLinks.LoseAnswerPercent)
        {
            // Nothing overtakes what was lost: the client learns of the break a moment later, and hears nothing until then.
            _isCut = true;
            _cluster.Strike("K1", "answer-lost", _node.Index);
            Break("the connection broke");
            return;
        }

        _lastHere = Math.Max(_lastHere, _cluster.Now + Delay());
        _cluster.After(_lastHere - _cluster.Now, () =>
        {
            if (_isOver) { return; }
            There(() => _stream?.Taken());
            _told(response);
        });
    }

    // At the server, after what was sent before.
    private void There(Action action)
    {
        _lastThere = Math.Max(_lastThere, _cluster.Now + Delay());
        _cluster.After(_lastThere - _cluster.Now, () =>
        {
            if (!_isOver && _node.Lives == _life) { _node.Do(_ => action()); }
        });
    }

    // Noticed later, and never within the code of a node.
    private void Break(string how) => _cluster.After(Delay(), () =>
    {
        if (_isOver) { return; }
        _isOver = true;
        _node.HangUp(_connection);
        Cancel();
        _ended(how);
    });

    private void Cancel()
    {
        if (_call is { HasEnded: false } call && call.Life == _node.Lives) { _server.Cancel(call); }
    }

    private long Delay() => _random.Between(_cluster.Options.MinDelayMicros, _cluster.Options.MaxDelayMicros);
}
