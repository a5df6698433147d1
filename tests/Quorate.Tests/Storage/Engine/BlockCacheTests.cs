using Quorate.Core;
using Quorate.Simulation.Disk;
using Quorate.Storage.Engine;
using Xunit;

namespace Quorate.Tests.Storage.Engine;

public sealed class BlockCacheTests
{
    private const int Keys = 4000;

    // Goal: what a view found stays as it was found until the view is disposed, though the cache has given its memory to other blocks
    // since; also beyond the number of blocks that a view holds.
    [Fact]
    public void A_views_values_outlive_their_blocks_place_in_the_cache()
    {
        var cache = new BlockCache(1 << 15);
        using StorageEngine engine = Filled(cache);
        using IReadView view = engine.OpenReadView();
        Assert.True(view.TryGet(Key(0), out ReadOnlySpan<byte> first));
        for (int i = 0; i < 100; i++) { Assert.True(view.TryGet(Key(i * 30), out _)); }
        Assert.True(view.TryGet(Key(3500), out ReadOnlySpan<byte> late));
        ReadEverything(engine);
        Assert.True(first.SequenceEqual(Value(0)), "the first value has changed");
        Assert.True(late.SequenceEqual(Value(3500)), "the late value has changed");
    }

    // Goal: a cursor's value stays while the cursor stands on it, whatever others read.
    [Fact]
    public void A_cursors_value_outlives_its_blocks_place_in_the_cache()
    {
        using StorageEngine engine = Filled(new BlockCache(1 << 15));
        using ICursor cursor = engine.OpenCursor(default, default);
        Assert.True(cursor.SeekFirst());
        ReadOnlySpan<byte> value = cursor.Value;
        ReadEverything(engine);
        Assert.True(value.SequenceEqual(Value(0)), "the value has changed");
        Assert.True(cursor.Next());
        Assert.True(cursor.Value.SequenceEqual(Value(1)), "the next value is another");
    }

    // Goal: a scan of twice what the cache holds does not drive out the blocks that are asked for again and again.
    [Fact]
    public void A_scan_does_not_drive_out_what_is_used()
    {
        var cache = new BlockCache(512 * 1024); // 256 blocks of one KiB and a little: each takes two.
        using StorageEngine engine = Filled(cache);
        for (int round = 0; round < 4; round++) { ReadUsed(engine); }
        using (ICursor cursor = engine.OpenCursor(default, default))
        {
            int count = 0;
            for (bool more = cursor.SeekFirst(); more; more = cursor.Next()) { count++; }
            Assert.Equal(Keys, count);
        }

        long before = cache.Misses;
        ReadUsed(engine);
        Assert.InRange(cache.Misses - before, 0, 4); // Of 31; the parts of the cache are not all equally full.
    }

    // Goal: neither a hit nor a miss leaves work for the collector.
    [Theory]
    [InlineData(0)]
    [InlineData(1 << 16)]
    [InlineData(1 << 24)]
    public void Reads_allocate_no_blocks_on_the_heap(int cacheBytes)
    {
        using StorageEngine engine = Filled(new BlockCache(cacheBytes));
        ReadEverything(engine);
        long before = GC.GetAllocatedBytesForCurrentThread();
        ReadEverything(engine);
        long perRead = (GC.GetAllocatedBytesForCurrentThread() - before) / Keys;
        Assert.InRange(perRead, 0, 256); // A view and its like; a block has more than a thousand bytes.
    }

    private static void ReadEverything(StorageEngine engine)
    {
        Span<byte> key = stackalloc byte[8];
        for (int i = 0; i < Keys; i++)
        {
            WriteKey(i, key);
            using IReadView view = engine.OpenReadView();
            Assert.True(view.TryGet(key, out ReadOnlySpan<byte> value));
            Assert.True(value[0] == unchecked((byte)i) && value[^1] == unchecked((byte)(i >> 8)));
        }
    }

    private static void ReadUsed(StorageEngine engine)
    {
        for (int i = 0; i < Keys; i += 130) { Assert.True(engine.TryGet(Key(i), out _)); }
        engine.Publish(engine.Applied);
    }

    // One table of 4,000 values of 120 bytes in blocks of a KiB.
    private static StorageEngine Filled(BlockCache cache)
    {
        var engine = StorageEngine.Open(
            new SimDisk(), "s", new EngineOptions { BlockBytes = 1024, MemTableBytes = 16 << 20 }, EngineWorld.Keys, cache);
        for (int i = 0; i < Keys; i++) { engine.Put(Key(i), Value(i)); }
        engine.Publish(new(new(1), new(1)));
        engine.RequestFlush();
        while (engine.NextJob() is { } job)
        {
            job.Run();
            engine.Complete(job, failed: false);
        }

        return engine;
    }

    private static byte[] Key(int i)
    {
        byte[] key = new byte[8];
        WriteKey(i, key);
        return key;
    }

    private static void WriteKey(int i, Span<byte> key)
    {
        "k0000000"u8.CopyTo(key);
        for (int at = 7; at > 0; at--)
        {
            key[at] = (byte)('0' + (i % 10));
            i /= 10;
        }
    }

    private static byte[] Value(int i)
    {
        byte[] value = new byte[120];
        value.AsSpan().Fill(unchecked((byte)i));
        value[^1] = unchecked((byte)(i >> 8));
        return value;
    }
}
