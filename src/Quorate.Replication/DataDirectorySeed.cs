using Quorate.Core;
using Quorate.Raft;
using Quorate.Storage.Engine;
using Quorate.Storage.Wal;

namespace Quorate.Replication;

/// <summary>
/// Makes a data directory for a member of a new cluster whose shard has content from the start. Members whose directories were made of
/// the same content begin alike, as if all had installed one snapshot, at entry 1 of term 1.
/// </summary>
public static class DataDirectorySeed
{
    // Bytes after which what was written goes to a file.
    private const long FileBytes = 16 * 1024 * 1024;

    private static readonly LogPosition Start = new(new LogIndex(1), new Term(1));

    /// <summary>Makes the directory. Until this returns a node refuses to start on it.</summary>
    /// <param name="files">The data directory; empty.</param>
    /// <param name="config">What the node will be; its first bootstrapped shard gets the content.</param>
    /// <param name="fill">Writes the content, and calls what it is given after each record, when nothing is half done.</param>
    /// <param name="random">Of the numbers that tell directories and logs apart: seeded differently for each.</param>
    /// <exception cref="DiskException">The disk refused. What was made is of no use.</exception>
    public static void Create(IFileSystem files, NodeConfig config, Action<IStoreWriter, Action> fill, Prng random)
    {
        ShardDescriptor shard = config.Bootstrap[0];
        ReplicaPlace self = shard.Voters.Single(voter => voter.Node == config.Node);
        files.CreateDirectory(ReplicaStore.Root);
        WriteAheadLog.Open(files, NodeCore.WalDirectory, config.Wal with { LogId = random.Next() }, static _ => { }).Dispose();
        ReplicaStore.Create(files, shard, self.Replica);
        Fill(files, config, shard, fill);
        files.SyncDirectory("");

        // Last: a directory without it is refused.
        NodeIdentity.Create(files, config.Cluster, config.Node, random.Next());
    }

    private static void Fill(IFileSystem files, NodeConfig config, ShardDescriptor shard, Action<IStoreWriter, Action> fill)
    {
        IStateMachine machine = config.Machines(shard.Shard, shard.Machine)!;
        var keys = new EngineKeys(
            key => key[0] == 0 ? key.Length : machine.FilterPrefixLength(key), machine.CreateCompactionFilter);
        (StorageEngine engine, _) = ReplicaStore.OpenEngine(
            files, ReplicaStore.DirectoryOf(shard.Shard), config.Engine, keys, new BlockCache(config.BlockCacheBytes), LogIndex.Zero);
        using (engine)
        {
            var places = new SortedDictionary<ReplicaId, NodeId>();
            foreach (ReplicaPlace voter in shard.Voters) { places[voter.Replica] = voter.Node; }
            var record = new ByteWriter();
            HostRecords.WriteMembership(record, Membership.Of(places.Keys), places);
            engine.Put(HostRecords.MembershipKey, record.Written);
            fill(engine, () =>
            {
                if (engine.UnflushedBytes >= FileBytes) { Flush(engine); }
            });
            Flush(engine);
            Invariant.Holds(engine.Flushed == Start, $"flushed {engine.Flushed}");
        }
    }

    private static void Flush(StorageEngine engine)
    {
        engine.Publish(Start);
        engine.RequestFlush();
        while (engine.NextJob() is { } job)
        {
            bool failed = true;
            try
            {
                job.Run();
                failed = false;
            }
            finally
            {
                engine.Complete(job, failed);
            }
        }
    }
}
