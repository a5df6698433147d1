using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Storage.Engine;

/// <summary>
/// Long work of an engine: immutable input, touches nothing but files. <see cref="Run"/> may be called on any thread; the
/// owner then gives it back by <see cref="StorageEngine.Complete"/> on its own thread.
/// </summary>
public abstract class EngineJob
{
    /// <summary>For people: "flush", "compact 1 -> 2", "manifest".</summary>
    public abstract string Name { get; }

    /// <summary>True for a merge: it may go slowly or wait for others, as long as the engine is not behind.</summary>
    public virtual bool IsMerge => false;

    /// <summary>Does the work.</summary>
    /// <exception cref="DiskException">The disk refused. Nothing of the engine's state has changed; a full disk may be retried, all else is final.</exception>
    /// <exception cref="CorruptFileException">An input file is damaged.</exception>
    public abstract void Run();

    // On the owner's thread, when the engine takes the job back: lets go of what the job held on to.
    internal abstract void ReleaseInputs();
}

/// <summary>A consistent set of files, kept on disk until this is disposed (on the owner's thread), whatever is compacted meanwhile.</summary>
public abstract class EngineCheckpoint : IDisposable
{
    /// <summary>The last entry whose effects the files contain.</summary>
    public abstract LogPosition Position { get; }

    /// <summary>Names (relative to the engine's directory) and lengths of the files.</summary>
    public abstract ImmutableArray<(string Name, long Length)> Files { get; }

    /// <summary>What <see cref="StorageEngine.InstallCheckpoint"/> needs besides the files.</summary>
    public abstract ReadOnlyMemory<byte> Manifest { get; }

    /// <inheritdoc/>
    public abstract void Dispose();
}
