using System.Text;
using Quorate.Core;

namespace Quorate.Simulation;

/// <summary>
/// Is there an order of the operations, one at a time, that every client could have seen? (Herlihy and Wing, 1990.)
/// </summary>
/// <remarks>
/// Registers are independent, so each key is searched alone (locality). The search is Wing and Gong's with Lowe's memo ("Testing for
/// linearizability", 2017): depth first over the operations that may come next; a set of operations and a value that were met
/// before need not be met again. An operation without an answer may be placed anywhere after it was asked, or nowhere.
/// </remarks>
public static class Linearizability
{
    /// <summary>Throws <see cref="NotLinearizableException"/>, naming the operations of the key at which it fails, unless the history is linearizable.</summary>
    public static void Check(History history)
    {
        foreach (IGrouping<int, RegisterOperation> key in history.Operations.GroupBy(o => o.Key).OrderBy(group => group.Key))
        {
            RegisterOperation[] operations = [.. WithoutIrrelevant([.. key])];
            if (FindOrder(operations, out int reached) is null)
            {
                throw new NotLinearizableException(Explain(key.Key, operations, reached));
            }
        }
    }

    /// <summary>True if the history is linearizable.</summary>
    public static bool IsLinearizable(History history) =>
        history.Operations.GroupBy(o => o.Key).All(key => FindOrder([.. WithoutIrrelevant([.. key])], out _) is not null);

    // An unanswered write whose value nobody saw can be left out, unless a compare that failed may owe its failure to it. An
    // unanswered read says nothing.
    private static IEnumerable<RegisterOperation> WithoutIrrelevant(RegisterOperation[] operations)
    {
        bool anyMismatch = operations.Any(o => o.Action == RegisterAction.CompareAndSet && !o.IsUnknown && !o.Matched);
        var seen = new HashSet<long>();
        foreach (RegisterOperation o in operations)
        {
            if (o.Action == RegisterAction.Read && !o.IsUnknown) { seen.Add(o.Seen); }
            if (o.Action == RegisterAction.CompareAndSet) { seen.Add(o.Expected); }
        }

        return operations.Where(o =>
            !o.IsUnknown || (o.Action != RegisterAction.Read && (anyMismatch || seen.Contains(o.Value))));
    }

    private static List<int>? FindOrder(RegisterOperation[] operations, out int reached)
    {
        int count = operations.Length;
        int mustReturn = operations.Count(o => !o.IsUnknown);
        reached = 0;

        // A doubly linked list of events in order of time: each operation's call, and its return if there is one. A return at
        // the same moment as a call counts as concurrent with it.
        int[] callNode = new int[count];
        var events = new List<(long Time, int Kind, int Op)>(count * 2);
        for (int i = 0; i < count; i++)
        {
            events.Add((operations[i].Invoked, 0, i));
            if (!operations[i].IsUnknown) { events.Add((operations[i].Returned, 1, i)); }
        }

        events.Sort();
        int nodes = events.Count;
        int[] next = new int[nodes + 1];
        int[] previous = new int[nodes + 1];
        int[] returnNode = new int[count];
        Array.Fill(returnNode, -1);
        for (int i = 0; i < nodes; i++)
        {
            next[i] = i + 1;
            previous[i + 1] = i;
            if (events[i].Kind == 0) { callNode[events[i].Op] = i; } else { returnNode[events[i].Op] = i; }
        }

        int head = nodes; // The list is circular through this node.
        next[head] = nodes == 0 ? head : 0;
        previous[0] = head;

        var random = new Prng(1);
        UInt128[] code = new UInt128[count];
        for (int i = 0; i < count; i++) { code[i] = new(random.Next(), random.Next()); }

        var met = new HashSet<(UInt128 Set, long Value)>();
        var order = new List<int>();
        var undo = new Stack<(int Op, long Value)>();
        UInt128 set = 0;
        long value = 0;
        int returned = 0;
        int node = next[head];
        while (true)
        {
            if (returned == mustReturn) { return order; }
            if (node != head && events[node].Kind == 0)
            {
                int op = events[node].Op;
                if (TryApply(operations[op], value, out long after) && met.Add((set ^ code[op], after)))
                {
                    undo.Push((op, value));
                    order.Add(op);
                    set ^= code[op];
                    value = after;
                    if (returnNode[op] >= 0) { returned++; }
                    reached = Math.Max(reached, order.Count);
                    Unlink(callNode[op]);
                    if (returnNode[op] >= 0) { Unlink(returnNode[op]); }
                    node = next[head];
                    continue;
                }

                node = next[node];
                continue;
            }

            // A return whose call is not placed yet, or the end of the list: nothing fits here, go back one step.
            if (undo.Count == 0) { return null; }
            (int last, value) = undo.Pop();
            order.RemoveAt(order.Count - 1);
            set ^= code[last];
            if (returnNode[last] >= 0)
            {
                returned--;
                Relink(returnNode[last]);
            }

            Relink(callNode[last]);
            node = next[callNode[last]];
        }

        void Unlink(int i)
        {
            next[previous[i]] = next[i];
            previous[next[i]] = previous[i];
        }

        void Relink(int i)
        {
            next[previous[i]] = i;
            previous[next[i]] = i;
        }
    }

    private static bool TryApply(RegisterOperation operation, long value, out long after)
    {
        after = value;
        switch (operation.Action)
        {
            case RegisterAction.Read:
                return operation.Seen == value;
            case RegisterAction.Write:
                after = operation.Value;
                return true;
            default:
                bool matches = operation.Expected == value;
                if (matches) { after = operation.Value; }
                return operation.IsUnknown || matches == operation.Matched;
        }
    }

    private static string Explain(int key, RegisterOperation[] operations, int reached)
    {
        var text = new StringBuilder();
        text.AppendLine(System.Globalization.CultureInfo.InvariantCulture,
            $"key {key} is not linearizable: at most {reached} of {operations.Length} operations fit into one order");
        foreach (RegisterOperation operation in operations.OrderBy(o => o.Invoked).Skip(Math.Max(0, reached - 10)).Take(30))
        {
            text.AppendLine(operation.ToString());
        }

        return text.ToString();
    }
}

/// <summary>No order of the operations explains what the clients saw.</summary>
public sealed class NotLinearizableException : Exception
{
    /// <summary>Creates the exception.</summary>
    public NotLinearizableException(string message)
        : base(message)
    {
    }
}
