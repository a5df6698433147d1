using System.Diagnostics;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>Faults of a whole process.</summary>
internal static class ProcessFaults
{
    /// <summary>SIGKILL of one, the leader often.</summary>
    public static async Task KillOneAsync(FaultScene scene)
    {
        await scene.HoldAsync(500, 3000);
        await KillAsync(scene, [await scene.LeaderOftenAsync()], mostMilliseconds: 2000);
    }

    /// <summary>SIGKILL of a majority, or of all, at once.</summary>
    public static async Task KillManyAsync(FaultScene scene)
    {
        await scene.HoldAsync(1000, 4000);
        int count = scene.Random.Next(2) == 0 ? scene.Nodes : (scene.Nodes / 2) + 1;
        await KillAsync(scene, [.. scene.Shuffled().Take(count)], mostMilliseconds: 1500);
    }

    /// <summary>SIGKILL again and again while it starts.</summary>
    public static async Task KillInRecoveryAsync(FaultScene scene)
    {
        await scene.HoldAsync(500, 2000);
        int node = await scene.LeaderOftenAsync();
        for (int i = scene.Random.Next(2, 6); i > 0 && !scene.Stop.IsCancellationRequested; i--)
        {
            scene.Note("kill", node);
            scene.Cluster.Kill(node);
            await scene.HoldAsync(50, 900); // The operator needs up to 50 ms of it, the start of the runtime about 100.
        }
    }

    /// <summary>SIGTERM of one after the other, each when the one before it serves again.</summary>
    public static async Task RollingRestartAsync(FaultScene scene)
    {
        await scene.HoldAsync(300, 1500);
        foreach (int node in scene.Shuffled())
        {
            // Before it is ready it may not listen to signals yet.
            for (var watch = Stopwatch.StartNew(); !scene.Cluster.Servers[node].IsReady; await Task.Delay(20, CancellationToken.None))
            {
                if (watch.Elapsed.TotalSeconds > 20 || scene.Stop.IsCancellationRequested) { return; }
            }

            scene.Note("terminate", node);
            scene.Cluster.Terminate(node);
            await scene.HoldAsync(500, 1500);
        }
    }

    /// <summary>SIGSTOP, mostly short and sometimes long; what it meant to do it does when time has passed.</summary>
    public static async Task PauseAsync(FaultScene scene)
    {
        await scene.HoldAsync(300, 2000);
        int node = await scene.LeaderOftenAsync();
        using IDisposable pause = scene.Cluster.Pause(node);
        scene.Note("pause", node);
        bool isLong = scene.Random.Next(5) == 0;
        await scene.HoldAsync(isLong ? 4000 : 100, isLong ? 15_000 : 4000);
        pause.Dispose();
        scene.Note("resume", node);
    }

    /// <summary>A tenth of a processor for one, the leader often.</summary>
    public static async Task SlowProcessorAsync(FaultScene scene)
    {
        await scene.HoldAsync(300, 2000);
        int node = await scene.LeaderOftenAsync();
        using var quota = CpuQuota.TryLimit(scene.Cluster.Servers[node], percent: 10);
        if (quota is null) { return; } // It has just ended.
        scene.Note("slow-cpu", node);
        await scene.HoldAsync(1000, 6000);
        quota.Dispose();
        scene.Note("normal-cpu", node);
    }

    private static async Task KillAsync(FaultScene scene, int[] nodes, int mostMilliseconds)
    {
        IDisposable[] down = [.. nodes.Select(scene.Cluster.KeepDown)];
        foreach (int node in nodes)
        {
            scene.Note("kill", node);
            scene.Cluster.Kill(node);
        }

        await scene.HoldAsync(0, mostMilliseconds);
        foreach (IDisposable held in down) { held.Dispose(); }
        scene.Note("restart", nodes);
    }
}
