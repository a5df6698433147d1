using System.Text.Json;

namespace Quorate.Simulation.Checkers;

/// <summary>
/// A set that only grows: <c>add</c> one value, each value once in a history; <c>read</c> all of them. Each key is a set of its own.
/// </summary>
/// <remarks>
/// The check is exact and needs no search. A read orders itself against every add: after those it saw, before all others. So the reads
/// must form a chain by inclusion, and an add belongs just before the first read that saw it. What remains is real time: an operation
/// that ended before another began must not stand behind it (one sweep). A refused or unanswered read says nothing; an unanswered add
/// that nobody saw need not have happened.
/// </remarks>
internal sealed class SetModel : IModel
{
    public string Name => "set";

    public string About => "a grow-only set: no acknowledged add is lost, nothing is invented, nothing seen vanishes (linearizable)";

    public Verdict Check(History history, CheckOptions options)
    {
        var keys = new SortedDictionary<string, SetHistory>(StringComparer.Ordinal);
        foreach (HistoryOperation operation in history.Operations)
        {
            string key = operation.Key ?? "";
            if (!keys.TryGetValue(key, out SetHistory? set)) { keys.Add(key, set = new SetHistory(key)); }
            set.Take(operation);
        }

        return new Verdict
        {
            Model = Name,
            Operations = history.Operations.Count,
            Unknown = history.Unknown,
            Keys = keys.Count,
            Figures = [Values.Count(keys.Values.Sum(set => set.Reads), "read"), Values.Count(keys.Values.Sum(set => set.Acknowledged), "acknowledged add")],
            Violations = [.. keys.Values.SelectMany(set => set.Violations())],
        };
    }
}

/// <summary>The operations of one grow-only set.</summary>
internal sealed class SetHistory
{
    private readonly string _name;
    private readonly Dictionary<string, Element> _elements = [];
    private readonly List<SetRead> _reads = [];
    private readonly Dictionary<(string Rule, string Says), Finding> _findings = [];

    public SetHistory(string key) => _name = key.Length == 0 ? "" : $" of {key}";

    /// <summary>Reads that were answered.</summary>
    public int Reads => _reads.Count;

    /// <summary>Adds that were acknowledged.</summary>
    public int Acknowledged => _elements.Values.Count(e => e.Add is { Outcome: HistoryOutcome.Ok });

    public void Take(HistoryOperation operation)
    {
        switch (operation.Function)
        {
            case "add":
                string value = Values.TextOf(operation.Invoke.Value)
                    ?? throw new HistoryException(operation.Invoke.Line, "add has no \"value\"; it must name the value to be added.");
                Element element = ElementOf(value);
                if (element.Add is { } earlier)
                {
                    throw new HistoryException(
                        operation.Invoke.Line,
                        $"{value} is added a second time{Values.At(earlier.Invoke)}; give every add a value of its own, or a read does not tell which it saw.");
                }

                element.Add = operation;
                break;
            case "read" when operation.Outcome == HistoryOutcome.Ok:
                _reads.Add(new SetRead(operation, Seen(operation)));
                break;
            case "read":
                break;
            default:
                throw new HistoryException(operation.Invoke.Line, $"the set model knows add and read, and this is \"{operation.Function}\".");
        }
    }

    /// <summary>What is wrong with this set.</summary>
    public IEnumerable<Violation> Violations()
    {
        FindInvented();
        FindLost();
        FindForks();
        if (_findings.Count == 0) { FindBackward(); }
        return _findings.Select(f => f.Value.ToViolation(f.Key.Rule, f.Key.Says));
    }

    private List<Element> Seen(HistoryOperation read)
    {
        JsonElement list = read.Completion!.Value;
        if (list.ValueKind != JsonValueKind.Array)
        {
            throw new HistoryException(read.Completion.Line, "the \"value\" of a set's read must be a list of all its values.");
        }

        var seen = new List<Element>(list.GetArrayLength());
        foreach (JsonElement item in list.EnumerateArray())
        {
            seen.Add(ElementOf(Values.TextOf(item) ?? throw new HistoryException(read.Completion.Line, "null is no value of a set.")));
        }

        return seen;
    }

    private void FindInvented()
    {
        foreach (SetRead read in _reads)
        {
            foreach (Element element in read.Seen)
            {
                if (element.Mark == read)
                {
                    Find("doubled value", $"A read of the set{_name} shows a value twice.", element, read.Operation);
                }
                else if (element.Add is null)
                {
                    Find("invented value", $"A read of the set{_name} shows a value that nobody added.", element, read.Operation);
                }
                else if (element.Add.Outcome == HistoryOutcome.Failed)
                {
                    Find("refused value", $"A read of the set{_name} shows a value whose add was refused as without effect.", element, element.Add, read.Operation);
                }
                else if (element.Add.Invoked > read.Operation.Returned)
                {
                    Find("value from the future", $"A read of the set{_name} shows a value before anybody asked to add it.", element, read.Operation, element.Add);
                }

                element.Mark = read;
            }
        }
    }

    // An add acknowledged before a read began must be in it. Counting first keeps this linear while nothing is lost.
    private void FindLost()
    {
        Element[] acknowledged = [.. _elements.Values.Where(e => e.Add is { Outcome: HistoryOutcome.Ok }).OrderBy(e => e.Add!.Returned)];
        long[] returns = [.. acknowledged.Select(e => e.Add!.Returned)];
        HistoryOperation? last = _reads.MaxBy(read => read.Operation.Invoked)?.Operation;
        foreach (SetRead read in _reads.OrderByDescending(read => read.Operation.Invoked))
        {
            int due = FirstNotBefore(returns, read.Operation.Invoked);
            foreach (Element element in read.Seen) { element.Mark = read; }
            if (due == read.Seen.Distinct().Count(e => e.Add is { Outcome: HistoryOutcome.Ok } add && add.Returned < read.Operation.Invoked)) { continue; }
            foreach (Element element in acknowledged.AsSpan(0, due))
            {
                if (element.Mark == read || element.IsLost) { continue; }
                element.IsLost = true;
                bool isFinal = read.Operation == last;
                Find(
                    isFinal ? "lost add" : "stale read",
                    isFinal
                        ? $"An add to the set{_name} was acknowledged, and the last read, which began later, does not show it: the value is lost."
                        : $"An add to the set{_name} was acknowledged, and a read that began later does not show it.",
                    element, element.Add!, read.Operation);
            }
        }
    }

    // All reads are states of one growing set, so of any two one contains the other.
    private void FindForks()
    {
        _reads.Sort((a, b) => a.Seen.Count != b.Seen.Count ? a.Seen.Count.CompareTo(b.Seen.Count) : a.Operation.Invoked.CompareTo(b.Operation.Invoked));
        SetRead? smaller = null;
        foreach (SetRead read in _reads)
        {
            foreach (Element element in read.Seen) { element.Mark = read; }
            if (smaller?.Seen.Find(e => e.Mark != read) is { } missing)
            {
                if (smaller.Operation.Returned < read.Operation.Invoked)
                {
                    FindVanished(smaller, missing, read);
                }
                else
                {
                    Find(
                        "forked reads",
                        $"Two reads of the set{_name} each show a value that the other lacks: they did not see the same set grow.",
                        missing, smaller.Operation, read.Operation);
                }
            }

            smaller = read;
        }
    }

    // Ranks: the reads in order of size are 1, 3, 5..; reads of the same values share one; an add stands just before the first read that saw it.
    private void FindBackward()
    {
        var ranked = new List<(HistoryOperation Operation, int Rank)>();
        int rank = -1;
        int size = -1;
        foreach (SetRead read in _reads)
        {
            if (read.Seen.Count > size) { (rank, size) = (rank + 2, read.Seen.Count); }
            ranked.Add((read.Operation, rank));
            foreach (Element element in read.Seen.Where(e => e.Rank < 0))
            {
                element.Rank = rank - 1;
                ranked.Add((element.Add!, element.Rank));
            }
        }

        ranked.AddRange(_elements.Values.Where(e => e.Rank < 0 && e.Add is { Outcome: HistoryOutcome.Ok }).Select(e => (e.Add!, rank + 1)));
        ranked.Sort((a, b) => a.Operation.Invoked.CompareTo(b.Operation.Invoked));
        (HistoryOperation Operation, int Rank)[] ended = [.. ranked.OrderBy(r => r.Operation.Returned)];
        (HistoryOperation Operation, int Rank) highest = (ended.Length > 0 ? ended[0].Operation : null!, int.MinValue);
        int next = 0;
        foreach ((HistoryOperation operation, int own) in ranked)
        {
            for (; ended[next].Operation.Returned < operation.Invoked; next++)
            {
                if (ended[next].Rank > highest.Rank) { highest = ended[next]; }
            }

            if (highest.Rank <= own) { continue; }
            if (_reads.Find(read => read.Operation == operation) is { } later && _reads.Find(read => read.Operation == highest.Operation) is { } earlier)
            {
                FindVanished(earlier, earlier.Seen.Except(later.Seen).First(), later);
            }
            else
            {
                Find(
                    "order turned round",
                    $"Two operations on the set{_name} ran one after the other, but the reads show them in the opposite order.",
                    null, highest.Operation, operation);
            }

            return;
        }
    }

    private void FindVanished(SetRead earlier, Element missing, SetRead later) => Find(
        "vanished value",
        $"A read of the set{_name} shows a value that a later read does not show any more.",
        missing, earlier.Operation, later.Operation);

    private static int FirstNotBefore(long[] sorted, long time)
    {
        int low = 0;
        int high = sorted.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (sorted[middle] < time) { low = middle + 1; } else { high = middle; }
        }

        return low;
    }

    private Element ElementOf(string value)
    {
        if (!_elements.TryGetValue(value, out Element? element)) { _elements.Add(value, element = new Element(value)); }
        return element;
    }

    private void Find(string rule, string says, Element? element, params HistoryOperation[] operations)
    {
        if (!_findings.TryGetValue((rule, says), out Finding? finding)) { _findings.Add((rule, says), finding = new Finding(operations)); }
        if (element is not null) { finding.Values.Add(element.Value); }
    }

    private sealed class Element
    {
        public Element(string value) => Value = value;

        public string Value { get; }

        public HistoryOperation? Add { get; set; }

        /// <summary>The read that was looked at last and has this value.</summary>
        public SetRead? Mark { get; set; }

        public bool IsLost { get; set; }

        public int Rank { get; set; } = -1;
    }

    private sealed record SetRead(HistoryOperation Operation, List<Element> Seen);

    private sealed class Finding
    {
        private readonly HistoryOperation[] _first;

        public Finding(HistoryOperation[] first) => _first = first;

        public SortedSet<string> Values { get; } = new(StringComparer.Ordinal);

        public Violation ToViolation(string rule, string says)
        {
            string values = Values.Count == 0 ? "" : $" {Checkers.Values.Count(Values.Count, "value")}: {Checkers.Values.List(Values)}.";
            return new(rule, says + values, _first);
        }
    }
}
