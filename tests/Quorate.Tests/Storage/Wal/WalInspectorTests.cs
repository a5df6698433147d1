using Quorate.Core;
using Quorate.Simulation.Disk;
using Quorate.Storage.Wal;
using Xunit;

namespace Quorate.Tests.Storage.Wal;

public sealed class WalInspectorTests
{
    private const string First = "wal/0000000000000001.wal";

    private readonly SimDisk _disk = new();

    [Fact]
    public void Every_segment_batch_and_record_is_listed_and_nothing_is_changed()
    {
        WriteLog();
        long changes = _disk.Changes;
        WalItem[] items = [.. WalInspector.Inspect(_disk, "wal")];
        Assert.Equal(changes, _disk.Changes);

        Assert.Equal(["log", "free"], items.OfType<WalSegmentItem>().Select(segment => segment.Role));
        WalBatchItem[] batches = [.. items.OfType<WalBatchItem>()];
        Assert.Equal(["checkpoint", "records", "records", "clean stop"], batches.Select(batch => batch.Kind));
        Assert.All(batches, batch => Assert.True(batch.IsWhole && batch.IsReachable));
        Assert.Equal(
            [WalRecordType.HardState, WalRecordType.Entry, WalRecordType.Entry], batches[1].Records.Select(record => record.Type!.Value));
        Assert.Equal((7ul, 1ul, 5ul, 3), Facts(batches[1].Records[1]));
        Assert.Equal(new WalVerdictItem(null, 0, 1, 3), items[^1]);
    }

    [Fact]
    public void Damage_is_an_item_and_the_records_around_it_are_still_listed()
    {
        WriteLog();
        _disk.FlipBit(First, 8 * (512 + 76 + 10)); // In the hard state, the first record of the second batch.
        WalItem[] items = [.. WalInspector.Inspect(_disk, "wal")];

        WalBatchItem[] batches = [.. items.OfType<WalBatchItem>()];
        Assert.Equal([true, false, true, true], batches.Select(batch => batch.IsWhole));
        Assert.Equal([true, false, false, false], batches.Select(batch => batch.IsReachable));
        Assert.Equal([false, true, true], batches[1].Records.Select(record => record.Defect is null));
        Assert.Equal((7ul, 1ul, 5ul, 3), Facts(batches[1].Records[1]));
        Assert.Contains($"{First} is damaged at byte 512", Assert.IsType<WalVerdictItem>(items[^1]).Defect, StringComparison.Ordinal);
        Assert.Contains("unknown", items.OfType<WalSegmentItem>().Select(segment => segment.Role));
    }

    // Whatever the bytes are, inspection ends and reports.
    [Fact]
    public void Garbage_never_stops_it()
    {
        WriteLog();
        byte[] whole = _disk.ReadAll(First);
        for (ulong seed = 0; seed < 200; seed++)
        {
            var random = new Prng(seed);
            byte[] bytes = [.. whole];
            for (int i = 0; i < 20; i++) { random.Fill(bytes.AsSpan(random.Below(2500), random.Below(12))); }
            _disk.Put(First, bytes);
            Assert.IsType<WalVerdictItem>(WalInspector.Inspect(_disk, "wal").Last());
        }
    }

    private static (ulong Shard, ulong Index, ulong Term, int PayloadBytes) Facts(WalRecordItem record) =>
        (record.Shard, record.Index, record.Term, record.PayloadBytes);

    private void WriteLog()
    {
        using WriteAheadLog log = WriteAheadLog.Open(_disk, "wal", new WalOptions { SegmentBytes = 16 * 1024 }, out _);
        var batch = new WalBatch();
        var model = new WalModel();
        model.HardState(batch, 7, 5, 3, 0);
        model.Entry(batch, 7, 1, 5, [1, 2, 3]);
        model.Entry(batch, 7, 2, 5, [4]);
        log.Write(batch);
        log.Sync();
        batch.Clear();
        model.Entry(batch, 7, 3, 5, [5]);
        log.Write(batch);
        log.Sync();
        log.PrepareNext();
    }
}
