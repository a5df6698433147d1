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

        shim.SetClock(TimeSpan.Zero);
        scene.Journal.Fault("clock-right", $"n{node}");
    }
}
