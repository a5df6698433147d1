using System.Text.Json.Nodes;
using Quorate.Core;
using Quorate.Simulation.Checkers;
using Xunit;

namespace Quorate.Simulation.Tests.Checkers;

public sealed class RegisterModelTests
{
    [Fact]
    public void Concurrent_operations_may_take_effect_in_any_order()
    {
        Holds(Write(1, 0, 10), Write(2, 0, 10), Read(2, 11, 12));
        Holds(Write(1, 0, 10), Read(null, 1, 2), Read(1, 3, 4));
        Holds(Write(1, 0, 10), Read(1, 1, 2), Read(1, 11, 12));
        Holds(Write(1, 0, 5), Read(1, 0, 0), Read(null, 0, 0)); // Equal times are concurrent.
    }

    [Fact]
    public void An_unanswered_write_may_happen_late_or_never_but_not_twice()
    {
        Holds(Write(1, 0), Read(null, 5, 6), Read(1, 7, 8));
        Holds(Write(1, 0), Read(null, 5, 6));
        Fails("stale read", Write(1, 0), Read(1, 1, 2), Write(2, 3, 4), Read(2, 5, 6), Read(1, 7, 8));
        Fails("value from the future", Read(1, 0, 1), Write(1, 2));
        Holds(Write(1, 0, 1), Cas(1, 2, null, 2), Cas(2, 3, null, 2), Read(3, 9, 10));
        Fails("stale read", Write(1, 0, 1), Cas(1, 2, null, 2), Cas(2, 3, null, 2), Read(3, 9, 10), Read(2, 11, 12));
    }

    [Fact]
    public void Each_broken_rule_is_named()
    {
        Fails("stale read", Write(1, 0, 1), Write(2, 2, 3), Read(1, 4, 5));
        Fails("stale read", Write(1, 0, 1), Read(null, 2, 3));
        Fails("stale read", Write(1, 0, 10), Read(1, 1, 2), Read(null, 3, 4));
        Fails("phantom value", Write(1, 0, 1), Read(7, 2, 3));
        Fails("refused write seen", Write(1, 0, 1), Write(7, 2, 3) with { IsRefused = true }, Read(7, 4, 5));
        Fails("value from the future", Read(1, 0, 1), Write(1, 2, 3));
        Fails("lost update", Write(1, 0, 1), Cas(1, 2, true, 2, 9), Cas(1, 3, true, 2, 9));
        Fails("wrong mismatch", Write(1, 0, 1), Cas(1, 2, false, 2, 3));
        Fails("stale compare", Write(1, 0, 1), Write(2, 2, 3), Cas(1, 3, true, 4, 5));
    }

    [Fact]
    public void Compares_that_did_not_match_must_have_a_reason()
    {
        Holds(Write(1, 0, 1), Cas(1, 2, true, 2, 3), Read(2, 4, 5));
        Holds(Write(1, 0, 1), Write(2, 0), Cas(1, 3, false, 2, 3)); // It may owe its failure to the unanswered write.
        Holds(Write(1, 0, 1), Write(2, 2, 9), Cas(1, 3, false, 3, 4), Read(1, 3, 4));
        Fails("wrong mismatch", Write(1, 0, 1), Write(2, 2, 9), Cas(1, 3, false, 3, 4), Read(1, 5, 6));
        Holds(Cas(null, 1, true, 0, 1), Cas(null, 2, false, 2, 3), Read(1, 4, 5));
    }

    [Fact]
    public void A_write_of_null_is_a_deletion()
    {
        Holds(Write(1, 0, 1), Write(null, 2, 3), Read(null, 4, 5), Write(1, 6, 7), Read(1, 8, 9));
        Fails("stale read", Write(1, 0, 1), Write(null, 2, 3), Read(1, 4, 5));
    }

    [Fact]
    public void Registers_are_independent()
    {
        Holds(Write(1, 0, 1), Write(5, 0, 1) with { Key = "b" }, Read(1, 2, 3), Read(5, 2, 3) with { Key = "b" });
        Fails("stale read", Write(1, 0, 1), Read(1, 2, 3), Write(5, 0, 1) with { Key = "b" }, Read(null, 2, 3) with { Key = "b" });
    }

    // Goal: no answer is wrong, whichever method gave it, and the counter-example fails by itself.
    // Method: small random histories against the definition, all orders of all subsets; values unique, and values that repeat.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void It_agrees_with_all_permutations(bool unique)
    {
        var random = new Prng(20);
        int good = 0;
        const int Runs = 20_000;
        for (int run = 0; run < Runs; run++)
        {
            RegisterStep[] steps = [.. Enumerable.Range(0, 2 + random.Below(4)).Select(i => Any(random, i, unique))];
            bool expected = CanBeOrdered(steps);
            Verdict found = Check(steps);
            Assert.True(expected == found.IsLegal, $"run {run}: {expected} expected\n{string.Join('\n', steps.AsEnumerable())}\n{found.Summary}");
            if (expected)
            {
                good++;
                continue;
            }

            int[] shown = [.. found.Violations[0].Operations.Select(o => o.Index)];
            RegisterStep[] part = [.. steps.Where((_, i) => shown.Contains(i))];
            Assert.False(CanBeOrdered(part), $"run {run}: the counter-example is legal\n{string.Join('\n', part.AsEnumerable())}");
        }

        Assert.InRange(good, Runs / 20, Runs * 19 / 20);
    }

    // Goal: a history of a real register is legal, whatever its values; after one answer is changed to an older value it is not,
    // and a handful of operations shows it.
    [Theory]
    [InlineData(1UL, true)]
    [InlineData(2UL, true)]
    [InlineData(3UL, false)]
    [InlineData(4UL, false)]
    public void A_tampered_history_is_found_and_made_small(ulong seed, bool unique)
    {
        RegisterStep[] steps = RegisterStep.FromRegister(new Prng(seed), 1_000, clients: 8, keys: 1, unique);
        Verdict good = Check(steps);
        Assert.True(good.IsLegal, good.Explanation);
        int at = Array.FindLastIndex(steps, s => s.IsRead && s.Seen > 100);
        steps[at] = steps[at] with { Seen = steps[at].Seen - 100 };
        Verdict bad = Check(steps);
        Assert.False(bad.IsLegal);
        Assert.InRange(bad.Violations[0].Operations.Count, 1, 8);
    }

    // Goal: it would notice a bug in a history of a cluster. Method: a good one, written to a file, with one read made to see the first write.
    [Fact]
    public void A_tampered_history_of_a_cluster_is_found()
    {
        using var cluster = SimCluster.Start(3, new SimOptions());
        var workload = new RegisterWorkload { Keys = 1 };
        cluster.Run(TimeSpan.FromSeconds(20), workload);
        workload.Check();
        HistoryOperation last = workload.History.Operations.Last(o => o.Function == "read" && o.Outcome == HistoryOutcome.Ok);
        HistoryOperation first = workload.History.Operations.First(o => o.Function == "write" && o.Outcome == HistoryOutcome.Ok);
        var file = new MemoryStream();
        HistoryWriter.Write(file, workload.History, "register");
        string good = System.Text.Encoding.UTF8.GetString(file.ToArray());
        string answer = last.Completion!.ToString();
        string bad = good.Replace(answer, answer.Replace(last.Completion.Value.GetRawText(), first.Invoke.Value.GetRawText(), StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.NotEqual(good, bad);
        Verdict verdict = Models.Register.Check(HistoryReader.Read(new MemoryStream(System.Text.Encoding.UTF8.GetBytes(bad))), new());
        Assert.Equal("stale read", Assert.Single(verdict.Violations).Rule);
    }

    // Goal: unknown outcomes and many clients cost no search when values are unique.
    [Fact]
    public void A_hundred_thousand_operations_over_a_hundred_keys()
    {
        RegisterStep[] steps = RegisterStep.FromRegister(new Prng(9), 100_000, clients: 50, keys: 100, unique: true);
        Verdict verdict = Check(steps);
        Assert.True(verdict.IsLegal, verdict.Explanation);
        Assert.Equal((100_000, 100), (verdict.Operations, verdict.Keys));
        Assert.True(verdict.Unknown > 100, $"only {verdict.Unknown} unknown");
    }

    [Fact]
    public void A_search_that_meets_its_bound_is_undecided_and_not_legal()
    {
        // Forty concurrent writes of few values, and reads that fit none of their orders: the search must try most of them.
        RegisterStep[] steps =
        [
            .. Enumerable.Range(0, 40).Select(i => Write(i % 20 + 1, 0, 100)),
            .. Enumerable.Range(0, 39).Select(i => Read(i % 20 + 1, 0, 100)),
            Write(50, 101, 102), Read(1, 103, 104), Write(50, 105, 106),
        ];
        Verdict verdict = Models.Register.Check(RegisterStep.HistoryOf(steps), new() { MaxStates = 20_000 });
        Assert.Equal(VerdictKind.Undecided, verdict.Kind);
        Assert.StartsWith("undecided: ", verdict.Summary, StringComparison.Ordinal);
        Assert.Throws<CheckFailedException>(verdict.MustBeLegal);
    }

    // Goal: a newcomer can read the diagram. This is what it looks like; change it on purpose only.
    [Fact]
    public void The_diagram_of_a_stale_read()
    {
        var history = new History();
        HistoryOperation one = history.Invoke(0, "write", 100, "k", 1);
        history.Complete(one, HistoryEventType.Ok, 180);
        history.Add(HistoryEvent.Create(-1, HistoryEventType.Info, "partition", 250, value: "n1 | n2 n3"));
        HistoryOperation two = history.Invoke(1, "write", 200, "k", 2);
        history.Complete(two, HistoryEventType.Ok, 310);
        HistoryOperation other = history.Invoke(0, "read", 312, "k");
        history.Complete(other, HistoryEventType.Ok, 318, 2);
        HistoryOperation read = history.Invoke(2, "read", 320, "k");
        history.Complete(read, HistoryEventType.Ok, 400, 1);
        Verdict verdict = Models.Register.Check(history, new());
        Assert.Equal(
            """
            register k: stale read. 'read: 1' of process 2 found an older value, although 'write 2' of process 1 had already ended before the read began.
            No order of these 3 operations (of 4), one at a time, each between its call and its answer, explains all answers:

              process 0  |a write 1|
              process 1              |b write 2|
              process 2                          |c read: 1|
              faults                   ^

              a  process 0 write 1  (100 us to 180 us)
              b  process 1 write 2  (200 us to 310 us)
              c  process 2 read: 1  (320 us to 400 us)
              ^  partition "n1 | n2 n3"  (250 us)

            """,
            verdict.Violations[0].Text);
    }

    private static RegisterStep Any(Prng random, int i, bool unique)
    {
        long invoked = random.Below(8);
        long? returned = random.Chance(1, 4) ? null : invoked + random.Below(5);
        int? seen = random.Below(4) is > 0 and var value ? value : null;
        int set = unique ? i + 1 : 1 + random.Below(3);
        return random.Below(3) switch
        {
            0 => Read(seen, invoked, returned ?? invoked),
            1 => Write(!unique && random.Chance(1, 8) ? null : set, invoked, returned),
            _ => Cas(seen, set, random.Chance(1, 2), invoked, returned),
        };
    }

    private static bool CanBeOrdered(RegisterStep[] steps) => CanBeOrdered(steps, new bool[steps.Length], null);

    // The definition, word by word: some order of all answered operations and any of the others, in which nothing comes before
    // what had returned when it was asked, and in which every answer is right.
    private static bool CanBeOrdered(RegisterStep[] steps, bool[] placed, int? value)
    {
        if (!steps.Where((s, i) => !placed[i] && s.Returned is not null).Any()) { return true; }
        for (int i = 0; i < steps.Length; i++)
        {
            RegisterStep next = steps[i];
            bool mustWait = steps.Where((s, k) => !placed[k] && k != i && s.Returned < next.Invoked).Any();
            if (placed[i] || mustWait) { continue; }
            bool matches = next.IsCas && next.Seen == value;
            bool isRight = next.IsRead ? next.Seen == value : !next.IsCas || next.Returned is null || next.Matched == matches;
            if (!isRight) { continue; }
            placed[i] = true;
            bool fits = CanBeOrdered(steps, placed, matches || (!next.IsRead && !next.IsCas) ? next.Value : value);
            placed[i] = false;
            if (fits) { return true; }
        }

        return false;
    }

    private static void Holds(params RegisterStep[] steps)
    {
        Verdict verdict = Check(steps);
        Assert.True(verdict.IsLegal, verdict.Explanation);
    }

    private static void Fails(string rule, params RegisterStep[] steps)
    {
        Violation violation = Assert.Single(Check(steps).Violations);
        Assert.True(rule == violation.Rule, violation.Text);
    }

    private static Verdict Check(params RegisterStep[] steps) => Models.Register.Check(RegisterStep.HistoryOf(steps), new());

    private static RegisterStep Write(int? value, long invoked, long? returned = null) => new("write", null, value, false, invoked, returned);

    private static RegisterStep Read(int? seen, long invoked, long returned) => new("read", seen, null, false, invoked, returned);

    private static RegisterStep Cas(int? expected, int value, bool? matched, long invoked, long? returned = null) =>
        new("cas", expected, value, matched ?? false, invoked, returned);
}

/// <summary>An operation of a test, from which a history is made: each has a process of its own.</summary>
public sealed record RegisterStep(string Function, int? Seen, int? Value, bool Matched, long Invoked, long? Returned)
{
    public string Key { get; init; } = "a";

    public bool IsRefused { get; init; }

    public bool IsRead => Function == "read";

    public bool IsCas => Function == "cas";

    public static History HistoryOf(IReadOnlyList<RegisterStep> steps)
    {
        var history = new History();
        for (int i = 0; i < steps.Count; i++)
        {
            RegisterStep step = steps[i];
            JsonNode? value = step.IsRead ? null : step.IsCas ? new JsonArray(step.Seen, step.Value) : step.Value;
            HistoryOperation operation = history.Invoke(i, step.Function, step.Invoked, step.Key, value);
            if (step.Returned is not { } returned) { continue; }
            HistoryEventType type = step.IsRefused ? HistoryEventType.Fail : HistoryEventType.Ok;
            history.Complete(operation, type, returned, step.IsRead ? step.Seen : null, applied: !step.IsCas || step.Matched);
        }

        return history;
    }

    /// <summary>Operations on real registers: each takes effect at a random moment between call and return, and one in a hundred is never answered.</summary>
    public static RegisterStep[] FromRegister(Prng random, int count, int clients, int keys, bool unique)
    {
        int?[] registers = new int?[keys];
        int[] written = new int[keys];
        long[] free = new long[clients];
        var planned = new PriorityQueue<(int Client, long Invoked, long Returned), long>();
        var steps = new List<RegisterStep>(count);
        for (int i = 0; i < clients; i++) { Plan(i); }
        while (steps.Count < count)
        {
            (int client, long invoked, long returned) = planned.Dequeue();
            int key = random.Below(keys);
            int value = unique ? ++written[key] : 1 + (written[key]++ / 3);
            int? old = registers[key];
            int? expected = random.Chance(2, 3) ? old : value - 1;
            RegisterStep step = random.Below(10) switch
            {
                < 5 => new("read", old, null, false, invoked, returned),
                < 8 => new("write", null, value, false, invoked, returned),
                _ => new("cas", expected, value, expected == old, invoked, returned),
            };
            bool happens = true;
            if (!step.IsRead && random.Chance(1, 100))
            {
                step = step with { Returned = null };
                happens = random.Chance(1, 2);
            }

            if (happens && (step.Function == "write" || step.Matched)) { registers[key] = value; }
            steps.Add(step with { Key = $"k{key}" });
            Plan(client);
        }

        return [.. steps.OrderBy(s => s.Invoked)];

        void Plan(int client)
        {
            long invoked = free[client] + random.Between(1, 100);
            long effect = invoked + random.Between(0, 500);
            free[client] = effect + random.Between(0, 500);
            planned.Enqueue((client, invoked, free[client]), effect);
        }
    }
}
