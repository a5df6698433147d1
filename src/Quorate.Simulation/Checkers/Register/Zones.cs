namespace Quorate.Simulation.Checkers;

/// <summary>
/// Orders certain operations on a register of unique values, without search (after Gibbons and Korach, "Testing shared memories", 1997,
/// with chains of compare-and-sets added).
/// </summary>
/// <remarks>
/// A block is what must stand together: a blind write, the reads of its value, the swap that replaced it, the reads of that value, and
/// so on. Inside, the order is fixed. Of two blocks, A must precede B if and only if some operation of A returned before some operation
/// of B was asked: least return of A less than greatest call of B. Any cycle of such demands contains one of two blocks, so an order
/// exists if and only if no two forward zones [least return, greatest call] overlap and no backward zone (call before return) lies
/// inside a forward one.
/// </remarks>
internal static class Zones
{
    /// <summary>An order of all operations that explains every answer; null if there is none.</summary>
    /// <param name="operations">Reads, writes and swaps, all with a return; no value set twice, <see cref="RegisterOperation.Nothing"/> never.</param>
    public static RegisterOperation[]? FindOrder(RegisterOperation[] operations)
    {
        if (BlocksOf(operations) is not { } blocks) { return null; }
        Block[] forward = [.. blocks.Where(b => b.LeastReturn < b.GreatestCall).OrderBy(b => b.LeastReturn)];
        for (int i = 1; i < forward.Length; i++)
        {
            if (forward[i].LeastReturn < forward[i - 1].GreatestCall) { return null; }
        }

        long[] starts = [.. forward.Select(b => b.LeastReturn)];
        foreach (Block backward in blocks.Where(b => b.LeastReturn >= b.GreatestCall))
        {
            int around = LastBelow(starts, backward.GreatestCall);
            if (around >= 0 && backward.LeastReturn < forward[around].GreatestCall) { return null; }
        }

        // The lower end of each zone orders them; at equal ends a backward zone comes first.
        return [.. blocks
            .OrderBy(b => Math.Min(b.LeastReturn, b.GreatestCall))
            .ThenBy(b => b.LeastReturn < b.GreatestCall)
            .SelectMany(b => b.Operations)];
    }

    private static List<Block>? BlocksOf(RegisterOperation[] operations)
    {
        var readers = operations.Where(o => o.Kind == RegisterKind.Read).ToLookup(o => o.Seen);
        var swaps = new Dictionary<int, RegisterOperation>();
        foreach (RegisterOperation swap in operations.Where(o => o.Kind == RegisterKind.Swap))
        {
            if (!swaps.TryAdd(swap.Seen, swap)) { return null; } // Two replaced the same value.
        }

        var blocks = new List<Block>();
        int placed = 0;
        if (!Add(new Block { LeastReturn = -1 }, RegisterOperation.Nothing)) { return null; } // As if nothing had been written before all.
        foreach (RegisterOperation write in operations.Where(o => o.Kind == RegisterKind.Write))
        {
            var block = new Block();
            if (!block.Append([write]) || !Add(block, write.Value)) { return null; }
        }

        // What is left over saw a value that nobody set, or swaps that wait for each other.
        return placed == operations.Length ? blocks : null;

        bool Add(Block block, int value)
        {
            while (true)
            {
                if (!block.Append(readers[value].OrderBy(read => read.Invoked))) { return false; }
                if (!swaps.TryGetValue(value, out RegisterOperation? swap)) { break; }
                if (!block.Append([swap])) { return false; }
                value = swap.Value;
            }

            if (block.Operations.Count == 0) { return true; } // Nobody saw the register empty.
            placed += block.Operations.Count;
            blocks.Add(block);
            return true;
        }
    }

    private static int LastBelow(long[] sorted, long bound)
    {
        int low = 0;
        int high = sorted.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (sorted[middle] < bound) { low = middle + 1; } else { high = middle; }
        }

        return low - 1;
    }

    private sealed class Block
    {
        public List<RegisterOperation> Operations { get; } = [];

        public long LeastReturn { get; set; } = long.MaxValue;

        public long GreatestCall { get; private set; } = -1;

        // Each stage comes after all before it; false if one of it had returned before one of them was asked.
        public bool Append(IEnumerable<RegisterOperation> stage)
        {
            long callsBefore = GreatestCall;
            foreach (RegisterOperation operation in stage)
            {
                if (operation.Returned < callsBefore) { return false; }
                Operations.Add(operation);
                LeastReturn = Math.Min(LeastReturn, operation.Returned);
                GreatestCall = Math.Max(GreatestCall, operation.Invoked);
            }

            return true;
        }
    }
}
