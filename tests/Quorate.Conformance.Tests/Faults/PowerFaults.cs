namespace Quorate.Conformance.Tests.Faults;

/// <summary>Faults of the power supply: what was not synced is gone, and with it files and names.</summary>
internal static class PowerFaults
{
    private const string UndoneNames = "D4";

    /// <summary>A power cut of one node, or of all at the same moment.</summary>
    /// <remarks>
    /// They are stopped, what their disks hold is copied from under the mounted file systems, and they are killed and started on the
    /// copies. Slow syncs before that make it likely that some write waits for one.
    /// </remarks>
    public static async Task CutAsync(FaultScene scene)
    {
        await scene.HoldAsync(500, 3000);
        int[] nodes = scene.Random.Next(2) == 0 ? scene.Shuffled() : [await scene.LeaderOftenAsync()];
        long since = scene.Now;
        foreach (int node in nodes) { scene.Cluster.ShimOf(node).DelaySyncs(TimeSpan.FromMilliseconds(60)); }
        await Task.Delay(scene.Random.Next(200, 800), CancellationToken.None);

        IDisposable[] down = [.. nodes.Select(scene.Cluster.KeepDown)];
        IDisposable[] pauses = [.. nodes.Select(scene.Cluster.Pause)];
        scene.Note("power-cut", nodes);
        bool areCopied = nodes.All(node => scene.Cluster.LoopDiskOf(node).TryCopy());
        foreach (int node in nodes)
        {
            scene.Cluster.Kill(node);
            scene.Cluster.ShimOf(node).DelaySyncs(TimeSpan.Zero);
            if (areCopied) { GoBack(scene, node, since); }
        }

        foreach (IDisposable held in (IDisposable[])[.. pauses, .. down]) { held.Dispose(); }
        scene.Note("power-again", nodes);
        foreach (int node in nodes) { await scene.IsServingAsync(node); }
    }

    private static void GoBack(FaultScene scene, int node, long since)
    {
        string directory = scene.Cluster.DataDirectoryOf(node);
        string[] before = DirectoryImage.Of(directory).Split('\n');
        scene.Cluster.LoopDiskOf(node).GoBackToCopy();
        string[] after = DirectoryImage.Of(directory).Split('\n');
        scene.Strike(since, !before.SequenceEqual(after));
        if (!before.Select(NameOf).SequenceEqual(after.Select(NameOf))) { scene.Journal.Strikes.Add(UndoneNames, since); }
    }

    private static string NameOf(string entry) => entry.Split(' ')[0];
}
