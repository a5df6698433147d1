using System.Collections.Immutable;

namespace Quorate.Core;

/// <summary>One replica of a shard, and where it lives.</summary>
/// <param name="Replica">Its id in the group.</param>
/// <param name="Node">The node that holds it.</param>
public readonly record struct ReplicaPlace(ReplicaId Replica, NodeId Node);

/// <summary>A named store of its own: one shard, hence one Raft group with its own log, revisions and leases.</summary>
/// <param name="Name">Unique among those that are there; may be given again after a deletion.</param>
/// <param name="Shard">Never given to another keyspace, not even after a deletion.</param>
/// <param name="Machine">Id of its state machine in the catalog.</param>
/// <param name="Voters">The group's first voters, the same for everybody who creates it.</param>
/// <param name="QuotaBytes">Most bytes it is to hold on each node; 0: no limit of its own.</param>
public sealed record Keyspace(string Name, ShardId Shard, int Machine, ImmutableArray<ReplicaPlace> Voters, long QuotaBytes);

/// <summary>The keyspaces of a cluster beside the first one, as the first one's state machine keeps them. Immutable: any thread.</summary>
public sealed class KeyspaceList
{
    /// <summary>None were ever made.</summary>
    public static readonly KeyspaceList Empty = new(new ShardId(2), []);

    private readonly ImmutableSortedDictionary<string, Keyspace> _byName;
    private readonly ImmutableSortedDictionary<ShardId, Keyspace> _byShard;

    /// <summary>Creates a list.</summary>
    /// <param name="next">The shard that the next keyspace gets.</param>
    /// <param name="keyspaces">With shards from 2 up to that.</param>
    public KeyspaceList(ShardId next, IEnumerable<Keyspace> keyspaces)
    {
        Next = next;
        Keyspace[] all = [.. keyspaces];
        _byName = all.ToImmutableSortedDictionary(keyspace => keyspace.Name, keyspace => keyspace, StringComparer.Ordinal);
        _byShard = all.ToImmutableSortedDictionary(keyspace => keyspace.Shard, keyspace => keyspace);
    }

    /// <summary>The shard that the next keyspace gets.</summary>
    public ShardId Next { get; }

    /// <summary>Ordered by name.</summary>
    public IEnumerable<Keyspace> All => _byName.Values;

    /// <summary>How many there are.</summary>
    public int Count => _byName.Count;

    /// <summary>The keyspace of that name, or null.</summary>
    public Keyspace? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>The keyspace of that shard, or null.</summary>
    public Keyspace? Find(ShardId shard) => _byShard.GetValueOrDefault(shard);

    /// <summary>True if the shard was a keyspace's that is deleted. What is not known yet is not deleted.</summary>
    public bool IsDeleted(ShardId shard) => shard.Value >= Empty.Next.Value && shard.Value < Next.Value && !_byShard.ContainsKey(shard);
}
