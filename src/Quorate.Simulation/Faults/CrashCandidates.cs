using Quorate.Core;

namespace Quorate.Simulation;

/// <summary>
/// Power cuts of a node just after it began to campaign: what it asks for in the next term must not be asked before its own vote, and the
/// log that it names, are durable.
/// </summary>
public sealed record CrashCandidates : CrashFault
{
    /// <summary>Out of 100 campaigns, how many are met.</summary>
    public int Percent { get; init; } = 60;

    internal override void Start(SimCluster cluster, Prng random, long end) => cluster.Changed += (index, change) =>
    {
        if (change.Name != "campaigns" || cluster.Now >= end || !random.Chance(Percent, 100)) { return; }
        cluster.After(random.Between(100, 30_000), () =>
        {
            if (Fell(cluster, random, cluster.Nodes[index])) { cluster.Strike("P1", "candidate-crashes", index); }
        });
    };
}
