namespace Quorate.Simulation.Checkers;

/// <summary>Why one transaction must come before another (Adya, 1999).</summary>
[Flags]
internal enum Dependency
{
    None = 0,

    /// <summary>ww: the other appended after it to the same list.</summary>
    Write = 1,

    /// <summary>wr: the other read what it had appended.</summary>
    Read = 2,

    /// <summary>rw: the other appended what it had not yet read (anti-dependency).</summary>
    Anti = 4,

    /// <summary>It had ended before the other began.</summary>
    RealTime = 8,

    /// <summary>The second half of an anti-dependency that goes through a helper node.</summary>
    Continued = 16,
}

/// <summary>An edge of the graph.</summary>
/// <param name="From">Node that comes first.</param>
/// <param name="To">Node that comes later.</param>
/// <param name="Kind">Why.</param>
/// <param name="Append">The append that the reason is about; null for real time.</param>
internal readonly record struct DependencyEdge(int From, int To, Dependency Kind, ListAppend? Append);

/// <summary>
/// Transactions and what must come before what. Nodes beyond the transactions are helpers that keep the number of edges linear: a
/// chain of ends for real time, and for each list one node between the readers of its whole order and its unseen appends.
/// </summary>
internal sealed class DependencyGraph
{
    private readonly List<DependencyEdge> _edges = [];
    private int[] _first = [];
    private DependencyEdge[] _sorted = [];

    private DependencyGraph(IReadOnlyList<Transaction> transactions)
    {
        Transactions = transactions;
        Nodes = transactions.Count;
    }

    public IReadOnlyList<Transaction> Transactions { get; }

    public int Nodes { get; private set; }

    /// <summary>True for a transaction, false for a helper.</summary>
    public bool IsTransaction(int node) => node < Transactions.Count;

    /// <summary>Edges that begin at a node.</summary>
    public ReadOnlySpan<DependencyEdge> From(int node) => _sorted.AsSpan(_first[node].._first[node + 1]);

    public static DependencyGraph Build(IReadOnlyList<Transaction> committed, IEnumerable<AppendList> lists, bool withRealTime)
    {
        var graph = new DependencyGraph(committed);
        foreach (AppendList list in lists) { graph.Add(list); }
        if (withRealTime) { graph.AddRealTime(); }
        graph.Sort();
        return graph;
    }

    private void Add(AppendList list)
    {
        for (int i = 1; i < list.Order.Length; i++) { Add(list.Order[i - 1].By, list.Order[i].By, Dependency.Write, list.Order[i]); }
        if (list.Order.Length > 0)
        {
            foreach (ListAppend unseen in list.Unseen) { Add(list.Order[^1].By, unseen.By, Dependency.Write, unseen); }
        }

        int helper = -1;
        HashSet<Transaction> late = [.. list.Unseen.Select(a => a.By)];
        bool haveRivals = list.Reads.Count(r => r.Seen.Length == list.Order.Length && late.Contains(r.By)) > 1;
        foreach (ListRead read in list.Reads)
        {
            int seen = read.Seen.Length;
            if (seen > list.Order.Length) { continue; } // The list's order could not be found.
            if (seen > 0) { Add(list.Order[seen - 1].By, read.By, Dependency.Read, list.Order[seen - 1]); }
            if (seen < list.Order.Length)
            {
                Add(read.By, list.Order[seen].By, Dependency.Anti, list.Order[seen]);
            }
            else if (late.Contains(read.By))
            {
                // It read the whole order and then appended, so its append is the next. (If there are two of its kind, that is a
                // lost update, told already, and edges to some others suffice.) It must not come before itself, so no helper.
                foreach (ListAppend unseen in list.Unseen.Where(a => a.By != read.By).Take(haveRivals ? MostDirect : int.MaxValue))
                {
                    Add(read.By, unseen.By, haveRivals ? Dependency.Anti : Dependency.Write, unseen);
                }
            }
            else if (late.Count > 0)
            {
                if (helper < 0)
                {
                    helper = Nodes++;
                    foreach (ListAppend unseen in list.Unseen) { _edges.Add(new(helper, unseen.By.Node, Dependency.Continued, unseen)); }
                }

                _edges.Add(new(read.By.Node, helper, Dependency.Anti, list.Unseen[0]));
            }
        }
    }

    private const int MostDirect = 64;

    private void Add(Transaction from, Transaction to, Dependency kind, ListAppend append)
    {
        if (from != to) { _edges.Add(new(from.Node, to.Node, kind, append)); }
    }

    // ended -> end 1 -> end 2 -> .. -> begins: whoever ended before another began comes before it.
    private void AddRealTime()
    {
        Transaction[] ends = [.. Transactions.Where(t => !t.Source.IsUnknown).OrderBy(t => t.Source.Returned)];
        int chain = Nodes;
        Nodes += ends.Length;
        for (int i = 0; i < ends.Length; i++)
        {
            _edges.Add(new(ends[i].Node, chain + i, Dependency.RealTime, null));
            if (i > 0) { _edges.Add(new(chain + i - 1, chain + i, Dependency.RealTime, null)); }
        }

        int ended = 0;
        foreach (Transaction begins in Transactions.OrderBy(t => t.Source.Invoked))
        {
            while (ended < ends.Length && ends[ended].Source.Returned < begins.Source.Invoked) { ended++; }
            if (ended > 0) { _edges.Add(new(chain + ended - 1, begins.Node, Dependency.RealTime, null)); }
        }
    }

    private void Sort()
    {
        _first = new int[Nodes + 1];
        foreach (DependencyEdge edge in _edges) { _first[edge.From + 1]++; }
        for (int i = 0; i < Nodes; i++) { _first[i + 1] += _first[i]; }
        int[] next = [.. _first];
        _sorted = new DependencyEdge[_edges.Count];
        foreach (DependencyEdge edge in _edges) { _sorted[next[edge.From]++] = edge; }
        _edges.Clear();
    }
}
