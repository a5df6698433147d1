using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Simulation;

/// <summary>Clocks that go a little too fast or too slow, each its own way from the start: for runs whose leases allow for so much.</summary>
public sealed record MildDrift : SimFault
{
    /// <summary>Most that a clock is off, in percent. Default: 1.</summary>
    public int Percent { get; init; } = 1;

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => ["C2"];

    internal override void Start(SimCluster cluster, Prng random, long end)
    {
        foreach (SimNode node in cluster.Nodes)
        {
            node.Clock.RatePercent = 100 + random.Below((2 * Percent) + 1) - Percent;
            cluster.Strike("C2", "clock-drifts", node.Index, end - cluster.Now);
        }
    }
}
