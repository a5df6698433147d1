using System.Collections.Immutable;
using System.Globalization;

namespace Quorate.Simulation;

/// <summary>All that a run is made of, drawn from its seed by a scenario. Good for one run: workloads keep what they heard.</summary>
public sealed record SimPlan
{
    /// <summary>Where all randomness comes from.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Sizes and limits of the cluster.</summary>
    public required SimOptions Options { get; init; }

    /// <summary>Who asks what.</summary>
    public required ImmutableArray<SimWorkload> Workloads { get; init; }

    /// <summary>What goes wrong meanwhile.</summary>
    public required ImmutableArray<SimFault> Faults { get; init; }

    /// <summary>Simulated time under faults.</summary>
    public required TimeSpan Span { get; init; }

    /// <summary>Simulated time in which every shard must have a leader before anything goes wrong.</summary>
    public TimeSpan SetUpWithin { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Simulated time in which the healed cluster must serve and agree again.</summary>
    public TimeSpan HealWithin { get; init; } = TimeSpan.FromSeconds(200);

    /// <summary>
    /// False: more goes wrong than the product can get over. It may halt, and must never tell a client what is wrong: no recovery is
    /// demanded, and what was damaged goes on as long as it can.
    /// </summary>
    public bool DemandsRecovery { get; init; } = true;

    /// <summary>
    /// Acknowledged operations in a simulated minute under faults without which the run proves nothing (the canary). Default: 3; under
    /// heavy faults little is done. A run of seconds in which nothing was acknowledged is told apart: <see cref="SimResult.IsQuiet"/>.
    /// </summary>
    public int FewestPerMinute { get; init; } = 3;

    /// <summary>The plan in one line.</summary>
    public string ToText() => string.Create(
        CultureInfo.InvariantCulture,
        $"seed {Seed}: {Options.Nodes} nodes, {Options.Spares} spares, {Options.Shards} shards; {Span.TotalSeconds:0.######} s of {string.Join(", ", Workloads.Select(w => $"{w.Name} by {w.Clients} clients on {w.Keys} keys"))}; faults {(Faults.IsEmpty ? "none" : string.Join(", ", Faults.Select(f => f.Name)))}");
}
