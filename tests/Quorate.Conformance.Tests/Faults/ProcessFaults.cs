namespace Quorate.Conformance.Tests.Faults;

/// <summary>Faults of a whole process.</summary>
internal static class ProcessFaults
{
    /// <summary>SIGKILL of one, the leader often.</summary>
    public static async Task KillOneAsync(FaultScene scene)
    {
        await scene.HoldAsync(500, 3000);
        await KillAsync(scene, [await scene.LeaderOftenAsync()], leastKilled: 1, mostMilliseconds: 2000);
    }

    /// <summary>SIGKILL of a majority, or of all, at once.</summary>
    public static async Task KillManyAsync(FaultScene scene)
    {
        await scene.HoldAsync(1000, 4000);
        int most = (scene.Nodes / 2) + 1;
        int count = scene.Random.Next(2) == 0 ? scene.Nodes : most;
        await KillAsync(scene, [.. scene.Shuffled().Take(count)], leastKilled: most, mostMilliseconds: 1500);
    }

    /// <summary>SIGKILL again and again while it starts.</summary>
    public static async Task KillInRecoveryAsync(FaultScene scene)
    {
        await scene.HoldAsync(500, 2000);
        int node = await scene.LeaderOftenAsync();
        for (int i = scene.Random.Next(2, 6); i > 0 && !scene.Stop.IsCancellationRequested; i--)
        {
            scene.Note("kill", node);
            long since = scene.Now;
            bool isStarting = !scene.Cluster.Servers[node].IsReady;
            bool hasDied = scene.Cluster.Kill(node);
            await scene.HoldAsync(50, 900); // The operator needs up to 50 ms of it, the start of the runtime about 100.
            scene.Strike(since, isStarting && hasDied);
        }
    }

    /// <summary>SIGTERM of one after the other, each when the one before it serves again.</summary>
    public static async Task RollingRestartAsync(FaultScene scene)
    {
        await scene.HoldAsync(300, 1500);
        foreach (int node in scene.Shuffled())
        {
            // Before it is ready it may not listen to signals yet.
            if (!await scene.IsServingAsync(node)) { return; }
            scene.Note("terminate", node);
            long since = scene.Now;
            int life = scene.Cluster.LifeOf(node);
            bool isTold = scene.Cluster.Terminate(node);
            await scene.HoldAsync(500, 1500);
            if (!await scene.IsServingAsync(node)) { return; }
            scene.Strike(since, isTold && scene.Cluster.LifeOf(node) != life);
        }
    }

    /// <summary>SIGSTOP, mostly short and sometimes long; what it meant to do it does when time has passed.</summary>
    public static async Task PauseAsync(FaultScene scene)
    {
        await scene.HoldAsync(300, 2000);
        int node = await scene.LeaderOftenAsync();
        long since = scene.Now;
        using IDisposable pause = scene.Cluster.Pause(node);
        scene.Note("pause", node);
        bool isLong = scene.Random.Next(5) == 0;
        await scene.HoldAsync(isLong ? 4000 : 100, isLong ? 15_000 : 4000);
        scene.Strike(since, scene.Cluster.IsPaused(node));
        pause.Dispose();
        scene.Note("resume", node);
    }

    /// <summary>A tenth of a processor for one, the leader often.</summary>
    public static async Task SlowProcessorAsync(FaultScene scene)
    {
        await scene.HoldAsync(300, 2000);
        int node = await scene.LeaderOftenAsync();
        long since = scene.Now;
        using var group = ControlGroup.TryLimitProcessor(scene.Cluster.Servers[node], percent: 10);
        if (group is null) { return; } // It has just ended.
        scene.Note("slow-cpu", node);
        await scene.HoldAsync(1000, 6000);
        scene.Strike(since, group.TimesHeldBack > 0);
        group.Dispose();
        scene.Note("normal-cpu", node);
    }

    /// <summary>Memory for a few pages more, and then the kernel's SIGKILL.</summary>
    public static async Task ExhaustMemoryAsync(FaultScene scene)
    {
        await scene.HoldAsync(300, 2000);
        int node = await scene.LeaderOftenAsync();
        using IDisposable expected = scene.Cluster.ExpectEnds(node);
        int life = scene.Cluster.LifeOf(node);
        long since = scene.Now;
        using var group = ControlGroup.TryLimitMemory(scene.Cluster.Servers[node], bytes: 1024 * 1024);
        if (group is null) { return; } // It has just ended.
        scene.Note("out-of-memory", node);
        for (int i = 0; i < 200 && scene.Cluster.LifeOf(node) == life && !scene.Stop.IsCancellationRequested; i++)
        {
            await Task.Delay(20, CancellationToken.None);
        }

        scene.Strike(since, group.OutOfMemoryKills > 0);
        group.Dispose();
        scene.Note("memory-again", node);
    }

    private static async Task KillAsync(FaultScene scene, int[] nodes, int leastKilled, int mostMilliseconds)
    {
        long since = scene.Now;
        IDisposable[] down = [.. nodes.Select(scene.Cluster.KeepDown)];
        int killed = 0;
        foreach (int node in nodes)
        {
            scene.Note("kill", node);
            if (scene.Cluster.Kill(node)) { killed++; }
        }

        await scene.HoldAsync(0, mostMilliseconds);
        scene.Strike(since, killed >= leastKilled);
        foreach (IDisposable held in down) { held.Dispose(); }
        scene.Note("restart", nodes);
    }
}
