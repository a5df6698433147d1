using System.Buffers.Binary;
using Quorate.Core;

namespace Quorate.Storage.Wal;

/// <summary>What a record says. The numbers are stored; they never change.</summary>
public enum WalRecordType : byte
{
    /// <summary>An entry; from its index on, what was there before is gone.</summary>
    Entry = 1,

    /// <summary>Term, vote and commit index.</summary>
    HardState = 2,

    /// <summary>Entries up to here are not needed any more.</summary>
    Release = 3,

    /// <summary>All entries before this are gone; the log goes on after this position.</summary>
    Reset = 4,

    /// <summary>The replica was removed, and with it the shard's entries and hard state.</summary>
    Tombstone = 5,

    /// <summary>A copy of an entry that is still needed, made so that its old segment can be freed. Replaces nothing.</summary>
    Copy = 6,

    /// <summary>A tombstone remembered in a new segment. Removes nothing.</summary>
    OldTombstone = 7,

    /// <summary>
    /// In a checkpoint: what follows are records that the log held beyond the place up to which it was known to be synced
    /// when it was opened; they were carried over into the new segment.
    /// </summary>
    Carried = 8,

    /// <summary>The shard was deleted, and its tombstones with it: the log knows nothing of it any more.</summary>
    Forget = 9,
}

/// <summary>A record without its payload: what the log must know about it.</summary>
/// <param name="Type">What it says.</param>
/// <param name="Shard">Of which shard.</param>
/// <param name="Index">Index of the entry or position; the commit index of a hard state; 0 for tombstones.</param>
/// <param name="Term">Term of the entry, position or hard state; 0 for tombstones.</param>
/// <param name="Extra">The entry's kind, the hard state's vote, the tombstone's replica; 0 otherwise.</param>
/// <param name="Bytes">Its bytes on disk.</param>
internal readonly record struct WalRecord(
    WalRecordType Type, ShardId Shard, LogIndex Index, Term Term, ulong Extra, int Bytes)
{
    /// <summary>Length and checksum in front of each record.</summary>
    public const int PrefixBytes = 8;

    public LogPosition Position => new(Index, Term);

    public HardState HardState => new(Term, new ReplicaId(Extra), Index);

    public ReplicaId Replica => new(Extra);

    /// <summary>Appends a record: length u32 | crc32c u32 | type u8 | shard, index, term, extra as varints | payload.</summary>
    /// <remarks>The length counts what follows the checksum, which covers the length and what follows.</remarks>
    /// <returns>The record, with its length.</returns>
    public WalRecord WriteTo(ByteWriter writer, ReadOnlySpan<byte> payload)
    {
        int start = writer.Length;
        writer.Reserve(PrefixBytes);
        writer.U8((byte)Type);
        writer.VarUInt(Shard.Value);
        writer.VarUInt(Index.Value);
        writer.VarUInt(Term.Value);
        writer.VarUInt(Extra);
        writer.Raw(payload);
        int bytes = writer.Length - start;
        Span<byte> record = writer.Patch(start, bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(record, (uint)(bytes - PrefixBytes));
        BinaryPrimitives.WriteUInt32LittleEndian(record[4..], Checksum(record));
        return this with { Bytes = bytes };
    }

    /// <summary>Reads the record at the start of these bytes.</summary>
    /// <returns>What is wrong with it; null if nothing is.</returns>
    public static string? Read(ReadOnlySpan<byte> from, out WalRecord record, out ReadOnlySpan<byte> payload)
    {
        record = default;
        payload = default;
        if (from.Length < PrefixBytes) { return "a record is cut short"; }
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(from);
        if (length > (uint)(from.Length - PrefixBytes)) { return $"a record's length of {length} runs past its batch"; }
        from = from[..(PrefixBytes + (int)length)];
        if (BinaryPrimitives.ReadUInt32LittleEndian(from[4..]) != Checksum(from)) { return "a record's checksum disagrees"; }

        var reader = new ByteReader(from[PrefixBytes..]);
        var type = (WalRecordType)reader.U8();
        var shard = new ShardId(reader.VarUInt());
        var index = new LogIndex(reader.VarUInt());
        var term = new Term(reader.VarUInt());
        ulong extra = reader.VarUInt();
        if (reader.Failed) { return "a record is malformed"; }
        if (type is < WalRecordType.Entry or > WalRecordType.Forget) { return $"a record has the unknown type {type}"; }
        record = new WalRecord(type, shard, index, term, extra, from.Length);
        payload = reader.Raw(reader.Remaining);
        return null;
    }

    /// <summary>Bytes of a damaged record if its length can be believed; a large number if not.</summary>
    public static int ClaimedBytes(ReadOnlySpan<byte> from) => from.Length < PrefixBytes
        ? from.Length
        : (int)Math.Min(int.MaxValue, PrefixBytes + (long)BinaryPrimitives.ReadUInt32LittleEndian(from));

    private static uint Checksum(ReadOnlySpan<byte> record) =>
        Crc32C.Append(Crc32C.Compute(record[..4]), record[PrefixBytes..]);
}
