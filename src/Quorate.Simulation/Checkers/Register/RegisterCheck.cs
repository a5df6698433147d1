namespace Quorate.Simulation.Checkers;

/// <summary>Whether the operations of one register have an order that explains every answer, and what it took to tell.</summary>
/// <param name="Kind">Undecided only if a search met its bound.</param>
/// <param name="States">States that a search visited; 0 if none was needed.</param>
/// <param name="StuckAt">If a search failed: no order gets past the operations that had returned at this time.</param>
internal readonly record struct RegisterDecision(VerdictKind Kind, int States = 0, long? StuckAt = null);

/// <summary>Decides about one register.</summary>
internal static class RegisterCheck
{
    /// <summary>Decides.</summary>
    /// <param name="operations">All that may have happened, in any order.</param>
    /// <param name="maxStates">Most states that a search may visit.</param>
    public static RegisterDecision Decide(IReadOnlyList<RegisterOperation> operations, int maxStates)
    {
        if (HasUniqueValues(operations))
        {
            RegisterOperation[] certain = UnknownOutcomes.Resolve(operations);
            if (Zones.FindOrder(certain) is not { } order) { return new(VerdictKind.Violated); }
            if (Mismatches.Fit(order, [.. operations.Where(o => o.Kind == RegisterKind.Mismatch)])) { return new(VerdictKind.Legal); }
        }

        return OrderSearch.Decide(operations, maxStates);
    }

    // Then a value tells which operation set it, and the order follows from what was seen.
    private static bool HasUniqueValues(IReadOnlyList<RegisterOperation> operations)
    {
        var values = new HashSet<int> { RegisterOperation.Nothing };
        return operations.All(o => !o.Sets || values.Add(o.Value));
    }
}
