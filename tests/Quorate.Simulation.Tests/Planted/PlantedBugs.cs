using System.Collections.Immutable;

namespace Quorate.Simulation.Tests.Planted;

/// <summary>All planted bugs.</summary>
internal static partial class PlantedBugs
{
    /// <summary>By part of the product.</summary>
    public static ImmutableArray<PlantedBug> All { get; } =
    [
        .. InDurability, .. InReplication, .. InReads, .. InCommands, .. InReplicaReads, .. InSnapshots, .. InEngine,
        .. InLeaseClock, .. InLeases,
    ];
}
