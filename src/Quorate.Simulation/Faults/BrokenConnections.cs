using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Simulation;

/// <summary>Connections of etcd's clients break: a request is lost on the way, or the answer of a server that has acted.</summary>
public sealed record BrokenConnections : SimFault
{
    /// <summary>Requests lost out of 100.</summary>
    public int RequestPercent { get; init; } = 2;

    /// <summary>Answers lost out of 100.</summary>
    public int AnswerPercent { get; init; } = 3;

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => ["K1"];

    internal override void Start(SimCluster cluster, Prng random, long end)
    {
        (cluster.ClientLinks.LoseRequestPercent, cluster.ClientLinks.LoseAnswerPercent) = (RequestPercent, AnswerPercent);
        cluster.After(end - cluster.Now, () => (cluster.ClientLinks.LoseRequestPercent, cluster.ClientLinks.LoseAnswerPercent) = (0, 0));
    }
}
