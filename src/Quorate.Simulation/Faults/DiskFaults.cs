using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Simulation.Disk;

namespace Quorate.Simulation;

/// <summary>
/// The disk refuses one sync, write or read with EIO. After a sync that failed its bytes are gone at the next power cut at
/// the latest, whatever readers see: half of the time the power goes at once.
/// </summary>
public sealed record DiskErrors : SimFault
{
    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(6);

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => ["D5", "D6", "D1", "D2", "D3", "D4"];

    internal override void Start(SimCluster cluster, Prng random, long end) => Every(cluster, random, Interval, end, () =>
    {
        SimNode node = LeaderOrAny(cluster, random);
        SimIoKind kind = random.Below(5) switch { < 3 => SimIoKind.Sync, 3 => SimIoKind.Write, _ => SimIoKind.Read };
        bool cutsPower = kind == SimIoKind.Sync && random.Chance(1, 2);
        int left = random.Below(20);
        node.Disk.Fault = io =>
        {
            if (io.Kind != kind || left-- > 0) { return null; }
            node.Disk.Fault = null;
            cluster.Strike(kind == SimIoKind.Sync ? "D5" : "D6", $"{kind} fails", node.Index);
            if (cutsPower) { cluster.After(random.Between(0, 2_000_000), () => CutPower(cluster, random, node)); }
            return DiskFault.Failed;
        };
    });

    private static void CutPower(SimCluster cluster, Prng random, SimNode node)
    {
        // Down by then, or up again on what its dead predecessor had written: both lose what no sync has covered.
        if (node.Core is not null) { node.Crash(SimCrash.KeepAll); }
        else { node.Disk.Crash(random, SimCrash.KeepAll); }
        cluster.After(random.Between(1_000, 2_000_000), node.Start);
    }
}

/// <summary>A disk that fills up, and has room again some time later.</summary>
public sealed record FullDisks : SimFault
{
    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>Longest time until there is room.</summary>
    public TimeSpan For { get; init; } = TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => ["D7"];

    internal override void Start(SimCluster cluster, Prng random, long end) => Every(cluster, random, Interval, end, () =>
    {
        SimNode node = LeaderOrAny(cluster, random);
        if (node.Core is null || node.Disk.QuotaBytes != long.MaxValue) { return; }
        int before = node.Disk.Refusals;

        // Above the reserve, so that it is seen coming, or so little that the disk is full before the node looks.
        node.Disk.QuotaBytes = node.Disk.UsedBytes() + random.Between(0, 300_000);
        cluster.After(random.Between(1_000_000, (long)For.TotalMicroseconds), () =>
        {
            bool hasStruck = node.Disk.Refusals > before || (node.Core?.DiskNearlyFull ?? false);
            if (hasStruck) { cluster.Strike("D7", "disk-was-full", node.Index); }
            node.Disk.QuotaBytes = long.MaxValue;
        });
    });
}

/// <summary>Disks that stand still, or are slow for a while.</summary>
public sealed record SlowDisks : SimFault
{
    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest stall; the shortest is a tenth of a second.</summary>
    public TimeSpan Stall { get; init; } = TimeSpan.FromSeconds(60);

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => ["D15", "D16"];

    internal override void Start(SimCluster cluster, Prng random, long end) => Every(cluster, random, Interval, end, () =>
    {
        SimNode node = LeaderOrAny(cluster, random);
        long span = AnySpan(random, 100_000, Stall);
        if (node.Core is null) { return; }
        if (random.Chance(1, 2))
        {
            cluster.Strike("D15", "disk-stalls", node.Index, span);
            node.StallDisk(cluster.Now + span);
            return;
        }

        cluster.Strike("D16", "disk-slows-down", node.Index, span);
        node.DiskSlowness = 2 + random.Below(30);
        cluster.After(span, () => node.DiskSlowness = 1);
    });
}
