using System.Text.Json.Nodes;
using Quorate.Core;
using Quorate.Simulation.Checkers;
using Xunit;

namespace Quorate.Simulation.Tests.Checkers;

public sealed class SetModelTests
{
    [Fact]
    public void Good_histories_hold()
    {
        Assert.True(Check(Add(1, 0, 1), Read(2, 3, 1), Add(2, 2, 9), Read(4, 5, 1), Read(6, 7, 1, 2), Read(8, 9, 1, 2)).IsLegal);
        Assert.True(Check(Add(1, 0), Read(2, 3), Read(4, 5, 1)).IsLegal); // An unanswered add happens late, or never.
        Assert.True(Check(Add(1, 0), Read(2, 3)).IsLegal);
    }

    [Fact]
    public void Each_broken_rule_is_named()
    {
        Fails("lost add", Add(1, 0, 1), Read(2, 3));
        Fails("stale read", Add(1, 0, 1), Read(2, 3), Read(4, 5, 1));
        Fails("invented value", Read(2, 3, 7));
        Fails("value from the future", Read(0, 1, 1), Add(1, 2, 3));
        Fails("vanished value", Add(1, 0), Read(2, 3, 1), Read(4, 5));
        Fails("doubled value", Add(1, 0, 1), Read(2, 3, 1, 1));
        Fails("forked reads", Add(1, 0), Add(2, 0), Read(2, 9, 1), Read(3, 9, 2));
        Fails("order turned round", Add(1, 0, 1), Add(2, 2, 3), Read(0, 9, 2)); // It saw the second, not the first.
    }

    [Fact]
    public void A_refused_add_must_not_be_seen()
    {
        var history = new History();
        history.Complete(history.Invoke(1, "add", 0, value: 1), HistoryEventType.Fail, 1);
        history.Complete(history.Invoke(2, "read", 2), HistoryEventType.Ok, 3, new JsonArray(1));
        Verdict verdict = Models.Find("set")!.Check(history, new());
        Assert.Equal("refused value", Assert.Single(verdict.Violations).Rule);
    }

    [Fact]
    public void Keys_are_separate_sets()
    {
        var history = new History();
        history.Complete(history.Invoke(1, "add", 0, "a", 1), HistoryEventType.Ok, 1);
        history.Complete(history.Invoke(1, "read", 2, "b"), HistoryEventType.Ok, 3, new JsonArray());
        Assert.True(Models.Find("set")!.Check(history, new()).IsLegal);
    }

    // Goal: no answer is wrong. Method: small random histories against the definition, all orders of all subsets.
    [Fact]
    public void It_agrees_with_all_permutations()
    {
        var random = new Prng(7);
        int good = 0;
        const int Runs = 20_000;
        for (int run = 0; run < Runs; run++)
        {
            int adds = 1 + random.Below(3);
            SetStep[] steps = [.. Enumerable.Range(1, adds).Select(i => AnyAdd(random, i)), .. Enumerable.Range(0, 1 + random.Below(3)).Select(_ => AnyRead(random, adds))];
            bool expected = CanBeOrdered(steps, new bool[steps.Length], []);
            Verdict found = Check(steps);
            Assert.True(expected == found.IsLegal, $"run {run}: {expected} expected\n{string.Join('\n', steps.AsEnumerable())}\n{found.Summary}");
            if (expected) { good++; }
        }

        Assert.InRange(good, Runs / 20, Runs * 19 / 20);
    }

    private static SetStep AnyAdd(Prng random, int value)
    {
        int from = random.Below(12);
        return random.Chance(1, 4) ? Add(value, from) : Add(value, from, from + random.Below(6));
    }

    private static SetStep AnyRead(Prng random, int adds)
    {
        int from = random.Below(14);
        return Read(from, from + random.Below(6), [.. Enumerable.Range(1, adds).Where(_ => random.Chance(1, 2))]);
    }

    private static bool CanBeOrdered(SetStep[] steps, bool[] placed, SortedSet<int> state)
    {
        if (!steps.Where((s, i) => !placed[i] && s.Returned is not null).Any()) { return true; }
        for (int i = 0; i < steps.Length; i++)
        {
            SetStep next = steps[i];
            bool mustWait = steps.Where((s, k) => !placed[k] && k != i && s.Returned < next.Invoked).Any();
            if (placed[i] || mustWait || (next.Value is null && !state.SetEquals(next.Seen))) { continue; }
            placed[i] = true;
            bool fits = CanBeOrdered(steps, placed, next.Value is { } value ? [.. state, value] : state);
            placed[i] = false;
            if (fits) { return true; }
        }

        return false;
    }

    private static void Fails(string rule, params SetStep[] steps)
    {
        Verdict verdict = Check(steps);
        Assert.Contains(rule, verdict.Violations.Select(v => v.Rule));
        Assert.Contains(rule, verdict.Summary, StringComparison.Ordinal);
    }

    private static Verdict Check(params SetStep[] steps)
    {
        var history = new History();
        for (int i = 0; i < steps.Length; i++)
        {
            SetStep step = steps[i];
            HistoryOperation operation = history.Invoke(i, step.Value is null ? "read" : "add", step.Invoked, value: step.Value);
            JsonNode? seen = step.Value is null ? new JsonArray([.. step.Seen.Select(s => JsonValue.Create(s))]) : null;
            if (step.Returned is { } returned) { history.Complete(operation, HistoryEventType.Ok, returned, seen); }
        }

        return Models.Find("set")!.Check(history, new());
    }

    private static SetStep Add(int value, int invoked, int? returned = null) => new(value, [], invoked, returned);

    private static SetStep Read(int invoked, int returned, params int[] seen) => new(null, seen, invoked, returned);

    private sealed record SetStep(int? Value, int[] Seen, int Invoked, int? Returned)
    {
        public override string ToString() => $"[{Invoked}, {Returned}] {(Value is { } v ? $"add {v}" : $"read {string.Join(' ', Seen)}")}";
    }
}
