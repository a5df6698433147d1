namespace Quorate.Storage.Engine;

// Files that nobody reads are read all the same, a little at a time: what rots is found while other replicas are still whole.
public sealed partial class StorageEngine
{
    private readonly byte[] _scrubStart = []; // Before every key: also the file's own blocks are to be read.
    private ulong _scrubFile; // Files are read in the order of their numbers; those below this one have been.
    private ulong _scrubEnd;  // Files that come while a pass runs are for the next one.
    private byte[]? _scrubFrom; // Where in the file the next part begins; null: no pass is under way.
    private bool _isScrubbing;

    /// <summary>Bytes of blocks that were read from the disk and found good by scrubs since the engine was opened.</summary>
    public long ScrubbedBytes { get; private set; }

    /// <summary>Begins to read all files anew. A pass that is under way begins at the first file again.</summary>
    public void BeginScrub()
    {
        _scrubFile = 0;
        _scrubEnd = _nextFile;
        _scrubFrom = _scrubStart;
    }

    /// <summary>The next part of the pass, to be run and completed like other jobs; how often is for the owner to say.</summary>
    /// <param name="bytes">Bytes of blocks to read; a block more at the most, and of a file's own blocks as many as there are.</param>
    /// <returns>Null if the last part is still out, or the pass has met all files.</returns>
    public EngineJob? NextScrub(long bytes)
    {
        if (_isDisposed || _isScrubbing || _scrubFrom is null) { return null; }
        TableFile? next = _tables.Levels.SelectMany(static level => level)
            .Where(table => table.Info.Number >= _scrubFile && table.Info.Number < _scrubEnd)
            .MinBy(static table => table.Info.Number);
        if (next is null)
        {
            _scrubFrom = null;
            return null;
        }

        // A file that was half read may be gone.
        if (next.Info.Number != _scrubFile) { _scrubFrom = _scrubStart; }
        _scrubFile = next.Info.Number;
        _isScrubbing = true;
        return new ScrubJob(next, _scrubFrom, bytes);
    }

    private void CompleteScrub(ScrubJob job, bool failed)
    {
        _isScrubbing = false;
        ScrubbedBytes += job.Bytes;
        if (_scrubFile != job.Table.Info.Number || _scrubFrom is null) { return; } // Another pass has begun.

        // A file that cannot be read was told of: the others are read all the same.
        if (failed || job.NextKey is null) { (_scrubFile, _scrubFrom) = (_scrubFile + 1, _scrubStart); }
        else { _scrubFrom = job.NextKey; }
    }
}

/// <summary>Reads a part of a table file from the disk, past the cache, and checks it. Writes nothing.</summary>
internal sealed class ScrubJob : EngineJob
{
    private readonly byte[] _from;
    private readonly long _most;

    public ScrubJob(TableFile table, byte[] from, long bytes)
    {
        table.Acquire();
        Table = table;
        _from = from;
        _most = bytes;
    }

    public override string Name => "scrub";

    public TableFile Table { get; }

    // Bytes read and found good.
    public long Bytes { get; private set; }

    // The first key of the next part; null at the end of the file.
    public byte[]? NextKey { get; private set; }

    public override void Run()
    {
        if (_from.Length == 0) { Bytes += Table.CheckOwnBlocks(); }
        var cursor = new TableCursor(BlockUse.Check);
        try
        {
            cursor.On(Table);
            for (cursor.Seek(_from); cursor.IsValid; cursor.NextBlock())
            {
                if (Bytes >= _most)
                {
                    NextKey = cursor.Key.ToArray();
                    return;
                }

                Bytes += cursor.Block.StoredLength;
            }
        }
        finally
        {
            cursor.Release();
        }
    }

    internal override void ReleaseInputs() => Table.Release();
}
