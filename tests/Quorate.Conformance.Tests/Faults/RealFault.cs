using System.Globalization;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>What a fault works on.</summary>
internal sealed record FaultScene(string Row, FaultCluster Cluster, Journal Journal, Random Random, CancellationToken Stop)
{
    /// <summary>How long the fault waits and holds, of what it does in a long run.</summary>
    public double Pace { get; init; } = 1;

    /// <summary>Now, for <see cref="Strike"/>.</summary>
    public long Now => Journal.Strikes.Now;

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

    /// <summary>Says that the fault was in force since then, if its effect was seen: a process died, a packet was lost.</summary>
    public void Strike(long since, bool isSeen)
    {
        if (isSeen) { Journal.Strikes.Add(Row, since); }
    }

    /// <summary>Waits until a server serves; false if that takes too long or the fault is to end.</summary>
    public Task<bool> IsServingAsync(int node) => Cluster.WaitUntilServingAsync(node, TimeSpan.FromSeconds(20), Stop);

    /// <summary>Lays one policy over several links until Dispose.</summary>
    public Shape Shape(IEnumerable<(int From, int To)> links, LinkPolicy policy) =>
        new([.. links.Select(link => Lab.Hub.Apply(link.From, link.To, policy))]);

    /// <summary>Waits for a random time, or until the fault is to end.</summary>
    public async Task HoldAsync(int leastMilliseconds, int mostMilliseconds)
    {
        try
        {
            await Task.Delay((int)(Pace * Random.Next(leastMilliseconds, mostMilliseconds + 1)), Stop);
        }
        catch (OperationCanceledException)
        {
            // Asked to end: whoever holds something lets go now.
        }
    }
}

/// <summary>One policy over several links, until Dispose.</summary>
internal sealed class Shape(LinkLayer[] layers) : IDisposable
{
    /// <summary>Packets to which that was done which the policy asks for.</summary>
    public long Touched => layers.Sum(layer => layer.Touched);

    public void Dispose()
    {
        foreach (LinkLayer layer in layers) { layer.Dispose(); }
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
    Processor = 4,

    /// <summary>A limit of memory.</summary>
    Memory = 8,

    /// <summary>Servers on disks of which a power cut can be made; not together with <see cref="SmallDisk"/>.</summary>
    LoopDisk = 16,
}

/// <summary>One line of the table of faults.</summary>
/// <param name="Row">The row of the catalogue, such as P1.</param>
/// <param name="Name">What a history calls it.</param>
/// <param name="Needs">What it needs.</param>
/// <param name="RunAsync">Once: waits a little, breaks something, holds that for a while, and mends it before it returns.</param>
internal sealed record RealFault(string Row, string Name, FaultNeeds Needs, Func<FaultScene, Task> RunAsync)
{
    /// <summary>Why it cannot be made on this machine; null if it can.</summary>
    public string? Unavailable =>
        Needs.HasFlag(FaultNeeds.Processor) ? ControlGroup.ProcessorUnavailable
        : Needs.HasFlag(FaultNeeds.Memory) ? ControlGroup.MemoryUnavailable
        : null;

    /// <summary>What it is about, which the tests go through one after the other: processes, links, packets, disks, power, clocks.</summary>
    public string Kind => Row[0] switch
    {
        'P' => "processes",
        'N' or 'K' => Row is "N1" or "N2" or "N3" or "N4" or "N5" or "N10" or "K1" ? "links" : "packets",
        'D' => Needs.HasFlag(FaultNeeds.LoopDisk) ? "power" : "disks",
        _ => "clocks",
    };

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
        new("P6", "slow-cpu", FaultNeeds.Processor, ProcessFaults.SlowProcessorAsync),
        new("P7", "out-of-memory", FaultNeeds.Memory, ProcessFaults.ExhaustMemoryAsync),
        new("P10", "rolling-restart", FaultNeeds.None, ProcessFaults.RollingRestartAsync),
        new("N1", "partition", FaultNeeds.None, NetworkFaults.PartitionAsync),
        new("N2", "ring", FaultNeeds.None, NetworkFaults.RingAsync),
        new("N3", "one-way", FaultNeeds.None, NetworkFaults.OneWayAsync),
        new("N4", "isolate-leader", FaultNeeds.None, NetworkFaults.IsolateLeaderAsync),
        new("N5", "flap", FaultNeeds.None, NetworkFaults.FlapAsync),
        new("N6", "delay", FaultNeeds.None, NetworkFaults.DelayAsync),
        new("N7", "loss", FaultNeeds.None, NetworkFaults.LoseAsync),
        new("N8", "duplicate", FaultNeeds.None, NetworkFaults.DuplicateAsync),
        new("N9", "corrupt", FaultNeeds.None, NetworkFaults.CorruptAsync),
        new("N10", "reset", FaultNeeds.None, NetworkFaults.ResetAsync),
        new("N11", "slow-link", FaultNeeds.None, NetworkFaults.SlowLinkAsync),
        new("C1", "clock", FaultNeeds.Shim, ClockFaults.JumpAsync),
        new("C2", "clock-drift", FaultNeeds.Shim, ClockFaults.DriftAsync),
        new("C3", "sleep", FaultNeeds.Shim, ClockFaults.SleepAsync),
        new("C4", "clock-at-start", FaultNeeds.Shim, ClockFaults.WrongAtStartAsync),
        new("D1", "power-cut", FaultNeeds.Shim | FaultNeeds.LoopDisk, PowerFaults.CutAsync),
        new("D5", "sync-eio", FaultNeeds.Shim, DiskFaults.FailSyncAsync),
        new("D6", "write-eio", FaultNeeds.Shim, DiskFaults.FailWriteAsync),
        new("D7", "full-disk", FaultNeeds.SmallDisk, DiskFaults.FillAsync),
        new("D8", "no-new-file", FaultNeeds.SmallDisk, DiskFaults.TakeAllNamesAsync),
        new("D15", "stall-syncs", FaultNeeds.Shim, DiskFaults.StallSyncsAsync),
        new("D16", "slow-disk", FaultNeeds.Shim, DiskFaults.SlowDownAsync),
        new("K1", "lose-answers", FaultNeeds.None, NetworkFaults.LoseAnswersAsync),
    ];
}
