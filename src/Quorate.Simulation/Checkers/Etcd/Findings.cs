using System.Text;

namespace Quorate.Simulation.Checkers.Etcd;

/// <summary>What is wrong, the first finding of each rule: later ones mostly follow from it.</summary>
internal sealed class Findings
{
    private readonly List<Violation> _violations = [];

    /// <summary>In the order of finding.</summary>
    public IReadOnlyList<Violation> All => _violations;

    /// <summary>Notes that a rule is broken.</summary>
    /// <param name="rule">Which, in two or three words.</param>
    /// <param name="sentence">What was seen and why it cannot be.</param>
    /// <param name="operations">Those that show it; a null is left out.</param>
    public void Add(string rule, string sentence, params ReadOnlySpan<EtcdOperation?> operations)
    {
        if (_violations.Any(v => v.Rule == rule)) { return; }
        var text = new StringBuilder(sentence);
        var shown = new List<HistoryOperation>();
        foreach (EtcdOperation? operation in operations)
        {
            if (operation is null || shown.Contains(operation.Source)) { continue; }
            shown.Add(operation.Source);
            text.Append("\n  ").Append(operation);
        }

        _violations.Add(new Violation(rule, text.ToString(), shown));
    }
}
