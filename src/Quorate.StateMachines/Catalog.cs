using System.Collections.Immutable;
using Quorate.Core;
using Quorate.StateMachines.KeyValue;

namespace Quorate.StateMachines;

/// <summary>A kind of state machine.</summary>
/// <param name="Id">Stored with every shard of this kind; never changed, never given to another kind.</param>
/// <param name="Name">For people, in lower case.</param>
/// <param name="Create">Makes a machine for one replica.</param>
public sealed record MachineKind(uint Id, string Name, Func<IStateMachine> Create);

/// <summary>All kinds of state machine. To add one: a folder, a line here.</summary>
public static class Catalog
{
    /// <summary>The etcd key-value store.</summary>
    public static readonly MachineKind KeyValue = new(1, "keyvalue", static () => new KeyValueMachine());

    /// <summary>Every kind, by id.</summary>
    public static readonly ImmutableArray<MachineKind> All = [KeyValue];

    /// <summary>The kind with an id; null if this version does not know it.</summary>
    public static MachineKind? Find(uint id)
    {
        foreach (MachineKind kind in All)
        {
            if (kind.Id == id) { return kind; }
        }

        return null;
    }
}
