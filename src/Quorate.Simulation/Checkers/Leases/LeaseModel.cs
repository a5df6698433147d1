namespace Quorate.Simulation.Checkers;

/// <summary>
/// Leases with keys. <c>grant</c> key, least (microseconds that it lives at least); <c>attach</c> key -> value: how many keys were hung on it, in
/// one transaction; <c>renew</c> key -> value: 0 if it was gone; <c>look</c> key -> value: how many of its keys are there; <c>revoke</c> key. Each key
/// is a lease of its own, of one client that asks one thing after the other.
/// </summary>
/// <remarks>
/// A lease certainly lives until the least time has passed since its last acknowledged grant or renewal was <em>asked</em>, unless its client
/// asked to revoke it, and so long all its keys are there. They go together, and what has gone, or was revoked with an answer, does not come
/// back. Before an unanswered grant has shown its effect, the lease is not gone but not there yet. How long it may live beyond its time
/// depends on leaders, of which a history does not tell.
/// </remarks>
internal sealed class LeaseModel : IModel
{
    public string Name => "lease";

    public string About => "leases: none ends early, its keys vanish together, and what has ended does not come back";

    public Verdict Check(History history, CheckOptions options)
    {
        var findings = new Findings(history, options);
        var leases = new SortedDictionary<string, State>(StringComparer.Ordinal);
        foreach (HistoryOperation operation in history.Operations.OrderBy(o => o.Index))
        {
            string key = operation.Key ?? throw new HistoryException(operation.Invoke.Line, "\"key\" is missing; it names the lease.");
            if (!leases.TryGetValue(key, out State? state)) { leases.Add(key, state = new State()); }
            Take(operation, state, findings);
        }

        return new Verdict
        {
            Model = Name,
            Operations = history.Operations.Count,
            Unknown = history.Unknown,
            Keys = leases.Count,
            Figures = [Values.Count(leases.Values.Count(lease => lease.GoneBy is not null), "end")],
            Violations = findings.All,
        };
    }

    private static void Take(HistoryOperation operation, State state, Findings findings)
    {
        bool isOk = operation.Outcome == HistoryOutcome.Ok;
        switch (operation.Function)
        {
            case "grant":
                state.Least = new JsonMembers(operation.Invoke.Line, operation.Invoke.Json).Number("least", 0);
                if (isOk)
                {
                    state.WasThere = true;
                    state.Extend(operation);
                }

                break;
            case "attach":
                if (!isOk) { break; }
                There(operation, state, findings);
                state.Keys = Math.Max(state.Keys, Number(operation));
                break;
            case "revoke":
                if (operation.IsUnknown) { state.MayEnd = true; }
                else if (isOk && state.WasThere) { (state.MayEnd, state.GoneBy) = (true, operation); }
                break;
            case "renew":
                if (!isOk) { break; }
                if (Number(operation) == 0) { Gone(operation, state, findings); }
                else { There(operation, state, findings); state.Extend(operation); }
                break;
            case "look":
                if (!isOk) { break; }
                long seen = Number(operation);
                if (seen > 0)
                {
                    if (seen < state.Keys)
                    {
                        findings.Add("keys apart", $"Of the {state.Keys} keys of the lease {operation.Key}, {seen} are there: they must vanish in one revision.", Shown(operation));
                    }

                    There(operation, state, findings);
                    state.Keys = Math.Max(state.Keys, seen); // Nobody may have heard that they were hung on it.
                }
                else if (state.Keys > 0) { Gone(operation, state, findings); }

                break;
            default:
                throw new HistoryException(
                    operation.Invoke.Line, $"the lease model knows grant, attach, renew, look and revoke, and this is \"{operation.Function}\".");
        }
    }

    private static void Gone(HistoryOperation operation, State state, Findings findings)
    {
        if (!state.WasThere) { return; }
        if (!state.MayEnd && state.Extended is { } last && operation.Returned < state.Until)
        {
            findings.Add(
                "ended early",
                $"The lease {operation.Key} was gone at {operation.Returned}; it was renewed by an operation asked at {last.Invoked}, so it lives until {state.Until}.",
                Shown(last),
                Shown(operation));
        }

        state.GoneBy = operation;
    }

    private static void There(HistoryOperation operation, State state, Findings findings)
    {
        state.WasThere = true;
        if (state.GoneBy is { } gone)
        {
            findings.Add("came back", $"The lease {operation.Key} was gone at {gone.Returned}, and is there again.", Shown(gone), Shown(operation));
        }
    }

    private static long Number(HistoryOperation operation) => operation.Completion!.Value.GetInt64();

    private static (HistoryOperation Operation, string Label) Shown(HistoryOperation operation) =>
        (operation, operation.Outcome == HistoryOutcome.Ok && operation.Function is "renew" or "look" ? $"{operation.Function} -> {Number(operation)}" : operation.Function);

    private sealed class State
    {
        public long Least { get; set; }

        public long Keys { get; set; }

        public long Until { get; private set; }

        public HistoryOperation? Extended { get; private set; }

        public HistoryOperation? GoneBy { get; set; }

        public bool MayEnd { get; set; }

        /// <summary>An answer has shown it, so that it can be gone.</summary>
        public bool WasThere { get; set; }

        public void Extend(HistoryOperation by)
        {
            if (by.Invoked + Least < Until) { return; }
            Until = by.Invoked + Least;
            Extended = by;
        }
    }
}
