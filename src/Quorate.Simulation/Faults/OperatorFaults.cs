using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Raft;
using Quorate.Replication;
using Quorate.Simulation.Disk;

namespace Quorate.Simulation;

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

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => ["O1", "O2"];

    internal override void Start(SimCluster cluster, Prng random, long end) => Every(cluster, random, Interval, end, () => Change(cluster, random));

    private void Change(SimCluster cluster, Prng random)
    {
        ShardId shard = AnyBornShard(cluster, random); // Keyspaces follow the first shard by themselves.
        SimNode? leader = cluster.LeaderOf(shard);
        if (leader?.Core?.StatusOf(shard) is not { } status) { return; }

        var steps = new List<(MembershipStep Step, ReplicaId Replica)>();
        var places = new List<ReplicaPlace>();
        for (int left = 1 + random.Below(2); left > 0; left--)
        {
            ReplicaId some = random.Chance(1, 4) ? status.Leader : status.Members[random.Below(status.Members.Length)].Replica;
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
        leader.Do(core =>
        {
            if (core.ChangeMembership(shard, change, [.. places]) != ProposeOutcome.Appended) { return; }
            bool removesLeader = steps.Contains((MembershipStep.Remove, status.Replica));
            cluster.Strike(removesLeader ? "O2" : "O1", removesLeader ? "leader-is-removed" : "membership-changes", leader.Index);
        });
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

/// <summary>Snapshots that are cut off on their way: the sender or the receiver dies, or their connection does.</summary>
public sealed record InterruptedSnapshots : SimFault
{
    /// <summary>Out of 100 snapshots, how many are met.</summary>
    public int Percent { get; init; } = 30;

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => ["O5"];

    internal override void Start(SimCluster cluster, Prng random, long end) => cluster.Changed += (node, change) =>
    {
        if (!change.Name.StartsWith("snapshot-", StringComparison.Ordinal) || cluster.Now >= end || !random.Chance(Percent, 100)) { return; }
        cluster.After(random.Between(100, 100_000), () =>
        {
            int other = random.Below(cluster.Nodes.Length);
            if (random.Chance(1, 2) && node != other)
            {
                if (cluster.Network.Reset(node, other))
                {
                    cluster.StrikeLinks("O5", "connection-resets-in-snapshot", node, (from, to) => from == node && to == other);
                }

                return;
            }

            SimNode victim = cluster.Nodes[random.Chance(1, 2) ? node : other];
            if (victim.Core is null) { return; }
            cluster.Strike("O5", "crash-in-snapshot", victim.Index);
            victim.Crash(SimCrash.Mixed);
            cluster.After(random.Between(1_000, 2_000_000), victim.Start);
        });
    };
}

/// <summary>Leadership is handed around on purpose.</summary>
public sealed record Transfers : SimFault
{
    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(7);

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => [];

    internal override void Start(SimCluster cluster, Prng random, long end) => Every(cluster, random, Interval, end, () =>
    {
        ShardId shard = AnyShard(cluster, random);
        SimNode? leader = cluster.LeaderOf(shard);
        if (leader?.Core?.StatusOf(shard)?.Members is not { } members) { return; }
        ReplicaId to = members[random.Below(members.Length)].Replica;
        leader.Do(core => core.TransferLeadership(shard, to));
    });
}
