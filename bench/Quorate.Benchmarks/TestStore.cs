using Quorate.Core;
using Quorate.Node.Files;
using Quorate.Storage.Engine;

namespace Quorate.Benchmarks;

/// <summary>An engine on real files in a directory of its own, deleted at the end. Jobs run when asked, on the caller's thread.</summary>
internal sealed class TestStore : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("quorate-benchmarks-").FullName;
    private ulong _index;

    /// <summary>Opens it, empty, with keys that are filters' prefixes as a whole.</summary>
    public TestStore()
        : this(new EngineKeys(static key => key.Length, static _ => null))
    {
    }

    /// <summary>Opens it for a machine's keys, empty.</summary>
    public TestStore(EngineKeys keys) =>
        Engine = StorageEngine.Open(new RealFileSystem(_directory), "engine", new EngineOptions(), keys, new BlockCache(64L * 1024 * 1024));

    /// <summary>The engine; the caller is its owner.</summary>
    public StorageEngine Engine { get; }

    /// <summary>Index of the next publish.</summary>
    public LogIndex Next => new(_index + 1);

    /// <summary>The key of a number: 16 bytes, in the order of numbers.</summary>
    public static byte[] Key(int number) => System.Text.Encoding.ASCII.GetBytes(number.ToString("D16", System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>Makes what was written visible.</summary>
    public void Publish() => Engine.Publish(new LogPosition(new LogIndex(++_index), new Term(1)));

    /// <summary>Puts everything into files, merged into the lowest level.</summary>
    public void Compact()
    {
        Engine.RequestFlush();
        RunJobs();
        Engine.RequestCompaction();
        RunJobs();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Engine.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private void RunJobs()
    {
        while (Engine.NextJob() is { } job)
        {
            job.Run();
            Engine.Complete(job, failed: false);
        }
    }
}
