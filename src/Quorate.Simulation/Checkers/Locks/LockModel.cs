using System.Globalization;

namespace Quorate.Simulation.Checkers;

/// <summary>
/// Locks with fencing tokens. <c>acquire</c> key, ttl? (microseconds) -> token?; <c>release</c> key; <c>use</c> key, token: a write to
/// whatever the lock guards, which accepts it (ok) or refuses it (fail). Each key is a lock of its own.
/// </summary>
/// <remarks>
/// A client certainly holds a lock from the answer to its acquire until it asks to release, but no longer than ttl after it
/// <em>asked</em> to acquire: the server may have counted from then. Two certain holds must not overlap. Tokens differ, and rise from one
/// acquire to a later one; the guarded resource accepts no token below one that it had accepted before. An unanswered
/// acquire proves nothing, an unanswered or refused release ends the certain hold. Asking again for a lock that one holds is allowed.
/// </remarks>
internal sealed class LockModel : IModel
{
    public string Name => "lock";

    public string About => "locks: no two holders at once for certain, fencing tokens rise, a guarded resource accepts no old token";

    public Verdict Check(History history, CheckOptions options)
    {
        var findings = new Findings(history, options);
        var locks = new SortedDictionary<string, List<HistoryOperation>>(StringComparer.Ordinal);
        foreach (HistoryOperation operation in history.Operations)
        {
            string key = operation.Key ?? throw new HistoryException(operation.Invoke.Line, "\"key\" is missing; it names the lock.");
            if (operation.Function is not ("acquire" or "release" or "use"))
            {
                throw new HistoryException(operation.Invoke.Line, $"the lock model knows acquire, release and use, and this is \"{operation.Function}\".");
            }

            if (!locks.TryGetValue(key, out List<HistoryOperation>? list)) { locks.Add(key, list = []); }
            list.Add(operation);
        }

        int holds = 0;
        foreach ((string key, List<HistoryOperation> operations) in locks)
        {
            List<Hold> certain = CertainHolds(operations);
            holds += certain.Count;
            CheckHolders(key, certain, findings);
            CheckTokens(key, operations, findings);
            CheckUses(key, operations, findings);
        }

        return new Verdict
        {
            Model = Name,
            Operations = history.Operations.Count,
            Unknown = history.Unknown,
            Keys = locks.Count,
            Figures = [Values.Count(holds, "certain hold")],
            Violations = findings.All,
        };
    }

    private static List<Hold> CertainHolds(List<HistoryOperation> operations)
    {
        var holds = new List<Hold>();
        var open = new Dictionary<int, List<Hold>>();
        foreach (HistoryOperation operation in operations.OrderBy(o => o.Index))
        {
            if (operation.Function == "acquire" && operation.Outcome == HistoryOutcome.Ok)
            {
                long ttl = new JsonMembers(operation.Invoke.Line, operation.Invoke.Json).Number("ttl", long.MaxValue);
                long until = ttl > long.MaxValue - operation.Invoked ? long.MaxValue : operation.Invoked + ttl;
                var hold = new Hold(operation, operation.Returned) { Until = until };
                holds.Add(hold);
                if (!open.TryGetValue(operation.Process, out List<Hold>? mine)) { open.Add(operation.Process, mine = []); }
                mine.Add(hold);
            }
            else if (operation.Function == "release" && open.Remove(operation.Process, out List<Hold>? held))
            {
                foreach (Hold hold in held) { hold.Until = Math.Min(hold.Until, operation.Invoked); }
            }
        }

        return [.. holds.Where(h => h.From < h.Until).OrderBy(h => h.From)];
    }

    // In order of their begins: each against the one of those before, of another client, that lasts longest.
    private static void CheckHolders(string key, List<Hold> holds, Findings findings)
    {
        Hold? longest = null;
        Hold? longestOther = null;
        foreach (Hold hold in holds)
        {
            Hold? rival = longest?.Acquire.Process == hold.Acquire.Process ? longestOther : longest;
            if (rival is not null && rival.Until > hold.From)
            {
                findings.Add(
                    "two holders",
                    $"Two clients held the lock {key} at {hold.From}: one certainly from {rival.From} {Until(rival)}, the other from {hold.From} {Until(hold)}.",
                    Shown(rival.Acquire),
                    Shown(hold.Acquire));
            }

            if (longest is null || hold.Until > longest.Until)
            {
                if (longest is not null && longest.Acquire.Process != hold.Acquire.Process) { longestOther = longest; }
                longest = hold;
            }
            else if (hold.Acquire.Process != longest.Acquire.Process && (longestOther is null || hold.Until > longestOther.Until)) { longestOther = hold; }
        }
    }

    private static void CheckTokens(string key, List<HistoryOperation> operations, Findings findings)
    {
        (HistoryOperation Operation, long Token)[] given =
        [
            .. operations.Where(o => o.Function == "acquire" && o.Outcome == HistoryOutcome.Ok)
                .Select(o => (o, Token: new JsonMembers(o.Completion!.Line, o.Completion.Json).Number("token", -1))).Where(g => g.Token >= 0),
        ];
        foreach (IGrouping<long, (HistoryOperation Operation, long Token)> same in given.GroupBy(g => g.Token).Where(g => g.Count() > 1))
        {
            findings.Add(
                "token given twice",
                $"Two acquires of the lock {key} were given the token {same.Key}; a resource cannot tell their holders apart.",
                [.. same.Take(2).Select(g => Shown(g.Operation))]);
        }

        CheckRising(given, isStrict: true, findings, "token goes back", (earlier, later) =>
            $"The lock {key} was given with token {earlier}, and later with token {later}; a later holder has a greater token.");
    }

    private static void CheckUses(string key, List<HistoryOperation> operations, Findings findings) => CheckRising(
        [
            .. operations.Where(o => o.Function == "use" && o.Outcome == HistoryOutcome.Ok)
                .Select(o => (o, new JsonMembers(o.Invoke.Line, o.Invoke.Json).Number("token"))),
        ],
        isStrict: false,
        findings,
        "old token accepted",
        (earlier, later) => $"What the lock {key} guards accepted token {earlier}, and later token {later}, whose holder had lost the lock by then.");

    // Whatever was asked after another's answer must have a greater token (or the same one).
    private static void CheckRising(
        (HistoryOperation Operation, long Token)[] tokens, bool isStrict, Findings findings, string rule, Func<long, long, string> sentence)
    {
        (HistoryOperation Operation, long Token)[] byAnswer = [.. tokens.OrderBy(t => t.Operation.Returned)];
        (HistoryOperation? Operation, long Token) greatest = (null, -1);
        int next = 0;
        foreach ((HistoryOperation operation, long token) in tokens.OrderBy(t => t.Operation.Invoked))
        {
            for (; byAnswer[next].Operation.Returned < operation.Invoked; next++)
            {
                if (byAnswer[next].Token > greatest.Token) { greatest = byAnswer[next]; }
            }

            if (greatest.Operation is { } earlier && (token < greatest.Token || (isStrict && token == greatest.Token)))
            {
                findings.Add(rule, sentence(greatest.Token, token), Shown(earlier), Shown(operation));
            }
        }
    }

    private static string Until(Hold hold) => hold.Until == long.MaxValue ? "on" : string.Create(CultureInfo.InvariantCulture, $"until {hold.Until}");

    private static (HistoryOperation Operation, string Label) Shown(HistoryOperation operation)
    {
        HistoryEvent tokenLine = operation.Function == "use" ? operation.Invoke : operation.Completion!;
        var members = new JsonMembers(tokenLine.Line, tokenLine.Json);
        return (operation, $"{operation.Function} {operation.Key}" + (members.Has("token") ? $": token {members.Number("token")}" : ""));
    }

    private sealed class Hold(HistoryOperation acquire, long from)
    {
        public HistoryOperation Acquire { get; } = acquire;

        public long From { get; } = from;

        public required long Until { get; set; }
    }
}
