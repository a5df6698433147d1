using Quorate.Core;
using Quorate.Simulation.Disk;
using Quorate.Storage.Engine;
using Xunit;

namespace Quorate.Tests.Storage.Engine;

/// <summary>
/// One script through all that an engine does with its disk: flushes, merges within level 0, to the base, of a level and of all, a
/// reclaim, a checkpoint that is copied and installed while all this goes on, files deleted behind it. Cut at every change of the disk.
/// </summary>
public sealed class EngineCrashSweepTests
{
    private const string Copy = "copy/1";
    private const int Parts = 6;

    private static readonly EngineOptions Small = new()
    {
        MemTableBytes = 1 << 20,
        BlockBytes = 256,
        FileBytes = 2048,
        Level0Files = 2,
        Level1Bytes = 8192,
        ManifestBytes = 16384,
        CompressFromLevel = 7, // The script knows how large its files are.
    };

    public static TheoryData<int> AllParts => [.. Enumerable.Range(0, Parts)];

    // Goal: whatever is lost, kept or torn of what was not synced, the engine comes back as it was at one publish, not before what it told
    // of; the installed checkpoint is whole or is not there, and is there if it was told; and the engine works on.
    [Theory]
    [MemberData(nameof(AllParts))]
    public void A_cut_at_any_change_leaves_a_publish_and_a_whole_checkpoint_or_none(int part)
    {
        var whole = new Script(new SimDisk());
        whole.Play();
        Assert.Superset(
            new SortedSet<string>(["flush", "compact 0 -> 0", "compact 0 -> 6", "compact 0 -> 5", "compact 5 -> 6", "compact 6 -> 6", "manifest", "clean"]),
            whole.Jobs);
        Assert.Null(whole.World!.Scan("", ""));
        whole.World.CloseAll();
        for (long at = 1 + part; at <= whole.Changes; at += Parts) { CutAt(at); }
    }

    private static void CutAt(long change)
    {
        var disk = new SimDisk { CrashAtChange = change };
        var script = new Script(disk);
        Assert.Throws<SimCrashException>(script.Play);
        script.World?.CloseAll();
        for (ulong outcome = 0; outcome < 4; outcome++)
        {
            SimDisk left = disk.Clone();
            left.Crash(new Prng(outcome + (ulong)change), outcome switch { 0 => SimCrash.LoseUnsynced, 1 => SimCrash.KeepAll, _ => SimCrash.Mixed });
            script.CheckCopy(left, change);
            if (script.World is not { } world) { continue; }
            using var recovered = EngineWorld.Recover(world, left, script.Flushed);
            recovered.Put("k999", "after");
            recovered.Publish();
            recovered.Engine.RequestReclaim();
            recovered.Settle();
            Assert.Null(recovered.Reopen(crashSeed: 0));
            using EngineCheckpoint now = recovered.Engine.OpenCheckpoint();
            Assert.Equal(
                now.Files.Select(file => file.Name).Order(StringComparer.Ordinal),
                left.List("shard").Where(name => name.EndsWith(".sst", StringComparison.Ordinal)));
        }
    }

    private sealed class Script(SimDisk disk)
    {
        private SortedMap? _copied;
        private bool _isInstalled;

        public EngineWorld? World { get; private set; }

        // What the engine has told of.
        public ulong Flushed { get; private set; }

        public long Changes { get; private set; }

        public SortedSet<string> Jobs { get; } = new(StringComparer.Ordinal);

        public void Play()
        {
            EngineWorld world = World = new EngineWorld(Small, disk);
            Fill(world, 0, 130);
            Fill(world, 0, 30);
            EngineCheckpoint checkpoint = world.Engine.OpenCheckpoint();
            _copied = world.Model.Copy();
            for (int round = 0; round < 4; round++)
            {
                world.Put("k000", $"small {round}");
                world.Put("k129", $"small {round}");
                Flush(world);
                if (round == 1) { Install(checkpoint); }
            }

            Fill(world, 100, 330);
            Fill(world, 0, 330);
            Fill(world, 50, 330);
            for (int i = 0; i < 330; i += 3) { world.Delete($"k{i:000}"); }
            world.Publish();
            world.Engine.RequestReclaim();
            Run(world);
            checkpoint.Dispose();
            Run(world);
            world.Put("k001", "last");
            Flush(world);
            world.Engine.RequestCompaction();
            Run(world);
            world.Engine.RequestReclaim();
            Run(world);
            Changes = disk.Changes;
        }

        public void CheckCopy(SimDisk left, long change)
        {
            bool isThere = left.Exists($"{Copy}/MANIFEST");
            Assert.True(isThere || !_isInstalled, $"change {change}: the checkpoint that was installed is gone");
            if (!isThere) { return; }
            using var copy = StorageEngine.Open(left, Copy, Small, EngineWorld.Keys);
            Assert.Null(EngineWorld.Compare(copy, _copied!, "", ""));
        }

        private void Fill(EngineWorld world, int from, int to)
        {
            for (int i = from; i < to; i++) { world.Put($"k{i:000}", new string((char)('a' + ((i + to) % 26)), 20 + (i % 30))); }
            Flush(world);
        }

        private void Flush(EngineWorld world)
        {
            world.Publish();
            world.Engine.RequestFlush();
            Run(world);
        }

        private void Run(EngineWorld world)
        {
            while (world.Engine.NextJob() is { } job)
            {
                Jobs.Add(job.Name);
                job.Run();
                world.Engine.Complete(job, failed: false);
                Flushed = world.Engine.Flushed.Index.Value;
            }
        }

        // As a follower does with what it receives.
        private void Install(EngineCheckpoint checkpoint)
        {
            disk.CreateDirectory(Copy);
            foreach ((string name, long length) in checkpoint.Files)
            {
                byte[] bytes = disk.ReadAll($"shard/{name}");
                Assert.Equal(length, bytes.Length);
                using IFile file = disk.Open($"{Copy}/{name}", OpenMode.Create);
                file.Write(0, bytes);
                file.Sync();
            }

            disk.SyncDirectory(Copy);
            StorageEngine.InstallCheckpoint(disk, Copy, checkpoint.Manifest.Span);
            _isInstalled = true;
        }
    }
}
