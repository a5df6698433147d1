using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Simulation;

/// <summary>Nodes that stand still for a while, the leader or any: a long collection, SIGSTOP, a suspended virtual machine.</summary>
public sealed record Pauses : SimFault
{
    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest pause; the shortest is a tenth of a second.</summary>
    public TimeSpan For { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>True: the node's monotonic clock may stand still too. Leases do not survive that, so not with lease reads.</summary>
    public bool TimeMayStand { get; init; } = true;

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => ["P4", "C3"];

    internal override void Start(SimCluster cluster, Prng random, long end) => Every(cluster, random, Interval, end, () =>
    {
        SimNode node = LeaderOrAny(cluster, random);
        bool timeStands = TimeMayStand && random.Chance(1, 3);
        long span = AnySpan(random, 100_000, For);
        if (node.Core is null || node.IsPaused) { return; }
        cluster.Strike("P4", "pauses", node.Index, span);
        node.Pause();
        int life = node.Lives;
        cluster.After(span, () =>
        {
            if (node.Lives != life || !node.IsPaused) { return; }
            if (timeStands) { cluster.Strike("C3", "time-stood", node.Index); }
            node.Resume(timeStands);
        });
    });
}

/// <summary>A node with too little processor: each turn of its loop takes long, and what comes in meanwhile waits.</summary>
public sealed record SlowNodes : SimFault
{
    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(6);

    /// <summary>Longest time until it is as fast as before.</summary>
    public TimeSpan For { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>Longest turn.</summary>
    public TimeSpan Turn { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => ["P6"];

    internal override void Start(SimCluster cluster, Prng random, long end) => Every(cluster, random, Interval, end, () =>
    {
        SimNode node = LeaderOrAny(cluster, random);
        if (node.Core is null) { return; }
        node.TurnMicros = random.Between(1_000, (long)Turn.TotalMicroseconds);
        long span = random.Between(500_000, (long)For.TotalMicroseconds);
        cluster.Strike("P6", "slow", node.Index, span);
        cluster.After(span, () => node.TurnMicros = 0);
    });
}
