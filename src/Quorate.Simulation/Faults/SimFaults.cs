using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Raft;
using Quorate.Replication;
using Quorate.Simulation.Disk;

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

    /// <summary>Starts it with a stream of random numbers of its own; it must do nothing after the end (simulated microseconds), except mend what only it can mend.</summary>
    internal abstract void Start(SimCluster cluster, Prng random, long end);

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

    private protected static void CrashAndRestart(SimCluster cluster, Prng random, SimNode node, SimCrash outcome, TimeSpan down)
    {
        node.Crash(outcome);
        cluster.After(random.Between(1_000, (long)down.TotalMicroseconds), node.Start);
    }
}

/// <summary>Power cuts of the leader of a random shard.</summary>
public sealed record CrashLeader : SimFault
{
    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest time until the node is back.</summary>
    public TimeSpan Down { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>What is left of un-synced data.</summary>
    public SimCrash Outcome { get; init; } = SimCrash.LoseUnsynced;

    internal override void Start(SimCluster cluster, Prng random, long end) => Every(cluster, random, Interval, end, () =>
    {
        ShardId[] shards = [.. cluster.Shards];
        if (cluster.LeaderOf(shards[random.Below(shards.Length)]) is { } leader)
        {
            CrashAndRestart(cluster, random, leader, Outcome, Down);
        }
    });
}

/// <summary>Power cuts of a random node; now and then of all at once.</summary>
public sealed record CrashNodes : SimFault
{
    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>Longest time until a node is back.</summary>
    public TimeSpan Down { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>Out of 100, how many hit all nodes.</summary>
    public int AllPercent { get; init; } = 10;

    /// <summary>What is left of un-synced data.</summary>
    public SimCrash Outcome { get; init; } = SimCrash.Mixed;

    internal override void Start(SimCluster cluster, Prng random, long end) => Every(cluster, random, Interval, end, () =>
    {
        if (random.Chance(AllPercent, 100))
        {
            foreach (SimNode node in cluster.Nodes) { CrashAndRestart(cluster, random, node, Outcome, Down); }
        }
        else
        {
            CrashAndRestart(cluster, random, cluster.Nodes[random.Below(cluster.Nodes.Length)], Outcome, Down);
        }
    });
}

/// <summary>Power cuts in the middle of an I/O: at a write, sync, rename or creation soon to come, wherever that is.</summary>
public sealed record CrashInIo : SimFault
{
    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>The cut comes at one of so many changes.</summary>
    public int WithinChanges { get; init; } = 60;

    internal override void Start(SimCluster cluster, Prng random, long end) => Every(cluster, random, Interval, end, () =>
    {
        SimNode node = cluster.Nodes[random.Below(cluster.Nodes.Length)];
        node.Disk.CrashAtChange = node.Disk.Changes + random.Between(1, WithinChanges);
    });
}

/// <summary>Power cuts of another node just after one begins to campaign: the moment in which votes must be durable.</summary>
public sealed record CrashInElections : SimFault
{
    /// <summary>Out of 100 campaigns, how many are met.</summary>
    public int Percent { get; init; } = 30;

    internal override void Start(SimCluster cluster, Prng random, long end) => cluster.Changed += (node, change) =>
    {
        if (change.Name != "campaigns" || cluster.Now >= end || !random.Chance(Percent, 100)) { return; }
        SimNode other = cluster.Nodes[random.Below(cluster.Nodes.Length)];
        if (other.Index == node) { return; }
        cluster.After(random.Between(100, 60_000), () => CrashAndRestart(cluster, random, other, SimCrash.LoseUnsynced, TimeSpan.FromMilliseconds(5)));
    };
}

/// <summary>Loss, duplication, and a tail of late frames.</summary>
public sealed record LossyNetwork : SimFault
{
    /// <summary>Frames lost out of 100.</summary>
    public int DropPercent { get; init; } = 2;

    /// <summary>Frames delivered twice out of 100.</summary>
    public int DuplicatePercent { get; init; } = 2;

    /// <summary>Latest arrival of a late frame; one in twenty is late. It may outlive the run of the node it was meant for.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromMilliseconds(200);

    internal override void Start(SimCluster cluster, Prng random, long end)
    {
        cluster.Network.DropPerMille = DropPercent * 10;
        cluster.Network.DuplicatePerMille = DuplicatePercent * 10;
        cluster.Network.TailPerMille = 50;
        cluster.Network.TailMicros = (long)MaxDelay.TotalMicroseconds;
    }
}

/// <summary>Cuts: a random group from the rest, or single directions only, mended after a while.</summary>
public sealed record Partitions : SimFault
{
    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(6);

    /// <summary>Longest time until it is mended.</summary>
    public TimeSpan For { get; init; } = TimeSpan.FromSeconds(5);

    internal override void Start(SimCluster cluster, Prng random, long end) => Every(cluster, random, Interval, end, () =>
    {
        int count = cluster.Nodes.Length;
        if (random.Chance(1, 3))
        {
            cluster.Network.Cut(random.Below(count), random.Below(count), true);
        }
        else
        {
            var group = new SortedSet<int>();
            for (int i = 0; i < count; i++)
            {
                if (random.Chance(1, 2)) { group.Add(i); }
            }

            cluster.Network.Partition(group);
        }

        cluster.After(
            random.Between(100_000, (long)For.TotalMicroseconds), () => cluster.Network.Partition(new SortedSet<int>()));
    });
}

/// <summary>Nodes that stand still for a while, and clocks that jump by up to an hour.</summary>
public sealed record PausesAndClocks : SimFault
{
    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest pause.</summary>
    public TimeSpan For { get; init; } = TimeSpan.FromSeconds(4);

    internal override void Start(SimCluster cluster, Prng random, long end) => Every(cluster, random, Interval, end, () =>
    {
        SimNode node = cluster.Nodes[random.Below(cluster.Nodes.Length)];
        node.ClockOffsetMillis = random.Between(-3_600_000, 3_600_000);
        node.Pause();
        cluster.After(random.Between(10_000, (long)For.TotalMicroseconds), node.Resume);
    });
}

/// <summary>
/// Changes of membership, one or several steps at once: spares join as learners or voters, learners are promoted, voters are
/// demoted, removed or replaced.
/// </summary>
public sealed record MembershipChanges : SimFault
{
    private readonly SortedSet<(ShardId Shard, NodeId Node)> _used = [];
    private ulong _lastReplica = 100;

    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(4);

    internal override void Start(SimCluster cluster, Prng random, long end) => Every(cluster, random, Interval, end, () => Change(cluster, random));

    private void Change(SimCluster cluster, Prng random)
    {
        ShardId[] shards = [.. cluster.Shards];
        ShardId shard = shards[random.Below(shards.Length)];
        SimNode? leader = cluster.LeaderOf(shard);
        if (leader?.Core?.StatusOf(shard) is not { } status) { return; }

        var steps = new List<(MembershipStep Step, ReplicaId Replica)>();
        var places = new List<ReplicaPlace>();
        for (int left = 1 + random.Below(2); left > 0; left--)
        {
            ReplicaId some = status.Members[random.Below(status.Members.Length)].Replica;
            if (steps.Exists(step => step.Replica == some)) { continue; }

            // More come than go, or every run would end with a group of one.
            switch (random.Below(10))
            {
                case 0 when status.Members.Length > 2: steps.Add((MembershipStep.Remove, some)); break;
                case 1: steps.Add((MembershipStep.AddLearner, some)); break;
                case 2 or 3 or 4: steps.Add((MembershipStep.AddVoter, some)); break;
                default: Join(cluster, random, status, steps, places); break;
            }
        }

        // With no step at all it asks to leave a joint membership, which is refused unless there is one.
        JointTransition transition = random.Below(4) switch
        {
            0 => JointTransition.Explicit,
            1 => JointTransition.Implicit,
            _ => JointTransition.Auto,
        };
        var change = new MembershipChange([.. steps], transition, default);
        leader.Do(core => core.ChangeMembership(shard, change, [.. places]));
        if (transition == JointTransition.Explicit)
        {
            cluster.After(random.Between(10_000, 3_000_000), () =>
                cluster.LeaderOf(shard)?.Do(core => core.ChangeMembership(shard, MembershipChange.Leave, [])));
        }
    }

    // A node that had a replica of this shard keeps its tombstone, so each spare is used once.
    private void Join(
        SimCluster cluster, Prng random, ShardStatus status, List<(MembershipStep Step, ReplicaId Replica)> steps, List<ReplicaPlace> places)
    {
        SimNode? spare = cluster.Nodes.FirstOrDefault(
            node => node.Index >= cluster.Options.Nodes && !_used.Contains((status.Shard, node.Id)));
        if (spare is null) { return; }
        _used.Add((status.Shard, spare.Id));
        var replica = new ReplicaId(++_lastReplica);
        steps.Add((random.Chance(1, 2) ? MembershipStep.AddLearner : MembershipStep.AddVoter, replica));
        places.Add(new(replica, spare.Id));
    }
}

/// <summary>Leadership is handed around on purpose.</summary>
public sealed record Transfers : SimFault
{
    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(7);

    internal override void Start(SimCluster cluster, Prng random, long end) => Every(cluster, random, Interval, end, () =>
    {
        ShardId[] shards = [.. cluster.Shards];
        ShardId shard = shards[random.Below(shards.Length)];
        SimNode? leader = cluster.LeaderOf(shard);
        if (leader?.Core?.StatusOf(shard)?.Members is not { } members) { return; }
        ReplicaId to = members[random.Below(members.Length)].Replica;
        leader.Do(core => core.TransferLeadership(shard, to));
    });
}

/// <summary>No fault, but a check again and again: replicas that stood at the same entry must have had the same state there.</summary>
public sealed record StateComparison : SimFault
{
    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(1);

    internal override void Start(SimCluster cluster, Prng random, long end) => Every(cluster, random, Interval, end, cluster.CompareStates);
}
