using System.Diagnostics;
using System.Globalization;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>Faults of one node's wall clock.</summary>
internal static class ClockFaults
{
    /// <summary>An hour forward or back, or a quick change between right and wrong.</summary>
    public static async Task JumpAsync(FaultScene scene)
    {
        await scene.HoldAsync(200, 1500);
        int node = await scene.LeaderOftenAsync();
        Shim shim = scene.Cluster.ShimOf(node);
        var offset = TimeSpan.FromMilliseconds(scene.Random.Next(-3_600_000, 3_600_000));
        scene.Journal.Fault("clock", $"n{node} {offset}");
        long since = scene.Now;
        long before = shim.WrongClockReads;
        if (scene.Random.Next(2) == 0)
        {
            shim.SetClock(offset);
            await scene.HoldAsync(500, 5000);
        }
        else
        {
            for (int i = scene.Random.Next(5, 25); i > 0 && !scene.Stop.IsCancellationRequested; i--)
            {
                shim.SetClock(i % 2 == 0 ? offset : TimeSpan.Zero);
                await scene.HoldAsync(200, 200);
            }
        }

        Right(scene, node, since, before);
    }

    /// <summary>A clock that gains or loses a tenth, or runs three times as fast.</summary>
    public static async Task DriftAsync(FaultScene scene)
    {
        await scene.HoldAsync(200, 1500);
        int node = await scene.LeaderOftenAsync();
        Shim shim = scene.Cluster.ShimOf(node);
        double gain = scene.Random.Next(3) switch { 0 => 0.1, 1 => -0.1, _ => 2 };
        scene.Journal.Fault("clock-drift", string.Create(CultureInfo.InvariantCulture, $"n{node} {gain}"));
        long since = scene.Now;
        long before = shim.WrongClockReads;
        for (var watch = Stopwatch.StartNew(); watch.Elapsed.TotalSeconds < 4 && !scene.Stop.IsCancellationRequested;)
        {
            shim.SetClock(watch.Elapsed * gain);
            await Task.Delay(10, CancellationToken.None);
        }

        Right(scene, node, since, before);
    }

    /// <summary>It stands still, and when it goes on hours have passed by the wall clock.</summary>
    public static async Task SleepAsync(FaultScene scene)
    {
        await scene.HoldAsync(200, 1500);
        int node = await scene.LeaderOftenAsync();
        Shim shim = scene.Cluster.ShimOf(node);
        using IDisposable pause = scene.Cluster.Pause(node);
        scene.Note("sleep", node);
        long since = scene.Now;
        long before = shim.WrongClockReads;
        await scene.HoldAsync(500, 5000);
        bool hasSlept = scene.Cluster.IsPaused(node);
        shim.SetClock(TimeSpan.FromMinutes(scene.Random.Next(60, 6000)));
        pause.Dispose();
        await scene.HoldAsync(1000, 3000);
        if (hasSlept) { Right(scene, node, since, before); }
        shim.SetClock(TimeSpan.Zero);
    }

    /// <summary>A start with a clock that is hours or days off, which is put right later.</summary>
    public static async Task WrongAtStartAsync(FaultScene scene)
    {
        await scene.HoldAsync(200, 1500);
        int node = await scene.LeaderOftenAsync();
        Shim shim = scene.Cluster.ShimOf(node);
        using IDisposable down = scene.Cluster.KeepDown(node);
        bool hasEnded = scene.Cluster.Kill(node);
        var offset = TimeSpan.FromMinutes(scene.Random.Next(-6000, 6000));
        shim.SetClock(offset);
        scene.Journal.Fault("clock-at-start", $"n{node} {offset}");
        long since = scene.Now;
        long before = shim.WrongClockReads;
        down.Dispose();
        await scene.IsServingAsync(node);
        await scene.HoldAsync(500, 3000);
        if (hasEnded) { Right(scene, node, since, before); }
        shim.SetClock(TimeSpan.Zero);
    }

    private static void Right(FaultScene scene, int node, long since, long before)
    {
        Shim shim = scene.Cluster.ShimOf(node);
        shim.SetClock(TimeSpan.Zero);
        scene.Strike(since, shim.WrongClockReads > before);
        scene.Note("clock-right", node);
    }
}
