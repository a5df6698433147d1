using Quorate.Core;

namespace Quorate.Replication;

/// <summary>
/// Makes this node's replicas those of the keyspaces that its first shard speaks of: creates what is new, gives back what was
/// deleted. DESIGN.md, "Keyspaces", has the steps and why a crash between any two of them does no harm.
/// </summary>
/// <remarks>Files are created and deleted by jobs, one keyspace at a time: a node that learns of many must not stand still for them.</remarks>
internal sealed class KeyspaceKeeper(NodeCore node)
{
    private readonly SortedDictionary<ShardId, ReplicaId> _wanted = [];
    private readonly SortedDictionary<ShardId, LogIndex> _deleted = [];
    private KeyspaceList? _seen;
    private bool _isWorking;
    private long _retryTick;

    /// <summary>True if something was learnt that has not been acted on.</summary>
    public bool HasNews => !ReferenceEquals(_seen, node.Keyspaces);

    /// <summary>Acts on what the first shard's state says. At the start of a flush: nothing is said in the name of what is deleted.</summary>
    public void Look()
    {
        if (!HasNews) { return; }
        _seen = node.Keyspaces;
        foreach (ShardId shard in node.Shards)
        {
            if (_seen.IsDeleted(shard)) { Discard(shard); }
        }

        foreach (Keyspace keyspace in _seen.All)
        {
            foreach (ReplicaPlace voter in keyspace.Voters)
            {
                if (voter.Node == node.Config.Node) { Want(keyspace.Shard, voter.Replica); }
            }
        }

        WorkNext();
    }

    /// <summary>Opening found the directory of a keyspace whose deletion is on disk: it is not opened, and its files go.</summary>
    public void FoundDeleted(ShardId shard) => _deleted[shard] = LogIndex.Zero;

    /// <summary>
    /// A peer speaks to a replica that is not here: it was added to the group after the keyspace was made. Of a keyspace that this
    /// node has not heard of, or that is deleted, nothing is created: the sender says it again.
    /// </summary>
    public void Asked(ShardId shard, ReplicaId self)
    {
        if (node.Keyspaces.Find(shard) is not { } keyspace || keyspace.Voters.Any(voter => voter.Node == node.Config.Node)) { return; }
        Want(shard, self);
        WorkNext();
    }

    /// <summary>A tick has passed.</summary>
    public void Tick()
    {
        if (node.Now % node.Config.Raft.HeartbeatTicks == 0) { WorkNext(); }
    }

    private void Want(ShardId shard, ReplicaId self)
    {
        if (!node.Has(shard)) { _wanted.TryAdd(shard, self); }
    }

    private void WorkNext()
    {
        if (_isWorking || node.IsStopping || node.Now < _retryTick) { return; }
        if (_deleted.Count > 0 && !ForgetDeleted()) { node.Find(node.Config.MetaShard)?.RequestFlush(); }
        if (_isWorking) { return; }
        while (_wanted.Count > 0)
        {
            (ShardId shard, ReplicaId self) = _wanted.First();
            _wanted.Remove(shard);
            if (node.Has(shard)) { continue; }
            if (node.Keyspaces.Find(shard) is { } keyspace) { Create(keyspace, self); }
            else
            {
                // Deleted before it was whole: what a full disk has left of it has promised nothing to anybody.
                Work($"{shard} delete", () => ReplicaStore.DeleteShard(node.Files, shard), isDone =>
                {
                    if (!isDone) { _wanted.TryAdd(shard, self); }
                });
            }

            return;
        }
    }

    // The same descriptor on all nodes that are among the first voters. The others begin with no voters, and learn.
    private void Create(Keyspace keyspace, ReplicaId self)
    {
        bool isFirst = keyspace.Voters.Any(voter => voter.Node == node.Config.Node);
        var descriptor = new ShardDescriptor(keyspace.Shard, keyspace.Machine, isFirst ? keyspace.Voters : []);
        if (node.Config.Machines(descriptor.Shard, descriptor.Machine) is null)
        {
            node.Report(descriptor.Shard, "keyspace-refused", $"reason=\"this build does not know machines of kind {descriptor.Machine}\"");
            return;
        }

        Prng random = node.SplitRandom(descriptor.Shard.Value);
        Replica? created = null;
        Work(
            $"{descriptor.Shard} create",
            () =>
            {
                ReplicaStore.Create(node.Files, descriptor, self);
                created = new Replica(node, descriptor, self, recovered: null, isNew: true, random);
            },
            isDone =>
            {
                if (!isDone)
                {
                    _wanted.TryAdd(descriptor.Shard, self);
                    return;
                }

                node.AddReplica(created!);
                node.Report(descriptor.Shard, "replica-created", $"replica={self} keyspace={keyspace.Name}");
                if (node.Keyspaces.IsDeleted(descriptor.Shard)) { Discard(descriptor.Shard); }
            });
    }

    // From now on this node has no such shard. Its files stay until it is durable that it is deleted: otherwise the node might
    // create it anew after a restart, without knowing what the old replica had promised.
    private void Discard(ShardId shard)
    {
        node.RemoveReplica(shard);
        _deleted[shard] = node.KeyspacesAt;
        node.Report(shard, "keyspace-deleted", "files=\"given back once the deletion is on disk\"");
    }

    // False if there is one whose deletion is not on disk yet.
    private bool ForgetDeleted()
    {
        LogIndex flushed = node.Find(node.Config.MetaShard)?.Engine.Flushed.Index ?? LogIndex.Zero;
        foreach ((ShardId shard, LogIndex deletedAt) in _deleted)
        {
            if (deletedAt > flushed) { continue; }
            _deleted.Remove(shard);
            _isWorking = true;
            node.Batch.AddForget(shard);
            node.AfterBatch(() => Work(
                $"{shard} delete", () => ReplicaStore.DeleteShard(node.Files, shard), isDone =>
                {
                    if (!isDone) { _deleted[shard] = deletedAt; }
                }));
            return true;
        }

        return false;
    }

    private void Work(string name, Action run, Action<bool> done)
    {
        _isWorking = true;
        node.Run(new FileJob(name, run, failure =>
        {
            _isWorking = false;
            if (failure is not null && !FileJob.IsSurvivable(failure)) { throw failure; }
            if (failure is not null)
            {
                Probes.KeyspaceJobFailed.Hit();
                node.Report(default, "keyspace-job-refused", $"job=\"{name}\" reason=\"{failure.Message}\"");
                _retryTick = node.Now + node.Config.Raft.ElectionTicks;
            }

            done(failure is null);
            WorkNext();
        }));
    }
}
