using Quorate.Core;
using Quorate.Simulation.Disk;
using Quorate.Storage.Engine;
using Xunit;

namespace Quorate.Tests.Storage.Engine;

public sealed class EngineFaultTests
{
    private static readonly EngineOptions Small = new()
    {
        MemTableBytes = 4096,
        BlockBytes = 128,
        FileBytes = 1024,
        Level0Files = 2,
        Level1Bytes = 2048,
        ManifestBytes = 16384,
    };

    // Goal: wherever the power goes in a flush, a compaction or a change of manifest, the engine comes back as it was at one
    // publish, not before the last flush it told of; and it works on from there.
    // Method: the same history again and again, with a crash in each change of the disk, and several outcomes of each crash.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_crash_at_any_change_of_the_disk_leaves_a_flushed_state(int part)
    {
        long changes;
        using (var whole = new EngineWorld(Small))
        {
            History(whole, () => { });
            changes = whole.Disk.Changes;
        }

        Assert.True(changes > 100, $"only {changes} changes: the sweep proves too little");
        for (long at = 1 + part; at <= changes; at += 4) { CrashAt(at); }
    }

    private static void CrashAt(long change)
    {
        var disk = new SimDisk { CrashAtChange = change };
        EngineWorld? world = null;
        ulong flushed = 0;
        try
        {
            world = new EngineWorld(Small, disk);
            History(world, () => flushed = world.Engine.Flushed.Index.Value);
            Assert.Fail($"there is no change {change}");
        }
        catch (SimCrashException)
        {
            world?.CloseAll();
        }

        if (world is not null) { KillThenCrash(world, disk.Clone(), flushed); }
        for (ulong outcome = 0; outcome < 5; outcome++)
        {
            SimDisk left = disk.Clone();
            left.Crash(new Prng(outcome), outcome switch { 0 => SimCrash.LoseUnsynced, 1 => SimCrash.KeepAll, _ => SimCrash.Mixed });
            if (world is null)
            {
                using var fresh = new EngineWorld(Small, left);
                continue;
            }

            // Crash again while coming up, then work on, stop, and look again.
            left.CrashAtChange = left.Changes + 1 + (change % 3);
            try
            {
                using var half = EngineWorld.Recover(world, left, flushed);
            }
            catch (SimCrashException)
            {
            }

            left.Crash(new Prng(outcome + 100), outcome == 1 ? SimCrash.KeepAll : SimCrash.Mixed);
            using var recovered = EngineWorld.Recover(world, left, flushed);
            Write(recovered, from: 50, count: 30);
            recovered.Engine.RequestFlush();
            recovered.Settle();
            Assert.Null(recovered.Reopen(crashSeed: 0));
            string[] unknown = [.. left.List("shard").Where(name => name.EndsWith(".new", StringComparison.Ordinal))];
            Assert.Empty(unknown);
        }
    }

    // The process alone dies: the next one sees what is not durable, and acts on it. Then the power goes.
    private static void KillThenCrash(EngineWorld world, SimDisk disk, ulong flushed)
    {
        ulong told;
        using (var next = EngineWorld.Recover(world, disk, flushed)) { told = next.Engine.Flushed.Index.Value; }
        disk.Crash();
        using var last = EngineWorld.Recover(world, disk, told);
    }

    // Goal: a change of the manifest whose sync failed is not built upon: the next process sees its bytes, but no later sync writes
    // them, and a power cut takes them away from under all that follows.
    // Method: each sync of a manifest fails in turn and the process dies; another works on; then the power goes.
    [Fact]
    public void A_manifest_whose_sync_failed_is_not_built_upon()
    {
        int failures = 0;
        for (bool hasFailed = true; hasFailed; failures++)
        {
            hasFailed = false;
            int left = failures;
            var disk = new SimDisk();
            disk.Fault = io =>
            {
                if (io.Kind != SimIoKind.Sync || !io.Path.Contains("MANIFEST", StringComparison.Ordinal) || left-- > 0) { return null; }
                disk.Fault = null;
                hasFailed = true;
                return DiskFault.Failed;
            };
            EngineWorld? world = null;
            ulong flushed = 0;
            try
            {
                world = new EngineWorld(Small, disk);
                History(world, () => flushed = world.Engine.Flushed.Index.Value);
            }
            catch (DiskException)
            {
            }

            world?.CloseAll();
            disk.Mend();
            disk.Exit();
            if (world is null) { continue; }
            using var next = EngineWorld.Recover(world, disk, flushed);
            Write(next, from: 50, count: 30);
            next.Engine.RequestFlush();
            next.Settle();
            Assert.Null(next.Reopen(crashSeed: 0));
        }

        Assert.True(failures > 10, $"only {failures} syncs: the sweep proves too little");
    }

    // Flushes, compactions of several levels, a full compaction and replacements of the manifest.
    private static void History(EngineWorld world, Action note)
    {
        for (int round = 0; round < 12; round++)
        {
            Write(world, round * 13, 25);
            world.Engine.RequestFlush();
            while (world.Engine.NextJob() is { } job)
            {
                job.Run();
                world.Engine.Complete(job, failed: false);
                note();
            }
        }

        world.Engine.RequestCompaction();
        world.Settle();
    }

    private static void Write(EngineWorld world, int from, int count)
    {
        for (int i = from; i < from + count; i++)
        {
            if (i % 7 == 3) { world.Delete($"k{(i - 3) % 40:00}"); }
            else { world.Put($"k{i % 40:00}", new string((char)('a' + (i % 26)), 10 + (i % 60))); }
            if (i % 5 == 0) { world.Publish(); }
        }

        world.Publish();
    }

    // Goal: an operation of the disk that is refused loses nothing, changes no answer, and works when it is done again.
    [Theory]
    [InlineData(DiskFault.Full)]
    [InlineData(DiskFault.Failed)]
    public void A_refusal_of_any_operation_in_a_job_loses_nothing(DiskFault fault)
    {
        int refusals = 0;
        for (int at = 1; ; at++)
        {
            using var world = new EngineWorld(Small);
            int events = 0;
            bool isInJob = false;
            world.Disk.Fault = _ => isInJob && ++events == at ? fault : null;
            for (int round = 0; round < 5; round++)
            {
                Write(world, round * 13, 25);
                world.Engine.RequestFlush();
                while (world.Engine.NextJob() is { } job)
                {
                    isInJob = true;
                    Exception? refusal = Record.Exception(job.Run);
                    isInJob = false;
                    world.Engine.Complete(job, failed: refusal is not null);
                    if (refusal is null) { continue; }
                    refusals++;
                    Assert.Equal(fault, Assert.IsType<DiskException>(refusal).Fault);
                    Assert.Null(world.Scan("", ""));
                }
            }

            Assert.Null(world.Scan("", ""));
            Assert.Equal(world.Index, world.Engine.Flushed.Index.Value);
            using (EngineCheckpoint now = world.Engine.OpenCheckpoint())
            {
                // What failed jobs had begun is gone.
                IEnumerable<string> files = world.Disk.List("shard").Where(name => name.EndsWith(".sst", StringComparison.Ordinal));
                Assert.Equal(now.Files.Select(file => file.Name).Order(StringComparer.Ordinal), files);
            }

            world.Disk.Fault = null;
            Assert.Null(world.Reopen(crashSeed: (ulong)at * 3));
            if (events < at) { break; }
        }

        Assert.True(refusals > 100, $"only {refusals} refusals: the sweep proves too little");
    }

    [Fact]
    public void A_full_disk_refuses_until_there_is_room_again()
    {
        using var world = new EngineWorld(Small);
        Write(world, 0, 60);
        world.Disk.QuotaBytes = world.Disk.UsedBytes() + 500;
        world.Engine.RequestFlush();
        for (int i = 0; i < 3; i++)
        {
            EngineJob job = world.Engine.NextJob()!;
            Assert.Equal(DiskFault.Full, Assert.Throws<DiskException>(job.Run).Fault);
            world.Engine.Complete(job, failed: true);
            Write(world, i * 10, 20);
            Assert.Null(world.Scan("", ""));
        }

        world.Disk.QuotaBytes = long.MaxValue;
        world.Engine.RequestFlush();
        world.Settle();
        Assert.Equal(world.Index, world.Engine.Flushed.Index.Value);
        Assert.Null(world.Reopen(crashSeed: 0));
    }
}
