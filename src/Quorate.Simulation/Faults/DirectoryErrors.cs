using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Simulation.Disk;

namespace Quorate.Simulation;

/// <summary>
/// The sync of a directory is refused with EIO. Which names a power cut would leave is open then; half of the time the power goes soon.
/// </summary>
public sealed record DirectoryErrors : SimFault
{
    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => ["D5", "D1", "D2", "D3", "D4"];

    internal override void Start(SimCluster cluster, Prng random, long end) => Every(cluster, random, Interval, end, () =>
    {
        SimNode node = AnyNode(cluster, random);
        int left = random.Below(4);
        bool cutsPower = random.Chance(1, 2);
        node.Disk.Fault = io =>
        {
            if (io.Kind != SimIoKind.SyncDirectory || left-- > 0) { return null; }
            node.Disk.Fault = null;
            cluster.Strike("D5", "directory-sync-fails", node.Index);
            if (cutsPower) { cluster.After(random.Between(0, 1_000_000), () => CutPower(cluster, random, node)); }
            return DiskFault.Failed;
        };
    });

    private static void CutPower(SimCluster cluster, Prng random, SimNode node)
    {
        if (node.Core is not null) { node.Crash(SimCrash.Mixed); }
        else { node.Disk.Crash(random, SimCrash.Mixed); }
        cluster.After(random.Between(1_000, 1_000_000), node.Start);
    }
}
