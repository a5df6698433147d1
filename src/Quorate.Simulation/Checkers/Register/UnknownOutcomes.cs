namespace Quorate.Simulation.Checkers;

/// <summary>
/// What became of the operations without an answer, if every value was set by one operation only: whoever saw a value proves that it
/// was set, before the seer's own return. What nobody saw can be left out, as if it had not happened.
/// </summary>
internal static class UnknownOutcomes
{
    /// <summary>The certain operations, without mismatches, and the unanswered ones that certainly happened, with a return.</summary>
    public static RegisterOperation[] Resolve(IReadOnlyList<RegisterOperation> operations)
    {
        var unknown = new Dictionary<int, RegisterOperation>();
        foreach (RegisterOperation o in operations)
        {
            if (o.IsUnknown && o.Sets) { unknown.Add(o.Value, o); }
        }

        RegisterOperation[] answered = [.. operations.Where(o => !o.IsUnknown && o.Kind != RegisterKind.Mismatch)];
        if (unknown.Count == 0) { return answered; }
        var seenBy = new Dictionary<int, long>(); // The unknown values that were seen, and the earliest return of a seer.
        foreach (RegisterOperation o in answered)
        {
            if (o.Sees) { See(o.Seen, o.Returned); }
        }

        return [.. answered, .. seenBy.Select(seen => unknown[seen.Key] is var o && o.Kind == RegisterKind.Attempt
            ? o with { Kind = RegisterKind.Swap, Returned = seen.Value }
            : o with { Returned = seen.Value })];

        // A swap that certainly happened saw its expected value, which may be of unknown outcome in turn.
        void See(int value, long before)
        {
            while (unknown.TryGetValue(value, out RegisterOperation? writer) && (!seenBy.TryGetValue(value, out long known) || before < known))
            {
                seenBy[value] = before;
                if (writer.Kind != RegisterKind.Attempt) { return; }
                value = writer.Seen;
            }
        }
    }
}
