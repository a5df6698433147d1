namespace Quorate.Simulation.Checkers;

/// <summary>
/// Looks for cycles made of some kinds of edges; on request only for cycles without two adjacent anti-dependencies, which is what
/// snapshot isolation forbids (Cerone and Gotsman, "Analysing snapshot isolation", 2016).
/// </summary>
/// <remarks>
/// A state is a node and whether it was entered by an anti-dependency. Where adjacent ones are forbidden, such a state has no
/// further anti-dependency; so cycles of states are exactly the cycles wanted, and Tarjan's algorithm finds them in linear time.
/// </remarks>
internal sealed class CycleSearch
{
    private readonly DependencyGraph _graph;
    private readonly Dependency _kinds;
    private readonly bool _isAdjacentForbidden;
    private readonly int[] _component;

    public CycleSearch(DependencyGraph graph, Dependency kinds, bool isAdjacentForbidden)
    {
        _graph = graph;
        _kinds = kinds | Dependency.Continued;
        _isAdjacentForbidden = isAdjacentForbidden;
        _component = new int[graph.Nodes * 2];
    }

    /// <summary>A short cycle from each strongly connected part, as edges.</summary>
    public IEnumerable<DependencyEdge[]> Cycles()
    {
        foreach (int[] part in Parts())
        {
            DependencyEdge[]? best = null;
            foreach (int state in part.Where(s => _graph.IsTransaction(s >> 1)).OrderByDescending(BackInTime).Take(MostStarts))
            {
                DependencyEdge[] cycle = ShortestFrom(state);
                if (best is null || Length(cycle) < Length(best)) { best = cycle; }
            }

            if (best is not null) { yield return best; }
        }
    }

    // In a part of thousands a few starts are enough for a cycle that can be read, if they are near what is wrong.
    private const int MostStarts = 8;

    // Most edges lead forward in time; every cycle needs one that does not, and the one that leads back furthest is the likely culprit.
    private long BackInTime(int state)
    {
        long most = long.MinValue;
        foreach (DependencyEdge edge in _graph.From(state >> 1))
        {
            if (!Follow(state, edge, out int to) || _component[to] != _component[state] || !_graph.IsTransaction(edge.To)) { continue; }
            most = Math.Max(most, _graph.Transactions[edge.From].Source.Invoked - _graph.Transactions[edge.To].Source.Invoked);
        }

        return most;
    }

    private int Length(DependencyEdge[] cycle) => cycle.Count(e => _graph.IsTransaction(e.From));

    private bool Follow(int state, DependencyEdge edge, out int next)
    {
        next = edge.To * 2;
        if ((edge.Kind & _kinds) == 0) { return false; }
        if (!_isAdjacentForbidden) { return true; }
        bool entered = (state & 1) == 1;
        if (edge.Kind == Dependency.Continued) { next += state & 1; }
        if (edge.Kind == Dependency.Anti) { next++; }
        return !(entered && edge.Kind == Dependency.Anti);
    }

    // Tarjan's strongly connected components, without recursion; parts of one state are no cycle, since no edge leads to itself.
    private List<int[]> Parts()
    {
        int count = _component.Length;
        int[] order = new int[count];
        int[] low = new int[count];
        bool[] isOpen = new bool[count];
        int[] edge = new int[count];
        var open = new Stack<int>();
        var path = new Stack<int>();
        var parts = new List<int[]>();
        int next = 1;
        int components = 1;
        for (int root = 0; root < count; root++)
        {
            if (order[root] != 0) { continue; }
            path.Push(root);
            while (path.TryPeek(out int state))
            {
                if (order[state] == 0)
                {
                    order[state] = low[state] = next++;
                    isOpen[state] = true;
                    open.Push(state);
                }

                ReadOnlySpan<DependencyEdge> edges = _graph.From(state >> 1);
                bool isDeeper = false;
                while (edge[state] < edges.Length)
                {
                    if (!Follow(state, edges[edge[state]++], out int to)) { continue; }
                    if (order[to] == 0)
                    {
                        path.Push(to);
                        isDeeper = true;
                        break;
                    }

                    if (isOpen[to]) { low[state] = Math.Min(low[state], order[to]); }
                }

                if (isDeeper) { continue; }
                path.Pop();
                if (path.TryPeek(out int parent)) { low[parent] = Math.Min(low[parent], low[state]); }
                if (low[state] != order[state]) { continue; }
                var part = new List<int>();
                int member;
                do
                {
                    member = open.Pop();
                    isOpen[member] = false;
                    _component[member] = components;
                    part.Add(member);
                }
                while (member != state);
                components++;
                if (part.Count > 1) { parts.Add([.. part]); }
            }
        }

        return parts;
    }

    // Breadth first within the part; steps between helpers are free, so that what counts is the number of transactions.
    private DependencyEdge[] ShortestFrom(int start)
    {
        var cameBy = new Dictionary<int, (int State, DependencyEdge Edge)>();
        var queue = new LinkedList<int>([start]);
        while (queue.First is { } node)
        {
            int state = node.Value;
            queue.RemoveFirst();
            foreach (DependencyEdge edge in _graph.From(state >> 1))
            {
                if (!Follow(state, edge, out int to) || _component[to] != _component[start] || cameBy.ContainsKey(to)) { continue; }
                cameBy.Add(to, (state, edge));
                if (to == start) { return PathTo(start, cameBy); }
                if (_graph.IsTransaction(to >> 1)) { queue.AddLast(to); } else { queue.AddFirst(to); }
            }
        }

        throw Core.Invariant.Unreachable(start);
    }

    private static DependencyEdge[] PathTo(int start, Dictionary<int, (int State, DependencyEdge Edge)> cameBy)
    {
        var path = new List<DependencyEdge>();
        int state = start;
        do
        {
            (state, DependencyEdge edge) = cameBy[state];
            path.Add(edge);
        }
        while (state != start);
        path.Reverse();
        return [.. path];
    }
}
