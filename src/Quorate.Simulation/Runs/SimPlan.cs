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

    /// <summary>Fewest operations without which the run proves nothing (the canary). Default: 3; short runs under heavy faults do little.</summary>
    public int FewestOperations { get; init; } = 3;

    /// <summary>The plan in one line.</summary>
    public string ToText() => string.Create(
        CultureInfo.InvariantCulture,
        $"seed {Seed}: {Options.Nodes} nodes, {Options.Spares} spares, {Options.Shards} shards; {Span.TotalSeconds:0.######} s of {string.Join(", ", Workloads.Select(w => $"{w.Name} by {w.Clients} clients on {w.Keys} keys"))}; faults {(Faults.IsEmpty ? "none" : string.Join(", ", Faults.Select(f => f.Name)))}");
}
