namespace Quorate.Simulation.Checkers;

/// <summary>Fits compare-and-sets that did not match into an order that was found without them.</summary>
internal static class Mismatches
{
    /// <summary>True if all fit. If not, another order may still take them.</summary>
    /// <param name="order">Operations in order; each value is held for one unbroken stretch.</param>
    /// <param name="mismatches">To be fitted in.</param>
    public static bool Fit(RegisterOperation[] order, RegisterOperation[] mismatches)
    {
        if (mismatches.Length == 0) { return true; }

        // Place p is after p operations. Of value[p] the stretch goes on to before until[p].
        int count = order.Length;
        int[] value = new int[count + 1];
        for (int i = 0; i < count; i++) { value[i + 1] = order[i].Sets ? order[i].Value : value[i]; }
        int[] until = new int[count + 1];
        until[count] = count + 1;
        for (int i = count - 1; i >= 0; i--) { until[i] = value[i] == value[i + 1] ? until[i + 1] : i + 1; }
        long[] leastReturnFrom = new long[count];
        long[] greatestCallTo = new long[count];
        for (int i = 0; i < count; i++) { greatestCallTo[i] = Math.Max(i > 0 ? greatestCallTo[i - 1] : -1, order[i].Invoked); }
        for (int i = count - 1; i >= 0; i--) { leastReturnFrom[i] = Math.Min(i + 1 < count ? leastReturnFrom[i + 1] : long.MaxValue, order[i].Returned); }

        // Taking the first place for each is best: a place only bounds, from below, those asked after it returned.
        RegisterOperation[] asked = [.. mismatches.OrderBy(m => m.Invoked)];
        var ended = new PriorityQueue<int, long>();
        int least = 0;
        foreach (RegisterOperation mismatch in asked)
        {
            while (ended.TryPeek(out int place, out long returned) && returned < mismatch.Invoked)
            {
                least = Math.Max(least, place);
                ended.Dequeue();
            }

            int first = Math.Max(least, First(leastReturnFrom, t => t >= mismatch.Invoked));
            int last = First(greatestCallTo, t => t > mismatch.Returned);
            if (value[first] == mismatch.Seen) { first = until[first]; }
            if (first > last) { return false; }
            ended.Enqueue(first, mismatch.Returned);
        }

        return true;
    }

    // The first index at which a rising sequence satisfies the condition; its length if none does.
    private static int First(long[] rising, Func<long, bool> condition)
    {
        int low = 0;
        int high = rising.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (condition(rising[middle])) { high = middle; } else { low = middle + 1; }
        }

        return low;
    }
}
