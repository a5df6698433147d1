using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Storage.Engine;

/// <summary>Sizes of one shard's engine.</summary>
public sealed record EngineOptions
{
    /// <summary>Bytes in the memtable at which it is flushed. Default: 16 MiB; our own choice.</summary>
    public int MemTableBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Uncompressed bytes of a block. Default: 16 KiB (design, section 8).</summary>
    public int BlockBytes { get; init; } = 16 * 1024;

    /// <summary>Bytes at which a compaction starts its next output file. Default: 16 MiB; our own choice.</summary>
    public int FileBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Files in level 0 that start a compaction. Default: 4, as in LevelDB.</summary>
    public int Level0Files { get; init; } = 4;

    /// <summary>Bytes of level 1; each further level holds ten times as much. Default: 64 MiB; our own choice.</summary>
    public long Level1Bytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>Bits of Bloom filter per key. Default: 10: about 1 % false positives.</summary>
    public int BloomBitsPerKey { get; init; } = 10;

    /// <summary>Says what is wrong with these options, in the operator's words. Empty if nothing is.</summary>
    public IEnumerable<string> Problems()
    {
        if (MemTableBytes < 4096) { yield return $"engine.memTableBytes is {MemTableBytes}; the least is 4096."; }
        if (BlockBytes is < 64 or > 1024 * 1024) { yield return $"engine.blockBytes is {BlockBytes}; it must be 64 to 1048576."; }
        if (FileBytes < 1024) { yield return $"engine.fileBytes is {FileBytes}; the least is 1024."; }
        if (Level0Files < 1) { yield return $"engine.level0Files is {Level0Files}; the least is 1."; }
        if (Level1Bytes < 1024) { yield return $"engine.level1Bytes is {Level1Bytes}; the least is 1024."; }
        if (BloomBitsPerKey is < 0 or > 32) { yield return $"engine.bloomBitsPerKey is {BloomBitsPerKey}; it must be 0 to 32."; }
    }
}

/// <summary>What the owner of the keys tells the engine about them.</summary>
/// <param name="FilterPrefixLength">See <see cref="IStateMachine.FilterPrefixLength"/>.</param>
/// <param name="CreateFilter">See <see cref="IStateMachine.CreateCompactionFilter"/>. Called on the owner's thread when a compaction starts.</param>
public sealed record EngineKeys(FilterPrefixLength FilterPrefixLength, Func<IStoreReader, ICompactionFilter?> CreateFilter);

/// <summary>Cuts the part of a key that goes into filters.</summary>
public delegate int FilterPrefixLength(ReadOnlySpan<byte> key);

/// <summary>
/// Long work of an engine: immutable input, touches nothing but files. <see cref="Run"/> may be called on any thread; the
/// owner then gives it back by <see cref="StorageEngine.Complete"/> on its own thread.
/// </summary>
public abstract class EngineJob
{
    /// <summary>For people: "flush", "compact 1 -> 2", "manifest".</summary>
    public abstract string Name { get; }

    /// <summary>Does the work.</summary>
    /// <exception cref="DiskException">The disk refused. Nothing of the engine's state has changed; a full disk may be retried, all else is final.</exception>
    /// <exception cref="CorruptFileException">An input file is damaged.</exception>
    public abstract void Run();
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

/// <summary>
/// One shard's log-structured merge tree. The Raft log is its write-ahead log: after a crash it stands at <see cref="Flushed"/>,
/// and the owner applies the later entries again.
/// </summary>
/// <remarks>
/// One owner thread calls everything but <see cref="OpenReadView"/>, which any thread may call. Writes become visible to
/// views at <see cref="Publish"/>, together with the applied position, all or nothing; a flush never contains half of a publish.
/// </remarks>
public sealed class StorageEngine : IStoreWriter, IDisposable
{
    /// <summary>Opens or creates the engine in a directory.</summary>
    /// <exception cref="CorruptFileException">The manifest or a file it names is damaged or missing.</exception>
    public static StorageEngine Open(IFileSystem files, string directory, EngineOptions options, EngineKeys keys) =>
        throw new NotSupportedException();

    /// <summary>Makes a directory with received checkpoint files, already synced, an engine that can be opened.</summary>
    /// <exception cref="CorruptFileException">Manifest and files do not fit, or a block's checksum disagrees: every block is read.</exception>
    public static void InstallCheckpoint(IFileSystem files, string directory, ReadOnlySpan<byte> manifest) =>
        throw new NotSupportedException();

    /// <summary>Last published position.</summary>
    public LogPosition Applied => throw new NotSupportedException();

    /// <summary>Last position that is durable in files.</summary>
    public LogPosition Flushed => throw new NotSupportedException();

    /// <summary>Bytes in memory that are not in files yet.</summary>
    public long UnflushedBytes => throw new NotSupportedException();

    /// <summary>Bytes of all live files.</summary>
    public long DiskBytes => throw new NotSupportedException();

    /// <summary>True while writers should be refused: flushes or compactions are far behind.</summary>
    public bool IsOverloaded => throw new NotSupportedException();

    /// <inheritdoc/>
    public bool TryGet(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public bool TryGetFirst(
        ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> from, out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value) =>
        throw new NotSupportedException();

    /// <inheritdoc/>
    public ICursor OpenCursor(ReadOnlySpan<byte> lower, ReadOnlySpan<byte> upper) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void Delete(ReadOnlySpan<byte> key) => throw new NotSupportedException();

    /// <summary>Makes all writes since the last publish visible to new views, as of this position.</summary>
    /// <param name="applied">Not before the last one.</param>
    public void Publish(LogPosition applied) => throw new NotSupportedException();

    /// <summary>The data as last published. Any thread. Must be disposed.</summary>
    public IReadView OpenReadView() => throw new NotSupportedException();

    /// <summary>Asks for a flush of everything published, though the memtable is not full.</summary>
    public void RequestFlush() => throw new NotSupportedException();

    /// <summary>The next work to be run, or null. Several jobs may be out at once; the engine gives only such as may overlap.</summary>
    public EngineJob? NextJob() => throw new NotSupportedException();

    /// <summary>Takes a finished job's result. Ask for <see cref="NextJob"/> afterwards.</summary>
    /// <param name="job">The job.</param>
    /// <param name="failed">True if Run threw: its output is dropped and the work will be offered again.</param>
    public void Complete(EngineJob job, bool failed) => throw new NotSupportedException();

    /// <summary>Pins the files of the flushed state. The log still has the entries after its position.</summary>
    public EngineCheckpoint OpenCheckpoint() => throw new NotSupportedException();

    /// <summary>Closes files and frees memory. What was not flushed is in the log.</summary>
    public void Dispose() => throw new NotSupportedException();
}
