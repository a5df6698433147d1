using System.Text.Json.Nodes;
using Quorate.Bench.Engine;
using Quorate.Cli;
using Quorate.Core;
using Quorate.Node.Files;
using Xunit;

namespace Quorate.Tests.Cli;

/// <summary>What `bench engine` measures is real: the writes are there afterwards, and are not lost with the process.</summary>
public sealed class EngineBenchTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("quorate-test-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    // Goal: each workload does as many operations as asked, finds what an earlier one wrote, and tells what was written to disk.
    [Fact]
    public async Task Workloads_run_on_the_data_of_those_before()
    {
        JsonArray results = await RunAsync(
            "fillseq,overwrite,readrandom,compact,seekrandom,readwhilewriting", "--num", "3000", "--threads", "2", "--mem-table-bytes", "65536");

        Assert.Equal(["fillseq", "overwrite", "readrandom", "seekrandom", "readwhilewriting"], results.Select(r => (string)r!["workload"]!));
        Assert.All(results, r => Assert.Equal(6000, (long)r!["operations"]!));
        Assert.All(results.Skip(2), r => Assert.Equal(6000, (long)r!["found"]!));
        Assert.True((double)results[0]!["writeAmplification"]! > 0.5, "memtables of 64 KiB were not flushed");
        Assert.True((double)results[0]!["logAmplification"]! > 1, "the log holds less than was written");
        Assert.Null(results[2]!["writeAmplification"]);
    }

    // Goal: what one run has written, a later one finds, also that part which was only in the log; and a fill begins with nothing.
    [Fact]
    public async Task Data_outlives_the_run_until_it_is_filled_anew()
    {
        await RunAsync("fillseq", "--num", "1000", "--dir", _directory);
        JsonNode read = (await RunAsync("readrandom", "--num", "1000", "--dir", _directory))[0]!;
        Assert.Equal(1000, (long)read["found"]!);

        await RunAsync("fillseq", "--num", "10", "--dir", _directory);
        read = (await RunAsync("readrandom", "--num", "1000", "--dir", _directory))[0]!;
        Assert.True((long)read["found"]! < 100, $"{read["found"]} of 1000 were found where there are 10 keys");
    }

    // Goal: a directory with somebody's files is refused as it is.
    [Fact]
    public async Task Somebodys_directory_is_left_alone()
    {
        string file = Path.Combine(_directory, "mine");
        await File.WriteAllTextAsync(file, "text");
        var error = new StringWriter();
        int code = await CommandLine.RunAsync(["bench", "engine", "fillseq", "--num", "10", "--dir", _directory], TextWriter.Null, error);
        Assert.Equal((int)ExitCode.Precondition, code);
        Assert.Contains("Nothing was touched", error.ToString(), StringComparison.Ordinal);
        Assert.Equal([file], Directory.GetFileSystemEntries(_directory));
    }

    // Goal: with many threads writing at once no write is lost, none is done for another, and all are seen by views opened afterwards.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Writes_of_many_threads_are_all_there_when_they_return(bool sync)
    {
        const int Threads = 16;
        const int Each = 200;
        var plan = new EngineBenchPlan { Workloads = [], Sync = sync, MemTableBytes = 64 * 1024 };
        var files = new RealFileSystem(_directory);
        int missing = 0;
        using (var store = new EngineStore(files, plan))
        {
            Thread[] threads = [.. Enumerable.Range(0, Threads).Select(t => new Thread(() =>
            {
                var writer = new EngineWriter(EngineKey.NumberBytes);
                for (int i = 0; i < Each; i++)
                {
                    EngineKey.Write(writer.Key, (t * Each) + i);
                    writer.Value = BitConverter.GetBytes((t * Each) + i);
                    store.Commit(writer);
                    using IReadView view = store.OpenView();
                    if (!Has(view, writer.Key, (t * Each) + i)) { Interlocked.Increment(ref missing); }
                }
            }))];
            Array.ForEach(threads, static thread => thread.Start());
            Array.ForEach(threads, static thread => thread.Join());
        }

        Assert.Equal(0, missing);
        using var again = new EngineStore(files, plan);
        using IReadView all = again.OpenView();
        byte[] key = new byte[EngineKey.NumberBytes];
        for (int i = 0; i < Threads * Each; i++)
        {
            EngineKey.Write(key, i);
            Assert.True(Has(all, key, i), $"key {i} is gone after reopening");
        }
    }

    private static bool Has(IReadView view, byte[] key, int value) =>
        view.TryGet(key, out ReadOnlySpan<byte> found) && found.SequenceEqual(BitConverter.GetBytes(value));

    private static async Task<JsonArray> RunAsync(string workloads, params string[] options)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        int code = await CommandLine.RunAsync(["bench", "engine", workloads, "--format", "json", .. options], output, error);
        Assert.True(code == 0, error.ToString());
        return JsonNode.Parse(output.ToString())!["workloads"]!.AsArray();
    }
}
