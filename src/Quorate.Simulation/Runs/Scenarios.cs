using System.Collections.Immutable;

namespace Quorate.Simulation;

/// <summary>A way to draw plans from seeds.</summary>
/// <param name="Name">Kebab-case.</param>
/// <param name="About">One sentence for people.</param>
/// <param name="Plan">The plan of a seed; a new object each time.</param>
public sealed record Scenario(string Name, string About, Func<ulong, SimPlan> Plan);

/// <summary>All scenarios. To add one: a file beside this one, and a line here.</summary>
public static class Scenarios
{
    /// <summary>The sweep.</summary>
    public static Scenario Swarm { get; } = new(
        "swarm", "Random clusters, sizes and faults: what every seed of the sweep is.", SwarmScenario.Plan);

    /// <summary>The sweep with clients of the etcd service only.</summary>
    public static Scenario Etcd { get; } = new(
        "etcd", "The sweep's clusters and faults under clients of the etcd service: whole store, lists, sets, locks.",
        seed => WorkloadChoice.Etcd(SwarmScenario.Registers(seed)));

    /// <summary>In the order in which they are shown.</summary>
    public static ImmutableArray<Scenario> All { get; } =
    [
        Swarm,
        Etcd,
        new("keyspaces", "Three keyspaces with clients each, while others come and go, under the sweep's faults.", KeyspaceScenario.Plan),
        new("day", "24 hours of three nodes with little load, in which something breaks now and then.", DayScenario.Plan),
        new("isolation", "Leaders are cut off while clients still reach them.", NarrowScenarios.Isolation),
        new("elections", "Elections all the time, with power cuts while votes are on their way.", NarrowScenarios.Elections),
        new("recovery", "Power cuts all the time, with small files that come and go.", NarrowScenarios.Recovery),
        new("restarts", "Short lives, and frames that reach the next one.", NarrowScenarios.Restarts),
        new("snapshots", "Followers fall behind and are brought up by snapshots.", NarrowScenarios.Snapshots),
        new("rot-everywhere", "Bits rot on all nodes: the cluster may halt, and must not lie.", DiskScenarios.RotEverywhere),
        new("lost-disks", "Nodes come back with an empty disk under their old name.", DiskScenarios.LostDisks),
        new("old-disks", "Nodes come back with an old image of their disk.", DiskScenarios.RestoredDisks),
        new("directories", "Syncs of directories fail, and the power goes.", DiskScenarios.Directories),
        new("sides", "Leaders are cut off together with some of the clients.", DiskScenarios.Sides),
        new("slices", "Nodes apply an entry at a time, and snapshots overtake them.", DiskScenarios.Slices),
        new("damage", "Bits rot and files get lost on a minority of the nodes.", NarrowScenarios.Damage),
        new("silent", "One replica's state changes silently; the comparison of members finds it, and it is filled anew.", CheckScenarios.Silent),
        new("checks", "The sweep, with members compared all the time: none may be found to differ.", CheckScenarios.Sweep),
        new("leases", "Leases, while leaders change and wall clocks jump.", NarrowScenarios.Leases),
        new("members", "Replicas come, go and change their part.", NarrowScenarios.Members),
        new("operators", "Members are added, promoted and removed over the etcd API.", NarrowScenarios.Operators),
        new("users", "Permissions are given and taken away while their users write and read.", NarrowScenarios.Users),
        new("candidates", "Power cuts of nodes that campaign, on slow disks.", NarrowScenarios.Candidates),
        new("store", "All of etcd's KV service on few keys, with flushes and compactions all the time.", NarrowScenarios.Store),
        new("refusals", "A disk that refuses a sync, a write or a read every second.", NarrowScenarios.Refusals),
        new("read-leases", "Reads by lease, on clocks that differ by as much as leases allow for.", NarrowScenarios.ReadLeases),
    ];
}
