using Quorate.Core;
using Quorate.Simulation.Disk;
using Quorate.Storage.Engine;
using Xunit;

namespace Quorate.Tests.Storage.Engine;

public sealed class EngineScrubTests
{
    // Goal: a pass in parts of any size reads every byte of every file from the disk, though all of it is in the cache: no turned bit stays unseen.
    [Theory]
    [InlineData(1)]
    [InlineData(700)]
    [InlineData(1 << 20)]
    public void A_pass_finds_every_turned_bit(int part)
    {
        var disk = new SimDisk();
        using StorageEngine engine = Filled(disk);
        foreach (string path in Tables(disk))
        {
            long bits = disk.ReadAll(path).Length * 8L;
            for (long bit = 0; bit < bits; bit += 101)
            {
                disk.FlipBit(path, bit);
                Assert.Equal([path], Scrub(engine, part));
                disk.FlipBit(path, bit);
            }
        }

        long before = engine.ScrubbedBytes;
        Assert.Empty(Scrub(engine, part));
        long length = Tables(disk).Sum(path => (long)disk.ReadAll(path).Length);
        Assert.InRange(engine.ScrubbedBytes - before, length * 6 / 10, length); // Checksums and the lower index are not counted.
    }

    // Goal: files that come and go while a pass runs, even the one that is half read, neither hold it up nor are missed by the next.
    [Fact]
    public void A_pass_ends_though_files_come_and_go()
    {
        var disk = new SimDisk();
        using StorageEngine engine = Filled(disk);
        engine.BeginScrub();
        Complete(engine, engine.NextScrub(1)!);
        EngineJob half = engine.NextScrub(1)!;
        Assert.Null(engine.NextScrub(1));
        engine.RequestCompaction();
        Settle(engine);
        Complete(engine, half);
        Settle(engine);
        Assert.Null(engine.NextScrub(1)); // All files are newer than the pass.
        string path = Tables(disk)[^1];
        disk.FlipBit(path, 99);
        Assert.Equal([path], Scrub(engine, 700));
        Assert.Null(engine.NextScrub(1));
    }

    // A whole pass; the files that it found damaged.
    private static List<string> Scrub(StorageEngine engine, long part)
    {
        var damaged = new List<string>();
        engine.BeginScrub();
        for (int i = 0; engine.NextScrub(part) is { } job; i++)
        {
            Assert.True(i < 10_000, "the pass goes on for ever");
            try
            {
                job.Run();
                engine.Complete(job, failed: false);
            }
            catch (CorruptFileException damage)
            {
                damaged.Add(damage.FilePath);
                engine.Complete(job, failed: true);
            }
        }

        return damaged;
    }

    private static void Complete(StorageEngine engine, EngineJob job)
    {
        job.Run();
        engine.Complete(job, failed: false);
    }

    private static void Settle(StorageEngine engine)
    {
        while (engine.NextJob() is { } job) { Complete(engine, job); }
    }

    // Two files, one of them compressed, with an index of more than one level, all of it in the cache.
    private static StorageEngine Filled(SimDisk disk)
    {
        var engine = StorageEngine.Open(disk, "s", new EngineOptions { BlockBytes = 128, CompressFromLevel = 1 }, EngineWorld.Keys);
        for (int file = 0; file < 2; file++)
        {
            for (int i = 0; i < 30; i++) { engine.Put(EngineWorld.Bytes($"key{file}{i:00}"), EngineWorld.Bytes("the same words, the same words")); }
            engine.Publish(new(new((ulong)file + 1), new(1)));
            engine.RequestFlush();
            Settle(engine);
            if (file > 0) { continue; }
            engine.RequestCompaction();
            Settle(engine);
        }

        for (int i = 0; i < 30; i++) { Assert.True(engine.TryGet(EngineWorld.Bytes($"key0{i:00}"), out _) && engine.TryGet(EngineWorld.Bytes($"key1{i:00}"), out _)); }
        return engine;
    }

    private static string[] Tables(SimDisk disk) =>
        [.. disk.List("s").Where(name => name.EndsWith(".sst", StringComparison.Ordinal)).Select(name => $"s/{name}")];
}
