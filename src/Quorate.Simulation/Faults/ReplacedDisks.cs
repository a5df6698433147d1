using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Simulation.Disk;

namespace Quorate.Simulation;

/// <summary>
/// Nodes that come back, under their old name, with another disk than the one they had. Strikes a minority of the nodes: what they had
/// promised is gone, and a majority must know the rest.
/// </summary>
public abstract record ReplacedDisks : SimFault
{
    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>Longest time until the node is back.</summary>
    public TimeSpan Down { get; init; } = TimeSpan.FromSeconds(1);

    internal override void Start(SimCluster cluster, Prng random, long end)
    {
        int first = random.Below(cluster.Options.Nodes);
        int most = (cluster.Options.Nodes - 1) / 2;
        if (most == 0) { return; }
        Every(cluster, random, Interval, end, () => Strike(cluster, random, cluster.Nodes[(first + random.Below(most)) % cluster.Options.Nodes], end));
    }

    private protected abstract void Strike(SimCluster cluster, Prng random, SimNode node, long end);

    private protected void Replace(SimCluster cluster, Prng random, SimNode node, string row, string what, Action replace)
    {
        cluster.Strike(row, what, node.Index);
        node.Kill();
        replace();
        cluster.After(random.Between(1_000, (long)Down.TotalMicroseconds), node.Start);
    }
}

/// <summary>Disks that are gone: the node comes back with an empty one.</summary>
public sealed record LostDisks : ReplacedDisks
{
    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => ["D13"];

    private protected override void Strike(SimCluster cluster, Prng random, SimNode node, long end) =>
        Replace(cluster, random, node, "D13", "disk-lost", () =>
        {
            node.Disk.Erase();
            node.MarkDamaged(isInLog: true);
        });
}

/// <summary>Disks that were restored from an image: the node comes back with what it had synced some time ago.</summary>
public sealed record RestoredDisks : ReplacedDisks
{
    /// <summary>Longest age of the image.</summary>
    public TimeSpan Age { get; init; } = TimeSpan.FromSeconds(4);

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => ["D14"];

    private protected override void Strike(SimCluster cluster, Prng random, SimNode node, long end)
    {
        if (node.Core is null) { return; }
        SimDisk image = node.Disk.Clone();
        image.Crash();
        cluster.After(random.Between(200_000, (long)Age.TotalMicroseconds), () =>
        {
            if (cluster.Now >= end || node.IsLost) { return; }
            Replace(cluster, random, node, "D14", "disk-restored", () =>
            {
                node.Disk.Restore(image);
                node.MarkForgetful();
            });
        });
    }
}
