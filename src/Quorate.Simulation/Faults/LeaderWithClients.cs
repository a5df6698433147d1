using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Simulation;

/// <summary>
/// Cuts a leader off together with some of the clients: they reach nobody else, and the other clients do not reach it. The two sides
/// hear nothing of each other until the cut is mended.
/// </summary>
public sealed record LeaderWithClients : SimFault
{
    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>Longest time until it is mended.</summary>
    public TimeSpan For { get; init; } = TimeSpan.FromSeconds(3);

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => ["N4"];

    internal override void Start(SimCluster cluster, Prng random, long end) => Every(cluster, random, Interval, end, () =>
    {
        if (cluster.Nodes.Length < 2 || cluster.LeaderOf(AnyShard(cluster, random)) is not { } leader) { return; }
        ulong sides = random.Next();
        long span = random.Between(500_000, (long)For.TotalMicroseconds);
        cluster.Network.Partition(new SortedSet<int> { leader.Index });
        cluster.ClientLinks.Reaches = (client, node) => ((sides >> (client % 64)) & 1) == 1 == (node == leader.Index);
        cluster.StrikeLinks("N4", "leader-isolated-with-clients", leader.Index, (from, to) => from == leader.Index || to == leader.Index, span);
        cluster.After(span, () =>
        {
            cluster.Network.MendCuts();
            cluster.ClientLinks.Reaches = null;
        });
    });
}
