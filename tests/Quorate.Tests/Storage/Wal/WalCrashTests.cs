using Quorate.Core;
using Quorate.Simulation.Disk;
using Quorate.Storage.Wal;
using Xunit;

namespace Quorate.Tests.Storage.Wal;

/// <summary>Whatever the disk does, what was synced is there afterwards, and nothing is there that was not written.</summary>
public sealed class WalCrashTests
{
    private static readonly WalOptions Small = new() { SegmentBytes = 16 * 1024, SpareSegments = 1, MaxSegmentsBehind = 2 };

    public static readonly TheoryData<string> Outcomes = ["lose", "keep", "mixed"];

    // Goal: no change of the disk is a bad moment for a power cut. Method: the same run again and again, cut in its
    // first, second, third ... change; after each, recovery must give the last synced state or a later written one.
    [Theory]
    [MemberData(nameof(Outcomes))]
    public void A_power_cut_in_any_change_loses_nothing_that_was_synced(string outcome)
    {
        long cut = 1;
        while (true)
        {
            var run = new Run(seed: 7);
            run.Disk.CrashAtChange = cut;
            if (run.UntilStopped(batches: 60)) { break; }
            run.AssertRecovers(new Prng((ulong)cut), OutcomeOf(outcome));
            cut++;
        }

        Assert.True(cut > 150, $"only {cut} changes: the run proves too little");
    }

    // The same with a second cut, in the recovery from the first.
    [Theory]
    [MemberData(nameof(Outcomes))]
    public void A_power_cut_in_any_change_of_a_recovery_loses_nothing_either(string outcome)
    {
        for (long first = 20; first < 140; first += 17)
        {
            for (long second = 1; ; second++)
            {
                var run = new Run(seed: 11);
                run.Disk.CrashAtChange = first;
                Assert.False(run.UntilStopped(batches: 60));
                run.Disk.Crash(new Prng((ulong)first), OutcomeOf(outcome));
                run.Disk.CrashAtChange = run.Disk.Changes + second;
                try
                {
                    WriteAheadLog.Open(run.Disk, "wal", Small, out _).Dispose();
                    break;
                }
                catch (SimCrashException)
                {
                    run.AssertRecovers(new Prng((ulong)second), OutcomeOf(outcome));
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Outcomes))]
    public void A_refusal_of_any_call_is_final_and_loses_nothing_that_was_synced(string outcome)
    {
        long failing = 1;
        while (true)
        {
            var run = new Run(seed: 5);
            run.Disk.FailAtEvent = failing;
            bool stopped = !run.UntilStopped(batches: 80);
            if (run.Disk.Events < failing) { break; }
            if (stopped) { run.AssertUnusable(); }
            run.AssertRecovers(new Prng((ulong)failing), OutcomeOf(outcome));
            failing++;
        }

        Assert.True(failing > 150, $"only {failing} events: the run proves too little");
    }

    // Property: a log answers as the model does, after any mix of batches, clean stops, crashes and refusals.
    [Fact]
    public void A_log_holds_what_the_model_holds_through_many_lives()
    {
        int lives = 0;
        for (ulong seed = 1; seed <= 60; seed++)
        {
            var random = new Prng(seed);
            var run = new Run(seed);
            for (int life = 0; life < 6; life++, lives++)
            {
                switch (random.Below(3))
                {
                    case 0: run.Disk.CrashAtChange = run.Disk.Changes + random.Between(1, 120); break;
                    case 1: run.Disk.FailAtEvent = run.Disk.Events + random.Between(1, 150); break;
                    default: break;
                }

                run.UntilStopped(random.Below(50));
                SimCrash left = random.Below(3) switch { 0 => SimCrash.LoseUnsynced, 1 => SimCrash.KeepAll, _ => SimCrash.Mixed };
                run.AssertRecovers(random, left);
            }
        }

        Assert.Equal(360, lives);
    }

    [Fact]
    public void A_batch_that_survived_behind_a_torn_one_is_neither_replayed_nor_damage()
    {
        int dropped = 0;
        for (ulong seed = 0; seed < 40; seed++)
        {
            var disk = new SimDisk();
            WriteAheadLog log = WriteAheadLog.Open(disk, "wal", Small, out _);
            var model = new WalModel();
            var states = new List<string> { model.Text() };
            var batch = new WalBatch();
            for (ulong i = 1; i <= 6; i++)
            {
                model.Entry(batch, 1, i, 1, [(byte)i, 1, 2, 3]);
                log.Write(batch);
                batch.Clear();
                states.Add(model.Text());
            }

            disk.Crash(new Prng(seed), SimCrash.Mixed);
            log = WriteAheadLog.Open(disk, "wal", Small, out WalRecovery recovery);
            string found = WalModel.Text(recovery);
            Assert.Contains(found, states);
            if (recovery.TornBytes > 0) { dropped++; }

            // What is written now must not bring the survivors back to life.
            var after = new WalModel();
            int have = states.IndexOf(found);
            for (int i = 1; i <= have; i++) { after.Entry(new WalBatch(), 1, (ulong)i, 1, [(byte)i, 1, 2, 3]); }
            after.Entry(batch, 1, (ulong)have + 1, 2, [99]);
            log.Write(batch);
            log.Sync();
            disk.Crash();
            Assert.Equal(after.Text(), WalModel.Text(WriteAheadLog.Read(disk, "wal")));
        }

        Assert.True(dropped > 10, $"only {dropped} torn tails");
    }

    // Goal: a disk that has no room for another name (no inode) is full, and is not told as a file that is missing.
    [Fact]
    public void A_disk_that_takes_no_new_file_is_full_and_the_log_goes_on()
    {
        var disk = new SimDisk();
        WriteAheadLog log = WriteAheadLog.Open(disk, "wal", Small, out _);
        disk.Fault = io => io.Kind == SimIoKind.Create ? DiskFault.Full : null;
        Assert.Equal(DiskFault.Full, Assert.Throws<DiskException>(log.PrepareNext).Fault);
        disk.Fault = null;

        var model = new WalModel();
        var batch = new WalBatch();
        model.Entry(batch, 1, 1, 1, [1]);
        log.Write(batch);
        log.Sync();
        log.PrepareNext();
        disk.Crash();
        Assert.Equal(model.Text(), WalModel.Text(WriteAheadLog.Read(disk, "wal")));
    }

    [Fact]
    public void A_full_disk_while_preparing_is_not_final_and_a_prepared_log_still_takes_writes()
    {
        var disk = new SimDisk();
        WriteAheadLog log = WriteAheadLog.Open(disk, "wal", Small, out _);
        var model = new WalModel();
        var batch = new WalBatch();
        disk.QuotaBytes = disk.UsedBytes() + 100;

        Assert.Equal(DiskFault.Full, Assert.Throws<DiskException>(log.PrepareNext).Fault);
        Assert.Equal(16 * 1024, disk.UsedBytes());
        model.Entry(batch, 1, 1, 1, [1]);
        log.Write(batch);
        log.Sync();
        disk.QuotaBytes = long.MaxValue;
        log.PrepareNext();
        disk.QuotaBytes = disk.UsedBytes();
        for (ulong i = 2; i <= 25; i++)
        {
            batch.Clear();
            model.Entry(batch, 1, i, 1, new byte[900]);
            log.Write(batch);
            log.Sync();
        }

        disk.Crash();
        Assert.Equal(model.Text(), WalModel.Text(WriteAheadLog.Read(disk, "wal")));
    }

    [Fact]
    public void A_full_disk_while_writing_is_final_and_loses_nothing_that_was_synced()
    {
        var run = new Run(seed: 3);
        run.Disk.QuotaBytes = 40_000;
        Assert.False(run.UntilStopped(batches: 500));
        run.AssertUnusable();
        run.Disk.QuotaBytes = long.MaxValue;
        run.AssertRecovers(new Prng(1), SimCrash.LoseUnsynced);
    }

    private static SimCrash OutcomeOf(string name) => name switch
    {
        "lose" => SimCrash.LoseUnsynced,
        "keep" => SimCrash.KeepAll,
        _ => SimCrash.Mixed,
    };

    /// <summary>A seeded use of a log that knows which states a crash may leave.</summary>
    private sealed class Run(ulong seed)
    {
        private readonly Prng _random = new(seed * 31);
        private readonly List<WalModel> _allowed = [new()]; // The synced state first, then each written after it.
        private readonly WalWorkload _workload = new(seed);
        private WalBatch _batch = new();
        private WriteAheadLog? _log;

        public SimDisk Disk { get; } = new();

        /// <summary>True if the disk let all of it happen.</summary>
        public bool UntilStopped(int batches)
        {
            try
            {
                _log ??= WriteAheadLog.Open(Disk, "wal", Small, out _);
                for (int i = 0; i < batches; i++) { WriteOne(); }
                return true;
            }
            catch (Exception e) when (e is SimCrashException or DiskException)
            {
                return false;
            }
        }

        public void AssertUnusable()
        {
            if (_log is null) { return; }
            Assert.Throws<DiskException>(_log.Sync);
            Assert.Throws<DiskException>(() => _log.Write(_batch));
            Assert.Throws<DiskException>(_log.PrepareNext);
            long events = Disk.Events;
            _log.Dispose();
            Assert.Equal(events, Disk.Events);
        }

        /// <summary>Crash, recovery, check; and once more, since recovery must not lose what it found.</summary>
        public void AssertRecovers(Prng random, SimCrash outcome)
        {
            Disk.Crash(random, outcome);
            string read = Disk.Exists("wal") ? WalModel.Text(WriteAheadLog.Read(Disk, "wal")) : "";
            Reopen(mustBeLast: false);
            Assert.Equal(read, _workload.Model.Text());
            Disk.Crash(random, outcome);
            Reopen(mustBeLast: true);
            _batch = new WalBatch();
        }

        private void Reopen(bool mustBeLast)
        {
            _log = null;
            _log = WriteAheadLog.Open(Disk, "wal", Small, out WalRecovery recovery);
            string found = WalModel.Text(recovery);
            int at = _allowed.FindLastIndex(model => model.Text() == found);
            Assert.True(at >= 0, $"recovered a state that never was, or not the synced one:\n{found}");
            Assert.True(!mustBeLast || at == _allowed.Count - 1, "recovered an earlier state");
            _workload.Model = _allowed[at].Clone();
            _allowed.RemoveRange(at + 1, _allowed.Count - at - 1);
            _allowed.RemoveRange(0, at);
        }

        private void WriteOne()
        {
            _batch.Clear();
            _workload.Fill(_batch);
            _allowed.Add(_workload.Model.Clone());
            _log!.Write(_batch);
            if (_random.Chance(1, 2))
            {
                _log.Sync();
                _allowed.RemoveRange(0, _allowed.Count - 1);
            }

            if (_random.Chance(1, 4)) { PrepareNext(); }
            if (_random.Chance(1, 12)) { Restart(); }
        }

        // A process that ends without a crash of the machine. Its last sync may have failed: then what it wrote can still
        // be read, and is nevertheless not durable.
        private void Restart()
        {
            long failing = Disk.FailAtEvent ?? long.MaxValue;
            bool mayFail = Disk.Events < failing;
            _log!.Dispose();
            bool isClean = !mayFail || Disk.Events < failing;
            Reopen(mustBeLast: isClean);
        }

        private void PrepareNext()
        {
            try
            {
                _log!.PrepareNext();
            }
            catch (DiskException e) when (e.Fault == DiskFault.Full)
            {
                // Not final: the log may be used on.
            }
        }
    }
}
