using Quorate.Core;
using Quorate.Simulation.Disk;
using Quorate.Storage.Wal;
using Xunit;

namespace Quorate.Tests.Storage.Wal;

/// <summary>The format on disk, byte by byte, as the worked example in DESIGN.md shows it.</summary>
public sealed class WalFormatTests
{
    private static readonly WalOptions Options = new() { SegmentBytes = 16 * 1024, LogId = 0x1122334455667788 };

    [Fact]
    public void A_batch_is_written_as_the_design_says()
    {
        var disk = new SimDisk();
        WriteAheadLog log = WriteAheadLog.Open(disk, "wal", Options, out _);
        var batch = new WalBatch();
        batch.AddHardState(new ShardId(7), new HardState(new Term(5), new ReplicaId(0xAB), new LogIndex(2)));
        batch.AddEntry(new ShardId(7), new LogEntry(new LogIndex(1), new Term(5), EntryKind.Command, "hi"u8.ToArray()));
        log.Write(batch);

        byte[] bytes = disk.ReadAll("wal/0000000000000001.wal");
        Assert.Equal(16 * 1024, bytes.Length);
        Assert.Equal(Convert.FromHexString(
            "5157414C" + "0100" + "0000" + "8877665544332211" + // magic, version, flags, log id
            "0100000000000000" + "0100000000000000" + // sequence, previous sequence
            "0100000000000000" + "0100000000000000" + // synced sequence, first live sequence
            "00400000" + "00020000" + "00020000" + "00020000" + // segment bytes, offset, previous offset, synced offset
            "1D000000" + "6C059555" + "BC1F889C" + // body bytes, body crc, header crc
            "06000000" + "EC4E227B" + "02" + "07" + "02" + "05" + "AB01" + // length, crc, hard state, shard, commit, term, vote
            "07000000" + "40F23191" + "01" + "07" + "01" + "05" + "01" + "6869"), // length, crc, entry, shard, index, term, kind
            bytes[512..(512 + 76 + 29)]);
        Assert.All(bytes[(512 + 76 + 29)..], b => Assert.Equal(0, b));
    }

    // A log that an earlier build of this format wrote is read for ever.
    [Fact]
    public void Numbers_of_record_types_never_change()
    {
        Assert.Equal(
            "1 Entry, 2 HardState, 3 Release, 4 Reset, 5 Tombstone, 6 Copy, 7 OldTombstone, 8 Carried, 9 Forget",
            string.Join(", ", Enum.GetValues<WalRecordType>().Select(type => $"{(byte)type} {type}")));
    }

    [Fact]
    public void Options_out_of_range_are_told_in_the_operators_words()
    {
        Assert.Empty(new WalOptions().Problems());
        Assert.Equal(4, new WalOptions { SegmentBytes = 1000, SpareSegments = -1, MaxSegmentsBehind = 1 }.Problems().Count());
        Assert.Single(new WalOptions { SegmentBytes = int.MaxValue - 4095 }.Problems());
    }
}
