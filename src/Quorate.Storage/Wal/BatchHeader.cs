using System.Buffers.Binary;
using Quorate.Core;

namespace Quorate.Storage.Wal;

/// <summary>What a batch is besides a batch of records.</summary>
[Flags]
internal enum BatchFlags : ushort
{
    None = 0,

    /// <summary>The first of a segment: the state of all shards.</summary>
    Checkpoint = 1,

    /// <summary>The last before a clean stop: no records.</summary>
    CleanStop = 2,
}

/// <summary>
/// The 76 bytes before a batch's records; layout in DESIGN.md. They say where the batch belongs (so that a stale or
/// misdirected one is not taken for it), where the one before it ended, and how far the log was synced when it was written.
/// </summary>
internal readonly record struct BatchHeader
{
    public const int Bytes = 76;

    /// <summary>Batches begin at multiples of this, so that a torn write never touches a sector that was synced.</summary>
    public const int SectorBytes = 512;

    public const ushort CurrentVersion = 1;

    private const uint Magic = 0x4C415751; // "QWAL"

    public ushort Version { get; init; }

    public BatchFlags Flags { get; init; }

    /// <summary>See <see cref="WalOptions.LogId"/>.</summary>
    public ulong LogId { get; init; }

    /// <summary>Where the batch begins.</summary>
    public WalPosition Position { get; init; }

    /// <summary>Where the batch before it ended: the same place, or in an earlier segment for the first of a segment.</summary>
    public WalPosition Previous { get; init; }

    /// <summary>Everything before this was durable when the batch was written.</summary>
    public WalPosition Synced { get; init; }

    /// <summary>The earliest segment still needed once this batch is durable.</summary>
    public ulong FirstLive { get; init; }

    /// <summary>Length of the segment's file.</summary>
    public uint SegmentBytes { get; init; }

    public uint BodyBytes { get; init; }

    public uint BodyCrc { get; init; }

    /// <summary>Where the next batch of the segment begins.</summary>
    public long End => Position.Offset + Padded(BodyBytes);

    /// <summary>Bytes of a batch with its header and its padding to whole sectors.</summary>
    public static long Padded(long bodyBytes) =>
        (Bytes + bodyBytes + SectorBytes - 1) / SectorBytes * SectorBytes;

    /// <summary>True if these bytes begin with a header that was written as it reads; says nothing of the body.</summary>
    public static bool TryRead(ReadOnlySpan<byte> from, out BatchHeader header)
    {
        header = default;
        if (from.Length < Bytes || BinaryPrimitives.ReadUInt32LittleEndian(from) != Magic) { return false; }
        if (Crc32C.Compute(from[..72]) != BinaryPrimitives.ReadUInt32LittleEndian(from[72..])) { return false; }
        ulong sequence = BinaryPrimitives.ReadUInt64LittleEndian(from[16..]);
        header = new BatchHeader
        {
            Version = BinaryPrimitives.ReadUInt16LittleEndian(from[4..]),
            Flags = (BatchFlags)BinaryPrimitives.ReadUInt16LittleEndian(from[6..]),
            LogId = BinaryPrimitives.ReadUInt64LittleEndian(from[8..]),
            Position = new(sequence, BinaryPrimitives.ReadUInt32LittleEndian(from[52..])),
            Previous = new(BinaryPrimitives.ReadUInt64LittleEndian(from[24..]), BinaryPrimitives.ReadUInt32LittleEndian(from[56..])),
            Synced = new(BinaryPrimitives.ReadUInt64LittleEndian(from[32..]), BinaryPrimitives.ReadUInt32LittleEndian(from[60..])),
            FirstLive = BinaryPrimitives.ReadUInt64LittleEndian(from[40..]),
            SegmentBytes = BinaryPrimitives.ReadUInt32LittleEndian(from[48..]),
            BodyBytes = BinaryPrimitives.ReadUInt32LittleEndian(from[64..]),
            BodyCrc = BinaryPrimitives.ReadUInt32LittleEndian(from[68..]),
        };
        return true;
    }

    public void WriteTo(Span<byte> to)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(to, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(to[4..], Version);
        BinaryPrimitives.WriteUInt16LittleEndian(to[6..], (ushort)Flags);
        BinaryPrimitives.WriteUInt64LittleEndian(to[8..], LogId);
        BinaryPrimitives.WriteUInt64LittleEndian(to[16..], Position.Sequence);
        BinaryPrimitives.WriteUInt64LittleEndian(to[24..], Previous.Sequence);
        BinaryPrimitives.WriteUInt64LittleEndian(to[32..], Synced.Sequence);
        BinaryPrimitives.WriteUInt64LittleEndian(to[40..], FirstLive);
        BinaryPrimitives.WriteUInt32LittleEndian(to[48..], SegmentBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(to[52..], Position.Offset);
        BinaryPrimitives.WriteUInt32LittleEndian(to[56..], Previous.Offset);
        BinaryPrimitives.WriteUInt32LittleEndian(to[60..], Synced.Offset);
        BinaryPrimitives.WriteUInt32LittleEndian(to[64..], BodyBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(to[68..], BodyCrc);
        BinaryPrimitives.WriteUInt32LittleEndian(to[72..], Crc32C.Compute(to[..72]));
    }
}
