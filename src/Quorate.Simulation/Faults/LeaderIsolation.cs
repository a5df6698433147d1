using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Simulation;

/// <summary>
/// Cuts a leader off from the others, while clients still reach it: for a while it does not know that it was replaced. Often all ways,
/// now and then only what it would hear, or only what it says.
/// </summary>
public sealed record LeaderIsolation : SimFault
{
    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>Longest time until it is mended.</summary>
    public TimeSpan For { get; init; } = TimeSpan.FromSeconds(3);

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => ["N3", "N4"];

    internal override void Start(SimCluster cluster, Prng random, long end) => Every(cluster, random, Interval, end, () =>
    {
        if (cluster.Nodes.Length < 2 || cluster.LeaderOf(AnyShard(cluster, random)) is not { } leader) { return; }
        int ways = random.Below(4);
        foreach (SimNode other in cluster.Nodes)
        {
            if (other == leader) { continue; }
            if (ways != 0) { cluster.Network.Cut(leader.Index, other.Index, true); }
            if (ways != 1) { cluster.Network.Cut(other.Index, leader.Index, true); }

            // As when a connection is reset: they do not wait for an election timeout.
            if (ways > 1 && random.Chance(1, 2)) { cluster.After(random.Between(100, 100_000), () => other.Do(core => core.Disconnected(leader.Id))); }
        }

        long span = random.Between(500_000, (long)For.TotalMicroseconds);
        cluster.StrikeLinks(ways > 1 ? "N4" : "N3", "leader-isolated", leader.Index, (from, to) => from == leader.Index || to == leader.Index, span);
        cluster.After(span, cluster.Network.MendCuts);
    });
}
