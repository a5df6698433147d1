using System.Collections.Immutable;

namespace Quorate.Simulation.Tests.Planted;

/// <summary>All planted bugs.</summary>
internal static partial class PlantedBugs
{
    private const string UnitTests = "Quorate.Tests";

    /// <summary>By part of the product.</summary>
    public static ImmutableArray<PlantedBug> All { get; } =
    [
        .. InDurability, .. InElections, .. InRecall, .. InReplication, .. InReads, .. InReadLeases, .. InMembership,
        .. InCommands, .. InReplicaReads, .. InSnapshots, .. InWal, .. InEngine, .. InMachine, .. InLeaseClock, .. InLeases,
        .. InWatches, .. InChanges, .. InMembers, .. InUsers,
    ];
}
