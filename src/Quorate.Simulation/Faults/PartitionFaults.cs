using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Simulation;

/// <summary>Cuts of every shape, mended after a while.</summary>
public sealed record Partitions : SimFault
{
    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(6);

    /// <summary>Longest time until it is mended.</summary>
    public TimeSpan For { get; init; } = TimeSpan.FromSeconds(8);

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => ["N1", "N2", "N3", "N4"];

    internal override void Start(SimCluster cluster, Prng random, long end) => Every(cluster, random, Interval, end, () =>
    {
        if (cluster.Nodes.Length < 2) { return; }
        (string row, string what, int node, Func<int, int, bool> isCut) = Cut(cluster, random);
        long span = random.Between(100_000, (long)For.TotalMicroseconds);
        cluster.StrikeLinks(row, what, node, isCut, span);
        cluster.After(span, cluster.Network.MendCuts);
    });

    private static (string Row, string What, int Node, Func<int, int, bool> IsCut) Cut(SimCluster cluster, Prng random)
    {
        int count = cluster.Nodes.Length;
        SimNetwork network = cluster.Network;
        int one = random.Below(count);
        switch (random.Below(7))
        {
            case 0 when cluster.LeaderOf(AnyShard(cluster, random)) is { } leader:
                return Shape("N4", "leader-isolated", leader.Index, Around(new SortedSet<int> { leader.Index }));
            case 1: // One direction between two.
                int other = (one + 1 + random.Below(count - 1)) % count;
                network.Cut(one, other, true);
                return ("N3", "one-way-cut", one, (from, to) => from == one && to == other);
            case 2: // One node that hears, or is heard, only.
                bool hears = random.Chance(1, 2);
                return Shape("N3", hears ? "only-hears" : "only-heard", one, (from, to) => hears ? from == one : to == one);
            case 3 when count >= 5: // Everyone sees a majority, and no two the same one.
                return Shape("N2", "majorities-ring", -1, (from, to) => Distance(from, to, count) > count / 4);
            case 4 when count >= 3: // Two halves that only one node connects.
                return Shape("N2", "bridge", one, (from, to) => from != one && to != one && IsInHalf(from, one, count) != IsInHalf(to, one, count));
            case 5 when count >= 3: // A random third of the pairs.
                bool[] isCut = [.. Enumerable.Range(0, count * count).Select(_ => random.Chance(1, 3))];
                return Shape("N2", "third-of-pairs", -1, (from, to) => isCut[(Math.Min(from, to) * count) + Math.Max(from, to)]);
            default:
                int[] order = [.. Enumerable.Range(0, count).OrderBy(_ => random.Next())];
                return Shape("N1", "partition", -1, Around(new SortedSet<int>(order.Take(1 + random.Below(Math.Max(1, count / 2))))));
        }

        (string, string, int, Func<int, int, bool>) Shape(string row, string what, int node, Func<int, int, bool> isCut)
        {
            network.Shape(isCut);
            return (row, what, node, isCut);
        }
    }

    private static Func<int, int, bool> Around(SortedSet<int> group) => (from, to) => group.Contains(from) != group.Contains(to);

    private static int Distance(int one, int other, int count)
    {
        int apart = Math.Abs(one - other);
        return Math.Min(apart, count - apart);
    }

    private static bool IsInHalf(int node, int bridge, int count) => (node - bridge + count) % count <= count / 2;
}

/// <summary>Links that are stopped one by one and come back in another order; or one that comes and goes.</summary>
public sealed record Flapping : SimFault
{
    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(6);

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => ["N5"];

    internal override void Start(SimCluster cluster, Prng random, long end) => Every(cluster, random, Interval, end, () =>
    {
        if (cluster.Nodes.Length < 2) { return; }
        if (random.Chance(1, 2)) { Swizzle(cluster, random, end); }
        else { Flap(cluster, random, random.Below(cluster.Nodes.Length), random.Below(30), end); }
    });

    // FoundationDB's swizzle-clog.
    private static void Swizzle(SimCluster cluster, Prng random, long end)
    {
        int count = cluster.Nodes.Length;
        long latest = 0;
        int[] chosen = [.. Enumerable.Range(0, count).Where(_ => random.Chance(1, 2))];
        cluster.StrikeLinks("N5", "swizzle", -1, (from, to) => chosen.Contains(from) || chosen.Contains(to));
        foreach (int node in chosen)
        {
            long at = random.Between(0, 2_000_000);
            latest = Math.Max(latest, at);
            cluster.After(at, () =>
            {
                if (cluster.Now < end) { Isolate(cluster, node, true); }
            });
        }

        foreach (int node in chosen) { cluster.After(latest + random.Between(1, 3_000_000), () => Isolate(cluster, node, false)); }
    }

    private static void Flap(SimCluster cluster, Prng random, int node, int left, long end)
    {
        bool isCut = left % 2 == 1 && cluster.Now < end;
        Isolate(cluster, node, isCut);
        if (isCut) { cluster.Network.Note("N5", "flaps", node); }
        if (left > 0) { cluster.After(random.Between(10_000, 500_000), () => Flap(cluster, random, node, left - 1, end)); }
    }

    private static void Isolate(SimCluster cluster, int node, bool isCut)
    {
        for (int other = 0; other < cluster.Nodes.Length; other++)
        {
            cluster.Network.Cut(node, other, isCut);
            cluster.Network.Cut(other, node, isCut);
        }
    }
}
