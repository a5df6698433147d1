using Quorate.Core;

namespace Quorate.Simulation.Checkers;

/// <summary>
/// Searches for an order of the operations that explains every answer, whatever the values: Wing and Gong's depth-first search with
/// Lowe's memo ("Testing for linearizability", 2017). Exponential at worst, hence a bound.
/// </summary>
internal sealed class OrderSearch
{
    private readonly RegisterOperation[] _operations;
    private readonly int[] _callNode;
    private readonly int[] _returnNode;
    private readonly int[] _operationAt; // By node; calls as they are, returns as -1.
    private readonly int[] _next;
    private readonly int[] _previous;
    private readonly int _head; // The list of events is a ring through this node.
    private readonly int[] _twin; // An earlier unanswered operation that asks the same: it goes first, since one is as good as the other.
    private readonly bool[] _isPlaced;
    private readonly UInt128[] _code;
    private readonly HashSet<(UInt128 Placed, int Value)> _met = [];
    private readonly Stack<(int Operation, int Value, bool IsForced)> _path = new();
    private readonly long[] _returnTime; // By node; returns only.
    private long _stuckAt = -1;
    private UInt128 _placed;
    private int _value;
    private int _waiting;

    private OrderSearch(RegisterOperation[] operations)
    {
        int count = operations.Length;
        _operations = operations;
        var events = new List<(long Time, int Kind, int Operation)>(count * 2);
        for (int i = 0; i < count; i++)
        {
            events.Add((operations[i].Invoked, 0, i)); // A call before a return of the same time: they count as concurrent.
            if (!operations[i].IsUnknown) { events.Add((operations[i].Returned, 1, i)); }
        }

        events.Sort();
        _waiting = operations.Count(o => !o.IsUnknown);
        _head = events.Count;
        _next = new int[_head + 1];
        _previous = new int[_head + 1];
        _operationAt = new int[_head];
        _returnTime = new long[_head];
        _callNode = new int[count];
        _returnNode = new int[count];
        Array.Fill(_returnNode, -1);
        for (int i = 0; i < _head; i++)
        {
            _next[i] = i + 1;
            _previous[i + 1] = i;
            (long time, int kind, int operation) = events[i];
            _operationAt[i] = kind == 0 ? operation : -1;
            _returnTime[i] = kind == 0 ? -1 : time;
            if (kind == 0) { _callNode[operation] = i; } else { _returnNode[operation] = i; }
        }

        _next[_head] = _head == 0 ? _head : 0;
        _previous[0] = _head;
        var random = new Prng(1);
        _code = new UInt128[count];
        for (int i = 0; i < count; i++) { _code[i] = new(random.Next(), random.Next()); }
        _isPlaced = new bool[count];
        _twin = new int[count];
        var latest = new Dictionary<(RegisterKind, int, int), int>();
        foreach (int i in Enumerable.Range(0, count).OrderBy(i => operations[i].Invoked))
        {
            RegisterOperation o = operations[i];
            _twin[i] = o.IsUnknown && latest.TryGetValue((o.Kind, o.Seen, o.Value), out int twin) ? twin : -1;
            if (o.IsUnknown) { latest[(o.Kind, o.Seen, o.Value)] = i; }
        }
    }

    /// <summary>Decides; undecided if more than that many states were visited.</summary>
    public static RegisterDecision Decide(IReadOnlyList<RegisterOperation> operations, int maxStates)
    {
        var search = new OrderSearch([.. WithoutIrrelevant(operations)]);
        return new(search.Run(maxStates), search._met.Count, search._stuckAt);
    }

    // An unanswered write whose value nobody looks for need not have happened, unless a mismatch may owe itself to it.
    private static IEnumerable<RegisterOperation> WithoutIrrelevant(IReadOnlyList<RegisterOperation> operations)
    {
        if (operations.Any(o => o.Kind == RegisterKind.Mismatch)) { return operations; }
        HashSet<int> wanted = [.. operations.Where(o => o.Kind != RegisterKind.Write).Select(o => o.Seen)];
        return operations.Where(o => !o.IsUnknown || wanted.Contains(o.Value));
    }

    private VerdictKind Run(int maxStates)
    {
        int node = _head;
        bool isNewState = true;
        while (true)
        {
            if (isNewState)
            {
                PlaceWhatChangesNothing();
                if (_waiting == 0) { return VerdictKind.Legal; }
                if (_met.Count >= maxStates) { return VerdictKind.Undecided; }
                isNewState = false;
                if (_met.Add((_placed, _value)))
                {
                    node = _next[_head];
                }
                else if (!StepBack(out node))
                {
                    return VerdictKind.Violated;
                }
            }

            if (node != _head && _operationAt[node] is >= 0 and var operation)
            {
                bool isTwinFirst = _twin[operation] < 0 || _isPlaced[_twin[operation]];
                if (isTwinFirst && _operations[operation].TryApply(_value, out int after))
                {
                    Place(operation, after, isForced: false);
                    isNewState = true;
                }
                else
                {
                    node = _next[node];
                }
            }
            else
            {
                // A return whose call is not placed, and nothing left to try.
                if (node != _head) { _stuckAt = Math.Max(_stuckAt, _returnTime[node]); }
                if (!StepBack(out node)) { return VerdictKind.Violated; }
            }
        }
    }

    // A read that fits, or a mismatch, is never worse now than later: no other choice need be tried in its place.
    private void PlaceWhatChangesNothing()
    {
        int node = _next[_head];
        while (node != _head && _operationAt[node] is >= 0 and var operation)
        {
            RegisterOperation o = _operations[operation];
            if (!o.Sets && o.TryApply(_value, out _))
            {
                Place(operation, _value, isForced: true);
                node = _next[_head]; // Its return is gone, so further calls may have come near.
            }
            else
            {
                node = _next[node];
            }
        }
    }

    private void Place(int operation, int after, bool isForced)
    {
        _path.Push((operation, _value, isForced));
        _placed ^= _code[operation];
        _isPlaced[operation] = true;
        _value = after;
        Unlink(_callNode[operation]);
        if (_returnNode[operation] < 0) { return; }
        _waiting--;
        Unlink(_returnNode[operation]);
    }

    // Takes back up to and with the last choice; what comes after it in the list is to be tried next.
    private bool StepBack(out int node)
    {
        while (_path.TryPop(out (int Operation, int Value, bool IsForced) last))
        {
            _placed ^= _code[last.Operation];
            _isPlaced[last.Operation] = false;
            _value = last.Value;
            if (_returnNode[last.Operation] >= 0)
            {
                _waiting++;
                Relink(_returnNode[last.Operation]);
            }

            Relink(_callNode[last.Operation]);
            node = _next[_callNode[last.Operation]];
            if (!last.IsForced) { return true; }
        }

        node = _head;
        return false;
    }

    private void Unlink(int node)
    {
        _next[_previous[node]] = _next[node];
        _previous[_next[node]] = _previous[node];
    }

    private void Relink(int node)
    {
        _next[_previous[node]] = node;
        _previous[_next[node]] = node;
    }
}
