using System.Buffers.Binary;
using Quorate.Core;

namespace Quorate.Storage.Engine;

/// <summary>How a block lies in its file, and how it becomes what it was.</summary>
/// <remarks>
/// Version 1: bytes | crc32c u32. Version 2: bytes | kind u8 | crc32c u32; of kind 1 the bytes are length varint | LZ4 block. The
/// checksum covers the file's number, the offset and all before it; a handle's length counts the bytes alone.
/// </remarks>
internal static class StoredBlock
{
    public const int ChecksumBytes = sizeof(uint);
    public const byte Raw = 0;
    public const byte Packed = 1;

    private const int LeastSaved = 8; // A block that does not shrink by an eighth is not worth the time to unpack it.
    private const int MostLengthBytes = 5;

    /// <summary>Bytes in the file, of a handle's length.</summary>
    public static int BytesOf(uint version, int length) => checked(length + (version == TableFormat.PlainVersion ? 0 : 1) + ChecksumBytes);

    /// <summary>Checks what was read from a file, and unpacks it.</summary>
    /// <param name="block">What was read, <see cref="BytesOf"/> it; the caller's. If it was packed, another takes its place.</param>
    /// <param name="file">The file's number.</param>
    /// <param name="handle">Where it was read.</param>
    /// <param name="version">The file's.</param>
    /// <param name="pool">Where another block comes from; null for none.</param>
    /// <returns>What is wrong with it, of "the block ..."; null if nothing is.</returns>
    public static string? Open(ref Block block, ulong file, BlockHandle handle, uint version, BlockPool? pool)
    {
        ReadOnlySpan<byte> covered = block.Span[..^ChecksumBytes];
        uint expected = BinaryPrimitives.ReadUInt32LittleEndian(block.Span[^ChecksumBytes..]);
        if (expected != Checksum(file, handle.Offset, covered)) { return "has another checksum"; }
        byte kind = version == TableFormat.PlainVersion ? Raw : covered[^1];
        block.Truncate(handle.Length);
        return kind switch
        {
            Raw => null,
            Packed => Unpack(ref block, pool),
            _ => $"is of kind {kind}, which is not known",
        };
    }

    /// <summary>Writes a block behind what a file has.</summary>
    /// <param name="writer">The file's next bytes.</param>
    /// <param name="file">Its number.</param>
    /// <param name="offset">Where the block will be.</param>
    /// <param name="block">The block.</param>
    /// <param name="version">The file's.</param>
    /// <param name="encoder">Packs it if that pays; null: it stays as it is.</param>
    public static BlockHandle Write(ByteWriter writer, ulong file, long offset, ReadOnlySpan<byte> block, uint version, Lz4Encoder? encoder)
    {
        int start = writer.Length;
        byte kind = encoder is not null && TryPack(writer, block, encoder) ? Packed : Raw;
        if (kind == Raw) { writer.Raw(block); }
        int length = writer.Length - start;
        if (version != TableFormat.PlainVersion) { writer.U8(kind); }
        writer.U32(Checksum(file, offset, writer.Written[start..]));
        return new(offset, length);
    }

    private static bool TryPack(ByteWriter writer, ReadOnlySpan<byte> block, Lz4Encoder encoder)
    {
        int start = writer.Length;
        int most = block.Length - (block.Length / LeastSaved) - MostLengthBytes;
        if (most <= 0) { return false; }
        writer.VarUInt((ulong)block.Length);
        int head = writer.Length;
        int packed = encoder.Encode(block, writer.Reserve(most));
        writer.Truncate(packed > 0 ? head + packed : start);
        return packed > 0;
    }

    // The length is only what the file says, so what the bytes can hold bounds it before memory is taken.
    private static string? Unpack(ref Block block, BlockPool? pool)
    {
        var reader = new ByteReader(block.Span);
        ulong length = reader.VarUInt();
        ReadOnlySpan<byte> packed = block.Span[reader.Offset..];
        if (reader.Failed || length > int.MaxValue || !Lz4.IsPossible(packed.Length, (long)length)) { return $"says it has {length} bytes"; }
        Block unpacked = pool?.Rent((int)length) ?? new Block((int)length);
        if (!Lz4.TryDecode(packed, unpacked.Span))
        {
            unpacked.Release();
            return $"cannot be unpacked to {length} bytes";
        }

        block.Release();
        block = unpacked;
        return null;
    }

    // It covers where the block belongs, so that a block read from elsewhere is not taken for it.
    private static uint Checksum(ulong file, long offset, ReadOnlySpan<byte> bytes)
    {
        Span<byte> place = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(place, file);
        BinaryPrimitives.WriteInt64LittleEndian(place[8..], offset);
        return Crc32C.Append(Crc32C.Compute(place), bytes);
    }
}
