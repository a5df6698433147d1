using System.Globalization;
using System.Text;

namespace Quorate.Simulation.Checkers;

/// <summary>A cycle of transactions in words: why each must come before the next.</summary>
internal static class CycleText
{
    /// <summary>One line for each step between transactions.</summary>
    public static string Of(DependencyGraph graph, DependencyEdge[] cycle)
    {
        var text = new StringBuilder();
        int start = Array.FindIndex(cycle, e => graph.IsTransaction(e.From));
        DependencyEdge first = default;
        for (int i = 0; i < cycle.Length; i++)
        {
            DependencyEdge edge = cycle[(start + i) % cycle.Length];
            if (graph.IsTransaction(edge.From)) { first = edge; }
            if (!graph.IsTransaction(edge.To)) { continue; }

            // Through a helper: the kind is that of the first half, the append that of the second.
            text.AppendLine(CultureInfo.InvariantCulture, $"  {Name(graph, first.From)} comes before {Name(graph, edge.To)}: {Why(first.Kind, edge.Append)}");
        }

        return text.ToString().TrimEnd();
    }

    private static string Why(Dependency kind, ListAppend? append) => kind switch
    {
        Dependency.Write => $"the second appended {append!.Value} to {append.List.Name} after it",
        Dependency.Read => $"it appended {append!.Value} to {append.List.Name}, which the second read",
        Dependency.Anti => $"it read {append!.List.Name} without {append.Value}, which the second appended",
        _ => "it had ended before the second began",
    };

    private static string Name(DependencyGraph graph, int node)
    {
        HistoryOperation source = graph.Transactions[node].Source;
        return $"txn of process {source.Process}{(source.Invoke.Line > 0 ? $" (line {source.Invoke.Line})" : $" at {source.Invoked} us")}";
    }
}
