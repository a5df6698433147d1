using Quorate.Core;

namespace Quorate.Simulation;

/// <summary>Links between nodes: each direction has its own delay, loss, duplication, order and cut.</summary>
public sealed class SimNetwork
{
    private readonly SimCluster _cluster;
    private readonly Prng _random;
    private readonly bool[,] _cut;

    internal SimNetwork(SimCluster cluster, int nodes, Prng random)
    {
        _cluster = cluster;
        _random = random;
        _cut = new bool[nodes, nodes];
    }

    /// <summary>Frames lost out of 1,000.</summary>
    public int DropPerMille { get; set; }

    /// <summary>Frames delivered twice out of 1,000.</summary>
    public int DuplicatePerMille { get; set; }

    /// <summary>Frames out of 1,000 that are held back by up to <see cref="TailMicros"/>, and so overtaken by later ones.</summary>
    public int TailPerMille { get; set; }

    /// <summary>See <see cref="TailPerMille"/>.</summary>
    public long TailMicros { get; set; }

    /// <summary>Frames delivered so far.</summary>
    public long Delivered { get; private set; }

    /// <summary>Frames lost so far, cut links included.</summary>
    public long Lost { get; private set; }

    /// <summary>Cuts or mends one direction.</summary>
    public void Cut(int from, int to, bool isCut) => _cut[from, to] = isCut;

    /// <summary>Cuts everything between the nodes of a group and the others, both ways.</summary>
    public void Partition(IReadOnlySet<int> group)
    {
        for (int from = 0; from < _cut.GetLength(0); from++)
        {
            for (int to = 0; to < _cut.GetLength(1); to++)
            {
                bool wasCut = _cut[from, to];
                _cut[from, to] = group.Contains(from) != group.Contains(to);

                // Now and then a node learns that its connection broke; mostly it hears nothing any more.
                if (_cut[from, to] && !wasCut && _random.Chance(1, 4)) { TellDisconnected(from, to); }
            }
        }
    }

    /// <summary>No loss, no cut, no tail.</summary>
    public void Heal()
    {
        Array.Clear(_cut);
        DropPerMille = 0;
        DuplicatePerMille = 0;
        TailPerMille = 0;
    }

    private void TellDisconnected(int node, int peer) => _cluster.After(
        _random.Between(100, 500_000), () => _cluster.Nodes[node].Do(core => core.Disconnected(SimNode.IdOf(peer))));

    internal void Send(int from, int to, ReadOnlyMemory<byte> frame)
    {
        if (_cut[from, to] || _random.Chance(DropPerMille, 1000))
        {
            Lost++;
            return;
        }

        int copies = _random.Chance(DuplicatePerMille, 1000) ? 2 : 1;
        for (int i = 0; i < copies; i++)
        {
            long delay = _random.Between(_cluster.Options.MinDelayMicros, _cluster.Options.MaxDelayMicros);
            if (_random.Chance(TailPerMille, 1000)) { delay += _random.Between(0, TailMicros); }
            _cluster.After(delay, () =>
            {
                // A cut also stops what is on its way.
                if (_cut[from, to])
                {
                    Lost++;
                    return;
                }

                Delivered++;
                _cluster.Nodes[to].Receive(from, frame);
            });
        }
    }
}
