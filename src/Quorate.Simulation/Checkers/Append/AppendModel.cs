namespace Quorate.Simulation.Checkers;

/// <summary>
/// Transactions over lists: <c>txn</c> with steps that append a value to a list or read a whole list. Exact for serializability:
/// a history passes if and only if some order of the committed transactions gives every answer.
/// </summary>
internal sealed class AppendModel : IModel
{
    private static readonly (string Name, Dependency Kinds, bool IsAdjacentForbidden, string Means)[] Stages =
    [
        ("G0", Dependency.Write, false, "the transactions' appends are interleaved"),
        ("G1c", Dependency.Write | Dependency.Read, false, "information flows in a circle"),
        ("G-single", Dependency.Write | Dependency.Read | Dependency.Anti, true, "no snapshot explains what was read"),
        ("G2", Dependency.Write | Dependency.Read | Dependency.Anti, false, "each is right alone, together they fit into no order (write skew)"),
    ];

    public string Name => "append";

    public string About => "transactions that read and append to lists, serializable in real time (see --level)";

    public Verdict Check(History history, CheckOptions options)
    {
        var findings = new AppendFindings(history, options);
        var parsed = new AppendParser(findings);
        foreach (HistoryOperation operation in history.Operations) { parsed.Take(operation); }
        List<Transaction> committed = VersionOrders.Find(parsed, findings);
        bool isStrict = options.Level == ConsistencyLevel.StrictSerializable;
        FindCycles(DependencyGraph.Build(committed, parsed.Lists, isStrict), options.Level, findings);
        return new Verdict
        {
            Model = $"{Name}, {NameOf(options.Level)}",
            Operations = history.Operations.Count,
            Unknown = history.Unknown,
            Keys = parsed.Lists.Count,
            Figures = [Values.Count(committed.Count, "committed transaction")],
            Violations = findings.ToViolations(),
        };
    }

    /// <summary>The level's name on the command line.</summary>
    public static string NameOf(ConsistencyLevel level) => level switch
    {
        ConsistencyLevel.StrictSerializable => "strict-serializable",
        ConsistencyLevel.Serializable => "serializable",
        _ => "snapshot-isolation",
    };

    // The weaker the edges that make a cycle, the worse it is; what was told as worse is not told again.
    private static void FindCycles(DependencyGraph graph, ConsistencyLevel level, AppendFindings findings)
    {
        bool isStrict = level == ConsistencyLevel.StrictSerializable;
        Dependency all = Dependency.Write | Dependency.Read | Dependency.Anti | (isStrict ? Dependency.RealTime : Dependency.None);
        if (!new CycleSearch(graph, all, level == ConsistencyLevel.SnapshotIsolation).Cycles().Any()) { return; }
        var told = new HashSet<int>();
        foreach (bool inTime in isStrict ? new[] { false, true } : [false])
        {
            foreach ((string name, Dependency kinds, bool isAdjacentForbidden, string means) in Stages)
            {
                if (name == "G2" && level == ConsistencyLevel.SnapshotIsolation) { continue; }
                Dependency used = kinds | (inTime ? Dependency.RealTime : Dependency.None);
                foreach (DependencyEdge[] cycle in new CycleSearch(graph, used, isAdjacentForbidden).Cycles())
                {
                    int[] members = [.. cycle.Select(e => e.From).Where(graph.IsTransaction)];
                    if (members.Any(told.Contains)) { continue; }
                    told.UnionWith(members);
                    bool isNonAdjacent = name == "G-single" && cycle.Count(e => e.Kind == Dependency.Anti) > 1;
                    string rule = (isNonAdjacent ? "G-nonadjacent" : name) + (inTime ? "-realtime" : "");
                    string after = inTime ? ", given which had ended before which began" : "";
                    findings.Add(rule, $"A cycle: {means}{after}.\n{CycleText.Of(graph, cycle)}", [.. members.Select(m => graph.Transactions[m])]);
                }
            }
        }
    }
}
