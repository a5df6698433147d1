using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using Quorate.Core;

namespace Quorate.Simulation;

/// <summary>
/// A replica's state changes by itself, and all its checksums are right: a bit that flips in memory before it is written, a bug in a
/// compaction. One replica at a time, while all of its group are there; and in records that no client of the run reads, since the replica
/// answers as if nothing were wrong until the members are compared.
/// </summary>
public sealed record SilentChanges : SimFault
{
    /// <summary>Mean time between two attempts.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => ["D18"];

    internal override void Start(SimCluster cluster, Prng random, long end)
    {
        int number = 0;
        Every(cluster, random, Interval, end, () =>
        {
            ShardId shard = AnyBornShard(cluster, random);
            SimNode node = LeaderOrAny(cluster, random);
            (byte[] key, byte[] value) = AnyRecord(random, ++number);
            bool areAllWell = cluster.Nodes.All(other => !other.IsChanged(shard) && other.HasView(shard));
            if (areAllWell) { cluster.Changes.Plan(shard, node.Index, key, value); }
        });
    }

    // One of each kind that a state is made of.
    private static (byte[] Key, byte[] Value) AnyRecord(Prng random, int number) => random.Below(5) switch
    {
        0 => ([2, .. KeyText(number), 0, 1, .. U64(~2UL), .. U32(~0U)], [0, 2, 1, 0, .. KeyText(number)]), // A version of a key.
        1 => ([3, .. U64(2), .. U32((uint)number + 1_000)], KeyText(number)), // An entry of the index of changes.
        2 => ([4, .. U64((ulong)number)], [1, 100, 0, 0]), // A lease.
        3 => ([9, .. KeyText(number)], [1, 0]), // A role.
        _ => ([0x0E, .. U64((ulong)number + 1_000)], [1]), // A member that was removed.
    };

    private static byte[] KeyText(int number) => Encoding.ASCII.GetBytes($"~changed-{number}");

    private static byte[] U64(ulong value)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        return bytes;
    }

    private static byte[] U32(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }
}

/// <summary>The records that <see cref="SilentChanges"/> puts under machines.</summary>
internal sealed class SilentRecords(SimCluster cluster)
{
    private readonly SortedDictionary<(ShardId Shard, int Node), (byte[] Key, byte[] Value)> _planned = [];
    private readonly SortedDictionary<ShardId, List<byte[]>> _made = [];

    /// <summary>True once a state was changed.</summary>
    public bool HaveHappened => _made.Count > 0;

    /// <summary>With the next command that the replica applies, its store gets this record.</summary>
    public void Plan(ShardId shard, int node, byte[] key, byte[] value) => _planned[(shard, node)] = (key, value);

    /// <summary>A replica has applied a command.</summary>
    public void Applied(ShardId shard, int node, IStoreWriter store)
    {
        if (!_planned.Remove((shard, node), out (byte[] Key, byte[] Value) record)) { return; }
        store.Put(record.Key, record.Value);
        if (!_made.TryGetValue(shard, out List<byte[]>? made)) { _made.Add(shard, made = []); }
        made.Add(record.Key);
        cluster.Nodes[node].MarkDamaged(isInLog: false);
        cluster.Strike("D18", "state-changed", node);
    }

    /// <summary>True if the store has such a record.</summary>
    public bool IsIn(ShardId shard, IStoreReader store)
    {
        if (!_made.TryGetValue(shard, out List<byte[]>? made)) { return false; }
        foreach (byte[] key in made)
        {
            if (store.TryGet(key, out _)) { return true; }
        }

        return false;
    }
}
