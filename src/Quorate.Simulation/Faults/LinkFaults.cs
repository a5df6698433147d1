using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Simulation;

/// <summary>Loss, a tail of late frames, and without streams duplication and order.</summary>
public sealed record LossyNetwork : SimFault
{
    /// <summary>Frames lost out of 100.</summary>
    public int DropPercent { get; init; } = 2;

    /// <summary>Datagrams delivered twice out of 100.</summary>
    public int DuplicatePercent { get; init; } = 2;

    /// <summary>Late frames out of 1,000.</summary>
    public int LatePerMille { get; init; } = 50;

    /// <summary>Latest arrival of a late frame. A datagram may outlive the run of the node it was meant for.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => ["N6", "N7", "N8", "N13"];

    internal override void Start(SimCluster cluster, Prng random, long end)
    {
        cluster.Network.DropPerMille = DropPercent * 10;
        cluster.Network.DuplicatePerMille = DuplicatePercent * 10;
        cluster.Network.TailPerMille = LatePerMille;
        cluster.Network.TailMicros = (long)MaxDelay.TotalMicroseconds;
    }
}

/// <summary>Directions that are slow for a while: far away, or with little bandwidth and full buffers.</summary>
public sealed record SlowLinks : SimFault
{
    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>Longest time until the direction is as it was.</summary>
    public TimeSpan For { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>Longest added delay.</summary>
    public TimeSpan Delay { get; init; } = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => ["N6", "N11"];

    internal override void Start(SimCluster cluster, Prng random, long end) => Every(cluster, random, Interval, end, () =>
    {
        int from = random.Below(cluster.Nodes.Length);
        int to = random.Below(cluster.Nodes.Length);
        if (from == to) { return; }
        bool isNarrow = cluster.Network.HasStreams && random.Chance(1, 2);
        long bytes = isNarrow ? random.Between(1_000, 50_000) : 0;
        cluster.Network.Limit(from, to, bytes);
        cluster.Network.Delay(from, to, isNarrow ? 0 : AnySpan(random, 5_000, Delay));
        long span = random.Between(200_000, (long)For.TotalMicroseconds);
        cluster.StrikeLinks(isNarrow ? "N11" : "N6", isNarrow ? "narrow-link" : "far-link", from, (one, other) => one == from && other == to, span);
        cluster.After(span, () =>
        {
            cluster.Network.Limit(from, to, 0);
            cluster.Network.Delay(from, to, 0);
        });
    });
}

/// <summary>
/// Connections that break in the middle of a frame. A flipped bit would come to the same, but the checksum that notices it is the
/// real host's, so that row is left to the tests with real processes.
/// </summary>
public sealed record Resets : SimFault
{
    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => ["N10"];

    internal override void Start(SimCluster cluster, Prng random, long end) => Every(cluster, random, Interval, end, () =>
    {
        int one = random.Below(cluster.Nodes.Length);
        int other = random.Below(cluster.Nodes.Length);
        if (one != other && cluster.Network.Reset(one, other))
        {
            cluster.StrikeLinks("N10", "connection-resets", one, (from, to) => from == one && to == other);
        }
    });
}
