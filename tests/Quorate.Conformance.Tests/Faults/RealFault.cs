using System.Globalization;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>What a fault works on.</summary>
internal sealed record FaultScene(FaultCluster Cluster, Journal Journal, Random Random, CancellationToken Stop)
{
    public NetworkLab Lab => Cluster.Lab;

    public int Nodes => Cluster.Servers.Length;

    public int AnyNode() => Random.Next(Nodes);

    /// <summary>All nodes in some order.</summary>
    public int[] Shuffled()
    {
        int[] nodes = [.. Enumerable.Range(0, Nodes)];
        Random.Shuffle(nodes);
        return nodes;
    }

    /// <summary>The leader in two of three cases, as far as somebody knows it; it is what hurts most.</summary>
    public async Task<int> LeaderOftenAsync() => Random.Next(3) > 0 ? await Cluster.LeaderOrAnyAsync(Random) : AnyNode();

    /// <summary>Writes down what was done to which nodes.</summary>
    public void Note(string what, params IEnumerable<int> nodes) =>
        Journal.Fault(what, string.Join(' ', nodes.Select(node => "n" + node.ToString(CultureInfo.InvariantCulture))));

    /// <summary>Lays one policy over several links until Dispose.</summary>
    public IDisposable Shape(IEnumerable<(int From, int To)> links, LinkPolicy policy) =>
        new Together([.. links.Select(link => Lab.Hub.Apply(link.From, link.To, policy))]);

    /// <summary>Waits for a random time, or until the fault is to end.</summary>
    public async Task HoldAsync(int leastMilliseconds, int mostMilliseconds)
    {
        try
        {
            await Task.Delay(Random.Next(leastMilliseconds, mostMilliseconds + 1), Stop);
        }
        catch (OperationCanceledException)
        {
            // Asked to end: whoever holds something lets go now.
        }
    }

    private sealed class Together(IDisposable[] all) : IDisposable
    {
        public void Dispose()
        {
            foreach (IDisposable one in all) { one.Dispose(); }
        }
    }
}

/// <summary>What a fault needs of the cluster that it is let loose on.</summary>
[Flags]
internal enum FaultNeeds
{
    None = 0,

    /// <summary>Servers that load the shim.</summary>
    Shim = 1,

    /// <summary>Servers on disks that can be filled.</summary>
    SmallDisk = 2,

    /// <summary>A limit of processor time.</summary>
    CpuQuota = 4,

    /// <summary>The switch between the nodes, beyond forwarding.</summary>
    Hub = 8,
}

/// <summary>One line of the table of faults.</summary>
/// <param name="Row">The row of the catalogue, such as P1.</param>
/// <param name="Name">What a history calls it.</param>
/// <param name="Needs">What it needs.</param>
/// <param name="RunAsync">Once: waits a little, breaks something, holds that for a while, and mends it before it returns.</param>
internal sealed record RealFault(string Row, string Name, FaultNeeds Needs, Func<FaultScene, Task> RunAsync)
{
    /// <summary>Why it cannot be made on this machine; null if it can.</summary>
    public string? Unavailable => Needs.HasFlag(FaultNeeds.CpuQuota) ? CpuQuota.Unavailable : null;

    /// <summary>True if shim or hub count what they do for it, so that a run can tell that it did anything.</summary>
    public bool IsCounted => (Needs & (FaultNeeds.Shim | FaultNeeds.Hub)) != 0;

    public override string ToString() => $"{Row} {Name}";
}

/// <summary>All faults of real processes. To add one: a line here, and its method.</summary>
internal static class RealFaults
{
    public static readonly RealFault[] All =
    [
        new("P1", "kill", FaultNeeds.None, ProcessFaults.KillOneAsync),
        new("P2", "kill-many", FaultNeeds.None, ProcessFaults.KillManyAsync),
        new("P3", "crash-at-call", FaultNeeds.Shim, DiskFaults.CrashAtCallAsync),
        new("P4", "pause", FaultNeeds.None, ProcessFaults.PauseAsync),
        new("P5", "kill-in-recovery", FaultNeeds.None, ProcessFaults.KillInRecoveryAsync),
        new("P6", "slow-cpu", FaultNeeds.CpuQuota, ProcessFaults.SlowProcessorAsync),
        new("P10", "rolling-restart", FaultNeeds.None, ProcessFaults.RollingRestartAsync),
        new("N1", "partition", FaultNeeds.None, NetworkFaults.PartitionAsync),
        new("N2", "ring", FaultNeeds.None, NetworkFaults.RingAsync),
        new("N3", "one-way", FaultNeeds.None, NetworkFaults.OneWayAsync),
        new("N4", "isolate-leader", FaultNeeds.None, NetworkFaults.IsolateLeaderAsync),
        new("N5", "flap", FaultNeeds.Hub, NetworkFaults.FlapAsync),
        new("N6", "delay", FaultNeeds.Hub, NetworkFaults.DelayAsync),
        new("N7", "loss", FaultNeeds.Hub, NetworkFaults.LoseAsync),
        new("N8", "duplicate", FaultNeeds.Hub, NetworkFaults.DuplicateAsync),
        new("N9", "corrupt", FaultNeeds.Hub, NetworkFaults.CorruptAsync),
        new("N10", "reset", FaultNeeds.None, NetworkFaults.ResetAsync),
        new("N11", "slow-link", FaultNeeds.Hub, NetworkFaults.SlowLinkAsync),
        new("C1", "clock", FaultNeeds.Shim, ClockFaults.JumpAsync),
        new("D5", "sync-eio", FaultNeeds.Shim, DiskFaults.FailSyncAsync),
        new("D6", "write-eio", FaultNeeds.Shim, DiskFaults.FailWriteAsync),
        new("D7", "full-disk", FaultNeeds.SmallDisk, DiskFaults.FillAsync),
        new("D15", "stall-syncs", FaultNeeds.Shim, DiskFaults.StallSyncsAsync),
        new("K1", "lose-answers", FaultNeeds.Hub, NetworkFaults.LoseAnswersAsync),
    ];
}
