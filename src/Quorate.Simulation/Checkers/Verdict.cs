using System.Globalization;

namespace Quorate.Simulation.Checkers;

/// <summary>What a check can say.</summary>
public enum VerdictKind
{
    /// <summary>Everything that was observed fits the model.</summary>
    Legal,

    /// <summary>Something that was observed cannot be explained by the model.</summary>
    Violated,

    /// <summary>The search was given up at its bound: neither proved nor refuted.</summary>
    Undecided,
}

/// <summary>One thing that the model does not allow.</summary>
/// <param name="Rule">Which rule, in two or three words: "stale read".</param>
/// <param name="Text">What was observed and why it cannot be, in sentences, with the operations; several lines.</param>
/// <param name="Operations">The operations that show it.</param>
public sealed record Violation(string Rule, string Text, IReadOnlyList<HistoryOperation> Operations);

/// <summary>What a model says about a history, with figures that show how much was checked.</summary>
public sealed record Verdict
{
    /// <summary>The model's name.</summary>
    public required string Model { get; init; }

    /// <summary>Operations that the model looked at; faults and refused operations are counted too.</summary>
    public required int Operations { get; init; }

    /// <summary>Operations of unknown outcome among them.</summary>
    public required int Unknown { get; init; }

    /// <summary>Separate objects among them: registers, lists, locks, partitions.</summary>
    public required int Keys { get; init; }

    /// <summary>What is wrong, worst first; empty unless violated.</summary>
    public IReadOnlyList<Violation> Violations { get; init; } = [];

    /// <summary>Why nothing could be decided; null if it was.</summary>
    public string? Undecided { get; init; }

    /// <summary>Further figures of the model, each a number and what it counts: "3 groups of transactions".</summary>
    public IReadOnlyList<string> Figures { get; init; } = [];

    /// <summary>The outcome.</summary>
    public VerdictKind Kind => Violations.Count > 0 ? VerdictKind.Violated : Undecided is not null ? VerdictKind.Undecided : VerdictKind.Legal;

    /// <summary>True if everything fits.</summary>
    public bool IsLegal => Kind == VerdictKind.Legal;

    /// <summary>One line with the outcome and the figures.</summary>
    public string Summary => string.Create(
        CultureInfo.InvariantCulture,
        $"{Outcome}: {string.Join(", ", [Values.Count(Operations, "operation"), Values.Count(Keys, "key"), $"{Unknown:N0} unknown", .. Figures])}; {Model}");

    private string Outcome => Kind switch
    {
        VerdictKind.Legal => "legal",
        VerdictKind.Undecided => "undecided",
        _ => "VIOLATED (" + string.Join(", ", Violations.CountBy(v => v.Rule).Select(r => r.Value == 1 ? r.Key : $"{r.Value} x {r.Key}")) + ")",
    };

    /// <summary>The summary and, unless legal, the first violation or why nothing was decided.</summary>
    public string Explanation => Kind switch
    {
        VerdictKind.Legal => Summary,
        VerdictKind.Violated => $"{Summary}\n{Violations[0].Text}",
        _ => $"{Summary}\n{Undecided}",
    };

    /// <summary>Throws unless the history is legal.</summary>
    /// <exception cref="CheckFailedException">It is violated or undecided; the message is the explanation.</exception>
    public void MustBeLegal()
    {
        if (!IsLegal) { throw new CheckFailedException(Explanation); }
    }
}

/// <summary>A history does not fit its model.</summary>
public sealed class CheckFailedException : Exception
{
    /// <summary>Creates the exception.</summary>
    public CheckFailedException(string message)
        : base(message)
    {
    }
}
