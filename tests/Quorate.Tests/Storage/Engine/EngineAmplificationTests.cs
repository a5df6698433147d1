using System.Globalization;
using Quorate.Core;
using Quorate.Simulation.Disk;
using Quorate.Storage.Engine;
using Xunit;

namespace Quorate.Tests.Storage.Engine;

/// <summary>How many bytes the plan of merges writes for each byte flushed. Sizes are those of production by 1024.</summary>
public sealed class EngineAmplificationTests(ITestOutputHelper output)
{
    private static readonly EngineOptions Options = new()
    {
        MemTableBytes = 16 * 1024,
        BlockBytes = 512,
        FileBytes = 16 * 1024,
        Level1Bytes = 64 * 1024,
        ManifestBytes = 256 * 1024,
    };

    // Goal: overwriting keys at random costs what the factors between levels say, and the disk holds little that is overwritten.
    [Fact]
    public void Random_overwrites_cost_few_rewrites_and_little_space()
    {
        var random = new Prng(1);
        var load = new Load(Options, output);
        for (int i = 0; i < 60_000; i++) { load.Put(random.Below(20_000), isFlushed: false); }
        load.Report("random");
        Assert.InRange(load.Amplification, 1, 9.2);
        Assert.InRange(load.Engine.Records, 1, 20_000 * 1.2);
    }

    // Goal: flushes of a few records each, as shards that share a log have them, are merged with one another first: not each few of
    // them with all of the base.
    [Fact]
    public void Small_flushes_do_not_rewrite_the_base_each_time()
    {
        var random = new Prng(2);
        var load = new Load(Options, output);
        for (int i = 0; i < 20_000; i++) { load.Put(random.Below(3_000), isFlushed: i % 10 == 0); }
        load.Report("small flushes");
        Assert.InRange(load.Amplification, 1, 10);
    }

    // Goal: ascending keys are written once: their files change levels as they are.
    [Fact]
    public void Ascending_keys_are_not_rewritten()
    {
        var load = new Load(Options, output);
        for (int i = 0; i < 30_000; i++) { load.Put(i, isFlushed: false); }
        load.Report("ascending");
        Assert.InRange(load.Amplification, 1, 1.05);
    }

    private sealed class Load
    {
        private readonly SimDisk _disk = new();
        private readonly ITestOutputHelper _output;
        private readonly Dictionary<string, long> _files = [];
        private long _flushed;
        private long _written;
        private ulong _index;
        private int _runs;

        public Load(EngineOptions options, ITestOutputHelper output)
        {
            _output = output;
            Engine = StorageEngine.Open(_disk, "shard", options, new(static key => key.Length, static _ => null));
        }

        public StorageEngine Engine { get; }

        // Bytes written in all by bytes flushed.
        public double Amplification => (double)_written / _flushed;

        public void Put(int key, bool isFlushed)
        {
            Engine.Put(EngineWorld.Bytes(key.ToString("d8", CultureInfo.InvariantCulture)), new byte[100]);
            Engine.Publish(new(new(++_index), new(1)));
            if (isFlushed) { Engine.RequestFlush(); }
            while (Engine.NextJob() is { } job)
            {
                job.Run();
                Count(job.Name);
                Engine.Complete(job, failed: false);
            }
        }

        public void Report(string name)
        {
            _output.WriteLine(
                $"{name}: {Amplification:f2} of {_flushed} bytes flushed, {Engine.Records} records in {Engine.DiskBytes} bytes, {_runs} merges");
        }

        private void Count(string name)
        {
            if (name is "manifest" or "clean") { return; }
            if (name != "flush") { _runs++; }
            foreach (string file in _disk.List("shard").Where(file => file.EndsWith(".sst", StringComparison.Ordinal)))
            {
                if (_files.ContainsKey(file)) { continue; }
                long bytes = _disk.ReadAll($"shard/{file}").Length;
                _files[file] = bytes;
                _written += bytes;
                _flushed += name == "flush" ? bytes : 0;
            }
        }
    }
}
