using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Quorate.Migrate;

/// <summary>A file that is no database of etcd's, or one that is damaged. Nothing was read into anything.</summary>
internal sealed class BboltException(string message) : Exception(message);

/// <summary>
/// Reads a bbolt database, the file in which etcd keeps its state: only what is needed to walk a bucket in order. Every number in the file
/// is taken for a claim. Format: go.etcd.io/bbolt, internal/common (page.go, meta.go, bucket.go), version 2, of a little-endian machine.
/// </summary>
internal sealed class BboltFile : IDisposable
{
    private const uint Magic = 0xED0CDAED;
    private const uint Version = 2;
    private const int PageHeaderBytes = 16;
    private const int ElementBytes = 16;
    private const int MetaBytes = 64;
    private const int BucketBytes = 16;
    private const ushort BranchPage = 0x01;
    private const ushort LeafPage = 0x02;
    private const uint BucketElement = 0x01;
    private const int MostDepth = 40; // A page has at least two children; more levels than this are a circle.
    private const int MostPageBytes = 1 << 30;

    private readonly SafeFileHandle _file;
    private readonly string _path;
    private readonly long _length;
    private readonly int _pageBytes;
    private readonly long _pages;
    private readonly ulong _root;

    /// <param name="path">The database.</param>
    /// <param name="length">How much of the file it is.</param>
    /// <exception cref="BboltException">It is none, or neither of its two headers is whole.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public BboltFile(string path, long length)
    {
        _path = path;
        _length = length;
        _file = File.OpenHandle(path);
        try
        {
            // The headers alternate; the second's place depends on the page size, which the first tells, unless that is the torn one.
            Meta? newest = ReadMeta(0);
            for (int pageBytes = 1024; pageBytes <= 64 * 1024; pageBytes *= 2)
            {
                if (newest is { } first && first.PageBytes != pageBytes) { continue; }
                if (ReadMeta(pageBytes) is { } second && second.PageBytes == pageBytes && (newest is null || second.Transaction > newest.Value.Transaction))
                {
                    newest = second;
                    break;
                }
            }

            if (newest is not { } meta) { throw new BboltException($"{path} is no bbolt database, or its headers are damaged"); }
            _pageBytes = meta.PageBytes;
            _pages = length / _pageBytes;
            _root = meta.Root;
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>All keys and values of a bucket at the top, in order of key; none if there is no such bucket. Values of nested buckets are left out.</summary>
    /// <exception cref="BboltException">The file is damaged.</exception>
    public IEnumerable<(byte[] Key, byte[] Value)> Walk(string bucket)
    {
        byte[] name = System.Text.Encoding.UTF8.GetBytes(bucket);
        foreach ((byte[] key, byte[] value, bool isBucket) in WalkPage(_root, 0, new Budget(_pages)))
        {
            if (!isBucket || !key.AsSpan().SequenceEqual(name)) { continue; }
            if (value.Length < BucketBytes) { throw Damaged($"bucket '{bucket}' of {value.Length} bytes"); }
            ulong root = BinaryPrimitives.ReadUInt64LittleEndian(value);

            // A small bucket has its one page in the place of its number.
            IEnumerable<(byte[] Key, byte[] Value, bool IsBucket)> items =
                root == 0 ? LeafOf(value.AsMemory(BucketBytes), $"bucket '{bucket}'") : WalkPage(root, 0, new Budget(_pages));
            return items.Where(item => !item.IsBucket).Select(item => (item.Key, item.Value));
        }

        return [];
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private IEnumerable<(byte[] Key, byte[] Value, bool IsBucket)> WalkPage(ulong id, int depth, Budget budget)
    {
        // No page is in two places: who comes by more of them than there are goes round, or back and forth for ever.
        if (budget.Pages-- == 0) { throw Damaged("its pages refer to each other in circles"); }
        if (depth > MostDepth) { throw Damaged($"pages deeper than {MostDepth} levels"); }
        byte[] page = ReadPage(id);
        ushort flags = BinaryPrimitives.ReadUInt16LittleEndian(page.AsSpan(8));
        if (flags == LeafPage) { return LeafOf(page, $"page {id}"); }
        return flags == BranchPage ? WalkBranch(page, id, depth, budget) : throw Damaged($"page {id} with flags {flags}");
    }

    private IEnumerable<(byte[] Key, byte[] Value, bool IsBucket)> WalkBranch(byte[] page, ulong id, int depth, Budget budget)
    {
        int count = CountOf(page, $"page {id}");
        for (int i = 0; i < count; i++)
        {
            ulong child = BinaryPrimitives.ReadUInt64LittleEndian(page.AsSpan(PageHeaderBytes + (i * ElementBytes) + 8));
            foreach ((byte[], byte[], bool) item in WalkPage(child, depth + 1, budget)) { yield return item; }
        }
    }

    private IEnumerable<(byte[] Key, byte[] Value, bool IsBucket)> LeafOf(ReadOnlyMemory<byte> page, string where)
    {
        int count = CountOf(page.Span, where);
        for (int i = 0; i < count; i++)
        {
            int at = PageHeaderBytes + (i * ElementBytes);
            ReadOnlySpan<byte> element = page.Span.Slice(at, ElementBytes);
            uint flags = BinaryPrimitives.ReadUInt32LittleEndian(element);
            long keyAt = at + (long)BinaryPrimitives.ReadUInt32LittleEndian(element[4..]);
            long keyBytes = BinaryPrimitives.ReadUInt32LittleEndian(element[8..]);
            long valueBytes = BinaryPrimitives.ReadUInt32LittleEndian(element[12..]);
            if (keyAt + keyBytes + valueBytes > page.Length) { throw Damaged($"{where}, element {i} ends beyond it"); }
            yield return (
                page.Slice((int)keyAt, (int)keyBytes).ToArray(),
                page.Slice((int)(keyAt + keyBytes), (int)valueBytes).ToArray(),
                (flags & BucketElement) != 0);
        }
    }

    private int CountOf(ReadOnlySpan<byte> page, string where)
    {
        if (page.Length < PageHeaderBytes) { throw Damaged($"{where} of {page.Length} bytes"); }
        int count = BinaryPrimitives.ReadUInt16LittleEndian(page[10..]);
        return PageHeaderBytes + (count * ElementBytes) <= page.Length ? count : throw Damaged($"{where} has {count} elements, more than fit");
    }

    // A page and those that it flows over into.
    private byte[] ReadPage(ulong id)
    {
        if (id < 2 || id >= (ulong)_pages) { throw Damaged($"page {id} of {_pages}"); }
        byte[] header = Read((long)id * _pageBytes, PageHeaderBytes);
        if (BinaryPrimitives.ReadUInt64LittleEndian(header) != id) { throw Damaged($"page {id} says that it is another"); }
        long bytes = (1 + (long)BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(12))) * _pageBytes;
        return bytes <= MostPageBytes && ((long)id * _pageBytes) + bytes <= _length
            ? Read((long)id * _pageBytes, (int)bytes)
            : throw Damaged($"page {id} of {bytes} bytes");
    }

    private Meta? ReadMeta(long at)
    {
        if (at + PageHeaderBytes + MetaBytes > _length) { return null; }
        ReadOnlySpan<byte> meta = Read(at + PageHeaderBytes, MetaBytes);
        if (BinaryPrimitives.ReadUInt32LittleEndian(meta) != Magic || BinaryPrimitives.ReadUInt32LittleEndian(meta[4..]) != Version) { return null; }
        if (BinaryPrimitives.ReadUInt64LittleEndian(meta[56..]) != Fnv1A(meta[..56])) { return null; }
        uint pageBytes = BinaryPrimitives.ReadUInt32LittleEndian(meta[8..]);
        return pageBytes is >= 1024 and <= 64 * 1024
            ? new Meta((int)pageBytes, BinaryPrimitives.ReadUInt64LittleEndian(meta[16..]), BinaryPrimitives.ReadUInt64LittleEndian(meta[48..]))
            : null;
    }

    private byte[] Read(long at, int bytes)
    {
        byte[] buffer = new byte[bytes];
        for (int read = 0; read < bytes;)
        {
            int more = RandomAccess.Read(_file, buffer.AsSpan(read), at + read);
            if (more == 0) { throw Damaged($"it ends at byte {at + read}"); }
            read += more;
        }

        return buffer;
    }

    private static ulong Fnv1A(ReadOnlySpan<byte> bytes)
    {
        ulong hash = 14695981039346656037;
        foreach (byte b in bytes) { hash = unchecked((hash ^ b) * 1099511628211); }
        return hash;
    }

    private BboltException Damaged(string what) => new($"{_path} is damaged: {what}");

    private sealed class Budget(long pages)
    {
        public long Pages { get; set; } = pages;
    }

    private readonly record struct Meta(int PageBytes, ulong Root, ulong Transaction);
}
