using System.Collections.Immutable;
using System.Globalization;

namespace Quorate.Simulation;

/// <summary>
/// What is left out of a plan to make a failure smaller. A cut never adds anything, and leaves the streams of random numbers of what
/// remains as they are, so a failure often survives it.
/// </summary>
public sealed record SimCuts
{
    /// <summary>Nothing is cut.</summary>
    public static SimCuts None { get; } = new();

    /// <summary>Faults left out, by the names of their types.</summary>
    public ImmutableSortedSet<string> Without { get; init; } = [];

    /// <summary>Workloads left out, by their names. The last one is never left out.</summary>
    public ImmutableSortedSet<string> WithoutWorkloads { get; init; } = [];

    /// <summary>Longest simulated time under faults; null for the plan's own.</summary>
    public TimeSpan? Span { get; init; }

    /// <summary>Most clients of each workload; null for the plan's own, as below.</summary>
    public int? Clients { get; init; }

    /// <summary>Most keys of each workload.</summary>
    public int? Keys { get; init; }

    /// <summary>Most nodes.</summary>
    public int? Nodes { get; init; }

    /// <summary>Most shards.</summary>
    public int? Shards { get; init; }

    /// <summary>Most spares.</summary>
    public int? Spares { get; init; }

    /// <summary>True if nothing is cut.</summary>
    public bool IsEmpty => ToString().Length == 0;

    /// <summary>The plan with the cuts. It shares its workloads' memory with the plan given, so only one of both may be run.</summary>
    public SimPlan Apply(SimPlan plan)
    {
        ImmutableArray<SimWorkload> left = [.. plan.Workloads.Where(workload => !WithoutWorkloads.Contains(workload.Name))];
        if (left.IsEmpty) { left = [plan.Workloads[^1]]; }
        return plan with
        {
            Span = Span < plan.Span ? Span.Value : plan.Span,
            Faults = [.. plan.Faults.Where(fault => !Without.Contains(fault.Name))],
            Workloads = [.. left.Select(workload => workload with
            {
                Clients = Least(workload.Clients, Clients),
                Keys = Least(workload.Keys, Keys),
            })],
            Options = plan.Options with
            {
                Nodes = Least(plan.Options.Nodes, Nodes),
                Shards = Least(plan.Options.Shards, Shards),
                Spares = Least(plan.Options.Spares, Spares),
            },
        };
    }

    /// <summary>The options of <c>quorate sim</c> that say the same; empty if nothing is cut.</summary>
    public override string ToString()
    {
        string?[] options =
        [
            Without.IsEmpty ? null : $"--without {string.Join(',', Without)}",
            WithoutWorkloads.IsEmpty ? null : $"--without-workload {string.Join(',', WithoutWorkloads)}",
            Span is { } span ? string.Create(CultureInfo.InvariantCulture, $"--span {span.TotalSeconds:0.######}") : null,
            Number("--clients", Clients),
            Number("--keys", Keys),
            Number("--nodes", Nodes),
            Number("--shards", Shards),
            Number("--spares", Spares),
        ];
        return string.Join(' ', options.Where(option => option is not null));
    }

    private static int Least(int own, int? most) => most < own ? most.Value : own;

    private static string? Number(string option, int? value) =>
        value is { } number ? string.Create(CultureInfo.InvariantCulture, $"{option} {number}") : null;
}
