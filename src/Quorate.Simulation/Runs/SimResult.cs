using System.Collections.Immutable;

namespace Quorate.Simulation;

/// <summary>What a run came to.</summary>
public sealed record SimResult
{
    /// <summary>The seed.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Null if every promise held.</summary>
    public required SimulationException? Failure { get; init; }

    /// <summary>Hash over all that happened; equal for equal plans.</summary>
    public required ulong TraceHash { get; init; }

    /// <summary>Events so far.</summary>
    public required long Events { get; init; }

    /// <summary>Simulated time.</summary>
    public required TimeSpan Simulated { get; init; }

    /// <summary>Operations of all workloads.</summary>
    public required int Operations { get; init; }

    /// <summary>Operations of all workloads that were done and acknowledged while faults were about.</summary>
    public int Acknowledged { get; init; }

    /// <summary>Faults of the plan, by name, whether they struck or not.</summary>
    public required ImmutableArray<string> Faults { get; init; }

    /// <summary>Rows of the catalogue by which the faults of the plan may strike.</summary>
    public ImmutableArray<string> Rows { get; init; } = [];

    /// <summary>True if the plan had faults and none of them struck, or nothing was acknowledged meanwhile: the run says nothing of faults.</summary>
    public bool IsQuiet => Rows.Length > 0 && (Struck.Count == 0 || Acknowledged == 0);

    /// <summary>Workloads of the plan, by name: whose histories were judged.</summary>
    public required ImmutableArray<string> Workloads { get; init; }

    /// <summary>Times that each kind of fault struck, by the row of the catalogue.</summary>
    public required SortedDictionary<string, int> Struck { get; init; }
}
