using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Simulation;

/// <summary>Something that goes wrong while a workload runs. A new fault is a new record, usable by every scenario.</summary>
public abstract record SimFault
{
    /// <summary>The name of its type: in options, and its stream of random numbers.</summary>
    public string Name => GetType().Name;

    /// <summary>The names of all that a plan may have.</summary>
    public static ImmutableSortedSet<string> Names { get; } =
    [
        .. typeof(SimFault).Assembly.GetTypes()
            .Where(type => type.IsSubclassOf(typeof(SimFault)) && !type.IsAbstract && type != typeof(StateComparison))
            .Select(type => type.Name),
    ];

    /// <summary>The rows of the catalogue (docs/reliability.md) that it may strike by.</summary>
    public abstract ImmutableArray<string> Rows { get; }

    /// <summary>Starts it with a stream of random numbers of its own; it must do nothing after the end (simulated microseconds), except mend what only it can mend.</summary>
    internal abstract void Start(SimCluster cluster, Prng random, long end);

    /// <summary>Checks what it did, on the healed cluster whose replicas agree. Default: nothing.</summary>
    internal virtual void Finish(SimCluster cluster)
    {
    }

    /// <summary>Does something again and again, at random intervals around the mean.</summary>
    private protected static void Every(SimCluster cluster, Prng random, TimeSpan mean, long end, Action action)
    {
        long micros = (long)mean.TotalMicroseconds;
        cluster.After(random.Between(micros / 2, micros * 3 / 2), () =>
        {
            if (cluster.Now >= end) { return; }
            action();
            Every(cluster, random, mean, end, action);
        });
    }

    private protected static SimNode AnyNode(SimCluster cluster, Prng random) => cluster.Nodes[random.Below(cluster.Nodes.Length)];

    private protected static ShardId AnyShard(SimCluster cluster, Prng random) => Any([.. cluster.Shards], random);

    private protected static ShardId AnyBornShard(SimCluster cluster, Prng random) => Any([.. cluster.BornShards], random);

    private static ShardId Any(ShardId[] shards, Prng random) => shards[random.Below(shards.Length)];

    /// <summary>The leader of a random shard half of the time, else any node.</summary>
    private protected static SimNode LeaderOrAny(SimCluster cluster, Prng random)
    {
        SimNode any = AnyNode(cluster, random);
        return random.Chance(1, 2) ? cluster.LeaderOf(AnyShard(cluster, random)) ?? any : any;
    }

    /// <summary>A span from least to most; short ones are as likely as long ones, by orders of magnitude.</summary>
    private protected static long AnySpan(Prng random, long leastMicros, TimeSpan most)
    {
        long high = leastMicros;
        while (high < most.TotalMicroseconds && random.Chance(4, 5)) { high *= 2; }
        return random.Between(leastMicros, Math.Max(leastMicros, Math.Min(high, (long)most.TotalMicroseconds)));
    }
}

/// <summary>No fault, but a check again and again: replicas that stood at the same entry must have had the same state there.</summary>
public sealed record StateComparison : SimFault
{
    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => [];

    internal override void Start(SimCluster cluster, Prng random, long end) => Every(cluster, random, Interval, end, cluster.CompareStates);
}
