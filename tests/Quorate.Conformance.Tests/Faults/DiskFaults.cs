using System.Diagnostics;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>Faults of one node's disk.</summary>
internal static class DiskFaults
{
    /// <summary>The next sync fails with EIO: the node must end, whatever it was about to acknowledge.</summary>
    public static Task FailSyncAsync(FaultScene scene) => FailAsync(scene, "sync-eio", shim => shim.FailSyncs(1), shim => shim.FailSyncs(0));

    /// <summary>The next write fails with EIO: the node must end.</summary>
    public static Task FailWriteAsync(FaultScene scene) => FailAsync(scene, "write-eio", shim => shim.FailWrites(1), shim => shim.FailWrites(0));

    /// <summary>Each sync takes long: 5 to 300 ms, or it stands for seconds.</summary>
    public static async Task StallSyncsAsync(FaultScene scene)
    {
        await scene.HoldAsync(300, 2000);
        int node = await scene.LeaderOftenAsync();
        bool isStall = scene.Random.Next(3) == 0;
        Shim shim = scene.Cluster.ShimOf(node);
        shim.DelaySyncs(TimeSpan.FromMilliseconds(isStall ? scene.Random.Next(1000, 4000) : scene.Random.Next(5, 300)));
        scene.Note(isStall ? "stall-syncs" : "slow-syncs", node);
        await scene.HoldAsync(1000, 6000);
        shim.DelaySyncs(TimeSpan.Zero);
        scene.Note("normal-syncs", node);
    }

    /// <summary>SIGKILL at one write, sync, rename or unlink out of the next ones, in recovery too.</summary>
    public static async Task CrashAtCallAsync(FaultScene scene)
    {
        await scene.HoldAsync(100, 1000);
        int node = await scene.LeaderOftenAsync();
        using IDisposable expected = scene.Cluster.ExpectEnds(node);
        for (int i = scene.Random.Next(1, 5); i > 0 && !scene.Stop.IsCancellationRequested; i--)
        {
            scene.Note("crash-at-call", node);
            scene.Cluster.ShimOf(node).CrashAtCall(scene.Random.Next(1, 60));
            await scene.HoldAsync(200, 1200);
            scene.Cluster.ShimOf(node).CrashAtCall(0);
        }

        await Task.Delay(300, CancellationToken.None); // The operator sees an end a little later.
    }

    /// <summary>No room, to the last byte or nearly, and then room again.</summary>
    public static async Task FillAsync(FaultScene scene)
    {
        await scene.HoldAsync(500, 2000);
        int node = await scene.LeaderOftenAsync();
        SmallDisk disk = scene.Cluster.DiskOf(node);
        disk.Fill(leaveBytes: scene.Random.Next(2) == 0 ? 0 : 1024 * 1024);
        scene.Note("fill-disk", node);
        await scene.HoldAsync(500, 6000);
        disk.Free();
        scene.Note("free-disk", node);
    }

    private static async Task FailAsync(FaultScene scene, string name, Action<Shim> begin, Action<Shim> end)
    {
        await scene.HoldAsync(300, 2000);
        int node = await scene.LeaderOftenAsync();
        Shim shim = scene.Cluster.ShimOf(node);
        int life = scene.Cluster.LifeOf(node);
        long before = shim.Injected;
        begin(shim);
        scene.Note(name, node);
        for (int i = 0; i < 100 && shim.Injected == before && !scene.Stop.IsCancellationRequested; i++)
        {
            await Task.Delay(20, CancellationToken.None);
        }

        end(shim);
        if (shim.Injected == before) { return; } // It had nothing to sync.
        for (var watch = Stopwatch.StartNew(); scene.Cluster.LifeOf(node) == life; await Task.Delay(20, CancellationToken.None))
        {
            if (watch.Elapsed.TotalSeconds < 25) { continue; } // It may be paused meanwhile.
            scene.Cluster.Complain($"n{node} goes on {watch.Elapsed.TotalSeconds:F0} s after {name}");
            return;
        }

        scene.Note(name + "-died", node);
    }
}
