namespace Quorate.Simulation.Checkers;

/// <summary>An append of one value to one list.</summary>
/// <param name="By">Who.</param>
/// <param name="List">Where.</param>
/// <param name="Value">What; each value once in a list.</param>
internal sealed record ListAppend(Transaction By, AppendList List, string Value)
{
    /// <summary>True if the transaction appends nothing more to this list.</summary>
    public bool IsFinal { get; set; } = true;
}

/// <summary>A read of one list, without what the reader itself had appended by then.</summary>
/// <param name="By">Who.</param>
/// <param name="List">Of which.</param>
/// <param name="Seen">Values of others, in order.</param>
internal sealed record ListRead(Transaction By, AppendList List, string[] Seen);

/// <summary>One list: who appended what, and what was read.</summary>
internal sealed class AppendList
{
    public AppendList(string name) => Name = name;

    public string Name { get; }

    public Dictionary<string, ListAppend> Appends { get; } = [];

    public List<ListRead> Reads { get; } = [];

    /// <summary>All values that some read shows.</summary>
    public HashSet<string> Seen { get; } = [];

    /// <summary>The appends in the order that the longest read shows; empty if the reads disagree.</summary>
    public ListAppend[] Order { get; set; } = [];

    /// <summary>Committed appends that no read shows, so that they come after all of <see cref="Order"/>.</summary>
    public List<ListAppend> Unseen { get; } = [];
}

/// <summary>One transaction. Its steps took effect all or not at all.</summary>
internal sealed class Transaction
{
    public Transaction(HistoryOperation source) => Source = source;

    public HistoryOperation Source { get; }

    /// <summary>Node of the graph; -1 unless it certainly committed.</summary>
    public int Node { get; set; } = -1;

    public List<ListAppend> Appends { get; } = [];

    public List<ListRead> Reads { get; } = [];

    /// <summary>Its steps as they were answered: "append x 1, r y [2 3]".</summary>
    public string Label => AppendParser.LabelOf(Source);
}
