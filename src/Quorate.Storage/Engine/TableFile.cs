using Quorate.Core;

namespace Quorate.Storage.Engine;

/// <summary>What a block is read for, which decides how long the cache keeps it.</summary>
internal enum BlockUse
{
    /// <summary>For one key.</summary>
    Point,

    /// <summary>For a range.</summary>
    Scan,

    /// <summary>By a job that will not come back: the cache does not take it.</summary>
    Pass,

    /// <summary>To learn what is on the disk: the cache is not asked.</summary>
    Check,
}

/// <summary>An open table file. Any thread reads it; every block is checked whenever it comes from the disk.</summary>
internal sealed class TableFile : Shared
{
    private readonly IFile _file;
    private readonly BlockCache _cache;
    private readonly ulong _cacheFile;
    private readonly Block _filter;
    private Action<TableFile>? _whenUnused;
    private bool _isClosed;

    private TableFile(IFile file, TableInfo info, TableFooter footer, BlockCache cache)
    {
        _file = file;
        _cache = cache;
        _cacheFile = cache.NewFile();
        Info = info;
        Footer = footer;
        Properties = ReadProperties();
        if (Properties.Records != info.Records || !Properties.Smallest.AsSpan().SequenceEqual(info.Smallest)
            || !Properties.Largest.AsSpan().SequenceEqual(info.Largest))
        {
            throw new CorruptFileException(file.Path, footer.Properties.Offset, "the properties are not those in the manifest");
        }

        _filter = Read(footer.Filter, "the filter", pool: null);
        Root = Read(footer.Index, "the index", pool: null);
    }

    public TableInfo Info { get; }

    public TableFooter Footer { get; }

    public TableProperties Properties { get; }

    public string Path => _file.Path;

    // The top block of the index; like the filter it stays in memory while the file is open, beside the cache.
    public Block Root { get; }

    public static TableFile Open(IFileSystem files, string directory, TableInfo info, BlockCache cache)
    {
        string path = EngineFiles.PathOf(directory, info.Name);
        IFile file;
        try
        {
            file = files.Open(path, OpenMode.Read);
        }
        catch (DiskException refusal) when (refusal.Fault == DiskFault.NotFound)
        {
            throw new CorruptFileException(path, 0, "the file is missing");
        }

        try
        {
            long length = file.Length;
            if (length != info.Length || length < TableFooter.Bytes)
            {
                throw new CorruptFileException(path, length, $"it has {length} bytes, the manifest says {info.Length}");
            }

            return new TableFile(file, info, ReadFooter(file, info), cache);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public bool MayContain(ulong hash) => BloomFilter.MayContain(_filter.Span, hash);

    // A verified block, with a reference for the caller.
    public Block ReadBlock(BlockHandle handle, BlockUse use)
    {
        if (use == BlockUse.Check) { return ReadFromDisk(handle, "the block"); }
        if (_cache.Find(_cacheFile, handle.Offset) is { } known)
        {
            if (known.StoredLength == handle.Length) { return known; }
            known.Release(); // A damaged index may name part of another block.
        }

        Block block = ReadFromDisk(handle, "the block");
        if (use != BlockUse.Pass) { _cache.Add(_cacheFile, handle.Offset, block, use == BlockUse.Scan); }
        return block;
    }

    // The same, but never from the cache: what is on the disk now.
    public Block ReadFromDisk(BlockHandle handle, string what)
    {
        return Read(handle, what, _cache.PoolFor(_cacheFile, handle.Offset));
    }

    // Reads what is in memory anyway once more from the disk: footer, properties, filter, top of the index. Gives their bytes.
    public long CheckOwnBlocks()
    {
        if (_file.Length != Info.Length) { throw new CorruptFileException(Path, _file.Length, $"it has {_file.Length} bytes, the manifest says {Info.Length}"); }
        if (ReadFooter(_file, Info) != Footer) { throw new CorruptFileException(Path, Info.Length - TableFooter.Bytes, "the footer is another than it was"); }
        ReadFromDisk(Footer.Properties, "the properties").Release();
        ReadFromDisk(Footer.Filter, "the filter").Release();
        ReadFromDisk(Footer.Index, "the index").Release();
        return TableFooter.Bytes + Footer.Properties.Length + (long)Footer.Filter.Length + Footer.Index.Length;
    }

    // On the owner's thread: no version will name this file again; the last one to let go hands it over.
    public void MarkUnused(Action<TableFile> whenUnused) => _whenUnused = whenUnused;

    // Once more does nothing: a cleaning that failed is done again.
    public void Close()
    {
        if (_isClosed) { return; }
        _isClosed = true;
        _file.Dispose();
        _filter.Release();
        Root.Release();
    }

    protected override void Free()
    {
        if (_whenUnused is { } handOver) { handOver(this); }
        else { Close(); }
    }

    private TableProperties ReadProperties()
    {
        Block block = ReadFromDisk(Footer.Properties, "the properties");
        TableProperties? properties = TableProperties.TryRead(block.Span);
        block.Release();
        return properties ?? throw new CorruptFileException(Path, Footer.Properties.Offset, "the properties are malformed");
    }

    // Right to where it will stay.
    private Block Read(BlockHandle handle, string what, BlockPool? pool)
    {
        int bytes = StoredBlock.BytesOf(Footer.Version, handle.Length);
        Block block = pool?.Rent(bytes) ?? new Block(bytes);
        try
        {
            string? defect = _file.Read(handle.Offset, block.Span) == bytes
                ? StoredBlock.Open(ref block, Info.Number, handle, Footer.Version, pool)
                : "is cut short";
            if (defect is not null) { throw new CorruptFileException(Path, handle.Offset, $"{what} {defect}"); }
            block.StoredLength = handle.Length;
            return block;
        }
        catch
        {
            block.Release();
            throw;
        }
    }

    private static TableFooter ReadFooter(IFile file, TableInfo info)
    {
        long offset = info.Length - TableFooter.Bytes;
        Span<byte> end = stackalloc byte[TableFooter.Bytes];
        if (file.Read(offset, end) != TableFooter.Bytes) { throw new CorruptFileException(file.Path, offset, "the footer is cut short"); }
        return TableFooter.TryRead(end, info.Number, info.Length, out TableFooter footer) is { } defect
            ? throw new CorruptFileException(file.Path, offset, defect)
            : footer;
    }
}
