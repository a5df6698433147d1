using Quorate.Core;
using Quorate.Simulation.Disk;
using Quorate.Storage.Wal;
using Xunit;

namespace Quorate.Tests.Storage.Wal;

public sealed class WriteAheadLogTests
{
    private static readonly WalOptions Small = new() { SegmentBytes = 16 * 1024, MaxSegmentsBehind = 4 };

    private readonly SimDisk _disk = new();
    private readonly WalBatch _batch = new();
    private readonly WalModel _model = new();

    [Fact]
    public void A_new_log_is_empty()
    {
        using WriteAheadLog log = Open(out WalRecovery recovery);
        Assert.Empty(recovery.Shards);
        Assert.Equal(0, recovery.TornBytes);
        Assert.Equal(16 * 1024, log.DiskBytes);
    }

    [Fact]
    public void What_was_synced_is_there_after_a_power_cut()
    {
        WriteAheadLog log = Open(out _);
        _model.HardState(_batch, 1, 3, 7, 1);
        _model.Entry(_batch, 1, 1, 3, [1, 2, 3]);
        _model.Entry(_batch, 1, 2, 3, []);
        _model.Entry(_batch, 2, 1, 9, new byte[5000]);
        WriteSync(log);

        _disk.Crash();
        AssertHolds(_model);
    }

    [Fact]
    public void What_was_not_synced_is_gone_after_a_power_cut_and_the_log_goes_on()
    {
        WriteAheadLog log = Open(out _);
        _model.Entry(_batch, 1, 1, 1, [1]);
        WriteSync(log);
        new WalModel().Entry(_batch, 1, 2, 1, [2]);
        log.Write(_batch);

        _disk.Crash();
        log = AssertHolds(_model);
        _batch.Clear();
        _model.Entry(_batch, 1, 2, 2, [3]);
        WriteSync(log);
        _disk.Crash();
        AssertHolds(_model);
    }

    [Fact]
    public void A_clean_stop_syncs_what_was_written_and_nothing_is_torn()
    {
        using (WriteAheadLog log = Open(out _))
        {
            _model.Entry(_batch, 1, 1, 1, [1]);
            log.Write(_batch);
        }

        _disk.Crash();
        AssertHolds(_model, tornBytes: 0);
    }

    [Fact]
    public void An_entry_that_is_not_beyond_the_last_one_replaces_the_suffix()
    {
        WriteAheadLog log = Open(out _);
        for (ulong i = 1; i <= 5; i++) { _model.Entry(_batch, 1, i, 1, [(byte)i]); }
        _model.Entry(_batch, 1, 3, 2, [33]);
        WriteSync(log);
        _model.Entry(_batch, 1, 2, 3, [22]);
        WriteSync(log);
        AssertHolds(_model);
    }

    [Fact]
    public void Releases_resets_and_tombstones_take_entries_away()
    {
        WriteAheadLog log = Open(out _);
        for (ulong shard = 1; shard <= 4; shard++)
        {
            _model.HardState(_batch, shard, 1, 1, 0);
            for (ulong i = 1; i <= 5; i++) { _model.Entry(_batch, shard, i, 1, [(byte)i]); }
        }

        WriteSync(log);
        _model.Release(_batch, 1, 3, 1);
        _model.Release(_batch, 1, 2, 1); // An older release changes nothing.
        _model.Reset(_batch, 2, 100, 9);
        _model.Entry(_batch, 2, 101, 9, [7]);
        _model.Tombstone(_batch, 3, 55);
        _model.Tombstone(_batch, 4, 66);
        _model.HardState(_batch, 4, 2, 67, 0); // The shard came back as another replica.
        _model.Entry(_batch, 4, 1, 2, [8]);
        WriteSync(log);
        AssertHolds(_model);
    }

    [Fact]
    public void Entries_replaced_across_segments_come_back_as_they_were_last_written()
    {
        WriteAheadLog log = Open(out _);
        for (ulong i = 1; i <= 40; i++)
        {
            _model.Entry(_batch, 1, i, 1, new byte[1000]);
            WriteSync(log);
        }

        _model.Entry(_batch, 1, 7, 2, [7]);
        WriteSync(log);
        _model.Entry(_batch, 1, 8, 2, [8]);
        WriteSync(log);
        Assert.True(log.Segments > 2);
        AssertHolds(_model);
    }

    [Fact]
    public void Segments_are_recycled_so_the_disk_does_not_grow_and_stale_tails_are_not_replayed()
    {
        WriteAheadLog log = Open(out _);
        long most = 0;
        for (ulong i = 1; i <= 500; i++)
        {
            _model.Entry(_batch, 1, i, 1, new byte[700]);
            if (i > 5) { _model.Release(_batch, 1, i - 5, 1); }
            WriteSync(log);
            log.PrepareNext();
            most = Math.Max(most, log.DiskBytes);
            if (i % 50 == 0)
            {
                SimDisk copy = _disk.Clone();
                copy.Crash();
                WriteAheadLog.Open(copy, "wal", Small, out WalRecovery recovery).Dispose();
                Assert.Equal(_model.Text(), WalModel.Text(recovery));
            }
        }

        Assert.InRange(most, 1, 6 * Small.SegmentBytes);
        Assert.Equal(log.DiskBytes, _disk.UsedBytes());
    }

    [Fact]
    public void A_prepared_segment_leaves_only_a_write_to_the_batch_that_enters_it()
    {
        WriteAheadLog log = Open(out _);
        log.PrepareNext();
        var kinds = new List<SimIoKind>();
        for (ulong i = 1; i <= 20; i++)
        {
            _model.Entry(_batch, 1, i, 1, new byte[1000]);
            _disk.Fault = io =>
            {
                kinds.Add(io.Kind);
                return null;
            };
            WriteSync(log);
            _disk.Fault = null;
        }

        Assert.Equal(2, log.Segments);
        Assert.DoesNotContain(kinds, kind => kind is not (SimIoKind.Open or SimIoKind.Write or SimIoKind.Sync));
        Assert.Equal(1, kinds.Count(kind => kind == SimIoKind.Open));
        Assert.Equal(21, kinds.Count(kind => kind == SimIoKind.Write)); // One for each batch, one for the checkpoint.
    }

    [Fact]
    public void A_batch_larger_than_a_segment_gets_a_segment_of_its_size()
    {
        WriteAheadLog log = Open(out _);
        log.PrepareNext();
        for (ulong i = 1; i <= 5; i++) { _model.Entry(_batch, 1, i, 1, Enumerable.Repeat((byte)i, 30_000).ToArray()); }
        WriteSync(log);
        _model.Entry(_batch, 1, 6, 1, [6]);
        WriteSync(log);
        AssertHolds(_model);

        _model.Release(_batch, 1, 6, 1);
        log = AssertHoldsAfter(_model);
        for (int i = 0; i < 3; i++) { log.PrepareNext(); }
        Assert.InRange(log.DiskBytes, 1, 4 * Small.SegmentBytes);
    }

    [Fact]
    public void An_idle_shard_does_not_hold_old_segments_for_ever()
    {
        WriteAheadLog log = Open(out _);
        for (ulong i = 1; i <= 3; i++) { _model.Entry(_batch, 9, i, 1, [9, (byte)i]); }
        WriteSync(log);
        for (ulong i = 1; i <= 300; i++)
        {
            _model.Entry(_batch, 1, i, 1, new byte[700]);
            _model.Release(_batch, 1, i, 1);
            WriteSync(log);
            Assert.InRange(log.Segments, 1, Small.MaxSegmentsBehind + 2);
        }

        _model.Entry(_batch, 9, 2, 2, [22]); // Copies are replaced like all entries.
        WriteSync(log);
        AssertHolds(_model);
    }

    [Fact]
    public void Many_shards_share_the_log_and_their_checkpoint_may_be_larger_than_a_segment()
    {
        WriteAheadLog log = Open(out _);
        for (ulong shard = 1; shard <= 2000; shard++)
        {
            _model.HardState(_batch, shard, shard, 1, 0);
            _model.Entry(_batch, shard, 1, shard, [1]);
            if (shard % 100 == 0) { WriteSync(log); }
        }

        AssertHolds(_model);
    }

    [Fact]
    public void Restarts_do_not_pile_up_segments()
    {
        for (ulong i = 1; i <= 40; i++)
        {
            using WriteAheadLog log = Open(out WalRecovery recovery);
            Assert.Equal(_model.Text(), WalModel.Text(recovery));
            if (i % 3 == 1) { _model.Entry(_batch, i, 1, 1, [1]); }
            WriteSync(log);
            Assert.InRange(log.Segments, 1, Small.MaxSegmentsBehind + 2);
        }
    }

    [Fact]
    public void Kill_after_kill_carries_the_same_records_over_and_not_more()
    {
        WriteAheadLog log = Open(out _);
        _model.HardState(_batch, 1, 2, 3, 0);
        WriteSync(log);
        for (ulong i = 1; i <= 5; i++) { _model.Entry(_batch, 1, i, 2, new byte[100]); }
        WriteSync(log);
        var sizes = new List<long>();
        for (int i = 0; i < 20; i++)
        {
            _disk.Crash(new Prng(1), SimCrash.KeepAll);
            AssertHolds(_model);
            sizes.Add(WalInspector.Inspect(_disk, "wal").OfType<WalBatchItem>().Last(batch => batch.IsReachable).Bytes);
        }

        Assert.Single(sizes.Distinct());
    }

    [Fact]
    public void A_batch_allocates_nothing_once_the_log_is_warm()
    {
        using WriteAheadLog log = WriteAheadLog.Open(new DiscardingFiles(_disk), "wal", new WalOptions { SegmentBytes = 1 << 22 }, out _);
        byte[] payload = new byte[200];
        ulong index = 0;
        void Use(int batches)
        {
            for (int i = 0; i < batches; i++)
            {
                _batch.Clear();
                for (ulong shard = 1; shard <= 4; shard++)
                {
                    _batch.AddEntry(new ShardId(shard), new LogEntry(new LogIndex(index + 1), new Term(1), EntryKind.Command, payload));
                }

                index++;
                log.Write(_batch);
                log.Sync();
            }
        }

        Use(50);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Use(500);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 500); // Less than a byte a batch.
    }

    [Fact]
    public void An_empty_batch_is_not_written()
    {
        using WriteAheadLog log = Open(out _);
        long events = _disk.Events;
        log.Write(_batch);
        log.Sync();
        Assert.Equal(events, _disk.Events);
    }

    [Fact]
    public void Files_of_others_in_the_directory_are_left_alone()
    {
        string[] names = ["readme", "1.wal", "000000000000000G.wal", "00000000000000001.wal", "0000000000000000.wal"];
        foreach (string name in names) { _disk.Put($"wal/{name}", [1, 2, 3]); }
        using (WriteAheadLog log = Open(out _))
        {
            _model.Entry(_batch, 1, 1, 1, [1]);
            WriteSync(log);
        }

        AssertHolds(_model);
        Assert.All(names, name => Assert.Equal([1, 2, 3], _disk.ReadAll($"wal/{name}")));
    }

    private WriteAheadLog Open(out WalRecovery recovery) => WriteAheadLog.Open(_disk, "wal", Small, out recovery);

    private void WriteSync(WriteAheadLog log)
    {
        log.Write(_batch);
        log.Sync();
        _batch.Clear();
    }

    private WriteAheadLog AssertHolds(WalModel model, long? tornBytes = null)
    {
        WriteAheadLog log = Open(out WalRecovery recovery);
        Assert.Equal(model.Text(), WalModel.Text(recovery));
        if (tornBytes is { } torn) { Assert.Equal(torn, recovery.TornBytes); }
        return log;
    }

    private WriteAheadLog AssertHoldsAfter(WalModel model)
    {
        using (WriteAheadLog log = Open(out _)) { WriteSync(log); }
        return AssertHolds(model);
    }

    /// <summary>Opened files swallow what is written, so that only the log's own allocations are counted.</summary>
    private sealed class DiscardingFiles(SimDisk disk) : IFileSystem
    {
        public IFile Open(string path, OpenMode mode) =>
            mode == OpenMode.ReadWrite ? new DiscardingFile(path) : disk.Open(path, mode);

        public bool Exists(string path) => disk.Exists(path);

        public IReadOnlyList<string> List(string directory) => disk.List(directory);

        public void CreateDirectory(string path) => disk.CreateDirectory(path);

        public void DeleteDirectory(string path) => disk.DeleteDirectory(path);

        public void Delete(string path) => disk.Delete(path);

        public void Rename(string from, string to) => disk.Rename(from, to);

        public void HardLink(string existing, string added) => disk.HardLink(existing, added);

        public void SyncDirectory(string directory) => disk.SyncDirectory(directory);
    }

    private sealed class DiscardingFile(string path) : IFile
    {
        public string Path => path;

        public long Length => 0;

        public int Read(long offset, Span<byte> buffer) => 0;

        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
        }

        public void SetLength(long length)
        {
        }

        public void Sync()
        {
        }

        public void Dispose()
        {
        }
    }
}
