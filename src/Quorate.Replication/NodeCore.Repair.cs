using Quorate.Core;

namespace Quorate.Replication;

/// <summary>Damaged replicas: set aside, and begun anew (Replica.Repair.cs).</summary>
public sealed partial class NodeCore
{
    private readonly List<(ShardId Shard, string Damage)> _found = []; // While opening, when the host may not be called yet.

    /// <summary>
    /// Somebody who reads a view has met damage: the replica is filled anew by its peers. A node that has none goes on with what it
    /// can read.
    /// </summary>
    /// <param name="shard">The shard. One that this node does not have is ignored.</param>
    /// <param name="damage">What was found. Damage of files that are not in use any more is ignored.</param>
    public void Damaged(ShardId shard, CorruptFileException damage)
    {
        if (FindReplica(shard) is { IsBlank: false } replica && replica.Uses(damage.FilePath) && _peers.KnowsAny) { Repair(replica, damage); }
    }

    /// <summary>Replaces a replica whose files are damaged by one that waits for a snapshot.</summary>
    /// <exception cref="CorruptFileException">There is nobody who could have what it lost.</exception>
    internal void Repair(Replica replica, CorruptFileException damage)
    {
        if (!_peers.KnowsAny) { throw damage; }
        ShardId shard = replica.Shard;
        RepairMark.Write(Files, replica.Directory, replica.LastGeneration, damage.Message);
        (ShardDescriptor descriptor, ReplicaId self) = ReplicaStore.ReadDescriptor(Files, shard);
        var kept = new Storage.Wal.RecoveredShard(shard, replica.KeptState, LogPosition.Zero, [], []);
        RemoveReplica(shard);
        var successor = new Replica(this, descriptor, self, kept, isNew: false, _random.Split(shard.Value));
        successor.Replace(replica);
        AddReplica(successor);
        Batch.AddHardState(shard, kept.HardState);
        ReportDamage(shard, damage.Message);
    }

    private void ReportDamage(ShardId shard, string damage)
    {
        Probes.FoundDamage.Hit();
        ReportAlarming(shard, "replica-damaged", $"reason=\"{damage}\" next=\"its files are set aside; a snapshot from the leader replaces them\"");
    }

    private void Apply(Replica replica)
    {
        try
        {
            if (replica.HasCommitted) { replica.ApplySlice(Config.SliceBytes); }
            if (replica.JudgeByCheck() is { } difference) { Repair(replica, difference); }
        }
        catch (CorruptFileException damage)
        {
            Repair(replica, damage);
        }
    }
}
