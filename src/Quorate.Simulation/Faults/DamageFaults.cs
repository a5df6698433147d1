using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Simulation.Disk;

namespace Quorate.Simulation;

/// <summary>
/// What was stored changes by itself. Damage is done to a minority of the nodes, and only where it can be told from a write that was never finished (the log's and the engine's DESIGN.md say where it cannot): not in the newest
/// segment of the log and not in manifests.
/// </summary>
public abstract record DamageFault : SimFault
{
    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(4);

    internal override void Start(SimCluster cluster, Prng random, long end)
    {
        int first = random.Below(cluster.Nodes.Length);
        int most = (cluster.Options.Nodes - 1) / 2;
        if (most == 0) { return; }
        Every(cluster, random, Interval, end, () =>
        {
            SimNode node = cluster.Nodes[(first + random.Below(most)) % cluster.Nodes.Length];
            string[] files = [.. FilesToDamage(node.Disk)];
            if (files.Length == 0 || node.IsLost) { return; }
            Damage(cluster, random, node, files[random.Below(files.Length)]);
        });
    }

    private protected abstract void Damage(SimCluster cluster, Prng random, SimNode node, string file);

    internal static IEnumerable<string> FilesToDamage(SimDisk disk)
    {
        string? newest = disk.Files().Where(IsSegment).LastOrDefault();
        return disk.Files().Where(file =>
            disk.ReadAll(file).Length > 0 && (file.EndsWith(".sst", StringComparison.Ordinal) || (IsSegment(file) && file != newest)));
    }

    internal static bool IsSegment(string file) =>
        file.StartsWith("wal/", StringComparison.Ordinal) && !file.EndsWith(".tmp", StringComparison.Ordinal);
}

/// <summary>Bit rot at rest, in tables and in the log.</summary>
public sealed record BitRot : DamageFault
{
    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => ["D9"];

    private protected override void Damage(SimCluster cluster, Prng random, SimNode node, string file)
    {
        long bits = node.Disk.ReadAll(file).LongLength * 8;
        node.MarkDamaged(isInLog: IsSegment(file));
        node.Disk.FlipBit(file, random.Between(0, bits - 1));
        cluster.Strike(Rows[0], "bit-flips", node.Index);
    }
}

/// <summary>
/// Bit rot on all nodes: on each in a stripe of its own of every file, so that what one has lost the others have. It strikes once every
/// node has lost something.
/// </summary>
public sealed record BitRotEverywhere : SimFault
{
    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => ["D10"];

    internal override void Start(SimCluster cluster, Prng random, long end)
    {
        int next = random.Below(cluster.Nodes.Length);
        Every(cluster, random, Interval, end, () =>
        {
            SimNode node = cluster.Nodes[next++ % cluster.Nodes.Length];
            string[] files = [.. DamageFault.FilesToDamage(node.Disk)];
            if (files.Length == 0 || node.IsLost) { return; }
            string file = files[random.Below(files.Length)];
            long bits = node.Disk.ReadAll(file).LongLength * 8;
            long stripe = bits / cluster.Nodes.Length;
            node.MarkDamaged(isInLog: DamageFault.IsSegment(file));
            node.Disk.FlipBit(file, (node.Index * stripe) + random.Between(0, Math.Max(0, stripe - 1)));
            if (cluster.Nodes.All(hit => hit.IsDamaged)) { cluster.Strike("D10", "bit-flips", node.Index); }
        });
    }
}

/// <summary>Files that are cut short, zeroed at their end or gone when the node starts again.</summary>
public sealed record LostFiles : DamageFault
{
    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => ["D12"];

    private protected override void Damage(SimCluster cluster, Prng random, SimNode node, string file)
    {
        node.MarkDamaged(isInLog: IsSegment(file));
        node.Kill();
        byte[] bytes = node.Disk.ReadAll(file);
        int left = random.Below(bytes.Length);
        switch (random.Below(3))
        {
            case 0:
                node.Disk.Delete(file);
                break;
            case 1:
                node.Disk.Put(file, bytes.AsSpan(0, left));
                break;
            default:
                bytes.AsSpan(left).Clear();
                node.Disk.Put(file, bytes);
                break;
        }

        cluster.Strike("D12", "file-damaged", node.Index);
        cluster.After(random.Between(1_000, 1_000_000), node.Start);
    }
}
