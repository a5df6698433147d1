using Quorate.Core;
using Quorate.Simulation.Disk;
using Quorate.Storage.Engine;
using Xunit;

namespace Quorate.Tests.Storage.Engine;

public sealed class EngineDamageTests
{
    private static readonly EngineOptions Small = new()
    {
        MemTableBytes = 4096,
        BlockBytes = 64,
        FileBytes = 1024,
        Level0Files = 8,
        Level1Bytes = 2048,
    };

    // Goal: a flipped bit anywhere in a table file is found before any answer that it could have changed.
    [Fact]
    public void Every_flipped_bit_of_a_table_is_found_or_changes_no_answer()
    {
        (SimDisk disk, string expected) = SmallEngine(tables: 1);
        string path = Tables(disk).Single();
        byte[] manifest = Manifest(disk);
        int found = 0;
        long bits = disk.ReadAll(path).Length * 8L;
        for (long bit = 0; bit < bits; bit++)
        {
            disk.FlipBit(path, bit);
            try
            {
                Assert.Equal(expected, ReadAll(disk));
            }
            catch (CorruptFileException damage)
            {
                Assert.Equal(path, damage.FilePath);
                found++;
            }

            // The receiver of a checkpoint reads everything: nothing may escape it.
            if (bit % 5 == 0) { Assert.Throws<CorruptFileException>(() => StorageEngine.InstallCheckpoint(disk, "shard", manifest)); }
            disk.FlipBit(path, bit);
        }

        Assert.Equal(bits, found);
        Assert.Equal(expected, ReadAll(disk));
    }

    // Goal: a flipped bit in the manifest is found, or it is where nothing is read; it never gives another set of files.
    [Fact]
    public void Every_flipped_bit_of_a_manifest_is_found_or_changes_no_answer()
    {
        (SimDisk disk, string expected) = SmallEngine(tables: 3);
        byte[] manifest = Manifest(disk);
        int found = 0;
        int expectedFound = 0;
        for (long bit = 0; bit < manifest.Length * 8L; bit++)
        {
            // All bits near the start of a page, where the records are; a few of the padding.
            bool isRecord = bit / 8 % 4096 < 160;
            if (!isRecord && bit % 997 != 0) { continue; }
            SimDisk flipped = disk.Clone();
            flipped.FlipBit("shard/MANIFEST", bit);
            if (manifest[bit / 8] != 0) { expectedFound++; }
            try
            {
                Assert.Equal(expected, ReadAll(flipped));
            }
            catch (CorruptFileException damage)
            {
                Assert.Equal("shard/MANIFEST", damage.FilePath);
                found++;
            }
        }

        // Of the last record, the seal, nothing depends.
        Assert.True(found >= expectedFound - (16 * 8), $"{found} found of {expectedFound}");
    }

    [Fact]
    public void A_manifest_cut_anywhere_is_damage_or_an_earlier_state()
    {
        (SimDisk disk, _) = SmallEngine(tables: 3);
        byte[] manifest = Manifest(disk);
        var states = new SortedSet<string>();
        for (int length = 0; length <= manifest.Length; length += length % 4096 < 200 ? 7 : 511)
        {
            SimDisk cut = disk.Clone();
            cut.Put("shard/MANIFEST", manifest.AsSpan(0, length));
            try { states.Add(ReadAll(cut)); }
            catch (CorruptFileException) { Assert.True(length < 4096 * 2, $"damage at {length}"); }
        }

        Assert.Equal(4, states.Count); // Empty, and after each of three flushes.
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("shorter")]
    [InlineData("longer")]
    [InlineData("zeros")]
    [InlineData("another")]
    [InlineData("no manifest")]
    [InlineData("empty manifest")]
    public void Files_that_are_not_what_the_manifest_says_are_damage(string defect)
    {
        (SimDisk disk, _) = SmallEngine(tables: 2);
        string[] tables = Tables(disk);
        byte[] bytes = disk.ReadAll(tables[0]);
        switch (defect)
        {
            case "missing": disk.Delete(tables[0]); break;
            case "shorter": disk.Put(tables[0], bytes.AsSpan(0, bytes.Length - 1)); break;
            case "longer": disk.Put(tables[0], [.. bytes, 0]); break;
            case "zeros": disk.Put(tables[0], new byte[bytes.Length]); break;
            case "another": disk.Put(tables[0], disk.ReadAll(tables[1])); break;
            case "no manifest": disk.Delete("shard/MANIFEST"); break;
            default: disk.Put("shard/MANIFEST", []); break;
        }

        Assert.Throws<CorruptFileException>(() => ReadAll(disk));
        Assert.Equal(tables.Length - (defect == "missing" ? 1 : 0), Tables(disk).Length); // Nothing else was touched.
    }

    // A disk that returns another block than the one asked for: the checksum covers where a block belongs.
    [Fact]
    public void A_block_read_from_elsewhere_is_found()
    {
        (SimDisk disk, string expected) = SmallEngine(tables: 2, sameLength: true);
        string[] tables = Tables(disk);
        byte[] first = disk.ReadAll(tables[0]);
        byte[] second = disk.ReadAll(tables[1]);
        Assert.Equal(first.Length, second.Length);
        int found = 0;
        foreach (InspectedBlock block in TableInspector.Inspect(disk, tables[0]).Blocks)
        {
            // A whole block with its checksum, from the same place of another file.
            int from = (int)block.Offset;
            int to = from + block.Length + 4;
            byte[] mixed = [.. first[..from], .. second[from..to], .. first[to..]];
            Assert.False(mixed.AsSpan().SequenceEqual(first));
            disk.Put(tables[0], mixed);
            Assert.Throws<CorruptFileException>(() => ReadAll(disk));
            found++;
        }

        disk.Put(tables[0], first);
        Assert.Equal(expected, ReadAll(disk));
        Assert.True(found > 5, $"only {found}");
    }

    [Fact]
    public void A_damaged_input_of_a_compaction_is_told_and_nothing_is_dropped()
    {
        (SimDisk disk, _) = SmallEngine(tables: 2);
        string path = Tables(disk)[0];
        disk.FlipBit(path, 100);
        using var engine = StorageEngine.Open(disk, "shard", Small, EngineWorld.Keys);
        engine.RequestCompaction();
        EngineJob job = engine.NextJob()!;
        Assert.Equal(path, Assert.Throws<CorruptFileException>(job.Run).FilePath);
        engine.Complete(job, failed: true);
        Assert.Equal(2, engine.OpenCheckpoint().Files.Length);
    }

    [Fact]
    public void Random_bytes_are_never_a_manifest_and_never_crash_the_reader()
    {
        var random = new Prng(5);
        (SimDisk disk, _) = SmallEngine(tables: 2);
        byte[] manifest = Manifest(disk);
        for (int i = 0; i < 300; i++)
        {
            byte[] bytes = (byte[])manifest.Clone();
            int from = random.Below(bytes.Length);
            random.Fill(bytes.AsSpan(from, random.Below(Math.Min(200, bytes.Length - from))));
            if (i % 3 == 0) { random.Fill(bytes); }
            SimDisk changed = disk.Clone();
            changed.Put("shard/MANIFEST", bytes);
            try { ReadAll(changed); }
            catch (CorruptFileException) { }
        }
    }

    // Files of a dozen records each, in level 0; records of equal sizes if the files shall be equally long.
    private static (SimDisk Disk, string All) SmallEngine(int tables, bool sameLength = false)
    {
        var disk = new SimDisk();
        using var engine = StorageEngine.Open(disk, "shard", Small, EngineWorld.Keys);
        ulong index = 0;
        for (int table = 0; table < tables; table++)
        {
            for (int i = 0; i < 12; i++)
            {
                string key = sameLength ? $"{(char)('a' + i)}{table}" : $"{(char)('a' + (i * 5 % 7))}{i:00}{table}";
                engine.Put(EngineWorld.Bytes(key), EngineWorld.Bytes(new string((char)('p' + table), sameLength ? 9 : i)));
            }

            engine.Publish(new(new(++index), new(1)));
            engine.RequestFlush();
            while (engine.NextJob() is { } job)
            {
                job.Run();
                engine.Complete(job, failed: false);
            }
        }

        return (disk, ReadAll(disk));
    }

    private static byte[] Manifest(SimDisk disk) => disk.ReadAll("shard/MANIFEST");

    private static string[] Tables(SimDisk disk) =>
        [.. disk.List("shard").Where(name => name.EndsWith(".sst", StringComparison.Ordinal)).Select(name => $"shard/{name}")];

    private static string ReadAll(SimDisk disk)
    {
        using var engine = StorageEngine.Open(disk, "shard", Small, EngineWorld.Keys);
        using ICursor cursor = engine.OpenCursor(default, default);
        var all = new List<string> { $"{engine.Flushed}" };
        for (bool more = cursor.SeekFirst(); more; more = cursor.Next())
        {
            string key = EngineWorld.Text(cursor.Key);
            Assert.Equal(EngineWorld.Text(cursor.Value), EngineWorld.Get(engine, key));
            all.Add($"{key}={EngineWorld.Text(cursor.Value)}");
        }

        return string.Join(' ', all);
    }
}
