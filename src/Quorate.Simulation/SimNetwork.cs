using Quorate.Core;
using Quorate.Replication;

namespace Quorate.Simulation;

/// <summary>
/// Links between nodes. Either streams, as the real host has them: one connection per pair, frames in order, lost only with
/// their connection. Or datagrams, which is harsher than any real host: each frame by itself is lost, doubled, overtaken, or
/// held until the node that it was meant for has begun another life.
/// </summary>
public sealed class SimNetwork
{
    private readonly SimCluster _cluster;
    private readonly Prng _random;
    private readonly bool[,] _cut;
    private readonly long[,] _extraMicros;
    private readonly long[,] _bytesPerSecond;
    private readonly SimConnection?[,] _connections;
    private readonly Dictionary<string, long> _noted = [];
    private long _lastArrival;

    internal SimNetwork(SimCluster cluster, int nodes, Prng random)
    {
        _cluster = cluster;
        _random = random;
        _cut = new bool[nodes, nodes];
        _extraMicros = new long[nodes, nodes];
        _bytesPerSecond = new long[nodes, nodes];
        _connections = new SimConnection?[nodes, nodes];
        if (!cluster.Options.Streams) { return; }
        for (int caller = 0; caller < nodes; caller++)
        {
            for (int answerer = caller + 1; answerer < nodes; answerer++)
            {
                var connection = new SimConnection(cluster, this, caller, answerer, random.Split((ulong)((caller * nodes) + answerer)));
                _connections[caller, answerer] = _connections[answerer, caller] = connection;
            }
        }
    }

    /// <summary>Frames lost out of 1,000. In streams what is lost is sent again, and holds up all behind it.</summary>
    public int DropPerMille { get; set; }

    /// <summary>Datagrams delivered twice out of 1,000.</summary>
    public int DuplicatePerMille { get; set; }

    /// <summary>Frames out of 1,000 that are held back by up to <see cref="TailMicros"/>. Datagrams are then overtaken by later ones.</summary>
    public int TailPerMille { get; set; }

    /// <summary>See <see cref="TailPerMille"/>.</summary>
    public long TailMicros { get; set; }

    /// <summary>Frames delivered so far.</summary>
    public long Delivered { get; private set; }

    /// <summary>Frames lost so far, cut links included.</summary>
    public long Lost { get; private set; }

    /// <summary>When the last datagram that was sent before healing arrives. It may carry a command, also of a life that is over.</summary>
    public long LateUntil { get; private set; }

    /// <summary>True if frames travel in streams.</summary>
    public bool HasStreams => _cluster.Options.Streams;

    private int Count => _cut.GetLength(0);

    /// <summary>Cuts or mends one direction. Streams wait for the line to be mended, or until one side gives them up.</summary>
    public void Cut(int from, int to, bool isCut)
    {
        if (from == to || _cut[from, to] == isCut) { return; }
        _cut[from, to] = isCut;
        _connections[from, to]?.CutChanged(from < to ? 0 : 1);
    }

    /// <summary>Cuts everything between the nodes of a group and the others, both ways, and mends all else.</summary>
    public void Partition(IReadOnlySet<int> group) => Shape((from, to) => group.Contains(from) != group.Contains(to));

    /// <summary>Cuts the directions for which it is true, and mends the others.</summary>
    public void Shape(Func<int, int, bool> isCut)
    {
        for (int from = 0; from < Count; from++)
        {
            for (int to = 0; to < Count; to++)
            {
                bool wasCut = _cut[from, to];
                Cut(from, to, isCut(from, to));

                // Now and then a node learns that its connection broke; mostly it hears nothing any more.
                if (!HasStreams && _cut[from, to] && !wasCut && _random.Chance(1, 4)) { TellDisconnected(from, to, 500_000); }
            }
        }
    }

    /// <summary>Mends all cuts.</summary>
    public void MendCuts() => Shape((_, _) => false);

    /// <summary>Makes one direction slower by so many microseconds for each frame.</summary>
    public void Delay(int from, int to, long micros) => _extraMicros[from, to] = micros;

    /// <summary>Limits one direction of a stream to so many bytes in a second; 0 for no limit.</summary>
    public void Limit(int from, int to, long bytesPerSecond) => _bytesPerSecond[from, to] = bytesPerSecond;

    /// <summary>Breaks the connection of two nodes. False if it has none.</summary>
    public bool Reset(int one, int other) => _connections[one, other]?.Reset() ?? false;

    /// <summary>No loss, no cut, no tail, no limit.</summary>
    public void Heal()
    {
        MendCuts();
        Array.Clear(_extraMicros);
        Array.Clear(_bytesPerSecond);
        DropPerMille = 0;
        DuplicatePerMille = 0;
        TailPerMille = 0;
        LateUntil = _lastArrival;
    }

    /// <summary>A fault has struck that may strike at every frame, or job: it counts once in a simulated second.</summary>
    internal void Note(string row, string what, int node = -1)
    {
        if (_noted.TryGetValue(row, out long last) && _cluster.Now < last + 1_000_000) { return; }
        _noted[row] = _cluster.Now;
        _cluster.Strike(row, what, node);
    }

    internal bool IsCut(int from, int to) => _cut[from, to];

    internal long BytesPerSecondOf(int from, int to) => _bytesPerSecond[from, to];

    internal void CountDelivered() => Delivered++;

    internal void CountLost() => Lost++;

    internal void Started(int node) => Each(node, static (connection, side) => connection.Started(side));

    internal void Paused(int node) => Each(node, static (connection, side) => connection.Paused(side));

    internal void Died(int node, bool isSilent)
    {
        Each(node, (connection, side) => connection.Died(side, isSilent));
        if (HasStreams) { return; }
        for (int other = 0; other < Count; other++)
        {
            if (other != node) { TellDisconnected(other, node, 5_000); }
        }
    }

    internal void Send(int from, int to, ReadOnlyMemory<byte> frame)
    {
        if (_connections[from, to] is { } connection)
        {
            connection.Send(from < to ? 0 : 1, frame);
            return;
        }

        if (_cut[from, to] || Happens(DropPerMille, "N7", "frame-lost"))
        {
            Lost++;
            _cluster.Note(from, $"lost, to n{to + 1}: {FrameText.Of(frame)}");
            return;
        }

        int life = _cluster.Nodes[to].Lives;
        int copies = Happens(DuplicatePerMille, "N8", "frame-doubled") ? 2 : 1;
        for (int i = 0; i < copies; i++)
        {
            long delay = OneDelay(from, to);
            _cluster.Note(from, $"send to n{to + 1}, {(i == 0 ? "there" : "once more")} in {delay} us: {FrameText.Of(frame)}");
            _lastArrival = Math.Max(_lastArrival, _cluster.Now + delay);
            _cluster.After(delay, () => Deliver(from, to, life, frame));
        }
    }

    /// <summary>Microseconds for one frame of a stream: one that is lost waits for TCP's timer, which doubles.</summary>
    internal long StreamDelay(int from, int to)
    {
        long delay = OneDelay(from, to);
        for (long timer = 200_000; timer < 4_000_000 && Happens(DropPerMille, "N7", "segment-lost"); timer *= 2) { delay += timer; }
        return delay;
    }

    private long OneDelay(int from, int to)
    {
        long delay = _random.Between(_cluster.Options.MinDelayMicros, _cluster.Options.MaxDelayMicros) + _extraMicros[from, to];
        return Happens(TailPerMille, "N6", "frame-late") ? delay + _random.Between(0, TailMicros) : delay;
    }

    private bool Happens(int perMille, string row, string what)
    {
        if (perMille == 0 || !_random.Chance(perMille, 1000)) { return false; }
        Note(row, what);
        return true;
    }

    private void Deliver(int from, int to, int life, ReadOnlyMemory<byte> frame)
    {
        // A cut also stops what is on its way.
        if (_cut[from, to])
        {
            Lost++;
            _cluster.Note(to, $"lost on the way from n{from + 1}: {FrameText.Of(frame)}");
            return;
        }

        Delivered++;
        if (_cluster.Nodes[to].Core is not null && _cluster.Nodes[to].Lives != life) { Note("N13", "frame-for-an-earlier-life", to); }
        _cluster.Nodes[to].Receive(from, frame);
    }

    private void TellDisconnected(int node, int peer, long withinMicros) => _cluster.After(
        _random.Between(100, withinMicros), () => _cluster.Nodes[node].Do(core => core.Disconnected(SimNode.IdOf(peer))));

    private void Each(int node, Action<SimConnection, int> action)
    {
        for (int other = 0; other < Count; other++)
        {
            if (_connections[node, other] is { } connection) { action(connection, node < other ? 0 : 1); }
        }
    }
}
