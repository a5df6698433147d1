namespace Quorate.Simulation.Checkers;

/// <summary>
/// A small part of a register's operations that has no order either. Only such steps are taken that keep every possible order possible:
/// were the whole legal, so would the part be. Hence a part that fails proves that the whole does.
/// </summary>
internal sealed class CounterExample
{
    // One search may take a tenth of what all may take together.
    private readonly int _maxStates;
    private long _budget;

    private CounterExample(int maxStates)
    {
        _budget = maxStates;
        _maxStates = maxStates / 10;
    }

    /// <summary>Removes operations while what is left still fails.</summary>
    /// <param name="failing">Operations without an order.</param>
    /// <param name="maxStates">How much may be spent on making it small.</param>
    public static IReadOnlyList<RegisterOperation> Minimize(IReadOnlyList<RegisterOperation> failing, int maxStates) =>
        new CounterExample(maxStates).Run(failing, RegisterCheck.Decide(failing, maxStates).StuckAt);

    private IReadOnlyList<RegisterOperation> Run(IReadOnlyList<RegisterOperation> failing, long? stuckAt)
    {
        IReadOnlyList<RegisterOperation> left = stuckAt is { } end ? ShortestSuffix(Prefix(failing, end)) : ShortestPrefix(failing);
        int before;
        do
        {
            before = left.Count;
            left = Without(left, Observations(left));
            left = Relaxed(left);
            left = Without(left, Blocks(left));
        }
        while (left.Count < before);

        return left;
    }

    private bool Fails(IReadOnlyList<RegisterOperation> operations)
    {
        if (_budget <= 0) { return false; }
        RegisterDecision decision = RegisterCheck.Decide(operations, _maxStates);
        _budget -= decision.States;
        return decision.Kind == VerdictKind.Violated;
    }

    // What happened up to a moment is legal if the whole is; operations still open then are without an answer.
    private IReadOnlyList<RegisterOperation> ShortestPrefix(IReadOnlyList<RegisterOperation> failing)
    {
        long[] ends = [.. failing.Where(o => !o.IsUnknown).Select(o => o.Returned).Distinct().Order()];
        int low = 0;
        int high = ends.Length - 1;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (Fails(Prefix(failing, ends[middle]))) { high = middle; } else { low = middle + 1; }
        }

        IReadOnlyList<RegisterOperation> prefix = Prefix(failing, ends[low]);
        return Fails(prefix) ? prefix : failing;
    }

    private static RegisterOperation[] Prefix(IReadOnlyList<RegisterOperation> operations, long end) =>
        [.. operations.Where(o => o.Invoked <= end && (o.Returned <= end || o.Sets)).Select(o => o.Returned <= end ? o : Open(o))];

    // A search fails at the end of what it was given, so a few operations before that are tried first, then twice as many, and so on.
    private IReadOnlyList<RegisterOperation> ShortestSuffix(RegisterOperation[] failing)
    {
        long[] starts = [.. failing.Select(o => o.Invoked).Distinct().OrderDescending()];
        for (int count = 4; count < starts.Length; count *= 2)
        {
            List<RegisterOperation> suffix = Suffix(failing, starts[count]);
            if (Fails(suffix)) { return suffix; }
        }

        return failing;
    }

    // What happened from a moment on is legal if the whole is, the register holding then whatever it may have been set to before:
    // writes at that moment stand for it. Operations open then may have taken effect before, so they are without an answer.
    private static List<RegisterOperation> Suffix(RegisterOperation[] operations, long start)
    {
        var suffix = operations
            .Where(o => o.Invoked >= start || (o.Returned >= start && o.Sets)).Select(o => o.Invoked >= start ? o : Open(o)).ToList();
        var before = new SortedDictionary<int, HistoryOperation?> { [RegisterOperation.Nothing] = null, [int.MaxValue] = null };
        foreach (RegisterOperation o in operations.Where(o => o.Sets && o.Invoked < start).OrderBy(o => o.Invoked)) { before[o.Value] = o.Source; }
        HashSet<int> wanted = [int.MaxValue, .. suffix.Where(o => o.Kind != RegisterKind.Write).Select(o => o.Seen)];
        suffix.AddRange(before.Where(b => wanted.Contains(b.Key)).Select(b => new RegisterOperation
        {
            Source = b.Value,
            Kind = RegisterKind.Write,
            Value = b.Key,
            Invoked = start - 1,
            Returned = start - 1,
        }));
        return suffix;
    }

    private static RegisterOperation Open(RegisterOperation o) =>
        o with { Returned = long.MaxValue, Kind = o.Kind == RegisterKind.Write ? o.Kind : RegisterKind.Attempt };

    // A swap counts as a blind write, which demands less: then what came before it can go.
    private IReadOnlyList<RegisterOperation> Relaxed(IReadOnlyList<RegisterOperation> operations)
    {
        IReadOnlyList<RegisterOperation> left = operations;
        for (int i = 0; i < left.Count; i++)
        {
            if (left[i].Kind != RegisterKind.Swap) { continue; }
            int at = i;
            RegisterOperation[] relaxed = [.. left.Select((o, k) => k == at ? o with { Kind = RegisterKind.Write, Seen = RegisterOperation.Nothing } : o)];
            if (Fails(relaxed)) { left = relaxed; }
        }

        return left;
    }

    private static List<HashSet<RegisterOperation>> Observations(IReadOnlyList<RegisterOperation> operations) =>
        [.. operations.Where(o => !o.Sets).Select(o => new HashSet<RegisterOperation>(ReferenceEqualityComparer.Instance) { o })];

    // All that set or saw a value, and what follows from it. Whoever does not speak of the value cannot miss it, except a mismatch:
    // without the value between, the register might hold what the mismatch did not find.
    private static List<HashSet<RegisterOperation>> Blocks(IReadOnlyList<RegisterOperation> operations)
    {
        var blocks = new List<HashSet<RegisterOperation>>();
        var done = new HashSet<RegisterOperation>(ReferenceEqualityComparer.Instance);
        ILookup<int, RegisterOperation> speakers = operations.SelectMany(o => ValuesOf(o).Select(v => (Value: v, Operation: o))).ToLookup(p => p.Value, p => p.Operation);
        ILookup<int, RegisterOperation> setters = operations.Where(o => o.Sets).ToLookup(o => o.Value);
        RegisterOperation[] mismatches = [.. operations.Where(o => o.Kind == RegisterKind.Mismatch)];
        foreach (RegisterOperation root in operations.Where(o => o.Sets))
        {
            if (done.Contains(root)) { continue; }
            var block = new HashSet<RegisterOperation>(ReferenceEqualityComparer.Instance) { root };
            var open = new Stack<int>([root.Value]);
            var values = new HashSet<int>();
            while (open.TryPop(out int value))
            {
                if (value == RegisterOperation.Nothing || !values.Add(value)) { continue; }
                foreach (RegisterOperation o in speakers[value])
                {
                    block.Add(o);
                    if (o.Sets) { open.Push(o.Value); }
                }
            }

            done.UnionWith(block);
            long end = block.Max(o => o.Returned);
            bool isSafe = mismatches.All(m => block.Contains(m)
                || (m.Seen != RegisterOperation.Nothing && setters[m.Seen].All(setter => end < setter.Invoked)));
            if (isSafe && !values.Contains(RegisterOperation.Nothing) && root.Value != RegisterOperation.Nothing) { blocks.Add(block); }
        }

        return blocks;
    }

    private static int[] ValuesOf(RegisterOperation o) => o.Kind switch
    {
        RegisterKind.Write => [o.Value],
        RegisterKind.Swap or RegisterKind.Attempt => o.Seen == o.Value ? [o.Value] : [o.Seen, o.Value],
        _ => [o.Seen],
    };

    // Large shares first: half of them, a quarter, and so on down to single ones.
    private IReadOnlyList<RegisterOperation> Without(IReadOnlyList<RegisterOperation> operations, List<HashSet<RegisterOperation>> removable)
    {
        IReadOnlyList<RegisterOperation> left = operations;
        for (int share = Math.Max(1, removable.Count / 2); removable.Count > 0; share /= 2)
        {
            for (int i = 0; i < removable.Count;)
            {
                int taken = Math.Min(share, removable.Count - i);
                HashSet<RegisterOperation> gone = new(removable.Skip(i).Take(taken).SelectMany(o => o), ReferenceEqualityComparer.Instance);
                RegisterOperation[] rest = [.. left.Where(o => !gone.Contains(o))];
                if (Fails(rest))
                {
                    left = rest;
                    removable.RemoveRange(i, taken);
                }
                else
                {
                    i += taken;
                }
            }

            if (share == 1) { break; }
        }

        return left;
    }
}
