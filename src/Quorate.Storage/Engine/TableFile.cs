using System.Buffers.Binary;
using Quorate.Core;

namespace Quorate.Storage.Engine;

/// <summary>An open table file. Any thread reads it; every block is checked whenever it comes from the disk.</summary>
internal sealed class TableFile : Shared
{
    private readonly IFile _file;
    private readonly BlockCache _cache;
    private readonly ulong _cacheFile;
    private readonly byte[] _filter;
    private Action<TableFile>? _whenUnused;

    private TableFile(IFile file, TableInfo info, TableFooter footer, BlockCache cache)
    {
        _file = file;
        _cache = cache;
        _cacheFile = cache.NewFile();
        Info = info;
        Footer = footer;
        _filter = ReadFromDisk(footer.Filter, "the filter");
        Properties = TableProperties.TryRead(Block(ReadFromDisk(footer.Properties, "the properties"), footer.Properties))
            ?? throw new CorruptFileException(file.Path, footer.Properties.Offset, "the properties are malformed");
        Root = ReadFromDisk(footer.Index, "the index");
        if (Properties.Records != info.Records || !Properties.Smallest.AsSpan().SequenceEqual(info.Smallest)
            || !Properties.Largest.AsSpan().SequenceEqual(info.Largest))
        {
            throw new CorruptFileException(file.Path, footer.Properties.Offset, "the properties are not those in the manifest");
        }
    }

    public TableInfo Info { get; }

    public TableFooter Footer { get; }

    public TableProperties Properties { get; }

    public string Path => _file.Path;

    // The top block of the index; stays in memory.
    public byte[] Root { get; }

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

    public bool MayContain(ulong hash) => BloomFilter.MayContain(Block(_filter, Footer.Filter), hash);

    // A verified block, followed by its checksum.
    public byte[] ReadBlock(BlockHandle handle, bool keepInCache)
    {
        if (_cache.Find(_cacheFile, handle.Offset) is { } known && known.Length == handle.Length + TableFormat.TrailerBytes) { return known; }
        byte[] block = ReadFromDisk(handle, "the block");
        if (keepInCache) { _cache.Add(_cacheFile, handle.Offset, block); }
        return block;
    }

    // The same, but never from the cache: what is on the disk now.
    public byte[] ReadFromDisk(BlockHandle handle, string what)
    {
        byte[] block = GC.AllocateUninitializedArray<byte>(handle.Length + TableFormat.TrailerBytes);
        if (_file.Read(handle.Offset, block) != block.Length) { throw new CorruptFileException(Path, handle.Offset, $"{what} is cut short"); }
        uint expected = BinaryPrimitives.ReadUInt32LittleEndian(block.AsSpan(handle.Length));
        return expected == TableFormat.Checksum(Info.Number, handle.Offset, block.AsSpan(0, handle.Length))
            ? block
            : throw new CorruptFileException(Path, handle.Offset, $"the checksum of {what} disagrees");
    }

    // On the owner's thread: no version will name this file again; the last one to let go hands it over.
    public void MarkUnused(Action<TableFile> whenUnused) => _whenUnused = whenUnused;

    public void Close() => _file.Dispose();

    protected override void Free()
    {
        if (_whenUnused is { } handOver) { handOver(this); }
        else { Close(); }
    }

    private static ReadOnlySpan<byte> Block(byte[] bytes, BlockHandle handle) => bytes.AsSpan(0, handle.Length);

    private static string Ends(out TableFooter footer)
    {
        footer = default;
        return "the footer is cut short";
    }
}
