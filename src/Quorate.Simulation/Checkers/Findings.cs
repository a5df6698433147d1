namespace Quorate.Simulation.Checkers;

/// <summary>What is wrong, the first finding of each rule, with a picture: later ones mostly follow from it.</summary>
/// <param name="history">For the faults meanwhile.</param>
/// <param name="options">For the width of the picture.</param>
internal sealed class Findings(History history, CheckOptions options)
{
    private readonly List<Violation> _violations = [];

    /// <summary>In the order of finding.</summary>
    public IReadOnlyList<Violation> All => _violations;

    /// <summary>Notes that a rule is broken.</summary>
    /// <param name="rule">Which, in two or three words.</param>
    /// <param name="sentence">What was seen and why it cannot be.</param>
    /// <param name="operations">Those that show it, each with what it asked and heard.</param>
    public void Add(string rule, string sentence, params ReadOnlySpan<(HistoryOperation Operation, string Label)> operations)
    {
        if (_violations.Any(v => v.Rule == rule)) { return; }
        var bars = new List<DiagramBar>();
        var shown = new List<HistoryOperation>();
        foreach ((HistoryOperation operation, string label) in operations)
        {
            if (shown.Contains(operation)) { continue; }
            shown.Add(operation);
            bars.Add(DiagramBar.Of(operation, label));
        }

        _violations.Add(new Violation(rule, $"{sentence}\n\n{TimeDiagram.Draw(bars, history.Faults, options.Width)}", shown));
    }
}
