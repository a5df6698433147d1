using Quorate.Core;
using Quorate.Storage.Engine;

namespace Quorate.Replication;

/// <summary>
/// Reading what nobody reads: all tables of all replicas, one after another, so that rot is found while other members still have what is
/// lost. One job at a time, at a rate of bytes.
/// </summary>
public sealed partial class NodeCore
{
    private const long ScrubSliceBytes = 256 * 1024; // One job's reading: a millisecond or two of a disk.

    private ShardId _scrubShard; // Shards below it were read in this pass.
    private bool _scrubBegun;    // In that shard.
    private bool _scrubOut;
    private long _scrubAgain;    // The tick at which the next pass may begin.
    private long _scrubAllowance; // In thousandths of a byte; below 0 if a job read more than it was to.

    private void TickScrub()
    {
        if (Config.ScrubBytesPerSecond == 0) { return; }
        _scrubAllowance = Math.Min(ScrubSliceBytes * 1000, _scrubAllowance + (Config.ScrubBytesPerSecond * Config.TickMilliseconds));
        if (_scrubOut || _scrubAllowance < Math.Min(ScrubSliceBytes, Config.ScrubBytesPerSecond) * 1000 || Now < _scrubAgain) { return; }
        foreach ((ShardId shard, Replica replica) in _replicas)
        {
            if (shard.Value < _scrubShard.Value || replica.IsTombstoned || replica.IsBlank) { continue; }
            if (shard != _scrubShard || !_scrubBegun) { replica.Engine.BeginScrub(); }
            (_scrubShard, _scrubBegun) = (shard, true);
            if (replica.Engine.NextScrub(ScrubSliceBytes) is not { } job) { continue; }
            _scrubOut = true;
            Run(new ScrubNodeJob(this, replica, replica.Engine, job));
            return;
        }

        // All of it was read, however little: a pass a second of a small store would be of no use.
        (_scrubShard, _scrubBegun) = (default, false);
        _scrubAgain = Now + Config.ScrubTicks;
    }

    private void ScrubFinished(Replica replica, StorageEngine engine, EngineJob job, Exception? failure)
    {
        _scrubOut = false;
        long before = engine.ScrubbedBytes;
        engine.Complete(job, failed: failure is not null);
        long bytes = engine.ScrubbedBytes - before;
        _scrubAllowance -= bytes * 1000;
        if (failure is not (null or DiskException or CorruptFileException)) { throw failure; }
        if (!replica.Scrubbed(engine, bytes, isGood: failure is null) || failure is null) { return; }
        Report(replica.Shard, "scrub-found", $"reason=\"{failure.Message}\"");

        // Who has no peers goes on with what can be read. A disk that refused may be well again: the next pass will show.
        if (failure is not CorruptFileException damage || !_peers.KnowsAny) { return; }
        Probes.ScrubFound.Hit();
        Repair(replica, damage);
    }

    private sealed class ScrubNodeJob(NodeCore node, Replica replica, StorageEngine engine, EngineJob job) : CoreJob
    {
        public override string Name => $"{replica.Shard} {job.Name}";

        public override void Run() => job.Run();

        public override void Finished(Exception? failure) => node.ScrubFinished(replica, engine, job, failure);
    }
}
