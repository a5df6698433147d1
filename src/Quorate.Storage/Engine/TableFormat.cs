using System.Buffers;
using System.Buffers.Binary;
using Quorate.Core;

namespace Quorate.Storage.Engine;

/// <summary>What the manifest says of a table file.</summary>
/// <param name="Number">Its name, and part of every checksum in it. Never used twice by an engine.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Records">Records, deleted keys included.</param>
/// <param name="Smallest">First key.</param>
/// <param name="Largest">Last key.</param>
internal sealed record TableInfo(ulong Number, long Length, ulong Records, byte[] Smallest, byte[] Largest)
{
    public string Name => TableFormat.NameOf(Number);

    public bool Overlaps(ReadOnlySpan<byte> smallest, ReadOnlySpan<byte> largest) =>
        Smallest.AsSpan().SequenceCompareTo(largest) <= 0 && smallest.SequenceCompareTo(Largest) <= 0;
}

/// <summary>Where a block is. Its checksum follows it and is not counted.</summary>
internal readonly record struct BlockHandle(long Offset, int Length)
{
    public void Write(ByteWriter writer)
    {
        writer.VarUInt((ulong)Offset);
        writer.VarUInt((ulong)Length);
    }

    // False if the bytes are no handle of a block that ends before the limit.
    public static bool TryRead(ReadOnlySpan<byte> bytes, long limit, out BlockHandle handle)
    {
        var reader = new ByteReader(bytes);
        ulong offset = reader.VarUInt();
        ulong length = reader.VarUInt();
        bool fits = reader.AtEnd && IsWithin(offset, length, limit);
        handle = fits ? new BlockHandle((long)offset, (int)length) : default;
        return fits;
    }

    public static bool IsWithin(ulong offset, ulong length, long limit) =>
        limit >= StoredBlock.ChecksumBytes && length <= int.MaxValue - 1 - StoredBlock.ChecksumBytes
        && offset <= (ulong)limit && length + StoredBlock.ChecksumBytes <= (ulong)limit - offset;
}

/// <summary>The end of a table file: where everything else is.</summary>
internal readonly record struct TableFooter(BlockHandle Filter, BlockHandle Properties, BlockHandle Index, int IndexDepth, uint Version)
{
    public const int Bytes = 64;

    public void Write(ByteWriter writer, ulong number)
    {
        int start = writer.Length;
        writer.U64((ulong)Filter.Offset);
        writer.U32((uint)Filter.Length);
        writer.U64((ulong)Properties.Offset);
        writer.U32((uint)Properties.Length);
        writer.U64((ulong)Index.Offset);
        writer.U32((uint)Index.Length);
        writer.U32((uint)IndexDepth);
        writer.U64(number);
        writer.U32(Version);
        writer.U32(Crc32C.Compute(writer.Written[start..]));
        writer.U64(TableFormat.Magic);
    }

    // Null and the footer, or what is wrong with it.
    public static string? TryRead(ReadOnlySpan<byte> bytes, ulong number, long fileLength, out TableFooter footer)
    {
        footer = default;
        if (BinaryPrimitives.ReadUInt64LittleEndian(bytes[56..]) != TableFormat.Magic) { return "this is no end of a table file"; }
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[52..]) != Crc32C.Compute(bytes[..52])) { return "the footer's checksum disagrees"; }
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(bytes[48..]);
        if (version is not (TableFormat.PlainVersion or TableFormat.MarkedVersion))
        {
            return $"format version {version} is not known, only {TableFormat.PlainVersion} and {TableFormat.MarkedVersion}";
        }

        ulong named = BinaryPrimitives.ReadUInt64LittleEndian(bytes[40..]);
        if (named != number) { return $"this is file {named:x16}, expected {number:x16}"; }

        long limit = fileLength - Bytes;
        uint depth = BinaryPrimitives.ReadUInt32LittleEndian(bytes[36..]);
        if (!Handle(bytes, limit, out BlockHandle filter) || !Handle(bytes[12..], limit, out BlockHandle properties)
            || !Handle(bytes[24..], limit, out BlockHandle index) || depth is < 1 or > TableFormat.MaxIndexDepth)
        {
            return "the footer points outside of the file";
        }

        footer = new TableFooter(filter, properties, index, (int)depth, version);
        return null;
    }

    private static bool Handle(ReadOnlySpan<byte> bytes, long limit, out BlockHandle handle)
    {
        ulong offset = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        bool fits = BlockHandle.IsWithin(offset, length, limit);
        handle = fits ? new BlockHandle((long)offset, (int)length) : default;
        return fits;
    }
}

/// <summary>What a table file says about itself.</summary>
/// <param name="Records">Records, deleted keys included.</param>
/// <param name="Tombstones">Deleted keys.</param>
/// <param name="DataBlocks">Blocks that hold records.</param>
/// <param name="KeyBytes">Bytes of all keys, uncompressed.</param>
/// <param name="ValueBytes">Bytes of all values.</param>
/// <param name="Smallest">First key.</param>
/// <param name="Largest">Last key.</param>
internal sealed record TableProperties(
    ulong Records, ulong Tombstones, ulong DataBlocks, ulong KeyBytes, ulong ValueBytes, byte[] Smallest, byte[] Largest)
{
    public void Write(ByteWriter writer)
    {
        writer.VarUInt(Records);
        writer.VarUInt(Tombstones);
        writer.VarUInt(DataBlocks);
        writer.VarUInt(KeyBytes);
        writer.VarUInt(ValueBytes);
        writer.Bytes(Smallest);
        writer.Bytes(Largest);
    }

    public static TableProperties? TryRead(ReadOnlySpan<byte> bytes)
    {
        var reader = new ByteReader(bytes);
        var properties = new TableProperties(
            reader.VarUInt(), reader.VarUInt(), reader.VarUInt(), reader.VarUInt(), reader.VarUInt(),
            reader.Bytes().ToArray(), reader.Bytes().ToArray());
        return reader.AtEnd ? properties : null;
    }
}

/// <summary>The constants of table files. DESIGN.md has the whole format.</summary>
internal static class TableFormat
{
    public const ulong Magic = 0x315453534D4C5251; // "QRLMSST1"
    public const uint PlainVersion = 1;  // All blocks are as they are.
    public const uint MarkedVersion = 2; // Each says whether it is compressed.
    public const int MaxIndexDepth = 32; // A level has at most half as many blocks as the one below.
    public const string Extension = ".sst";

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    public static string NameOf(ulong number) => $"{number:x16}{Extension}";

    public static bool IsName(string name) =>
        name.Length == 16 + Extension.Length && name.EndsWith(Extension, StringComparison.Ordinal)
        && !name.AsSpan(0, 16).ContainsAnyExcept(HexDigits);
}
