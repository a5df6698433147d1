using Quorate.Core;

namespace Quorate.Storage.Engine;

/// <summary>Sizes of one shard's engine.</summary>
public sealed record EngineOptions
{
    /// <summary>Bytes in the memtable at which it is flushed. Default: 16 MiB; our own choice.</summary>
    public int MemTableBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Full memtables that may wait for their flush before writers should be refused. Default: 4; our own choice.</summary>
    public int MaxWaitingMemTables { get; init; } = 4;

    /// <summary>Uncompressed bytes of a block. Default: 16 KiB (design, section 8).</summary>
    public int BlockBytes { get; init; } = 16 * 1024;

    /// <summary>Bytes at which a compaction starts its next output file. Default: 16 MiB; our own choice.</summary>
    public int FileBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>
    /// Runs in level 0 that start a compaction: files of which all hold a part of one range of keys. At four times as many, writers
    /// should be refused. Default: 4, as in LevelDB.
    /// </summary>
    public int Level0Files { get; init; } = 4;

    /// <summary>
    /// Bytes of the level that takes over from level 0. The levels below grow from there to the bottom, each by the same factor of at
    /// most ten. Default: 64 MiB; our own choice.
    /// </summary>
    public long Level1Bytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>
    /// The first level whose files are compressed; 7 for none. Default: 2: what comes from memory and is soon merged again is not worth it.
    /// </summary>
    public int CompressFromLevel { get; init; } = 2;

    /// <summary>Bytes that merges may have yet to bring to their level before writers should be refused. Default: 4 GiB, a minute of a disk's work.</summary>
    public long MaxDebtBytes { get; init; } = 4L * 1024 * 1024 * 1024;

    /// <summary>Bits of Bloom filter per key. Default: 10: about 1 % false positives.</summary>
    public int BloomBitsPerKey { get; init; } = 10;

    /// <summary>Bytes at which the manifest is replaced by a short one. Default: 1 MiB: some 250 edits; our own choice.</summary>
    public int ManifestBytes { get; init; } = 1024 * 1024;

    /// <summary>Says what is wrong with these options, in the operator's words. Empty if nothing is.</summary>
    public IEnumerable<string> Problems()
    {
        if (MemTableBytes < 4096) { yield return $"engine.memTableBytes is {MemTableBytes}; the least is 4096."; }
        if (MaxWaitingMemTables < 1) { yield return $"engine.maxWaitingMemTables is {MaxWaitingMemTables}; the least is 1."; }
        if (BlockBytes is < 64 or > 1024 * 1024) { yield return $"engine.blockBytes is {BlockBytes}; it must be 64 to 1048576."; }
        if (FileBytes < 1024) { yield return $"engine.fileBytes is {FileBytes}; the least is 1024."; }
        if (Level0Files < 1) { yield return $"engine.level0Files is {Level0Files}; the least is 1."; }
        if (Level1Bytes < 1024) { yield return $"engine.level1Bytes is {Level1Bytes}; the least is 1024."; }
        if (CompressFromLevel is < 0 or > TableSet.LevelCount) { yield return $"engine.compressFromLevel is {CompressFromLevel}; it must be 0 to {TableSet.LevelCount}."; }
        if (MaxDebtBytes < Level1Bytes) { yield return $"engine.maxDebtBytes is {MaxDebtBytes}; the least is engine.level1Bytes, {Level1Bytes}."; }
        if (BloomBitsPerKey is < 0 or > 32) { yield return $"engine.bloomBitsPerKey is {BloomBitsPerKey}; it must be 0 to 32."; }
        if (ManifestBytes < 4096) { yield return $"engine.manifestBytes is {ManifestBytes}; the least is 4096."; }
    }
}

/// <summary>What the owner of the keys tells the engine about them.</summary>
/// <param name="FilterPrefixLength">
/// See <see cref="IStateMachine.FilterPrefixLength"/>. Called on the owner's thread, on readers' threads and in jobs, so it may
/// depend on nothing but the key; what it returns is clamped to the key.
/// </param>
/// <param name="CreateFilter">
/// See <see cref="IStateMachine.CreateCompactionFilter"/>. Called on the owner's thread when a compaction starts, with the store
/// as it was flushed: what a filter drops on the strength of later entries would be missing when those are applied again after
/// a crash.
/// </param>
public sealed record EngineKeys(FilterPrefixLength FilterPrefixLength, Func<IStoreReader, ICompactionFilter?> CreateFilter);

/// <summary>Cuts the part of a key that goes into filters.</summary>
public delegate int FilterPrefixLength(ReadOnlySpan<byte> key);
