using Quorate.Core;
using Quorate.Simulation.Disk;
using Xunit;

namespace Quorate.Tests.Storage;

public sealed class SimDiskTests
{
    private readonly SimDisk _disk = new();

    [Fact]
    public void Reads_see_what_was_written_and_holes_are_zero()
    {
        using IFile file = _disk.Open("a", OpenMode.Create);
        file.Write(5000, [1, 2, 3]);
        byte[] buffer = new byte[10];

        Assert.Equal(5003, file.Length);
        Assert.Equal(4, file.Read(4999, buffer));
        Assert.Equal([0, 1, 2, 3], buffer[..4]);
        Assert.Equal(0, file.Read(5003, buffer));
    }

    [Fact]
    public void A_crash_loses_bytes_that_were_not_synced()
    {
        IFile file = Durable("a", [1, 1, 1]);
        file.Write(0, [2, 2, 2, 2]);

        _disk.Crash();

        Assert.Equal([1, 1, 1], _disk.ReadAll("a"));
        Assert.Throws<SimCrashException>(() => file.Sync());
    }

    [Fact]
    public void A_crash_loses_names_that_were_not_synced_and_the_bytes_stay_under_the_old_name()
    {
        Durable("a", [1]).Dispose();
        Durable("b", [2]).Dispose();
        _disk.Rename("a", "b");
        _disk.Open("new", OpenMode.Create).Sync();

        SimDisk synced = _disk.Clone();
        synced.SyncDirectory("");
        synced.Crash();
        _disk.Crash();

        Assert.Equal(["a", "b"], _disk.List(""));
        Assert.Equal([2], _disk.ReadAll("b"));
        Assert.Equal(["b", "new"], synced.List(""));
        Assert.Equal([1], synced.ReadAll("b"));
    }

    [Fact]
    public void A_new_directory_is_a_name_in_the_one_above_it()
    {
        _disk.CreateDirectory("x/y");
        _disk.Open("x/y/file", OpenMode.Create).Sync();
        _disk.SyncDirectory("x/y");
        _disk.SyncDirectory("x");

        SimDisk synced = _disk.Clone();
        synced.SyncDirectory("");
        synced.Crash();
        _disk.Crash();

        Assert.False(_disk.Exists("x"));
        Assert.True(synced.Exists("x/y/file"));
    }

    [Fact]
    public void A_mixed_crash_decides_each_sector_on_its_own_and_touches_no_other()
    {
        int kept = 0;
        int dropped = 0;
        int torn = 0;
        for (ulong seed = 0; seed < 50; seed++)
        {
            var disk = new SimDisk();
            disk.Put("a", new byte[8192]);
            using IFile file = disk.Open("a", OpenMode.ReadWrite);
            file.Write(512, Enumerable.Repeat((byte)7, 4096).ToArray());
            disk.Crash(new Prng(seed), SimCrash.Mixed);

            byte[] left = disk.ReadAll("a");
            Assert.Equal(8192, left.Length);
            Assert.All(left[..512], b => Assert.Equal(0, b));
            Assert.All(left[4608..], b => Assert.Equal(0, b));
            foreach (byte[] sector in left[512..4608].Chunk(512))
            {
                if (sector.All(b => b == 7)) { kept++; }
                else if (sector.All(b => b == 0)) { dropped++; }
                else { torn++; }
            }
        }

        Assert.InRange(kept, 110, 210); // 40 % of 400
        Assert.InRange(dropped, 110, 210);
        Assert.InRange(torn, 40, 130);
    }

    [Fact]
    public void The_same_seed_leaves_the_same_bytes()
    {
        static byte[] Run()
        {
            var disk = new SimDisk();
            for (int i = 0; i < 20; i++) { disk.Open($"f{i}", OpenMode.Create).Write(100 * i, new byte[2000]); }
            disk.Crash(new Prng(42), SimCrash.Mixed);
            return [.. disk.List("").SelectMany(name => disk.ReadAll(name).Append((byte)name.Length))];
        }

        byte[] first = Run();
        Assert.NotEmpty(first);
        Assert.Equal(first, Run());
    }

    [Fact]
    public void A_kept_name_keeps_the_earlier_changes_of_that_name()
    {
        bool sawNew = false;
        bool sawOld = false;
        for (ulong seed = 0; seed < 40; seed++)
        {
            var disk = new SimDisk();
            disk.Put("a", [1]);
            disk.Rename("a", "b");
            using (IFile file = disk.Open("a", OpenMode.Create))
            {
                file.Write(0, [2]);
                file.Sync();
            }

            disk.Crash(new Prng(seed), SimCrash.Mixed);
            Assert.Contains(disk.List(""), name => disk.ReadAll(name) is [1]);
            sawNew |= disk.List("").Count == 2;
            sawOld |= disk.List("") is ["a"];
        }

        Assert.True(sawNew && sawOld);
    }

    [Fact]
    public void A_failed_sync_loses_its_bytes_even_if_the_next_one_succeeds()
    {
        IFile file = Durable("a", [1]);
        file.Write(0, [2]);
        _disk.FailAtEvent = _disk.Events + 1;

        Assert.Equal(DiskFault.Failed, Assert.Throws<DiskException>(file.Sync).Fault);
        file.Sync();
        Assert.Equal([2], _disk.ReadAll("a"));
        _disk.Crash();
        Assert.Equal([1], _disk.ReadAll("a"));
    }

    [Fact]
    public void The_power_goes_out_in_the_chosen_change_and_stays_out()
    {
        IFile file = Durable("a", [1]);
        _disk.CrashAtChange = _disk.Changes + 2;
        file.Write(0, [2]);

        Assert.Throws<SimCrashException>(file.Sync);
        Assert.Throws<SimCrashException>(() => _disk.Exists("a"));
        _disk.Crash(new Prng(1), SimCrash.KeepAll);
        Assert.Equal([2], _disk.ReadAll("a"));
    }

    [Fact]
    public void A_quota_lets_a_write_through_as_far_as_it_goes_and_freed_space_counts()
    {
        _disk.QuotaBytes = 10;
        Durable("a", new byte[8]).Dispose();
        using IFile file = Durable("b", []);

        Assert.Equal(DiskFault.Full, Assert.Throws<DiskException>(() => file.Write(0, new byte[3])).Fault);
        Assert.Equal(2, file.Length);
        _disk.Delete("a");
        file.Write(0, new byte[10]);
        Assert.Equal(10, _disk.UsedBytes());
    }

    [Fact]
    public void Faults_by_predicate_see_kind_and_path()
    {
        _disk.Fault = io => io is { Kind: SimIoKind.Create, Path: "b" } ? DiskFault.TooManyFiles : null;
        _disk.Open("a", OpenMode.Create).Dispose();
        Assert.Equal(
            DiskFault.TooManyFiles, Assert.Throws<DiskException>(() => _disk.Open("b", OpenMode.Create)).Fault);
        Assert.False(_disk.Exists("b"));
    }

    [Fact]
    public void Cutting_a_file_zeroes_what_a_later_write_uncovers()
    {
        IFile file = Durable("a", Enumerable.Repeat((byte)9, 9000).ToArray());
        file.SetLength(100);
        file.SetLength(9000);
        Assert.Equal(100 * 9, _disk.ReadAll("a").Sum(b => b));
        SimDisk lost = _disk.Clone();
        lost.Crash();
        Assert.Equal(9000 * 9, lost.ReadAll("a").Sum(b => b));
        file.Sync();
        _disk.Crash();
        Assert.Equal(100 * 9, _disk.ReadAll("a").Sum(b => b));
    }

    [Fact]
    public void A_second_name_is_the_same_file_and_outlives_the_first()
    {
        Durable("a", [1]).Dispose();
        _disk.HardLink("a", "b");
        _disk.Delete("a");
        _disk.FlipBit("b", 1);
        Assert.Equal([3], _disk.ReadAll("b"));
        Assert.Equal(["b"], _disk.List(""));
    }

    [Fact]
    public void What_is_not_there_or_already_there_is_refused_by_name()
    {
        Durable("a", [1]).Dispose();
        Assert.Equal(DiskFault.NotFound, Assert.Throws<DiskException>(() => _disk.Open("x", OpenMode.Read)).Fault);
        Assert.Equal(DiskFault.NotFound, Assert.Throws<DiskException>(() => _disk.Delete("x")).Fault);
        Assert.Equal(DiskFault.NotFound, Assert.Throws<DiskException>(() => _disk.List("x")).Fault);
        Assert.Equal(DiskFault.Exists, Assert.Throws<DiskException>(() => _disk.Open("a", OpenMode.Create)).Fault);
        using IFile reader = _disk.Open("a", OpenMode.Read);
        Assert.Throws<DiskException>(() => reader.Write(0, [1]));
        _disk.DeleteDirectory("x");
    }

    [Fact]
    public void A_directory_is_removed_with_all_it_holds()
    {
        _disk.Put("d/e/f", [1]);
        _disk.Put("d/g", [1]);
        _disk.DeleteDirectory("d");
        Assert.Empty(_disk.List(""));
        _disk.Crash();
        Assert.Equal(["e", "g"], _disk.List("d"));
    }

    private IFile Durable(string path, byte[] bytes)
    {
        IFile file = _disk.Open(path, OpenMode.Create);
        file.Write(0, bytes);
        file.Sync();
        _disk.SyncDirectory("");
        return file;
    }
}
