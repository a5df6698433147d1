using System.Globalization;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>Faults of a whole process.</summary>
internal static class ProcessFaults
{
    /// <summary>SIGKILL of one, the leader often.</summary>
    public static async Task KillOneAsync(FaultScene scene)
    {
        await scene.HoldAsync(500, 3000);
        int node = await scene.LeaderOftenAsync();
        using (scene.Cluster.KeepDown(node))
        {
            scene.Recorder.Fault("kill", Name(node));
            scene.Cluster.Kill(node);
            await scene.HoldAsync(0, 2000);
        }

        scene.Recorder.Fault("restart", Name(node));
    }

    private static string Name(int node) => "n" + node.ToString(CultureInfo.InvariantCulture);
}
