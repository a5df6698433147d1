namespace Quorate.Storage.Wal;

/// <summary>What one pass over a segment's file finds: how far its batches are whole, and what is known of what lies beyond.</summary>
internal sealed class SegmentScan
{
    private SegmentScan(ulong sequence, string path, long length)
    {
        Sequence = sequence;
        Path = path;
        Length = length;
    }

    public ulong Sequence { get; }

    public string Path { get; }

    public long Length { get; }

    /// <summary>Header of the first batch; null if that batch is not whole.</summary>
    public BatchHeader? First { get; private set; }

    /// <summary>Header of the last batch before <see cref="End"/>.</summary>
    public BatchHeader Last { get; private set; }

    /// <summary>End of the batches that are whole without a gap from the start.</summary>
    public uint End { get; private set; }

    /// <summary>What is wrong at <see cref="End"/>.</summary>
    public string Defect { get; private set; } = "";

    /// <summary>
    /// The furthest place that any header in this file, also beyond <see cref="End"/>, says was synced. A header counts
    /// even if its records are damaged: its own checksum says that we wrote it.
    /// </summary>
    public WalPosition Evidence { get; private set; }

    /// <summary>End of what an unfinished write can be told to have left beyond <see cref="End"/>; else equal to it.</summary>
    public long TornEnd { get; private set; }

    public WalPosition EndPosition => new(Sequence, End);

    public static SegmentScan Run(SegmentReader reader, ulong sequence, string path, ulong? logId)
    {
        var scan = new SegmentScan(sequence, path, reader.Length);
        scan.ReadWhole(reader, logId);
        scan.ReadBeyond(reader, logId);
        return scan;
    }

    private void ReadWhole(SegmentReader reader, ulong? logId)
    {
        long offset = 0;
        while (true)
        {
            string? defect = reader.ReadBatch(offset, logId, out BatchHeader header, out _);
            if (defect is not null)
            {
                Defect = defect;
                break;
            }

            First ??= header;
            Last = header;
            Evidence = WalPosition.Max(Evidence, header.Synced);
            offset = Math.Min(header.End, reader.Length);
        }

        End = (uint)offset;
        TornEnd = offset;
    }

    private void ReadBeyond(SegmentReader reader, ulong? logId)
    {
        for (long offset = End; offset + BatchHeader.Bytes <= reader.Length; offset += BatchHeader.SectorBytes)
        {
            if (reader.TryReadHeader(offset, logId, out BatchHeader header))
            {
                Evidence = WalPosition.Max(Evidence, header.Synced);
                TornEnd = Math.Max(TornEnd, Math.Min(header.End, reader.Length));
            }
        }
    }
}
