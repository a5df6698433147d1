using Quorate.Simulation.Disk;
using Quorate.Storage.Engine;
using Xunit;

namespace Quorate.Tests.Storage.Engine;

/// <summary>What the levels should hold, and how files come to the right one.</summary>
public sealed class LevelTests
{
    private static readonly EngineOptions Small = new()
    {
        MemTableBytes = 4096,
        BlockBytes = 128,
        FileBytes = 1024,
        Level0Files = 2,
        Level1Bytes = 4096,
    };

    // Goal: the bottom decides: from the base, which holds what the options say, each level is greater by the same factor of at most ten.
    [Theory]
    [InlineData(0, 6, "")]
    [InlineData(64, 6, "")]
    [InlineData(65, 5, "64")]
    [InlineData(640, 5, "64")]
    [InlineData(6400, 4, "64 640")]
    [InlineData(1024, 4, "64 256")]
    [InlineData(5_000_000, 1, "64 609 5798 55187 525270")]
    public void The_bottom_decides_what_the_levels_hold(long largest, int expectedBase, string expected)
    {
        const int Unit = 1024 * 1024;
        var shape = new LevelShape(largest * Unit, 64 * Unit);
        Assert.Equal(expectedBase, shape.Base);
        for (int level = 1; level < expectedBase; level++) { Assert.Equal(0, (long)shape.TargetOf(level)); }
        double[] targets = [.. expected.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(double.Parse)];
        Assert.Equal(TableSet.Bottom - expectedBase, targets.Length);
        for (int i = 0; i < targets.Length; i++)
        {
            Assert.InRange((double)shape.TargetOf(expectedBase + i) / Unit, targets[i] * 0.98, targets[i] * 1.02);
        }
    }

    // Goal: the files of an engine whose levels were filled from the top, by an older build, go to the bottom without being rewritten.
    [Fact]
    public void Levels_of_an_older_build_sink_to_the_bottom_as_they_are()
    {
        using var world = new EngineWorld(Small);
        for (int round = 0; round < 30; round++)
        {
            for (int i = 0; i < 60; i++) { world.Put($"k{(i * 7 + round) % 400:000}", $"{round}{new string('.', 80)}"); }
            world.Publish();
            world.Settle();
        }

        ManifestState state = Read(world.Disk).State;
        int[] before = [.. state.Tables.Select(entry => entry.Level).Distinct().Order()];
        Assert.Equal([5, 6], before.Where(level => level > 0));
        string[] files = [.. world.Disk.List("shard").Where(name => name.EndsWith(".sst", StringComparison.Ordinal))];

        // The same files, two levels up.
        ManifestEdit whole = state.ToEdit();
        using (var writer = new ManifestWriter(world.Disk, "shard", int.MaxValue))
        {
            ManifestEdit older = whole with { Added = [.. whole.Added.Select(entry => (entry.Level == 0 ? 0 : entry.Level - 2, entry.Table))] };
            writer.ReplaceLater(100);
            writer.Append(older, () => older);
        }

        Assert.Null(world.Reopen(null));
        Assert.Equal([3, 4], Read(world.Disk).State.Tables.Select(entry => entry.Level).Where(level => level > 0).Distinct().Order());
        world.Settle();
        Assert.Equal(before, Read(world.Disk).State.Tables.Select(entry => entry.Level).Distinct().Order());
        Assert.Equal(files, world.Disk.List("shard").Where(name => name.EndsWith(".sst", StringComparison.Ordinal)));
        Assert.Equal(0, world.Engine.MergedBytes);
        Assert.Null(world.Reopen(crashSeed: 0));
    }

    // Goal: a merge within level 0 that runs while a flush is out counts as older than that flush, though it ends later.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_merge_within_level_0_is_older_than_the_flush_beside_it(bool mergeEndsFirst)
    {
        using var world = new EngineWorld(Small with { MemTableBytes = 1 << 20, FileBytes = 1 << 20, Level0Files = 3, Level1Bytes = 1 << 20 });
        for (int i = 0; i < 300; i++) { world.Put($"k{i:000}", new string('.', 200)); }
        Flush(world);
        world.Settle();
        world.Engine.RequestCompaction();
        world.Settle();
        for (int round = 0; round < 2; round++)
        {
            world.Put("k100", $"{round}");
            Flush(world);
            Settle(world, name => !name.StartsWith("compact", StringComparison.Ordinal));
        }

        // The third file and the flush behind it: the merge of the first three is offered while the flush is out.
        world.Put("k100", "third");
        Flush(world);
        EngineJob third = world.Engine.NextJob()!;
        world.Put("k100", "newest");
        Flush(world);
        Run(world, third);
        Run(world, world.Engine.NextJob()!);
        EngineJob flush = world.Engine.NextJob()!;
        EngineJob merge = world.Engine.NextJob()!;
        Assert.Equal(("flush", "compact 0 -> 0"), (flush.Name, merge.Name));
        Run(world, mergeEndsFirst ? merge : flush);
        if (mergeEndsFirst) { Run(world, world.Engine.NextJob()!); }
        Run(world, mergeEndsFirst ? flush : merge);
        world.Settle();
        Assert.Null(world.Get("k100"));
        Assert.Equal("newest", EngineWorld.Get(world.Engine, "k100"));
        Assert.Null(world.Reopen(crashSeed: 0));
    }

    private static void Flush(EngineWorld world)
    {
        world.Publish();
        world.Engine.RequestFlush();
    }

    private static void Run(EngineWorld world, EngineJob job)
    {
        job.Run();
        world.Engine.Complete(job, failed: false);
    }

    private static void Settle(EngineWorld world, Predicate<string> mayRun)
    {
        while (world.Engine.NextJob() is { } job)
        {
            Assert.True(mayRun(job.Name), job.Name);
            Run(world, job);
        }
    }

    private static ManifestContent Read(SimDisk disk) => ManifestContent.Parse(ManifestContent.ReadFile(disk, "shard/MANIFEST"), "shard/MANIFEST");
}
