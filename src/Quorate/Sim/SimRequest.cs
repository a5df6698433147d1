using Quorate.Simulation;

namespace Quorate.Sim;

/// <summary>What <c>quorate sim</c> was asked for, checked.</summary>
internal sealed record SimRequest
{
    /// <summary>Draws the plans.</summary>
    public required Scenario Scenario { get; init; }

    /// <summary>Which seeds.</summary>
    public required SeedRange Seeds { get; init; }

    /// <summary>What is left out of each run.</summary>
    public required SimCuts Cuts { get; init; }

    /// <summary>Runs at the same time.</summary>
    public required int Jobs { get; init; }

    /// <summary>Begin no run after this much real time; null for no limit.</summary>
    public required TimeSpan? Within { get; init; }

    /// <summary>Begin no run after so many failed.</summary>
    public required int MostFailures { get; init; }

    /// <summary>Make the first failed seed smaller.</summary>
    public bool Shrink { get; init; }

    /// <summary>File for the trace of the one seed.</summary>
    public string? Trace { get; init; }

    /// <summary>File for what the clients of the one seed asked and heard.</summary>
    public string? History { get; init; }

    /// <summary>File for the verdict and each run.</summary>
    public string? Report { get; init; }

    /// <summary>File of facts to add the runs to.</summary>
    public string? Record { get; init; }

    /// <summary>JSON on stdout.</summary>
    public bool IsJson { get; init; }
}
