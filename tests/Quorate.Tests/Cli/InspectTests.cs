using Quorate.Cli;
using Quorate.Core;
using Quorate.Node.Files;
using Quorate.Storage.Engine;
using Quorate.Storage.Wal;
using Xunit;

namespace Quorate.Tests.Cli;

public sealed class InspectTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("quorate-inspect-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_log_is_printed_and_damage_is_12()
    {
        var files = new RealFileSystem(_directory);
        using (WriteAheadLog log = WriteAheadLog.Open(files, "wal", new WalOptions { SegmentBytes = 64 * 1024, SpareSegments = 0 }, out _))
        {
            for (ulong term = 1; term <= 3; term++)
            {
                var batch = new WalBatch();
                batch.AddHardState(new ShardId(7), new HardState(new Term(term), ReplicaId.None, LogIndex.Zero));
                log.Write(batch);
                log.Sync();
            }
        }

        (int code, string text) = await RunAsync("inspect", "wal", _directory, "--records");
        Assert.Equal((int)ExitCode.Ok, code);
        Assert.Contains("HardState  shard 7  index 0  term 3", text, StringComparison.Ordinal);
        Assert.Contains("good: 1 shards", text, StringComparison.Ordinal);

        // The second batch was known to be synced when the third was written: a flipped bit in it is loss, not a torn end.
        (code, text) = await RunAsync("inspect", "wal", _directory, "--format", "json");
        Assert.Equal((int)ExitCode.Ok, code);
        long[] offsets = [.. text.Split('\n').Where(l => l.Contains("\"recordCount\":1", StringComparison.Ordinal))
            .Select(l => System.Text.Json.Nodes.JsonNode.Parse(l)!["offset"]!.GetValue<long>())];
        string segment = Directory.GetFiles(Path.Combine(_directory, "wal")).Single();
        byte[] bytes = await File.ReadAllBytesAsync(segment, TestContext.Current.CancellationToken);
        bytes[offsets[1] + 70] ^= 1;
        await File.WriteAllBytesAsync(segment, bytes, TestContext.Current.CancellationToken);
        (code, text) = await RunAsync("inspect", "wal", Path.Combine(_directory, "wal"));
        Assert.Equal((int)ExitCode.Integrity, code);
        Assert.Contains("DAMAGED", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tables_and_manifests_are_printed_and_damage_is_12()
    {
        var files = new RealFileSystem(_directory);
        using (StorageEngine engine = StorageEngine.Open(files, "e", new EngineOptions(), new EngineKeys(static _ => 0, static _ => null)))
        {
            engine.Put("key"u8, "value"u8);
            engine.Delete("gone"u8);
            engine.Publish(new LogPosition(new LogIndex(5), new Term(2)));
            engine.RequestFlush();
            while (engine.NextJob() is { } job)
            {
                job.Run();
                engine.Complete(job, failed: false);
            }
        }

        string table = Directory.GetFiles(Path.Combine(_directory, "e"), "*.sst").Single();
        (int code, string text) = await RunAsync("inspect", "sst", table, "--records");
        Assert.Equal((int)ExitCode.Ok, code);
        Assert.Contains("\"key\" = 5 bytes", text, StringComparison.Ordinal);
        Assert.Contains("2 records", text, StringComparison.Ordinal);

        string manifest = Path.Combine(_directory, "e", "MANIFEST");
        (code, text) = await RunAsync("inspect", "manifest", manifest);
        Assert.Equal((int)ExitCode.Ok, code);
        Assert.Contains("up to index 5 of term 2", text, StringComparison.Ordinal);
        (code, text) = await RunAsync("inspect", "manifest", manifest, "--format", "json");
        Assert.Equal(5UL, System.Text.Json.Nodes.JsonNode.Parse(text)!["position"]!["index"]!.GetValue<ulong>());

        byte[] bytes = await File.ReadAllBytesAsync(table, TestContext.Current.CancellationToken);
        bytes[3] ^= 1;
        await File.WriteAllBytesAsync(table, bytes, TestContext.Current.CancellationToken);
        (code, text) = await RunAsync("inspect", "sst", table);
        Assert.Equal((int)ExitCode.Integrity, code);
        Assert.Contains("DAMAGED at", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_not_there_or_in_use_is_3()
    {
        Assert.Equal((int)ExitCode.Precondition, (await RunAsync("inspect", "wal", Path.Combine(_directory, "nothing"))).Code);
        Assert.Equal((int)ExitCode.Precondition, (await RunAsync("inspect", "sst", Path.Combine(_directory, "nothing.sst"))).Code);
        Directory.CreateDirectory(Path.Combine(_directory, "wal"));
        using DataDirectoryLock held = DataDirectoryLock.Take(_directory);
        Assert.Equal((int)ExitCode.Precondition, (await RunAsync("inspect", "wal", _directory)).Code);
    }

    private static async Task<(int Code, string Output)> RunAsync(params string[] args)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        int code = await CommandLine.RunAsync(args, output, error);
        return (code, output.ToString() + error);
    }
}
