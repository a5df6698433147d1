namespace Quorate.Simulation.Checkers.Etcd;

/// <summary>Findings about etcd operations.</summary>
internal static class EtcdFindings
{
    /// <summary>Notes that a rule is broken; an operation that is null is left out.</summary>
    public static void Add(this Findings findings, string rule, string sentence, params ReadOnlySpan<EtcdOperation?> operations)
    {
        var shown = new List<(HistoryOperation, string)>();
        foreach (EtcdOperation? operation in operations)
        {
            if (operation is not null) { shown.Add((operation.Source, operation.ToString())); }
        }

        findings.Add(rule, sentence, [.. shown]);
    }
}
