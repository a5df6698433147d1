using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Simulation;

/// <summary>Wall clocks that jump by up to an hour, once, to and fro, or while the node is down.</summary>
public sealed record ClockJumps : SimFault
{
    private const long Hour = 3_600_000;

    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => ["C1", "C4"];

    internal override void Start(SimCluster cluster, Prng random, long end)
    {
        Every(cluster, random, Interval, end, () =>
        {
            SimNode node = LeaderOrAny(cluster, random);
            long to = random.Between(-Hour, Hour);
            if (random.Chance(1, 3)) { Strobe(cluster, node, node.Clock.OffsetMillis, to, 2 * random.Below(15), end); }
            else if (random.Chance(1, 3)) { StartWrong(cluster, random, node, to); }
            else { Jump(cluster, node, to); }
        });
    }

    private static void Jump(SimCluster cluster, SimNode node, long to)
    {
        node.Clock.OffsetMillis = to;
        if (node.Core is not null) { cluster.Strike("C1", "clock-jumps", node.Index); }
    }

    private static void Strobe(SimCluster cluster, SimNode node, long from, long to, int left, long end)
    {
        Jump(cluster, node, to);
        if (left > 0 && cluster.Now < end) { cluster.After(200_000, () => Strobe(cluster, node, to, from, left - 1, end)); }
    }

    private static void StartWrong(SimCluster cluster, Prng random, SimNode node, long to) => node.Stop(() =>
    {
        node.Clock.OffsetMillis = to;
        cluster.After(random.Between(1_000, 1_000_000), () =>
        {
            node.Start();
            if (node.Core is not null) { cluster.Strike("C4", "started-with-a-wrong-clock", node.Index); }
        });
    });
}

/// <summary>Clocks that go up to a tenth too fast or too slow, and now and then one that goes three times as fast, or a third.</summary>
public sealed record ClockDrift : SimFault
{
    /// <summary>The fastest rate, in percent of simulated time.</summary>
    internal const int FastestPercent = 300;

    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => ["C2"];

    internal override void Start(SimCluster cluster, Prng random, long end) => Every(cluster, random, Interval, end, () =>
    {
        SimNode node = AnyNode(cluster, random);
        if (node.Core is not null) { cluster.Strike("C2", "clock-drifts", node.Index, end - cluster.Now); }
        node.Clock.RatePercent = random.Below(8) switch { 0 => FastestPercent, 1 => 33, _ => 90 + random.Below(21) };
    });
}
