using System.Text.Json.Nodes;
using Quorate.Core;
using Quorate.Simulation.Checkers;
using Xunit;

namespace Quorate.Simulation.Tests.Checkers;

public sealed class AppendModelTests
{
    [Fact]
    public void Serial_histories_hold()
    {
        Legal(ConsistencyLevel.StrictSerializable, Txn(0, 1, A("x", 1)), Txn(2, 3, R("x", 1), A("x", 2), R("x", 1, 2)), Txn(4, 5, R("x", 1, 2), R("y")));
        Legal(ConsistencyLevel.StrictSerializable, Txn(0, null, A("x", 1)), Txn(2, 3, R("x")), Txn(4, 5, R("x", 1))); // No answer, late effect.
        Legal(ConsistencyLevel.StrictSerializable, Txn(0, 9, A("x", 1), A("x", 2)), Txn(0, 9, R("x", 1, 2)), Txn(0, 9, R("x")));
    }

    [Fact]
    public void What_one_transaction_must_not_see()
    {
        Broken("G1a (aborted read)", Txn(0, 1, A("x", 1)) with { IsAborted = true }, Txn(2, 3, R("x", 1)));
        Broken("G1b (intermediate read)", Txn(0, 9, A("x", 1), A("x", 2)), Txn(0, 9, R("x", 1)));
        Broken("garbage read", Txn(0, 1, A("x", 1)), Txn(2, 3, R("x", 1, 7)));
        Broken("duplicate", Txn(0, 1, A("x", 1)), Txn(2, 3, R("x", 1, 1)));
        Broken("internal inconsistency", Txn(0, 1, A("x", 1), R("x")));
        Broken("internal inconsistency", Txn(0, 9, A("x", 1)), Txn(0, 9, R("x"), R("x", 1)));
        Broken("internal inconsistency", Txn(0, 9, R("x", 1), A("x", 1)));
        Broken("incompatible order", Txn(0, 9, A("x", 1)), Txn(0, 9, A("x", 2)), Txn(0, 9, R("x", 1, 2)), Txn(0, 9, R("x", 2)));
    }

    // Goal: each class of cycle is told apart, and each level forbids what it must and nothing else (Adya 1999; Cerone and Gotsman 2016).
    [Fact]
    public void Cycles_are_classified_and_levels_differ()
    {
        Step[] interleaved = [Txn(0, 9, A("x", 1), A("y", 1)), Txn(0, 9, A("x", 2), A("y", 2)), Txn(0, 9, R("x", 1, 2), R("y", 2, 1))];
        Only("G0", ConsistencyLevel.SnapshotIsolation, interleaved);

        Step[] circle = [Txn(0, 9, A("x", 1), R("y", 2)), Txn(0, 9, A("y", 2), R("x", 1))];
        Only("G1c", ConsistencyLevel.SnapshotIsolation, circle);

        Step[] skewedRead = [Txn(0, 9, A("x", 1), A("y", 1)), Txn(0, 9, R("x", 1), R("y")), Txn(0, 9, R("y", 1))];
        Only("G-single", ConsistencyLevel.SnapshotIsolation, skewedRead);

        Step[] longFork = [Txn(0, 9, A("x", 1)), Txn(0, 9, A("y", 1)), Txn(0, 9, R("x", 1), R("y")), Txn(0, 9, R("x"), R("y", 1))];
        Only("G-nonadjacent", ConsistencyLevel.SnapshotIsolation, longFork);

        Step[] writeSkew = [Txn(0, 9, R("x"), A("y", 1)), Txn(0, 9, R("y"), A("x", 1)), Txn(10, 11, R("x", 1), R("y", 1))];
        Only("G2", ConsistencyLevel.Serializable, writeSkew);
        Legal(ConsistencyLevel.SnapshotIsolation, writeSkew);

        Step[] staleRead = [Txn(0, 1, A("x", 1)), Txn(2, 3, R("x")), Txn(4, 5, R("x", 1))];
        Only("G-single-realtime", ConsistencyLevel.StrictSerializable, staleRead);
        Legal(ConsistencyLevel.Serializable, staleRead);

        Step[] late = [Txn(0, 1, A("x", 1)), Txn(2, 3, A("x", 2)), Txn(4, 5, R("x", 2, 1))];
        Only("G0-realtime", ConsistencyLevel.StrictSerializable, late);
        Step[] early = [Txn(0, 1, R("x", 1)), Txn(2, 3, A("x", 1))];
        Only("G1c-realtime", ConsistencyLevel.StrictSerializable, early);
    }

    [Fact]
    public void A_lost_update_is_found_at_every_level()
    {
        Step[] steps = [Txn(0, 1, A("x", 1)), Txn(2, 9, R("x", 1), A("x", 2)), Txn(2, 9, R("x", 1), A("x", 3)), Txn(10, 11, R("x", 1, 2, 3))];
        foreach (ConsistencyLevel level in Enum.GetValues<ConsistencyLevel>())
        {
            Assert.Contains("lost update", Check(level, steps).Violations.Select(v => v.Rule));
        }
    }

    [Fact]
    public void An_append_that_nobody_read_comes_after_what_was_read()
    {
        Only("G2", ConsistencyLevel.Serializable, Txn(0, 9, R("x"), A("y", 1)), Txn(0, 9, R("y"), A("x", 1)));
        Legal(ConsistencyLevel.Serializable, Txn(0, 9, R("x"), A("x", 1)), Txn(0, 9, R("x"), R("y"))); // Read, then appended itself: no cycle.
    }

    [Fact]
    public void The_witness_says_why_each_comes_before_the_next()
    {
        string text = Assert.Single(Check(ConsistencyLevel.StrictSerializable, Txn(0, 1, A("x", 1)), Txn(2, 3, R("x")), Txn(4, 5, R("x", 1))).Violations).Text;
        Assert.Contains("it read x without 1, which the second appended", text, StringComparison.Ordinal);
        Assert.Contains("it had ended before the second began", text, StringComparison.Ordinal);
        Assert.Contains("r x []", text, StringComparison.Ordinal);
    }

    // Goal: for all three levels no answer is wrong. Method: small random histories against the definitions: all serial orders; all
    // orders of beginnings and ends of transactions that read one snapshot, of which the first to end wins.
    [Fact]
    public void It_agrees_with_all_orders()
    {
        var random = new Prng(31);
        var good = new SortedDictionary<ConsistencyLevel, int>();
        const int Runs = 6_000;
        for (int run = 0; run < Runs; run++)
        {
            Step[] steps = AnyHistory(random);
            foreach (ConsistencyLevel level in Enum.GetValues<ConsistencyLevel>())
            {
                bool expected = AppendDefinition.Allows(level, steps);
                Verdict found = Check(level, steps);
                Assert.True(expected == found.IsLegal, $"run {run}, {level}: {expected} expected\n{string.Join('\n', steps.AsEnumerable())}\n{found.Explanation}");
                if (expected) { good[level] = good.GetValueOrDefault(level) + 1; }
            }
        }

        Assert.All(good.Values, count => Assert.InRange(count, Runs / 20, Runs * 19 / 20));
        Assert.True(good[ConsistencyLevel.StrictSerializable] < good[ConsistencyLevel.Serializable]);
        Assert.True(good[ConsistencyLevel.Serializable] < good[ConsistencyLevel.SnapshotIsolation]);
    }

    // Goal: real size costs seconds, and one wrong read among it is found.
    [Fact]
    public void A_hundred_thousand_transactions_over_a_hundred_lists()
    {
        Step[] steps = FromStore(new Prng(5), 100_000, lists: 100);
        Verdict verdict = Check(ConsistencyLevel.StrictSerializable, steps);
        Assert.True(verdict is { IsLegal: true, Keys: > 100 }, verdict.Explanation);
        int at = Array.FindLastIndex(steps, s => s.Parts is [{ Seen.Length: > 10 }]);
        steps[at] = steps[at] with { Parts = [steps[at].Parts[0] with { Seen = steps[at].Parts[0].Seen[..5] }] };
        Assert.Equal("G-single-realtime", Assert.Single(Check(ConsistencyLevel.StrictSerializable, steps).Violations).Rule);
    }

    private static Step[] FromStore(Prng random, int count, int lists)
    {
        // A list that has grown to thirty gets a successor, as in real tests: reads of a whole list would become the only cost.
        int[] generation = new int[lists];
        var content = new Dictionary<string, List<int>>();
        var steps = new List<Step>(count);
        long time = 0;
        for (int i = 0; i < count; i++)
        {
            var parts = new List<Part>();
            for (int k = 1 + random.Below(3); k > 0; k--)
            {
                int list = random.Below(lists);
                string name = $"{list}.{generation[list]}";
                if (!content.TryGetValue(name, out List<int>? values)) { content.Add(name, values = []); }
                if (random.Chance(1, 2))
                {
                    parts.Add(R(name, [.. values]));
                }
                else
                {
                    values.Add(i * 4 + k);
                    parts.Add(A(name, i * 4 + k));
                    if (values.Count == 30) { generation[list]++; }
                }
            }

            long effect = time += 10;
            steps.Add(new(effect - random.Below(200), effect + random.Below(200), [.. parts]));
        }

        return [.. steps.Select(s => s with { Invoked = s.Invoked + 1_000, Returned = s.Returned + 1_000 })];
    }

    // Mostly taken from a serial run, so that many are legal; then an answer or a time is changed in half of them.
    private static Step[] AnyHistory(Prng random)
    {
        int count = 2 + random.Below(3);
        string[] names = ["x", "y"];
        var content = names.ToDictionary(n => n, _ => new List<int>());
        var steps = new List<Step>();
        int value = 0;
        for (int i = 0; i < count; i++)
        {
            var parts = new List<Part>();
            for (int k = 1 + random.Below(2); k >= 0; k--)
            {
                string name = names[random.Below(2)];
                if (random.Chance(1, 2))
                {
                    parts.Add(R(name, [.. content[name]]));
                }
                else
                {
                    content[name].Add(++value);
                    parts.Add(A(name, value));
                }
            }

            long invoked = i * 3 + random.Below(8);
            steps.Add(new(invoked, random.Chance(1, 8) ? null : invoked + random.Below(8), [.. parts]));
        }

        for (int change = random.Below(4); change > 0; change--)
        {
            int at = random.Below(steps.Count);
            Part[] parts = [.. steps[at].Parts];
            int part = Array.FindIndex(parts, p => p.Append is null);
            if (part < 0) { continue; }
            int[] seen = parts[part].Seen;
            parts[part] = parts[part] with { Seen = random.Chance(2, 3) && seen.Length > 0 ? seen[..^1] : [.. content[parts[part].List]] };
            steps[at] = steps[at] with { Parts = parts };
        }

        return [.. steps];
    }

    private static void Legal(ConsistencyLevel level, params Step[] steps) => Assert.True(Check(level, steps).IsLegal, Check(level, steps).Explanation);

    private static void Broken(string rule, params Step[] steps)
    {
        foreach (ConsistencyLevel level in Enum.GetValues<ConsistencyLevel>())
        {
            Verdict verdict = Check(level, steps);
            Assert.True(verdict.Violations.Any(v => v.Rule == rule), $"{level}: {verdict.Explanation}");
        }
    }

    private static void Only(string rule, ConsistencyLevel level, params Step[] steps)
    {
        Verdict verdict = Check(level, steps);
        Assert.True(verdict.Violations is [{ } one] && one.Rule == rule, verdict.Explanation);
    }

    private static Verdict Check(ConsistencyLevel level, params Step[] steps)
    {
        var history = new History();
        for (int i = 0; i < steps.Length; i++)
        {
            HistoryOperation operation = history.Invoke(i, "txn", steps[i].Invoked, value: Json(steps[i], answered: false));
            if (steps[i].Returned is not { } returned) { continue; }
            bool aborted = steps[i].IsAborted;
            history.Complete(operation, aborted ? HistoryEventType.Fail : HistoryEventType.Ok, returned, aborted ? null : Json(steps[i], answered: true));
        }

        return Models.Find("append")!.Check(history, new() { Level = level });
    }

    private static JsonArray Json(Step step, bool answered) => [.. step.Parts.Select(p => (JsonNode)(p.Append is { } value
        ? new JsonArray("append", p.List, value)
        : new JsonArray("r", p.List, answered ? new JsonArray([.. p.Seen.Select(s => JsonValue.Create(s))]) : null)))];

    private static Step Txn(long invoked, long? returned, params Part[] parts) => new(invoked, returned, parts);

    private static Part A(string list, int value) => new(list, value, []);

    private static Part R(string list, params int[] seen) => new(list, null, seen);
}

/// <summary>A transaction of a test; each has a process of its own.</summary>
internal sealed record Step(long Invoked, long? Returned, Part[] Parts)
{
    public bool IsAborted { get; init; }

    public override string ToString() => $"[{Invoked}, {Returned}] {string.Join(", ", Parts.Select(p => p.Append is { } a ? $"append {p.List} {a}" : $"r {p.List} [{string.Join(' ', p.Seen)}]"))}";
}

/// <summary>An append, or a read if there is no value to append.</summary>
internal sealed record Part(string List, int? Append, int[] Seen);

/// <summary>The levels, word by word, by trying everything. For a handful of transactions.</summary>
internal static class AppendDefinition
{
    public static bool Allows(ConsistencyLevel level, Step[] steps) => level == ConsistencyLevel.SnapshotIsolation
        ? Snapshots(steps, new bool[steps.Length])
        : Serial(steps, new bool[steps.Length], new Dictionary<string, int[]>(), level == ConsistencyLevel.StrictSerializable);

    private static bool Serial(Step[] steps, bool[] placed, Dictionary<string, int[]> state, bool inTime)
    {
        if (!steps.Where((s, i) => !placed[i] && s.Returned is not null).Any()) { return true; }
        for (int i = 0; i < steps.Length; i++)
        {
            Step next = steps[i];
            if (placed[i] || (inTime && steps.Where((s, k) => !placed[k] && k != i && s.Returned < next.Invoked).Any())) { continue; }
            if (Run(next, state) is not { } after) { continue; }
            placed[i] = true;
            bool fits = Serial(steps, placed, after, inTime);
            placed[i] = false;
            if (fits) { return true; }
        }

        return false;
    }

    // Each transaction first takes its snapshot, later commits, unless another has meanwhile committed to a list that it appends to.
    private static bool Snapshots(Step[] steps, bool[] ended)
    {
        return Go(new Dictionary<string, int[]>?[steps.Length], new HashSet<string>?[steps.Length], []);

        bool Go(Dictionary<string, int[]>?[] began, HashSet<string>?[] meanwhile, Dictionary<string, int[]> now)
        {
            if (!steps.Where((s, i) => !ended[i] && s.Returned is not null).Any()) { return true; }
            for (int i = 0; i < steps.Length; i++)
            {
                if (ended[i]) { continue; }
                string[] appends = [.. steps[i].Parts.Where(p => p.Append is not null).Select(p => p.List).Distinct()];
                if (began[i] is null)
                {
                    if (Run(steps[i], now) is null) { continue; }
                    (began[i], meanwhile[i]) = (now, []);
                    if (Go(began, meanwhile, now)) { return true; }
                    (began[i], meanwhile[i]) = (null, null);
                    continue;
                }

                if (appends.Any(meanwhile[i]!.Contains)) { continue; }
                Dictionary<string, int[]> mine = Run(steps[i], began[i]!)!;
                var after = new Dictionary<string, int[]>(now);
                foreach (string list in appends) { after[list] = mine[list]; }
                HashSet<string>?[] told = [.. meanwhile.Select(m => m is null ? null : new HashSet<string>([.. m, .. appends]))];
                ended[i] = true;
                bool fits = Go(began, told, after);
                ended[i] = false;
                if (fits) { return true; }
            }

            return false;
        }
    }

    // Null if an answer differs. A transaction without an answer has no reads that were told.
    private static Dictionary<string, int[]>? Run(Step step, Dictionary<string, int[]> state)
    {
        var after = new Dictionary<string, int[]>(state);
        foreach (Part part in step.Parts)
        {
            int[] content = after.GetValueOrDefault(part.List) ?? [];
            if (part.Append is { } value) { after[part.List] = [.. content, value]; }
            else if (step.Returned is not null && !content.SequenceEqual(part.Seen)) { return null; }
        }

        return after;
    }
}
