using Quorate.Core;
using Quorate.Simulation.Disk;
using Quorate.Storage.Engine;
using Xunit;

namespace Quorate.Tests.Storage.Engine;

public sealed class EngineLifecycleTests
{
    private static readonly EngineOptions Small = new()
    {
        MemTableBytes = 4096,
        CompressFromLevel = 7, // Sizes of files are what some of these tests are about.
        BlockBytes = 128,
        FileBytes = 1024,
        Level0Files = 2,
        Level1Bytes = 4096,
    };

    [Fact]
    public void Files_stay_as_long_as_a_view_or_a_checkpoint_needs_them_and_go_afterwards()
    {
        using var world = new EngineWorld(Small);
        Fill(world, "a");
        world.Settle();
        string[] before = Tables(world);
        world.OpenView();
        EngineCheckpoint checkpoint = world.Engine.OpenCheckpoint();

        Fill(world, "b");
        world.Engine.RequestCompaction();
        world.Settle();
        Assert.All(before, name => Assert.Contains(name, Tables(world)));
        Assert.Null(world.ReadViews("k1"));

        world.CloseView(0);
        world.Settle();
        Assert.All(before, name => Assert.Contains(name, Tables(world)));

        checkpoint.Dispose();
        world.Settle();
        Assert.All(before, name => Assert.DoesNotContain(name, Tables(world)));
        Assert.Equal(world.Engine.DiskBytes, Tables(world).Sum(name => world.Disk.ReadAll($"shard/{name}").Length));
    }

    // Goal: space comes back without one large merge: every file is rewritten, each merge takes a few, and what nobody reads is deleted.
    [Fact]
    public void A_reclaim_rewrites_every_file_a_few_at_a_time()
    {
        var dropped = new SortedSet<string>(StringComparer.Ordinal);
        bool drops = false;
        var keys = new EngineKeys(static key => key.Length, _ => new PrefixFilter((key, _) =>
        {
            bool keeps = !drops || key.EndsWith('7');
            if (!keeps) { dropped.Add(key); }
            return keeps;
        }));
        var disk = new SimDisk();
        using var engine = StorageEngine.Open(disk, "shard", Small with { Level1Bytes = 1024 }, keys);
        for (ulong round = 1; round <= 8; round++)
        {
            for (int i = 0; i < 300; i++) { engine.Put(System.Text.Encoding.ASCII.GetBytes($"k{i:d3}"), new byte[40]); }
            engine.Publish(new LogPosition(new LogIndex(round), new Term(1)));
            Run(engine, out _);
        }

        string[] before = [.. disk.List("shard").Where(name => name.EndsWith(".sst", StringComparison.Ordinal))];
        Assert.True(before.Length > 10, $"{before.Length} files");
        drops = true;
        using (IReadView view = engine.OpenReadView())
        {
            engine.RequestReclaim();
            Run(engine, out int merges);
            Assert.True(merges > 5, $"{merges} merges");
            Assert.True(engine.HeldBytes > 0);
        }

        Run(engine, out _);
        Assert.Equal(0, engine.HeldBytes);
        Assert.Empty(before.Intersect(disk.List("shard")));
        Assert.Equal(270, dropped.Count);
        Assert.Equal(30, engine.Records);
        Run(engine, out int more);
        Assert.Equal(0, more); // It ends.
    }

    private static void Run(StorageEngine engine, out int merges)
    {
        merges = 0;
        for (int i = 0; engine.NextJob() is { } job; i++)
        {
            Assert.True(i < 1000, "work for ever");
            if (job.Name.StartsWith("compact", StringComparison.Ordinal)) { merges++; }
            job.Run();
            engine.Complete(job, failed: false);
        }
    }

    // Goal: a view knows which part of it was in files when it was opened; it must not hear of what is flushed later.
    [Fact]
    public void A_view_tells_what_was_flushed()
    {
        using var world = new EngineWorld(Small);
        Fill(world, "a");
        world.Settle();
        world.Put("late", "x");
        world.Publish();
        using IReadView view = world.Engine.OpenReadView();
        Fill(world, "b");
        world.Settle();
        Assert.Equal("x", EngineWorld.Get(view, "late"));
        Assert.Null(EngineWorld.Get(view.Flushed, "late"));
        using ICursor flushed = view.Flushed.OpenCursor(default, default);
        Assert.True(flushed.SeekFirst());
        using IReadView later = world.Engine.OpenReadView();
        Assert.Equal("x", EngineWorld.Get(later.Flushed, "late"));
    }

    [Fact]
    public void Views_and_cursors_outlive_their_engine()
    {
        using var world = new EngineWorld(Small);
        Fill(world, "a");
        world.Settle();
        world.Put("unpublished", "x");
        using ICursor cursor = world.Engine.OpenCursor(default, default);
        using IReadView view = world.Engine.OpenReadView();
        world.Engine.Dispose();

        Assert.True(cursor.SeekLast());
        Assert.Equal("unpublished", EngineWorld.Text(cursor.Key));
        Assert.Null(EngineWorld.Get(view, "unpublished"));
        Assert.StartsWith("a", EngineWorld.Get(view, "k10"), StringComparison.Ordinal);
        Assert.Throws<ObjectDisposedException>(() => world.Engine.OpenReadView());
        Assert.Null(world.Engine.NextJob());
    }

    [Fact]
    public void A_job_that_is_out_when_the_engine_stops_may_end()
    {
        foreach (string name in new[] { "flush", "manifest" })
        {
            using var world = new EngineWorld(Small);
            Fill(world, "a");
            EngineJob job = world.Engine.NextJob()!;
            while (job.Name != name)
            {
                job.Run();
                world.Engine.Complete(job, failed: false);
                job = world.Engine.NextJob()!;
            }

            world.Engine.Dispose();
            job.Run();
            world.Engine.Complete(job, failed: false);
            Assert.Null(world.Reopen(null));
        }
    }

    [Fact]
    public void A_flush_that_is_asked_for_waits_for_the_publish_of_what_is_written()
    {
        using var world = new EngineWorld(Small);
        world.Put("a", "1");
        world.Publish();
        world.Put("b", "2");
        world.Engine.RequestFlush();
        Assert.Null(world.Engine.NextJob());
        world.Publish();
        world.Settle();
        Assert.Equal(2ul, world.Engine.Flushed.Index.Value);
        Assert.Null(world.Reopen(crashSeed: 0));
        Assert.Equal("2", EngineWorld.Get(world.Engine, "b"));
    }

    [Fact]
    public void Entries_without_effect_move_the_flushed_position_without_a_file()
    {
        using var world = new EngineWorld(Small);
        world.Publish();
        world.Publish();
        world.Engine.RequestFlush();
        world.Settle();
        Assert.Equal(2ul, world.Engine.Flushed.Index.Value);
        Assert.Empty(Tables(world));
        Assert.Null(world.Reopen(crashSeed: 0));
        Assert.Equal(2ul, world.Engine.Flushed.Index.Value);
        world.Engine.RequestFlush();
        Assert.Null(world.Engine.NextJob());
    }

    [Fact]
    public void Writers_are_told_when_flushes_are_far_behind()
    {
        using var world = new EngineWorld(Small with { MaxWaitingMemTables = 2 });
        Fill(world, "a");
        Fill(world, "b");
        Assert.True(world.Engine.IsOverloaded);
        Assert.True(world.Engine.UnflushedBytes > 2 * 4096);
        world.Settle();
        Assert.False(world.Engine.IsOverloaded);
        Assert.True(world.Engine.UnflushedBytes < 4096);
    }

    [Fact]
    public void Unknown_table_files_and_a_half_written_manifest_are_deleted_when_opening_and_nothing_else()
    {
        using var world = new EngineWorld(Small);
        Fill(world, "a");
        world.Settle();
        world.Disk.Put("shard/00000000000fffff.sst", [1, 2, 3]);
        world.Disk.Put("shard/MANIFEST.new", [4]);
        world.Disk.Put("shard/notes.txt", [5]);
        Assert.Null(world.Reopen(null));
        Assert.False(world.Disk.Exists("shard/00000000000fffff.sst"));
        Assert.False(world.Disk.Exists("shard/MANIFEST.new"));
        Assert.True(world.Disk.Exists("shard/notes.txt"));
    }

    [Fact]
    public void Records_of_any_size_come_back()
    {
        using var world = new EngineWorld(new EngineOptions { MemTableBytes = 1 << 20 });
        string[] keys = ["a", new string('b', 70_000), "c\0", "c", new string('\u00ff', 300)];
        string[] values = ["", new string('v', 3_000_000), "x", new string('\0', 5000), "y"];
        for (int i = 0; i < keys.Length; i++) { world.Put(keys[i], values[i]); }
        world.Publish();
        foreach (string key in keys) { Assert.Null(world.Get(key)); }
        world.Engine.RequestFlush();
        world.Settle();
        Assert.Null(world.Reopen(crashSeed: 0));
        foreach (string key in keys) { Assert.Null(world.Get(key)); }
        world.Engine.RequestCompaction();
        world.Settle();
        Assert.Null(world.Scan("", ""));
    }

    [Fact]
    public void A_merge_of_all_drops_deleted_keys_and_old_versions()
    {
        using var world = new EngineWorld(Small);
        for (int round = 0; round < 4; round++) { Fill(world, $"{round}"); }
        for (int i = 0; i < 60; i++) { world.Delete($"k{i}"); }
        world.Put("last", "1");
        world.Publish();
        world.Engine.RequestFlush();
        world.Settle();
        world.Engine.RequestCompaction();
        world.Settle();
        string table = Assert.Single(Tables(world));
        TableReport report = TableInspector.Inspect(world.Disk, $"shard/{table}");
        Assert.Equal((1ul, 0ul), (report.Records, report.Tombstones));
    }

    // A machine's own tombstone hides records that sort after it: it may go only when all of its prefix is in the merge.
    [Fact]
    public void A_filter_is_told_bottommost_only_when_all_of_a_prefix_takes_part()
    {
        var asked = new SortedSet<string>(StringComparer.Ordinal);
        bool told = false;
        var keys = new EngineKeys(static key => Math.Min(1, key.Length), _ => new PrefixFilter((key, isBottommost) =>
        {
            asked.Add(key);
            told |= isBottommost && key.StartsWith('b');
            return true;
        }));
        var disk = new SimDisk();
        using var engine = StorageEngine.Open(disk, "shard", Small with { Level0Files = 1, Level1Bytes = 1024 }, keys);
        ulong index = 0;
        for (int round = 0; round < 3; round++)
        {
            for (int i = 0; i < 60; i++) { engine.Put(EngineWorld.Bytes($"b{i:00}"), new byte[100]); }
            engine.Publish(new(new(++index), new(1)));
            engine.RequestFlush();
            while (engine.NextJob() is { } job)
            {
                bool oneOfMany = job.Name is "compact 5 -> 6";
                told = false;
                job.Run();
                if (oneOfMany && engine.OpenCheckpoint().Files.Length > 3) { Assert.False(told); }
                engine.Complete(job, failed: false);
            }
        }

        Assert.Equal(60, asked.Count);
        told = false;
        engine.RequestCompaction();
        EngineJob all = engine.NextJob()!;
        all.Run();
        Assert.True(told);
        engine.Complete(all, failed: false);
    }

    // Goal: what a filter drops does not come back from an older file that took no part in the merge.
    [Fact]
    public void What_a_filter_drops_is_gone_even_if_older_files_have_it()
    {
        var dropped = new SortedSet<string>(StringComparer.Ordinal);
        var keys = new EngineKeys(static key => Math.Min(1, key.Length), flushed =>
        {
            bool drops = flushed.TryGet("drop"u8, out _);
            return new PrefixFilter((key, _) => !drops || !key.StartsWith('x') || !dropped.Add(key));
        });
        using var engine = StorageEngine.Open(new SimDisk(), "shard", Small with { Level0Files = 1, Level1Bytes = 1024 }, keys);
        bool hadOlder = false;
        for (ulong round = 1; round <= 6; round++)
        {
            for (int i = 0; i < 30; i++) { engine.Put(EngineWorld.Bytes($"x{i:00}"), new byte[round < 6 ? 100 : 1]); }
            if (round == 6) { engine.Put("drop"u8, "1"u8); }
            engine.Publish(new(new(round), new(1)));
            engine.RequestFlush();
            while (engine.NextJob() is { } job)
            {
                job.Run();
                engine.Complete(job, failed: false);
                if (job.Name != "manifest" || dropped.Count == 0) { continue; }
                hadOlder |= engine.DiskBytes > 1024;
                Assert.All(dropped, key => Assert.Null(EngineWorld.Get(engine, key)));
            }
        }

        Assert.Equal(30, dropped.Count);
        Assert.True(hadOlder, "there was no older file: the test proves nothing");
        Assert.True(engine.TryGet("drop"u8, out _));
    }

    // Goal: a reader on another thread always sees one whole publish, as of the index it is told.
    [Fact]
    public void Views_on_other_threads_see_whole_publishes()
    {
        const int Publishes = 3000;
        var disk = new SimDisk();
        using var engine = StorageEngine.Open(disk, "shard", Small, EngineWorld.Keys);
        engine.Publish(new(new(1), new(1)));
        bool stop = false;
        long views = 0;
        Exception? failure = null;
        Thread[] readers = [.. Enumerable.Range(0, 3).Select(number => new Thread(() =>
        {
            try
            {
                var random = new Prng((ulong)number);
                while (!Volatile.Read(ref stop))
                {
                    CheckView(engine, random);
                    Interlocked.Increment(ref views);
                }
            }
            catch (Exception exception)
            {
                Volatile.Write(ref failure, exception);
            }
        }))];
        foreach (Thread reader in readers) { reader.Start(); }
        for (ulong index = 2; index < Publishes && Volatile.Read(ref failure) is null; index++)
        {
            for (int i = 0; i < 6; i++) { engine.Put(EngineWorld.Bytes($"key{i}"), EngineWorld.Bytes($"{index}")); }
            if (index % 2 == 0) { engine.Delete("even"u8); }
            else { engine.Put("even"u8, EngineWorld.Bytes($"{index}")); }
            engine.Publish(new(new(index), new(1)));
            if (engine.NextJob() is { } job)
            {
                job.Run();
                engine.Complete(job, failed: false);
            }
        }

        // On a busy machine the readers may not have had their turn yet.
        while (Interlocked.Read(ref views) < 50 && Volatile.Read(ref failure) is null) { Thread.Yield(); }
        Volatile.Write(ref stop, true);
        foreach (Thread reader in readers) { reader.Join(); }
        Assert.Null(failure);
    }

    private static void CheckView(StorageEngine engine, Prng random)
    {
        using IReadView view = engine.OpenReadView();
        ulong index = view.AppliedIndex.Value;
        if (index == 1) { return; }
        for (int round = 0; round < 3; round++)
        {
            Assert.Equal($"{index}", EngineWorld.Get(view, $"key{random.Below(6)}"));
            Assert.Equal(index % 2 == 0 ? null : $"{index}", EngineWorld.Get(view, "even"));
            Assert.Equal($"key0={index}", EngineWorld.First(view, "ke", "ke"));
            using ICursor cursor = view.OpenCursor("key"u8, "kez"u8);
            int seen = 0;
            for (bool more = cursor.SeekLast(); more; more = cursor.Previous())
            {
                Assert.Equal($"{index}", EngineWorld.Text(cursor.Value));
                seen++;
            }

            Assert.Equal(6, seen);
        }
    }

    private static void Fill(EngineWorld world, string value)
    {
        for (int i = 0; i < 60; i++) { world.Put($"k{i}", value + new string('.', 80)); }
        world.Publish();
    }

    private static string[] Tables(EngineWorld world) =>
        [.. world.Disk.List("shard").Where(name => name.EndsWith(".sst", StringComparison.Ordinal))];

    private sealed class PrefixFilter(Func<string, bool, bool> keep) : ICompactionFilter
    {
        public bool Keep(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, bool isBottommost) => keep(EngineWorld.Text(key), isBottommost);
    }
}
