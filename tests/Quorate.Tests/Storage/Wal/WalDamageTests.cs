using System.Buffers.Binary;
using Quorate.Core;
using Quorate.Simulation.Disk;
using Quorate.Storage.Wal;
using Xunit;

namespace Quorate.Tests.Storage.Wal;

/// <summary>Bytes that were synced and read back otherwise are told, never skipped; and telling changes nothing on disk.</summary>
public sealed class WalDamageTests
{
    private const string First = "wal/0000000000000001.wal";
    private static readonly WalOptions Small = new() { SegmentBytes = 16 * 1024, LogId = 0x1122334455667788 };

    private readonly SimDisk _disk = new();
    private readonly List<string> _states = [""]; // After each batch.

    // Of each flipped bit: the same content; or, where no later header says that the batch was synced, the content without
    // it; or a refusal. Never other content.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_flipped_bit_is_told_or_does_no_harm(bool cleanStop)
    {
        long end = WriteLog(batches: 3, cleanStop);
        int same = 0;
        int told = 0;
        int shorter = 0;
        for (long bit = 0; bit < (end + 100) * 8; bit++)
        {
            _disk.FlipBit(First, bit);
            try
            {
                string found = WalModel.Text(WriteAheadLog.Read(_disk, "wal"));
                if (found == _states[^1]) { same++; }
                else
                {
                    shorter++;
                    Assert.False(cleanStop, $"bit {bit} lost a batch that the clean stop covers");
                    Assert.Equal(_states[^2], found);
                }
            }
            catch (CorruptFileException e)
            {
                told++;
                Assert.InRange(e.Offset, bit / 8 / 512 * 512 - 1024, bit / 8 + 512);
                Assert.Equal(First, e.FilePath);
            }

            _disk.FlipBit(First, bit);
        }

        Assert.True(told > 3000 && same > 3000, $"{told} told, {same} without harm");
        Assert.Equal(cleanStop, shorter == 0);
        Assert.Equal(_states[^1], WalModel.Text(WriteAheadLog.Read(_disk, "wal")));
    }

    // A segment has its full length before it has its name, so no crash explains a shorter file.
    [Fact]
    public void A_file_cut_at_any_byte_is_told()
    {
        WriteLog(batches: 4, cleanStop: true);
        byte[] whole = _disk.ReadAll(First);
        for (int length = 0; length < whole.Length; length++)
        {
            _disk.Put(First, whole.AsSpan(0, length));
            var told = Assert.Throws<CorruptFileException>(() => WriteAheadLog.Read(_disk, "wal"));
            Assert.Equal(length, told.Offset);
        }

        _disk.Put(First, whole);
        Assert.Equal(_states[^1], WalModel.Text(WriteAheadLog.Read(_disk, "wal")));
    }

    // The same bytes cut short and then zero, as a disk may leave them that lost its last writes.
    [Fact]
    public void A_log_that_ends_in_zeros_at_any_byte_holds_whole_batches_or_is_told()
    {
        long end = WriteLog(batches: 6, cleanStop: true);
        byte[] whole = _disk.ReadAll(First);
        var seen = new SortedSet<int>();
        for (int length = 0; length <= end; length++)
        {
            byte[] cut = new byte[whole.Length];
            whole.AsSpan(0, length).CopyTo(cut);
            _disk.Put(First, cut);
            try
            {
                int state = _states.IndexOf(WalModel.Text(WriteAheadLog.Read(_disk, "wal")));
                Assert.True(state >= 0, $"cut at {length}");
                seen.Add(state);
            }
            catch (CorruptFileException)
            {
                // The header of the cut batch says that the one before it was synced, so only its own records may be cut.
                Assert.Fail($"cut at {length} is a torn tail, not damage");
            }
        }

        Assert.Equal(7, seen.Count);
    }

    [Fact]
    public void A_run_of_zeros_anywhere_below_the_last_batch_is_told()
    {
        long end = WriteLog(batches: 6, cleanStop: true);
        byte[] whole = _disk.ReadAll(First);
        for (int sector = 0; sector < (end / 512) - 2; sector++)
        {
            byte[] holed = [.. whole];
            holed.AsSpan(sector * 512, 512).Clear();
            _disk.Put(First, holed);
            Assert.Throws<CorruptFileException>(() => WriteAheadLog.Read(_disk, "wal"));
        }
    }

    [Fact]
    public void Damage_is_refused_without_changing_anything_on_disk()
    {
        WriteLog(batches: 4, cleanStop: false);
        _disk.FlipBit(First, 8 * 600);
        SimDisk before = _disk.Clone();
        long changes = _disk.Changes;

        var told = Assert.Throws<CorruptFileException>(() => WriteAheadLog.Open(_disk, "wal", Small, out _));

        Assert.Equal(512, told.Offset);
        Assert.Contains("synced up to", told.Defect, StringComparison.Ordinal);
        Assert.Equal(before.List("wal"), _disk.List("wal"));
        Assert.All(_disk.List("wal"), name => Assert.Equal(before.ReadAll($"wal/{name}"), _disk.ReadAll($"wal/{name}")));
        Assert.Equal(changes, _disk.Changes);
    }

    [Fact]
    public void A_segment_that_is_gone_is_told()
    {
        List<string> segments = WriteManySegments();
        foreach (string gone in segments[..^1])
        {
            SimDisk disk = _disk.Clone();
            disk.Delete(gone);
            var told = Assert.Throws<CorruptFileException>(() => WriteAheadLog.Read(disk, "wal"));
            Assert.Equal(gone, told.FilePath);
            Assert.Contains("missing", told.Defect, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_flipped_bit_in_an_older_segment_is_told()
    {
        List<string> segments = WriteManySegments();
        foreach (string path in segments[..^1])
        {
            for (long bit = 8 * 100; bit < 8 * 9000; bit += 1777)
            {
                SimDisk disk = _disk.Clone();
                disk.FlipBit(path, bit);
                Exception? told = Record.Exception(() => WriteAheadLog.Read(disk, "wal"));
                if (told is null) { Assert.Equal(_states[^1], WalModel.Text(WriteAheadLog.Read(disk, "wal"))); }
                else { Assert.Equal(path, Assert.IsType<CorruptFileException>(told).FilePath); }
            }
        }
    }

    [Fact]
    public void Two_segments_whose_contents_were_swapped_are_told()
    {
        List<string> segments = WriteManySegments();
        byte[] first = _disk.ReadAll(segments[0]);
        _disk.Put(segments[0], _disk.ReadAll(segments[1]));
        _disk.Put(segments[1], first);
        Assert.Throws<CorruptFileException>(() => WriteAheadLog.Read(_disk, "wal"));
    }

    [Fact]
    public void A_batch_at_a_wrong_place_is_told()
    {
        WriteLog(batches: 6, cleanStop: true);
        byte[] bytes = _disk.ReadAll(First);
        bytes.AsSpan(512, 512).CopyTo(bytes.AsSpan(1024)); // A misdirected write: whole, but not of this place.
        _disk.Put(First, bytes);
        Assert.Equal(1024, Assert.Throws<CorruptFileException>(() => WriteAheadLog.Read(_disk, "wal")).Offset);
    }

    [Fact]
    public void A_segment_of_another_log_is_told()
    {
        WriteManySegments();
        var other = new SimDisk();
        using (WriteAheadLog log = WriteAheadLog.Open(other, "wal", Small with { LogId = 9 }, out _)) { log.PrepareNext(); }
        _disk.Put("wal/0000000000000001.wal", other.ReadAll("wal/0000000000000001.wal"));
        Assert.Contains(
            "another log", Assert.Throws<CorruptFileException>(() => WriteAheadLog.Read(_disk, "wal")).Defect, StringComparison.Ordinal);
    }

    // Lengths are believed only once a checksum has covered them, and bounded even then.
    [Theory]
    [InlineData(uint.MaxValue)]
    [InlineData(int.MaxValue)]
    [InlineData(16 * 1024u)]
    public void A_batch_that_claims_an_impossible_length_is_no_batch(uint length)
    {
        WriteLog(batches: 2, cleanStop: false);
        byte[] bytes = _disk.ReadAll(First);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(1024 + 64), length);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(1024 + 72), Crc32C.Compute(bytes.AsSpan(1024, 72)));
        _disk.Put(First, bytes);

        WalRecovery recovery = WriteAheadLog.Read(_disk, "wal");
        Assert.Equal(_states[^2], WalModel.Text(recovery));
        Assert.Equal(bytes.Length - 1024, recovery.TornBytes);
    }

    [Theory]
    [InlineData(uint.MaxValue)]
    [InlineData(int.MaxValue)]
    [InlineData(400u)]
    public void A_record_that_claims_an_impossible_length_in_a_whole_batch_is_told(uint length)
    {
        WriteLog(batches: 2, cleanStop: false);
        byte[] bytes = _disk.ReadAll(First);
        Span<byte> batch = bytes.AsSpan(1024);
        int body = (int)BinaryPrimitives.ReadUInt32LittleEndian(batch[64..]);
        BinaryPrimitives.WriteUInt32LittleEndian(batch[76..], length);
        BinaryPrimitives.WriteUInt32LittleEndian(batch[68..], Crc32C.Compute(batch.Slice(76, body)));
        BinaryPrimitives.WriteUInt32LittleEndian(batch[72..], Crc32C.Compute(batch[..72]));
        _disk.Put(First, bytes);

        Assert.Equal(1024, Assert.Throws<CorruptFileException>(() => WriteAheadLog.Read(_disk, "wal")).Offset);
    }

    [Fact]
    public void A_log_of_a_later_format_is_refused_by_name()
    {
        WriteLog(batches: 2, cleanStop: true);
        byte[] bytes = _disk.ReadAll(First);
        bytes[4] = 2;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(72), Crc32C.Compute(bytes.AsSpan(0, 72)));
        _disk.Put(First, bytes);
        Assert.Equal(
            "format version 2; this program reads 1",
            Assert.Throws<CorruptFileException>(() => WriteAheadLog.Read(_disk, "wal")).Defect);
    }

    // A client's value may look like a batch. It must neither be replayed nor pass for evidence that the log was synced.
    [Fact]
    public void A_value_that_looks_like_a_batch_of_another_log_id_means_nothing()
    {
        byte[] forged = Forge(logId: 0, at: 1024);
        using WriteAheadLog log = WriteAheadLog.Open(_disk, "wal", Small, out _);
        var batch = new WalBatch();
        new WalModel().Entry(batch, 1, 1, 1, [.. new byte[1024 - 512 - 76 - 13], .. forged]);
        log.Write(batch);
        byte[] bytes = _disk.ReadAll(First);
        Assert.Equal(forged, bytes[1024..(1024 + 76)]);

        // The forger's batch is torn: its header is gone, the rest of its sectors survived.
        bytes.AsSpan(512, 512).Clear();
        _disk.Put(First, bytes);
        Assert.Empty(WriteAheadLog.Read(_disk, "wal").Shards);
    }

    [Fact]
    public void A_damaged_entry_that_was_to_be_copied_stops_the_log()
    {
        WriteAheadLog log = WriteAheadLog.Open(_disk, "wal", Small with { MaxSegmentsBehind = 2 }, out _);
        var model = new WalModel();
        var batch = new WalBatch();
        model.Entry(batch, 9, 1, 1, [1, 2, 3]);
        log.Write(batch);
        log.Sync();
        _disk.FlipBit(First, 8 * 600);
        Exception? told = null;
        for (ulong i = 1; i <= 100 && told is null; i++)
        {
            batch.Clear();
            model.Entry(batch, 1, i, 1, new byte[900]);
            model.Release(batch, 1, i, 1);
            told = Record.Exception(() =>
            {
                log.Write(batch);
                log.Sync();
            });
        }

        Assert.Equal(First, Assert.IsType<CorruptFileException>(told).FilePath);
        Assert.Throws<DiskException>(log.Sync);
    }

    private static byte[] Forge(ulong logId, uint at)
    {
        byte[] header = new byte[76];
        "QWAL"u8.CopyTo(header);
        header[4] = 1;
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(8), logId);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(16), 1);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(32), 1);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(52), at);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(60), at);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(72), Crc32C.Compute(header.AsSpan(0, 72)));
        return header;
    }

    // Batches of one sector each, in the first segment, each synced; returns where the last one ends.
    private long WriteLog(int batches, bool cleanStop)
    {
        WriteAheadLog log = WriteAheadLog.Open(_disk, "wal", Small, out _);
        var model = new WalModel();
        var batch = new WalBatch();
        for (int i = 1; i <= batches; i++)
        {
            batch.Clear();
            model.HardState(batch, 1, (ulong)i, 3, 0);
            model.Entry(batch, 1, (ulong)i, (ulong)i, Enumerable.Repeat((byte)i, 350).ToArray());
            log.Write(batch);
            log.Sync();
            _states.Add(model.Text());
        }

        if (cleanStop) { log.Dispose(); }
        _disk.Crash();
        return 512 + (512 * batches) + (cleanStop ? 512 : 0);
    }

    private List<string> WriteManySegments()
    {
        using (WriteAheadLog log = WriteAheadLog.Open(_disk, "wal", Small, out _))
        {
            var model = new WalModel();
            var batch = new WalBatch();
            for (ulong i = 1; i <= 60; i++)
            {
                batch.Clear();
                model.Entry(batch, 1, i, 1, Enumerable.Repeat((byte)i, 900).ToArray());
                log.Write(batch);
                log.Sync();
            }

            _states.Add(model.Text());
            Assert.InRange(log.Segments, 4, 8);
        }

        return [.. _disk.List("wal").Select(name => $"wal/{name}")];
    }
}
