namespace Quorate.Bench.Engine;

/// <summary>What a workload's threads do.</summary>
internal enum EngineWork
{
    /// <summary>Writes a key, in ascending order.</summary>
    WriteSequential,

    /// <summary>Writes a key drawn uniformly.</summary>
    WriteRandom,

    /// <summary>Reads a key drawn uniformly.</summary>
    Read,

    /// <summary>Opens a cursor and moves it to a key drawn uniformly.</summary>
    Seek,

    /// <summary>Merges all files into the lowest level; not measured.</summary>
    Compact,

    /// <summary>Waits until no flush or compaction is due; not measured.</summary>
    Wait,
}

/// <summary>A workload by its name in db_bench.</summary>
/// <param name="Name">As on the command line.</param>
/// <param name="Work">What each thread does.</param>
/// <param name="StartsEmpty">What was there before is deleted.</param>
/// <param name="HasWriter">One more thread writes keys drawn uniformly for as long as the others work; it is not in the figures.</param>
internal sealed record EngineWorkload(string Name, EngineWork Work, bool StartsEmpty = false, bool HasWriter = false)
{
    /// <summary>All there are.</summary>
    public static readonly IReadOnlyList<EngineWorkload> All =
    [
        new("fillseq", EngineWork.WriteSequential, StartsEmpty: true),
        new("fillrandom", EngineWork.WriteRandom, StartsEmpty: true),
        new("overwrite", EngineWork.WriteRandom),
        new("readrandom", EngineWork.Read),
        new("seekrandom", EngineWork.Seek),
        new("readwhilewriting", EngineWork.Read, HasWriter: true),
        new("compact", EngineWork.Compact),
        new("waitforcompaction", EngineWork.Wait),
    ];

    /// <summary>True if it has figures to print.</summary>
    public bool IsMeasured => Work is not (EngineWork.Compact or EngineWork.Wait);
}
