using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Simulation.Disk;

namespace Quorate.Simulation;

/// <summary>Processes that die, or machines that lose their power, and are started again after a while.</summary>
public abstract record CrashFault : SimFault
{
    /// <summary>Longest time until the node is back.</summary>
    public TimeSpan Down { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>What is left of un-synced data after a power cut.</summary>
    public SimCrash Outcome { get; init; } = SimCrash.LoseUnsynced;

    /// <summary>Out of 100, how many are a kill of the process alone, which leaves the system's cache whole.</summary>
    public int KillPercent { get; init; } = 30;

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => ["P1", "D1", "D2", "D3", "D4"];

    // False if it was down already.
    private protected bool Fell(SimCluster cluster, Prng random, SimNode node)
    {
        if (node.Core is null) { return false; }
        if (random.Chance(KillPercent, 100)) { node.Kill(); }
        else { node.Crash(Outcome, isSilent: random.Chance(1, 3)); }
        cluster.After(random.Between(1_000, (long)Down.TotalMicroseconds), node.Start);
        return true;
    }
}

/// <summary>Crashes of the leader of a random shard.</summary>
public sealed record CrashLeader : CrashFault
{
    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(5);

    internal override void Start(SimCluster cluster, Prng random, long end) => Every(cluster, random, Interval, end, () =>
    {
        SimNode? leader = cluster.LeaderOf(AnyShard(cluster, random));
        if (leader is not null && Fell(cluster, random, leader)) { cluster.Strike("P1", "leader-crashes", leader.Index); }
    });
}

/// <summary>Crashes of a random node; now and then of a majority, or of all at once.</summary>
public sealed record CrashNodes : CrashFault
{
    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>Out of 100, how many hit a majority or all nodes.</summary>
    public int ManyPercent { get; init; } = 15;

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => [.. base.Rows, "P2"];

    internal override void Start(SimCluster cluster, Prng random, long end) => Every(cluster, random, Interval, end, () =>
    {
        if (!random.Chance(ManyPercent, 100))
        {
            SimNode one = AnyNode(cluster, random);
            if (Fell(cluster, random, one)) { cluster.Strike("P1", "node-crashes", one.Index); }
            return;
        }

        int count = random.Chance(1, 2) ? cluster.Nodes.Length : (cluster.Nodes.Length / 2) + 1;
        int first = random.Below(cluster.Nodes.Length);
        var fell = new SortedSet<int>();
        for (int i = 0; i < count; i++)
        {
            SimNode node = cluster.Nodes[(first + i) % cluster.Nodes.Length];
            if (Fell(cluster, random, node)) { fell.Add(node.Index); }
        }

        if (fell.Count > 1 && cluster.HasMajority(fell)) { cluster.Strike("P2", "many-crash"); }
    });
}

/// <summary>Power cuts in the middle of an I/O: at a write, sync, rename or creation soon to come, wherever that is.</summary>
public sealed record CrashInIo : SimFault
{
    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>The cut comes at one of so many changes.</summary>
    public int WithinChanges { get; init; } = 60;

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => ["P3", "D1", "D2", "D3", "D4"];

    internal override void Start(SimCluster cluster, Prng random, long end) => Every(cluster, random, Interval, end, () =>
    {
        SimNode node = AnyNode(cluster, random);
        node.CutPowerAtChange(node.Disk.Changes + random.Between(1, WithinChanges), "P3");
    });
}

/// <summary>A node that crashes again and again while it starts, or soon after.</summary>
public sealed record CrashLoops : CrashFault
{
    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(6);

    /// <summary>Most crashes in a row.</summary>
    public int Rounds { get; init; } = 5;

    /// <summary>The cut comes at one of so many changes after the start.</summary>
    public int WithinChanges { get; init; } = 30;

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => [.. base.Rows, "P5"];

    internal override void Start(SimCluster cluster, Prng random, long end) => Every(cluster, random, Interval, end, () =>
    {
        SimNode node = AnyNode(cluster, random);
        if (!Fell(cluster, random, node)) { return; }
        cluster.Strike("P1", "node-crashes", node.Index);
        Again(cluster, random, node, 1 + random.Below(Rounds), end);
    });

    private void Again(SimCluster cluster, Prng random, SimNode node, int left, long end)
    {
        if (left == 0 || cluster.Now >= end) { return; }
        node.CutPowerAtChange(node.Disk.Changes + random.Between(1, WithinChanges), "P5");
        node.Start();
        cluster.After(random.Between(10_000, 500_000), () => Again(cluster, random, node, left - 1, end));
    }
}

/// <summary>Crashes of another node just after one begins to campaign: the moment in which votes must be durable.</summary>
public sealed record CrashInElections : CrashFault
{
    /// <summary>Out of 100 campaigns, how many are met.</summary>
    public int Percent { get; init; } = 30;

    internal override void Start(SimCluster cluster, Prng random, long end) => cluster.Changed += (node, change) =>
    {
        if (change.Name != "campaigns" || cluster.Now >= end || !random.Chance(Percent, 100)) { return; }
        SimNode other = AnyNode(cluster, random);
        if (other.Index == node) { return; }
        cluster.After(random.Between(100, 60_000), () =>
        {
            if (other.Core is null) { return; }
            cluster.Strike("P1", "crash-in-election", other.Index);
            other.Crash(SimCrash.LoseUnsynced);
            cluster.After(random.Between(1_000, 5_000), other.Start);
        });
    };
}

/// <summary>Nodes that are stopped as an operator does: one, or all in turn.</summary>
public sealed record GracefulStops : SimFault
{
    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>Longest time until a node is back.</summary>
    public TimeSpan Down { get; init; } = TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => ["P10"];

    internal override void Start(SimCluster cluster, Prng random, long end) => Every(cluster, random, Interval, end, () =>
    {
        int first = random.Below(cluster.Nodes.Length);
        Restart(cluster, random, first, random.Chance(1, 2) ? 1 : cluster.Nodes.Length, end);
    });

    private void Restart(SimCluster cluster, Prng random, int index, int left, long end)
    {
        if (left == 0 || cluster.Now >= end) { return; }
        SimNode node = cluster.Nodes[index % cluster.Nodes.Length];
        node.Stop(() =>
        {
            cluster.Strike("P10", "stopped", node.Index);
            cluster.After(random.Between(1_000, (long)Down.TotalMicroseconds), () =>
            {
                node.Start();
                cluster.After(random.Between(100_000, 2_000_000), () => Restart(cluster, random, index + 1, left - 1, end));
            });
        });
    }
}
