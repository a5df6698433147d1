using System.Text.Json;

namespace Quorate.Simulation.Checkers;

/// <summary>Reads transactions, and finds what is wrong inside a single one.</summary>
internal sealed class AppendParser
{
    private readonly AppendFindings _findings;
    private readonly Dictionary<string, AppendList> _lists = [];

    public AppendParser(AppendFindings findings) => _findings = findings;

    public IReadOnlyCollection<AppendList> Lists => _lists.Values;

    public List<Transaction> Transactions { get; } = [];

    /// <exception cref="HistoryException">It is no transaction over lists.</exception>
    public void Take(HistoryOperation operation)
    {
        if (operation.Function != "txn")
        {
            throw new HistoryException(operation.Invoke.Line, $"the append model knows txn, and this is \"{operation.Function}\".");
        }

        var transaction = new Transaction(operation);
        Transactions.Add(transaction);
        bool isAnswered = operation.Outcome == HistoryOutcome.Ok;
        HistoryEvent told = isAnswered ? operation.Completion! : operation.Invoke;
        var state = new Dictionary<AppendList, Known>();
        foreach ((bool isAppend, string key, JsonElement value) in StepsOf(told))
        {
            if (!_lists.TryGetValue(key, out AppendList? list)) { _lists.Add(key, list = new AppendList(key)); }
            if (!state.TryGetValue(list, out Known? known)) { state.Add(list, known = new Known()); }
            if (isAppend) { TakeAppend(transaction, list, known, value, told); }
            else if (isAnswered) { TakeRead(transaction, list, known, value, told); }
        }
    }

    /// <summary>A transaction's steps in a line: "append x 1, r y [2 3]".</summary>
    public static string LabelOf(HistoryOperation operation)
    {
        bool isAnswered = operation.Outcome == HistoryOutcome.Ok;
        IEnumerable<string> steps = StepsOf(isAnswered ? operation.Completion! : operation.Invoke).Select(step => step.IsAppend
            ? $"append {step.Key} {Values.TextOf(step.Value)}"
            : isAnswered ? $"r {step.Key} {Shown(step.Value)}" : $"r {step.Key}");
        string end = operation.Outcome switch { HistoryOutcome.Ok => "", HistoryOutcome.Failed => ": aborted", _ => ": no answer" };
        return string.Join(", ", steps) + end;
    }

    private static string Shown(JsonElement list)
    {
        if (list.ValueKind != JsonValueKind.Array) { return "[]"; }
        string[] values = [.. list.EnumerateArray().Select(v => Values.TextOf(v) ?? Values.None)];
        return values.Length <= 6 ? $"[{string.Join(' ', values)}]" : $"[.. {values.Length - 5} .. {string.Join(' ', values[^5..])}]";
    }

    private static IEnumerable<(bool IsAppend, string Key, JsonElement Value)> StepsOf(HistoryEvent told)
    {
        if (told.Value.ValueKind != JsonValueKind.Array) { throw Bad(told); }
        foreach (JsonElement step in told.Value.EnumerateArray())
        {
            if (step.ValueKind != JsonValueKind.Array || step.GetArrayLength() != 3 || step[0].ValueKind != JsonValueKind.String) { throw Bad(told); }
            string key = step[1].ValueKind switch
            {
                JsonValueKind.String => step[1].GetString()!,
                JsonValueKind.Number => step[1].GetRawText(),
                _ => throw Bad(told),
            };
            yield return step[0].GetString() switch
            {
                "append" => (true, key, step[2]),
                "r" => (false, key, step[2]),
                _ => throw Bad(told),
            };
        }
    }

    private static HistoryException Bad(HistoryEvent told) => new(
        told.Line, "the \"value\" of txn must be a list of steps, each [\"append\", key, value] or [\"r\", key, null], in the answer [\"r\", key, [values]].");

    private static void TakeAppend(Transaction transaction, AppendList list, Known known, JsonElement value, HistoryEvent told)
    {
        string text = Values.TextOf(value) ?? throw new HistoryException(told.Line, "null cannot be appended.");
        var append = new ListAppend(transaction, list, text);
        if (!list.Appends.TryAdd(text, append))
        {
            throw new HistoryException(
                told.Line,
                $"{text} is appended to {list.Name} a second time{Values.At(list.Appends[text].By.Source.Invoke)}; give every append to a list a value of its own.");
        }

        if (known.LastAppend is { } earlier) { earlier.IsFinal = false; }
        known.LastAppend = append;
        known.Own.Add(text);
        transaction.Appends.Add(append);
    }

    private void TakeRead(Transaction transaction, AppendList list, Known known, JsonElement value, HistoryEvent told)
    {
        string[] seen = value.ValueKind switch
        {
            JsonValueKind.Null => [], // A list that nobody has appended to yet.
            JsonValueKind.Array => [.. value.EnumerateArray().Select(v => Values.TextOf(v) ?? throw Bad(told))],
            _ => throw Bad(told),
        };
        int others = seen.Length - known.Own.Count;
        bool endsInOwn = others >= 0 && seen.AsSpan(others).SequenceEqual(known.Own.ToArray());
        bool repeats = endsInOwn && (known.Others is null || seen.AsSpan(0, others).SequenceEqual(known.Others));
        if (!repeats)
        {
            string expected = known.Others is null ? $"ends in what it had appended itself, {string.Join(' ', known.Own)}" : $"is {string.Join(' ', [.. known.Others, .. known.Own])}";
            _findings.Add(
                "internal inconsistency",
                $"A transaction reads {list.Name} and does not find its own past: after what it did before, the list {expected}.",
                transaction);
            return;
        }

        known.Others ??= seen[..others];
        var read = new ListRead(transaction, list, known.Others);
        if (transaction.Reads.Any(r => r.List == list)) { return; } // The same again.
        transaction.Reads.Add(read);
        list.Reads.Add(read);
    }

    private sealed class Known
    {
        public string[]? Others { get; set; }

        public List<string> Own { get; } = [];

        public ListAppend? LastAppend { get; set; }
    }
}
