using System.Collections.Immutable;
using System.Reflection;
using Quorate.Core;

namespace Quorate.Simulation;

/// <summary>The probes of the simulated projects: the static fields of the class <c>Probes</c> of each.</summary>
public static class CodeProbes
{
    /// <summary>All of them, sorted by name. Their counts are those of this process.</summary>
    public static ImmutableArray<CodeProbe> All { get; } =
    [
        .. new[] { typeof(Raft.RaftCore), typeof(Storage.Wal.WriteAheadLog), typeof(Replication.NodeCore) }
            .Select(known => known.Assembly.GetType($"{known.Assembly.GetName().Name}.Probes", throwOnError: true)!)
            .SelectMany(probes => probes.GetFields(BindingFlags.Static | BindingFlags.Public))
            .Select(field => (CodeProbe)field.GetValue(null)!)
            .OrderBy(probe => probe.Name, StringComparer.Ordinal),
    ];
}
