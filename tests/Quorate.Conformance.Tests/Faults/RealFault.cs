namespace Quorate.Conformance.Tests.Faults;

/// <summary>What a fault works on.</summary>
internal sealed record FaultScene(FaultCluster Cluster, Recorder Recorder, Random Random, CancellationToken Stop)
{
    public NetworkLab Lab => Cluster.Lab;

    public int Nodes => Cluster.Servers.Length;

    public int AnyNode() => Random.Next(Nodes);

    /// <summary>The leader in two of three cases, as far as somebody knows it; it is what hurts most.</summary>
    public async Task<int> LeaderOftenAsync() => Random.Next(3) > 0 ? await Cluster.LeaderOrAnyAsync(Random) : AnyNode();

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
}

/// <summary>One line of the table of faults.</summary>
/// <param name="Row">The row of the catalogue, such as P1.</param>
/// <param name="Name">What a history calls it.</param>
/// <param name="RunAsync">Once: waits a little, breaks something, holds that for a while, and mends it before it returns.</param>
internal sealed record RealFault(string Row, string Name, Func<FaultScene, Task> RunAsync)
{
    public override string ToString() => $"{Row} {Name}";
}

/// <summary>All faults of real processes. To add one: a line here, and its method.</summary>
internal static class RealFaults
{
    public static readonly RealFault[] All =
    [
        new("P1", "kill", ProcessFaults.KillOneAsync),
    ];
}
