using System.Buffers.Binary;
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

        _filter = ReadAlways(footer.Filter, "the filter");
        Root = ReadAlways(footer.Index, "the index");
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

            Span<byte> end = stackalloc byte[TableFooter.Bytes];
            string? defect = file.Read(length - TableFooter.Bytes, end) == TableFooter.Bytes
                ? TableFooter.TryRead(end, info.Number, length, out TableFooter footer)
                : Ends(out footer);
            if (defect is not null) { throw new CorruptFileException(path, length - TableFooter.Bytes, defect); }
            return new TableFile(file, info, footer, cache);
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
        if (_cache.Find(_cacheFile, handle.Offset) is { } known)
        {
            if (known.Length == handle.Length) { return known; }
            known.Release(); // A damaged index may name part of another block.
        }

        Block block = ReadFromDisk(handle, "the block");
        if (use != BlockUse.Pass) { _cache.Add(_cacheFile, handle.Offset, block, use == BlockUse.Scan); }
        return block;
    }

    // The same, but never from the cache: what is on the disk now.
    public Block ReadFromDisk(BlockHandle handle, string what)
    {
        Block block = _cache.Rent(_cacheFile, handle.Offset, handle.Length + TableFormat.TrailerBytes);
        try
        {
            Read(handle, block, what);
            return block;
        }
        catch
        {
            block.Release();
            throw;
        }
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

    private Block ReadAlways(BlockHandle handle, string what)
    {
        var block = new Block(handle.Length + TableFormat.TrailerBytes);
        Read(handle, block, what);
        return block;
    }

    // Reads a block, and the checksum behind it, right to where it will stay.
    private void Read(BlockHandle handle, Block block, string what)
    {
        if (_file.Read(handle.Offset, block.Span) != block.Length) { throw new CorruptFileException(Path, handle.Offset, $"{what} is cut short"); }
        uint expected = BinaryPrimitives.ReadUInt32LittleEndian(block.Span[handle.Length..]);
        if (expected != TableFormat.Checksum(Info.Number, handle.Offset, block.Span[..handle.Length]))
        {
            throw new CorruptFileException(Path, handle.Offset, $"the checksum of {what} disagrees");
        }

        block.Truncate(handle.Length);
    }

    private static string Ends(out TableFooter footer)
    {
        footer = default;
        return "the footer is cut short";
    }
}
