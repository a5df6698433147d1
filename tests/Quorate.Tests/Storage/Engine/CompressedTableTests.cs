using System.Buffers.Binary;
using System.Globalization;
using Quorate.Core;
using Quorate.Simulation.Disk;
using Quorate.Storage.Engine;
using Xunit;

namespace Quorate.Tests.Storage.Engine;

public sealed class CompressedTableTests
{
    private const int Keys = 60;

    // Goal: files with and without compression live side by side, whatever the options are now: an older build's files are of the first kind.
    [Fact]
    public void Both_kinds_of_files_are_read_whatever_the_options_are()
    {
        var disk = new SimDisk();
        Fill(disk, compressFrom: 7, from: 0);
        Fill(disk, compressFrom: 0, from: Keys);
        foreach (int compressFrom in new[] { 0, 7 })
        {
            using StorageEngine engine = Open(disk, compressFrom);
            for (int i = 0; i < 2 * Keys; i++)
            {
                Assert.True(engine.TryGet(Key(i), out ReadOnlySpan<byte> value), $"key {i} is gone");
                Assert.True(value.SequenceEqual(Value(i)), $"key {i} has another value");
            }
        }

        TableReport[] reports = [.. Tables(disk).Select(path => TableInspector.Inspect(disk, path))];
        Assert.All(reports, report => Assert.Empty(report.Damage));
        Assert.Equal([1u, 2u], Versions(disk));
        Assert.True(reports[1].Length < reports[0].Length / 2, $"{reports[0].Length} bytes became {reports[1].Length}");
        Assert.All(reports[0].Blocks, block => Assert.Equal(block.Length, block.UnpackedLength));
        Assert.Contains(reports[1].Blocks, block => block.Kind == "data" && block.UnpackedLength > 2 * block.Length);
        Assert.All(reports[1].Blocks.Where(block => block.Kind != "data"), block => Assert.Equal(block.Length, block.UnpackedLength));
    }

    // Goal: levels above the first compressed one are written as they are, those from it on are compressed.
    [Fact]
    public void The_level_decides()
    {
        var disk = new SimDisk();
        using StorageEngine engine = Open(disk, compressFrom: 1);
        Fill(engine, from: 0);
        Assert.Equal([1u], Versions(disk));
        engine.RequestCompaction();
        Run(engine);
        Assert.Equal([2u], Versions(disk));
    }

    // Goal: no turned bit of a compressed file goes unseen, by the engine or by the inspector.
    [Fact]
    public void Every_turned_bit_is_found()
    {
        var disk = new SimDisk();
        Fill(disk, compressFrom: 0, from: 0);
        string path = Assert.Single(Tables(disk));
        long bits = disk.ReadAll(path).Length * 8L;
        for (long bit = 0; bit < bits; bit += 7)
        {
            disk.FlipBit(path, bit);
            Assert.NotEmpty(TableInspector.Inspect(disk, path).Damage);
            Assert.Throws<CorruptFileException>(() => ReadAll(disk));
            disk.FlipBit(path, bit);
        }

        ReadAll(disk);
    }

    private static void ReadAll(SimDisk disk)
    {
        using StorageEngine engine = Open(disk, compressFrom: 0);
        using ICursor cursor = engine.OpenCursor(default, default);
        int count = 0;
        for (bool more = cursor.SeekFirst(); more; more = cursor.Next()) { count++; }
        Assert.Equal(Keys, count);
        Assert.False(engine.TryGet("zz"u8, out _)); // The filter is read when the file is opened.
    }

    private static uint[] Versions(SimDisk disk) =>
        [.. Tables(disk).Select(path => BinaryPrimitives.ReadUInt32LittleEndian(disk.ReadAll(path).AsSpan()[^16..]))];

    private static void Fill(SimDisk disk, int compressFrom, int from)
    {
        using StorageEngine engine = Open(disk, compressFrom);
        Fill(engine, from);
    }

    private static void Fill(StorageEngine engine, int from)
    {
        for (int i = from; i < from + Keys; i++) { engine.Put(Key(i), Value(i)); }
        engine.Publish(new(new((ulong)from + 1), new(1)));
        engine.RequestFlush();
        Run(engine);
    }

    private static void Run(StorageEngine engine)
    {
        while (engine.NextJob() is { } job)
        {
            job.Run();
            engine.Complete(job, failed: false);
        }
    }

    private static StorageEngine Open(SimDisk disk, int compressFrom) => StorageEngine.Open(
        disk, "s", new EngineOptions { BlockBytes = 512, CompressFromLevel = compressFrom }, EngineWorld.Keys);

    private static string[] Tables(SimDisk disk) =>
        [.. disk.List("s").Where(name => name.EndsWith(".sst", StringComparison.Ordinal)).Select(name => $"s/{name}")];

    private static byte[] Key(int i) => EngineWorld.Bytes(string.Create(CultureInfo.InvariantCulture, $"key{i:0000}"));

    private static byte[] Value(int i) => EngineWorld.Bytes($"{i} and the same words again, and the same words again, and the same words again");
}
