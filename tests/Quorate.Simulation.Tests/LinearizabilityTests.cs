using Quorate.Core;
using Xunit;

namespace Quorate.Simulation.Tests;

/// <summary>The checker is checked: a checker that says yes to everything would make all other tests here worthless.</summary>
public sealed class LinearizabilityTests
{
    [Fact]
    public void A_history_in_order_is_linearizable() => Holds(Write(1, 0, 1), Read(1, 2, 3), Write(2, 4, 5), Read(2, 6, 7));

    [Fact]
    public void A_read_may_see_a_concurrent_write_or_not()
    {
        Holds(Write(1, 0, 10), Read(0, 1, 2), Read(1, 3, 4));
        Holds(Write(1, 0, 10), Read(1, 1, 2), Read(1, 11, 12));
    }

    [Fact]
    public void A_read_that_goes_back_is_found() => Fails(Write(1, 0, 10), Read(1, 1, 2), Read(0, 3, 4));

    [Fact]
    public void A_stale_read_is_found() => Fails(Write(1, 0, 1), Write(2, 2, 3), Read(1, 4, 5));

    [Fact]
    public void A_lost_write_is_found() => Fails(Write(1, 0, 1), Read(0, 2, 3));

    [Fact]
    public void A_value_from_nowhere_is_found() => Fails(Write(1, 0, 1), Read(7, 2, 3));

    [Fact]
    public void A_value_before_its_write_is_found() => Fails(Read(1, 0, 1), Write(1, 2, 3));

    [Fact]
    public void An_unanswered_write_may_happen_late_or_never_but_not_twice()
    {
        Holds(Write(1, 0), Read(0, 5, 6), Read(1, 7, 8));
        Holds(Write(1, 0), Read(0, 5, 6));
        Fails(Write(1, 0), Read(1, 1, 2), Write(2, 3, 4), Read(2, 5, 6), Read(1, 7, 8));
        Fails(Read(1, 0, 1), Write(1, 2));
    }

    [Fact]
    public void A_compare_that_should_have_matched_is_found()
    {
        Holds(Write(1, 0, 1), Compare(1, 2, true, 2, 3), Read(2, 4, 5));
        Fails(Write(1, 0, 1), Compare(1, 2, false, 2, 3));
        Fails(Write(1, 0, 1), Compare(1, 2, true, 2, 3), Compare(1, 3, true, 4, 5));
    }

    [Fact]
    public void A_failed_compare_may_owe_its_failure_to_an_unanswered_write() =>
        Holds(Write(1, 0, 1), Write(2, 0), Compare(1, 3, false, 2, 3));

    [Fact]
    public void Registers_are_independent() => Fails(Write(1, 0, 1), Read(1, 2, 3), Write(5, 0, 1, key: 2), Read(0, 2, 3, key: 2));

    // Goal: no answer of the checker is wrong. Method: small random histories against the definition, all orders of all subsets.
    [Fact]
    public void It_agrees_with_all_permutations()
    {
        var random = new Prng(20);
        int good = 0;
        const int Runs = 3_000;
        for (int run = 0; run < Runs; run++)
        {
            RegisterOperation[] operations = [.. Enumerable.Range(0, 2 + random.Below(4)).Select(i => Any(random, i))];
            bool expected = CanBeOrdered(operations, new bool[operations.Length], 0);
            bool found = Linearizability.IsLinearizable(HistoryOf(operations));
            Assert.True(expected == found, $"run {run}: {expected} expected\n{string.Join('\n', operations.AsEnumerable())}");
            if (expected) { good++; }
        }

        Assert.InRange(good, Runs / 20, Runs * 19 / 20);
    }

    // Goal: it would notice a bug in a history of real size. Method: a good history of a cluster, with one read made to see an older write.
    [Fact]
    public void A_tampered_history_is_found()
    {
        using var cluster = SimCluster.Start(3, new SimOptions());
        var workload = new RegisterWorkload { Keys = 1 };
        cluster.Run(TimeSpan.FromSeconds(20), workload);
        History history = workload.History;
        Linearizability.Check(history);
        RegisterOperation[] done = [.. history.Operations.Where(o => !o.IsUnknown)];
        RegisterOperation first = done.First(o => o.Action == RegisterAction.Write);
        RegisterOperation read = done.Last(o => o.Action == RegisterAction.Read && o.Seen != first.Value);
        read.Seen = first.Value;
        Assert.Throws<NotLinearizableException>(() => Linearizability.Check(history));
    }

    private static RegisterOperation Any(Prng random, int i)
    {
        long invoked = random.Below(8);
        long? returned = random.Chance(1, 4) ? null : invoked + random.Below(5);
        return random.Below(3) switch
        {
            0 => Read(random.Below(4), invoked, returned ?? invoked),
            1 => Write(i + 1, invoked, returned),
            _ => Compare(random.Below(4), i + 1, random.Chance(1, 2), invoked, returned),
        };
    }

    // The definition, word by word: some order of all answered operations and any of the others, in which nothing comes before
    // what had returned when it was asked, and in which every answer is right.
    private static bool CanBeOrdered(RegisterOperation[] operations, bool[] placed, long value)
    {
        if (!operations.Where((o, i) => !placed[i] && !o.IsUnknown).Any()) { return true; }
        for (int i = 0; i < operations.Length; i++)
        {
            RegisterOperation next = operations[i];
            bool mustWait = operations.Where((o, k) => !placed[k] && k != i && o.Returned < next.Invoked).Any();
            if (placed[i] || mustWait) { continue; }
            bool matches = next.Action == RegisterAction.CompareAndSet && next.Expected == value;
            bool isRight = next.Action switch
            {
                RegisterAction.Read => next.Seen == value,
                RegisterAction.Write => true,
                _ => next.IsUnknown || next.Matched == matches,
            };
            if (!isRight) { continue; }
            placed[i] = true;
            bool fits = CanBeOrdered(operations, placed, next.Action == RegisterAction.Write || matches ? next.Value : value);
            placed[i] = false;
            if (fits) { return true; }
        }

        return false;
    }

    private static void Holds(params RegisterOperation[] operations) => Linearizability.Check(HistoryOf(operations));

    private static void Fails(params RegisterOperation[] operations)
    {
        Assert.False(Linearizability.IsLinearizable(HistoryOf(operations)));
        Assert.Throws<NotLinearizableException>(() => Linearizability.Check(HistoryOf(operations)));
    }

    private static History HistoryOf(RegisterOperation[] operations)
    {
        var history = new History();
        foreach (RegisterOperation operation in operations) { history.Add(operation); }
        return history;
    }

    private static RegisterOperation Write(long value, long invoked, long? returned = null, int key = 1) => new()
    {
        Process = 1,
        Key = key,
        Action = RegisterAction.Write,
        Value = value,
        Invoked = invoked,
        Returned = returned ?? long.MaxValue,
    };

    private static RegisterOperation Read(long seen, long invoked, long returned, int key = 1) => new()
    {
        Process = 2,
        Key = key,
        Action = RegisterAction.Read,
        Seen = seen,
        Invoked = invoked,
        Returned = returned,
    };

    private static RegisterOperation Compare(long expected, long value, bool matched, long invoked, long? returned) => new()
    {
        Process = 3,
        Key = 1,
        Action = RegisterAction.CompareAndSet,
        Expected = expected,
        Value = value,
        Matched = matched,
        Invoked = invoked,
        Returned = returned ?? long.MaxValue,
    };
}
