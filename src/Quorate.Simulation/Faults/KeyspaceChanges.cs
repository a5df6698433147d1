using System.Collections.Immutable;
using Quorate.Core;
using Quorate.StateMachines.KeyValue;

namespace Quorate.Simulation;

/// <summary>Keyspaces come, change and go while others are served. In the end all nodes must have those that are left, and no file of the others.</summary>
public sealed record KeyspaceChanges : SimFault
{
    private const int MostAtOnce = 3;

    /// <summary>Mean time between two.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => [];

    internal override void Start(SimCluster cluster, Prng random, long end) => Every(cluster, random, Interval, end, () =>
    {
        string name = $"passing-{random.Below(MostAtOnce)}";
        KvCommand command = random.Below(5) switch
        {
            0 or 1 => new KvCommand.KeyspaceCreate(name, random.Between(0, 1000)),
            2 => new KvCommand.KeyspaceUpdate(name, random.Between(0, 1000)),
            _ => new KvCommand.KeyspaceDelete(name),
        };
        AnyNode(cluster, random).Do(core => SimCluster.Propose(core, command, static _ => { }));
    });
}
