using System.Buffers.Binary;
using Quorate.Core;

namespace Quorate.Storage.Engine;

/// <summary>One atomic change of which files are the flushed state.</summary>
/// <param name="NextFile">No file has this number or a greater one.</param>
/// <param name="Position">The last entry whose effects the files then contain; null if that does not change.</param>
/// <param name="Removed">Numbers of files that go.</param>
/// <param name="Added">Files that come, with their levels.</param>
internal sealed record ManifestEdit(
    ulong NextFile, LogPosition? Position, IReadOnlyList<ulong> Removed, IReadOnlyList<(int Level, TableInfo Table)> Added)
{
    public void Write(ByteWriter writer)
    {
        writer.VarUInt(NextFile);
        writer.Bool(Position is not null);
        if (Position is { } position)
        {
            writer.VarUInt(position.Index.Value);
            writer.VarUInt(position.Term.Value);
        }

        writer.VarUInt((ulong)Removed.Count);
        foreach (ulong number in Removed) { writer.VarUInt(number); }
        writer.VarUInt((ulong)Added.Count);
        foreach ((int level, TableInfo table) in Added)
        {
            writer.U8((byte)level);
            writer.VarUInt(table.Number);
            writer.VarUInt((ulong)table.Length);
            writer.VarUInt(table.Records);
            writer.Bytes(table.Smallest);
            writer.Bytes(table.Largest);
        }
    }

    public static ManifestEdit? TryRead(ref ByteReader reader)
    {
        ulong nextFile = reader.VarUInt();
        LogPosition? position = reader.Bool() ? new(new(reader.VarUInt()), new(reader.VarUInt())) : null;
        ulong[] removed = new ulong[reader.Count(reader.Remaining)];
        for (int i = 0; i < removed.Length; i++) { removed[i] = reader.VarUInt(); }
        var added = new (int, TableInfo)[reader.Count(reader.Remaining / 6)];
        for (int i = 0; i < added.Length; i++)
        {
            int level = reader.U8();
            ulong number = reader.VarUInt();
            ulong length = reader.VarUInt();
            ulong records = reader.VarUInt();
            byte[] smallest = reader.Bytes().ToArray();
            byte[] largest = reader.Bytes().ToArray();
            if (level >= TableSet.LevelCount || length > long.MaxValue) { return null; }
            added[i] = (level, new TableInfo(number, (long)length, records, smallest, largest));
        }

        return reader.AtEnd ? new ManifestEdit(nextFile, position, removed, added) : null;
    }
}

/// <summary>
/// Header page, then records, each beginning a page of its own: a record that is being written when the power goes never
/// shares a page with one that was synced.
/// </summary>
/// <remarks>
/// Header: magic u64 | version u32 | generation u64 | crc u32. Record: length u32 | crc u32 | payload; the crc covers the
/// generation, the record's offset, the length and the payload, so that neither a stale page nor one from elsewhere counts.
/// Payload: type u8, then an edit; a seal has nothing. A seal is written behind each synced edit, without a sync: where it
/// is found, the edit before it was durable.
/// </remarks>
internal static class ManifestFormat
{
    public const ulong Magic = 0x3154464E4D4C5251; // "QRLMNFT1"
    public const uint Version = 1;
    public const int PageBytes = 4096; // A page of the kernel's and a sector of current disks.
    public const int HeaderBytes = 24;
    public const int RecordHeaderBytes = 8;
    public const byte EditType = 1;
    public const byte SealType = 2;

    public static void WriteHeader(ByteWriter writer, ulong generation)
    {
        int start = writer.Length;
        writer.U64(Magic);
        writer.U32(Version);
        writer.U64(generation);
        writer.U32(Crc32C.Compute(writer.Written[start..]));
        Pad(writer, start);
    }

    // A record at an offset of the file, filled up to whole pages.
    public static void WriteRecord(ByteWriter writer, ulong generation, long offset, ManifestEdit? edit)
    {
        int start = writer.Length;
        writer.Reserve(RecordHeaderBytes);
        writer.U8(edit is null ? SealType : EditType);
        edit?.Write(writer);
        int length = writer.Length - start - RecordHeaderBytes;
        BinaryPrimitives.WriteUInt32LittleEndian(writer.Patch(start, 4), (uint)length);
        uint crc = Checksum(generation, offset, writer.Written.Slice(start + RecordHeaderBytes, length));
        BinaryPrimitives.WriteUInt32LittleEndian(writer.Patch(start + 4, 4), crc);
        Pad(writer, start);
    }

    // What is wrong with the header; null and the generation if nothing is.
    public static string? CheckHeader(ReadOnlySpan<byte> file, out ulong generation)
    {
        generation = 0;
        if (file.Length < HeaderBytes) { return "the header is cut short"; }
        if (BinaryPrimitives.ReadUInt64LittleEndian(file) != Magic) { return "this is no manifest"; }
        if (BinaryPrimitives.ReadUInt32LittleEndian(file[20..]) != Crc32C.Compute(file[..20])) { return "the header's checksum disagrees"; }
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(file[8..]);
        if (version != Version) { return $"format version {version} is not known, only {Version}"; }
        generation = BinaryPrimitives.ReadUInt64LittleEndian(file[12..]);
        return null;
    }

    // The payload of the record at an offset, type included; empty if there is no whole one.
    public static ReadOnlySpan<byte> PayloadAt(ReadOnlySpan<byte> file, ulong generation, long offset)
    {
        ReadOnlySpan<byte> rest = file[(int)offset..];
        if (rest.Length < RecordHeaderBytes) { return default; }
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(rest);
        if (length == 0 || length > (uint)(rest.Length - RecordHeaderBytes)) { return default; }
        ReadOnlySpan<byte> payload = rest.Slice(RecordHeaderBytes, (int)length);
        return BinaryPrimitives.ReadUInt32LittleEndian(rest[4..]) == Checksum(generation, offset, payload) ? payload : default;
    }

    public static long PagesFor(int payload) => ((long)payload + RecordHeaderBytes + PageBytes - 1) / PageBytes * PageBytes;

    private static uint Checksum(ulong generation, long offset, ReadOnlySpan<byte> payload)
    {
        Span<byte> place = stackalloc byte[20];
        BinaryPrimitives.WriteUInt64LittleEndian(place, generation);
        BinaryPrimitives.WriteInt64LittleEndian(place[8..], offset);
        BinaryPrimitives.WriteInt32LittleEndian(place[16..], payload.Length);
        return Crc32C.Append(Crc32C.Compute(place), payload);
    }

    private static void Pad(ByteWriter writer, int start)
    {
        int over = (writer.Length - start) % PageBytes;
        if (over > 0) { writer.Reserve(PageBytes - over).Clear(); }
    }
}
