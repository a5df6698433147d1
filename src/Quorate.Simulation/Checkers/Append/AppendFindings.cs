namespace Quorate.Simulation.Checkers;

/// <summary>What is wrong with a history of transactions, by rule; the first of each kind is told in full.</summary>
internal sealed class AppendFindings
{
    private readonly History _history;
    private readonly CheckOptions _options;
    private readonly List<(string Rule, string Says, Transaction[] By)> _first = [];
    private readonly Dictionary<string, int> _counts = [];

    public AppendFindings(History history, CheckOptions options)
    {
        _history = history;
        _options = options;
    }

    /// <summary>Notes a violation.</summary>
    public void Add(string rule, string says, params IReadOnlyList<Transaction> by)
    {
        int count = _counts[rule] = _counts.GetValueOrDefault(rule) + 1;
        if (count == 1) { _first.Add((rule, says, [.. by])); }
    }

    /// <summary>True if the rule is broken somewhere.</summary>
    public bool Has(string rule) => _counts.ContainsKey(rule);

    /// <summary>One violation for each broken rule.</summary>
    public IReadOnlyList<Violation> ToViolations() => [.. _first.Select(f =>
    {
        int more = _counts[f.Rule] - 1;
        string others = more > 0 ? $" ({Values.Count(more, "more case")} of this rule)" : "";
        string diagram = TimeDiagram.Draw(
            [.. f.By.Distinct().Select(t => DiagramBar.Of(t.Source, t.Label))], _history.Faults, _options.Width);
        return new Violation(f.Rule, $"{f.Rule}. {f.Says}{others}\n\n{diagram}", [.. f.By.Select(t => t.Source)]);
    })];
}
