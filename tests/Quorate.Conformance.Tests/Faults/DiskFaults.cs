using System.Diagnostics;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>Faults of one node's disk.</summary>
internal static class DiskFaults
{
    private const string NoRoom = "No space left on device";

    /// <summary>The next sync fails with EIO: the node must end, whatever it was about to acknowledge.</summary>
    public static Task FailSyncAsync(FaultScene scene) => FailAsync(scene, "sync-eio", (shim, count) => shim.FailSyncs(count), shim => shim.FailedSyncs);

    /// <summary>The next write fails with EIO: the node must end.</summary>
    public static Task FailWriteAsync(FaultScene scene) => FailAsync(scene, "write-eio", (shim, count) => shim.FailWrites(count), shim => shim.FailedWrites);

    /// <summary>Each sync takes long: 5 to 300 ms, or it stands for seconds.</summary>
    public static async Task StallSyncsAsync(FaultScene scene)
    {
        await scene.HoldAsync(300, 2000);
        int node = await scene.LeaderOftenAsync();
        bool isStall = scene.Random.Next(3) == 0;
        Shim shim = scene.Cluster.ShimOf(node);
        shim.DelaySyncs(TimeSpan.FromMilliseconds(isStall ? scene.Random.Next(1000, 4000) : scene.Random.Next(5, 300)));
        scene.Note(isStall ? "stall-syncs" : "slow-syncs", node);
        long since = scene.Now;
        long before = shim.Delays;
        await scene.HoldAsync(1000, 6000);
        shim.DelaySyncs(TimeSpan.Zero);
        scene.Strike(since, shim.Delays > before);
        scene.Note("normal-syncs", node);
    }

    /// <summary>Each write and sync of one node takes 2 to 30 ms, for long.</summary>
    public static async Task SlowDownAsync(FaultScene scene)
    {
        int node = await scene.LeaderOftenAsync();
        Shim shim = scene.Cluster.ShimOf(node);
        long since = scene.Now;
        long before = shim.Delays;
        shim.DelayWrites(TimeSpan.FromMilliseconds(scene.Random.Next(2, 30)));
        scene.Note("slow-disk", node);
        await scene.HoldAsync(5000, 20_000);
        shim.DelayWrites(TimeSpan.Zero);
        scene.Strike(since, shim.Delays > before);
        scene.Note("normal-disk", node);
    }

    /// <summary>SIGKILL at one write, sync, rename or unlink out of the next ones, in recovery too.</summary>
    public static async Task CrashAtCallAsync(FaultScene scene)
    {
        await scene.HoldAsync(100, 1000);
        int node = await scene.LeaderOftenAsync();
        using IDisposable expected = scene.Cluster.ExpectEnds(node);
        for (int i = scene.Random.Next(1, 5); i > 0 && !scene.Stop.IsCancellationRequested; i--)
        {
            Shim shim = scene.Cluster.ShimOf(node);
            scene.Note("crash-at-call", node);
            long since = scene.Now;
            long before = shim.Crashes;
            shim.CrashAtCall(scene.Random.Next(1, 60));
            await scene.HoldAsync(200, 1200);
            shim.CrashAtCall(0);
            scene.Strike(since, shim.Crashes > before);
        }

        await Task.Delay(300, CancellationToken.None); // The operator sees an end a little later.
    }

    /// <summary>No room, to the last byte or nearly, and then room again.</summary>
    public static async Task FillAsync(FaultScene scene)
    {
        await scene.HoldAsync(500, 2000);
        int node = await scene.LeaderOftenAsync();
        SmallDisk disk = scene.Cluster.DiskOf(node);
        long since = scene.Now;
        int said = scene.Cluster.Servers[node].Log.Length;
        disk.Fill(leaveBytes: scene.Random.Next(2) == 0 ? 0 : 1024 * 1024);
        scene.Note("fill-disk", node);
        await scene.HoldAsync(1500, 6000); // It looks once a second.
        disk.Free();
        scene.Strike(since, scene.Cluster.HasSaid(node, said, "disk-nearly-full", NoRoom));
        scene.Note("free-disk", node);
    }

    /// <summary>Room for bytes, and for no new file.</summary>
    public static async Task TakeAllNamesAsync(FaultScene scene)
    {
        await scene.HoldAsync(500, 2000);
        int node = await scene.LeaderOftenAsync();
        SmallDisk disk = scene.Cluster.DiskOf(node);
        long since = scene.Now;
        int said = scene.Cluster.Servers[node].Log.Length;
        disk.TakeAllNames();
        scene.Note("no-new-file", node);
        for (int i = 0; i < 250 && !scene.Cluster.HasSaid(node, said, NoRoom) && !scene.Stop.IsCancellationRequested; i++)
        {
            await Task.Delay(20, CancellationToken.None);
        }

        await scene.HoldAsync(0, 2000);
        disk.FreeNames();
        scene.Strike(since, scene.Cluster.HasSaid(node, said, NoRoom));
        scene.Note("new-files", node);
    }

    private static async Task FailAsync(FaultScene scene, string name, Action<Shim, int> fail, Func<Shim, long> failed)
    {
        await scene.HoldAsync(300, 2000);
        int node = await scene.LeaderOftenAsync();
        Shim shim = scene.Cluster.ShimOf(node);
        int life = scene.Cluster.LifeOf(node);
        long since = scene.Now;
        long before = failed(shim);
        fail(shim, 1);
        scene.Note(name, node);
        for (int i = 0; i < 100 && failed(shim) == before && !scene.Stop.IsCancellationRequested; i++)
        {
            await Task.Delay(20, CancellationToken.None);
        }

        fail(shim, 0);
        if (failed(shim) == before) { return; } // It had nothing to sync.
        for (var watch = Stopwatch.StartNew(); scene.Cluster.LifeOf(node) == life; await Task.Delay(20, CancellationToken.None))
        {
            if (watch.Elapsed.TotalSeconds < 25) { continue; } // It may be paused meanwhile.
            scene.Cluster.Complain($"n{node} goes on {watch.Elapsed.TotalSeconds:F0} s after {name}");
            return;
        }

        scene.Strike(since, true);
        scene.Note(name + "-died", node);
    }
}
