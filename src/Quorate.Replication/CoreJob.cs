using Quorate.Core;
using Quorate.Storage.Engine;

namespace Quorate.Replication;

/// <summary>A job of a replica: <see cref="NodeJob.Run"/> elsewhere, then <see cref="Finished"/> on the loop.</summary>
internal abstract class CoreJob : NodeJob
{
    public abstract void Finished(Exception? failure);
}

/// <summary>A flush, compaction or manifest write of a shard's engine, which a snapshot may have replaced when the job ends.</summary>
internal sealed class EngineNodeJob(Replica replica, StorageEngine engine, EngineJob job) : CoreJob
{
    public override string Name => $"{replica.Shard} {job.Name}";

    public override bool IsMerge => job.IsMerge;

    public override void Run() => job.Run();

    public override void Finished(Exception? failure) => replica.EngineJobFinished(engine, job, failure);
}

/// <summary>Work on files given as two functions: one for any thread, one for the loop.</summary>
internal sealed class FileJob(string name, Action run, Action<Exception?> finished) : CoreJob
{
    public override string Name => name;

    public override void Run() => run();

    public override void Finished(Exception? failure) => finished(failure);

    /// <summary>What the disk may do to a job that the node survives; anything else is a bug or damage and stops it.</summary>
    public static bool IsSurvivable(Exception? failure) => failure is DiskException { Fault: DiskFault.Full or DiskFault.TooManyFiles };
}
