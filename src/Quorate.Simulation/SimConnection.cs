using Quorate.Core;
using Quorate.Replication;

namespace Quorate.Simulation;

/// <summary>
/// The one connection of a pair of nodes, as the real host keeps it: the node with the smaller id calls; frames come in order
/// and without gaps while it lasts; each side learns of its end in its own time, and what had not arrived by then is lost.
/// </summary>
/// <remarks>
/// A frame is lost whole if the connection ends inside it: the real host's frames carry a checksum and a length, which are not
/// simulated here. Side 0 is the caller. A direction has the number of the side that sends.
/// </remarks>
internal sealed class SimConnection
{
    private const long IdleMicros = 3_000_000; // PeerOptions.IdleTimeout: six pings missed.
    private const long SilentMicros = 1_000_000; // Two pings: another process of that id is not let in earlier.
    private const long QueueBytes = 1024 * 1024;

    private readonly SimCluster _cluster;
    private readonly SimNetwork _network;
    private readonly Prng _random;
    private readonly int[] _nodes;
    private readonly bool[] _isAttached = new bool[2];
    private readonly int[] _callerLives = new int[2]; // The caller's life with which each side's connection was made.
    private readonly bool[] _toldLoss = new bool[2];
    private readonly long[] _lastArrival = new long[2];
    private readonly long[] _lineFree = new long[2];
    private readonly long[] _cuts = new long[2]; // Counts the cuts of a direction, so that a check knows its own.
    private readonly Queue<Frame>[] _stuck = [new(), new()];
    private int _epoch;
    private long _dials;
    private long _callerStarted;

    public SimConnection(SimCluster cluster, SimNetwork network, int caller, int answerer, Prng random)
    {
        _cluster = cluster;
        _network = network;
        _random = random;
        _nodes = [caller, answerer];
    }

    private sealed record Frame(int Epoch, int SenderLife, ReadOnlyMemory<byte> Bytes);

    public bool IsUp => _isAttached[0] && _isAttached[1];

    /// <summary>A node has started; the caller begins to call.</summary>
    public void Started(int side)
    {
        if (side != 0) { return; }
        _callerStarted = _cluster.Now;
        DialAfter(_random.Between(100, 20_000));
    }

    /// <summary>A node has died. Its kernel says so at once, or the other side misses its pings.</summary>
    public void Died(int side, bool isSilent)
    {
        _isAttached[side] = false;
        if (side == 0) { _dials++; } // No call of this life goes on.
        int epoch = _epoch;
        bool reaches = !isSilent && !IsCut(side);
        After(reaches ? _random.Between(100, 5_000) : _random.Between(1_000, IdleMicros), () =>
        {
            if (_epoch == epoch) { Detach(1 - side); }
        });
    }

    /// <summary>A node stands still: the other side misses its pings.</summary>
    public void Paused(int side)
    {
        int epoch = _epoch;
        int life = NodeOf(side).Lives;
        After(IdleMicros, () =>
        {
            if (_epoch != epoch || !NodeOf(side).IsPaused || NodeOf(side).Lives != life) { return; }
            Close(1 - side);
        });
    }

    /// <summary>A direction was cut or mended.</summary>
    public void CutChanged(int direction)
    {
        long cut = ++_cuts[direction];
        if (!IsCut(direction))
        {
            Release(direction);
            return;
        }

        int epoch = _epoch;
        After(IdleMicros + _random.Between(0, 500_000), () =>
        {
            // The receiver has heard nothing for too long.
            if (_epoch == epoch && _cuts[direction] == cut) { Close(1 - direction); }
        });
    }

    /// <summary>Ends it at some byte of what is on its way, as a reset does. False if there was none.</summary>
    public bool Reset()
    {
        if (!IsUp) { return false; }
        int epoch = _epoch;
        for (int side = 0; side < 2; side++)
        {
            int told = side;
            After(IsCut(1 - side) ? IdleMicros : _random.Between(0, 5_000), () =>
            {
                if (_epoch == epoch) { Detach(told); }
            });
        }

        return true;
    }

    public void Send(int side, ReadOnlyMemory<byte> bytes)
    {
        long now = _cluster.Now;
        long perSecond = _network.BytesPerSecondOf(_nodes[side], _nodes[1 - side]);
        bool fits = perSecond == 0 || (_lineFree[side] - now) * perSecond / 1_000_000 < QueueBytes;
        if (!_isAttached[side] || !fits)
        {
            _network.CountLost();
            _cluster.Note(_nodes[side], $"lost, to n{_nodes[1 - side] + 1}: {FrameText.Of(bytes)}");
            if (_toldLoss[side]) { return; }
            _toldLoss[side] = true; // Once for each run of losses, as PeerLink.
            Tell(side);
            return;
        }

        var frame = new Frame(_epoch, NodeOf(side).Lives, bytes);
        if (IsCut(side) || _stuck[side].Count > 0)
        {
            _cluster.Note(_nodes[side], $"stuck before a cut, to n{_nodes[1 - side] + 1}: {FrameText.Of(bytes)}");
            _stuck[side].Enqueue(frame);
            return;
        }

        long at = now;
        if (perSecond > 0) { at = _lineFree[side] = Math.Max(_lineFree[side], now) + (bytes.Length * 1_000_000L / perSecond); }
        at += _network.StreamDelay(_nodes[side], _nodes[1 - side]);
        _cluster.Note(_nodes[side], $"send to n{_nodes[1 - side] + 1}, there in {at - now} us: {FrameText.Of(bytes)}");
        Carry(side, frame, at);
    }

    private SimNode NodeOf(int side) => _cluster.Nodes[_nodes[side]];

    private bool IsCut(int direction) => _network.IsCut(_nodes[direction], _nodes[1 - direction]);

    private void After(long micros, Action action) => _cluster.After(micros, action);

    private void Carry(int direction, Frame frame, long at)
    {
        at = _lastArrival[direction] = Math.Max(at, _lastArrival[direction]);
        After(at - _cluster.Now, () => Arrive(direction, frame));
    }

    private void Arrive(int direction, Frame frame)
    {
        int side = 1 - direction;
        if (!_isAttached[side] || frame.Epoch != _epoch)
        {
            _network.CountLost();
            _cluster.Note(_nodes[side], $"lost with its connection, from n{_nodes[direction] + 1}: {FrameText.Of(frame.Bytes)}");
        }
        else if (IsCut(direction) || _stuck[direction].Count > 0)
        {
            _stuck[direction].Enqueue(frame); // Sent again by TCP until the line is mended.
        }
        else
        {
            bool isOfEarlierLife = NodeOf(direction).Core is not null && NodeOf(direction).Lives != frame.SenderLife;
            if (isOfEarlierLife) { _network.Note("N13", "frame-of-an-earlier-life", _nodes[side]); }
            _network.CountDelivered();
            NodeOf(side).Receive(_nodes[direction], frame.Bytes);
        }
    }

    private void Release(int direction)
    {
        // TCP's next attempt comes when its timer says so, and then all at once.
        long at = _cluster.Now + _random.Between(1_000, 1_000_000);
        Frame[] stuck = [.. _stuck[direction]];
        _stuck[direction].Clear();
        foreach (Frame frame in stuck) { Carry(direction, frame, at); }
    }

    // This side gives the connection up; the other learns of it if the line that way is whole, else by itself.
    private void Close(int side)
    {
        if (!_isAttached[side]) { return; }
        int epoch = _epoch;
        Detach(side);
        After(IsCut(side) ? IdleMicros : _random.Between(100, 5_000), () =>
        {
            if (_epoch == epoch) { Detach(1 - side); }
        });
    }

    private void Detach(int side)
    {
        if (!_isAttached[side]) { return; }
        _isAttached[side] = false;
        _toldLoss[side] = false;
        _stuck[side].Clear();
        Tell(side);
        if (side == 0) { DialAfter(_random.Between(25_000, 100_000)); }
    }

    private void Tell(int side)
    {
        NodeId peer = SimNode.IdOf(_nodes[1 - side]);
        int life = NodeOf(side).Lives;
        After(0, () =>
        {
            if (NodeOf(side).Lives == life) { NodeOf(side).Do(core => core.Disconnected(peer)); }
        });
    }

    private void DialAfter(long micros)
    {
        long dial = ++_dials;
        After(micros, () =>
        {
            if (dial == _dials && NodeOf(0).Core is not null) { Dial(); }
        });
    }

    private void Dial()
    {
        if (_isAttached[0]) { return; }
        bool answers = NodeOf(1).Core is not null && !NodeOf(0).IsPaused && !NodeOf(1).IsPaused && !IsCut(0) && !IsCut(1);
        bool isOther = _isAttached[1] && _callerLives[1] != NodeOf(0).Lives;
        if (!answers || (isOther && _cluster.Now - _callerStarted < SilentMicros))
        {
            DialAfter(_random.Between(50_000, answers ? 1_000_000 : 2_000_000));
            return;
        }

        bool replaces = _isAttached[1];
        _epoch++;
        for (int side = 0; side < 2; side++)
        {
            _isAttached[side] = true;
            _callerLives[side] = NodeOf(0).Lives;
            _toldLoss[side] = false;
            _lastArrival[side] = 0;
            _lineFree[side] = 0;
            _stuck[side].Clear();
        }

        if (replaces) { Tell(1); }
    }
}
