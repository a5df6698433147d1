using Quorate.Core;
using Quorate.Simulation.Disk;
using Quorate.Storage.Engine;
using Xunit;

namespace Quorate.Tests.Storage.Engine;

public sealed class EngineFormatTests
{
    // The worked example of Engine/DESIGN.md: if this changes, files of earlier builds can no longer be read.
    [Fact]
    public void The_formats_are_those_of_the_design_page()
    {
        SimDisk disk = Example();
        Assert.Equal(
            "0005046170706c657265640401007900040670656172677265656e00000000010000009897a77b000403706561720023" +
            "0000000001000000b1250c0406924208000448100cb339aea10301010e08056170706c650470656172429c20ba3c0000" +
            "000000000009000000490000000000000010000000270000000000000011000000010000000100000000000000010000" +
            "007d28ed4351524c4d53535431",
            Convert.ToHexStringLower(disk.ReadAll("s/0000000000000001.sst")));
        byte[] manifest = disk.ReadAll("s/MANIFEST");
        Assert.Equal("51524c4d4e465431010000000100000000000000821e68d6", Convert.ToHexStringLower(manifest.AsSpan(0, 24)));
        Assert.Equal("170000009b838d660102010902000100019d0103056170706c650470656172000000000000000000", Convert.ToHexStringLower(manifest.AsSpan(8192, 40)));
        Assert.Equal("01000000126a003102000000", Convert.ToHexStringLower(manifest.AsSpan(12288, 12)));
        Assert.Equal(16384, manifest.Length);
    }

    [Fact]
    public void The_inspectors_tell_what_is_in_the_files()
    {
        SimDisk disk = Example();
        var records = new List<string>();
        TableReport table = TableInspector.Inspect(disk, "s/0000000000000001.sst", record => records.Add(
            $"{EngineWorld.Text(record.Key.Span)}={(record.Value is { } value ? EngineWorld.Text(value.Span) : "deleted")}"));
        Assert.Empty(table.Damage);
        Assert.Equal(["apple=red", "apply=deleted", "pear=green"], records);
        Assert.Equal((1ul, 3ul, 1ul), (table.Number, table.Records, table.Tombstones));
        Assert.Equal(["data", "index", "filter", "properties"], table.Blocks.Select(block => block.Kind));

        ManifestReport manifest = ManifestInspector.Inspect(disk, "s/MANIFEST");
        Assert.Empty(manifest.Damage);
        Assert.True(manifest.IsSealed);
        Assert.Equal(0, manifest.TornBytes);
        Assert.Equal(new LogPosition(new(9), new(2)), manifest.Position);
        Assert.Equal(2, manifest.Edits.Length);
        InspectedTable named = Assert.Single(manifest.Tables);
        Assert.Equal((0, "0000000000000001.sst", table.Length), (named.Level, named.Name, named.Length));
    }

    [Fact]
    public void The_inspectors_report_damage_and_read_on()
    {
        SimDisk disk = Example();
        long length = disk.ReadAll("s/0000000000000001.sst").Length;
        for (long bit = 0; bit < length * 8; bit += 3)
        {
            disk.FlipBit("s/0000000000000001.sst", bit);
            TableReport table = TableInspector.Inspect(disk, "s/0000000000000001.sst");
            Assert.NotEmpty(table.Damage);
            disk.FlipBit("s/0000000000000001.sst", bit);
        }

        disk.FlipBit("s/MANIFEST", (8192 + 12) * 8);
        ManifestReport manifest = ManifestInspector.Inspect(disk, "s/MANIFEST");
        Assert.Equal(8192, Assert.Single(manifest.Damage).Offset);
        disk.FlipBit("s/MANIFEST", 3);
        Assert.Equal(0, Assert.Single(ManifestInspector.Inspect(disk, "s/MANIFEST").Damage).Offset);
    }

    [Fact]
    public void A_cache_keeps_its_budget_and_what_is_used()
    {
        var cache = new BlockCache(1 << 16);
        var disk = new SimDisk();
        using var engine = StorageEngine.Open(disk, "s", new EngineOptions { BlockBytes = 512 }, EngineWorld.Keys, cache);
        for (int i = 0; i < 2000; i++) { engine.Put(EngineWorld.Bytes($"key{i:0000}"), new byte[100]); }
        engine.Publish(new(new(1), new(1)));
        engine.RequestFlush();
        while (engine.NextJob() is { } job)
        {
            job.Run();
            engine.Complete(job, failed: false);
        }

        for (int i = 0; i < 2000; i++)
        {
            Assert.True(engine.TryGet(EngineWorld.Bytes($"key{i:0000}"), out _));
            Assert.True(engine.TryGet("key0000"u8, out _));
            Assert.True(cache.Bytes <= 1 << 16, $"{cache.Bytes} bytes");
        }

        Assert.True(cache.Bytes > 1 << 14, $"only {cache.Bytes} bytes are used");
        Assert.True(cache.Hits > 1900, $"{cache.Hits} hits, {cache.Misses} misses");
    }

    [Fact]
    public void Filters_rule_out_files_but_never_a_key_that_is_there()
    {
        var disk = new SimDisk();
        var cache = new BlockCache(0);
        var options = new EngineOptions { Level0Files = 100 };
        using var engine = StorageEngine.Open(disk, "s", options, new(static key => key.Length, static _ => null), cache);
        for (int table = 0; table < 8; table++)
        {
            engine.Put("a"u8, "first"u8);
            engine.Put("z"u8, "last"u8);
            for (int i = 0; i < 200; i++) { engine.Put(EngineWorld.Bytes($"k{i}-{table}"), "v"u8); }
            engine.Publish(new(new((ulong)table + 1), new(1)));
            engine.RequestFlush();
            while (engine.NextJob() is { } job)
            {
                job.Run();
                engine.Complete(job, failed: false);
            }
        }

        long before = cache.Misses;
        for (int i = 0; i < 200; i++) { Assert.True(engine.TryGet(EngineWorld.Bytes($"k{i}-0"), out _)); }
        Assert.InRange(cache.Misses - before, 1, 200 + 100); // Seven files in front of it, one in a hundred by mistake.
        before = cache.Misses;
        for (int i = 0; i < 200; i++) { Assert.False(engine.TryGet(EngineWorld.Bytes($"k{i}-9"), out _)); }
        Assert.InRange(cache.Misses - before, 0, 100);
    }

    // The file and the manifest of the design page.
    private static SimDisk Example()
    {
        var disk = new SimDisk();
        using var engine = StorageEngine.Open(disk, "s", new EngineOptions(), new(static key => Math.Min(4, key.Length), static _ => null));
        engine.Put("apple"u8, "red"u8);
        engine.Delete("apply"u8);
        engine.Put("pear"u8, "green"u8);
        engine.Publish(new(new(9), new(2)));
        engine.RequestFlush();
        while (engine.NextJob() is { } job)
        {
            job.Run();
            engine.Complete(job, failed: false);
        }

        return disk;
    }
}
