// Goal: the model of leases is right about every small history.
using Quorate.Core;
using Quorate.Simulation.Checkers;
using Xunit;

namespace Quorate.Simulation.Tests.Checkers;

public sealed class LeaseBruteForceTests
{
    // Method: random answers to a client that takes one lease, hangs keys on it once and asks on; each place in the history is tried as
    // the lease's begin, each as its end. It is legal if some choice explains all answers: exactly then.
    [Fact]
    public void It_agrees_with_all_begins_and_ends()
    {
        var random = new Prng(32);
        int good = 0;
        const int Runs = 10_000;
        for (int run = 0; run < Runs; run++)
        {
            Step[] steps = Any(random);
            bool expected = CanBeExplained(steps);
            Verdict found = Check(steps);
            Assert.True(expected == found.IsLegal, $"run {run}: {expected} expected\n{string.Join('\n', steps.AsEnumerable())}\n{found.Summary}");
            if (expected) { good++; }
        }

        Assert.InRange(good, Runs / 10, Runs * 9 / 10);
    }

    // All steps before begin come before the lease is there, all from end on when it is gone. Who never saw it has a begin after all steps.
    private static bool CanBeExplained(Step[] steps)
    {
        for (int begin = 0; begin <= steps.Length; begin++)
        {
            for (int end = Math.Min(begin + 1, steps.Length); end <= steps.Length; end++)
            {
                if (MayBegin(steps, begin) && MayEnd(steps, end) && Fits(steps, begin, end)) { return true; }
            }
        }

        return false;
    }

    // An unanswered grant may happen late, or never.
    private static bool MayBegin(Step[] steps, int begin)
    {
        int grant = Array.FindIndex(steps, s => s.Function == "grant");
        return steps[grant].IsOk ? begin == grant : begin >= grant;
    }

    // By a revocation, which may be late if nobody answered it; or when no acknowledged grant or renewal before protects it any more.
    private static bool MayEnd(Step[] steps, int end)
    {
        if (end == steps.Length) { return true; }
        if (steps[end] is { Function: "revoke", Outcome: not HistoryOutcome.Failed }) { return true; }
        if (steps.Take(end).Any(s => s is { Function: "revoke", Outcome: HistoryOutcome.Unknown })) { return true; }
        long latest = steps.Skip(end).Min(s => s.Returned);
        int least = steps.First(s => s.Function == "grant").Answer;
        return steps.Take(end).All(s => !s.IsOk || s.Function is not ("grant" or "renew") || s.Answer == 0 || s.From + least <= latest);
    }

    private static bool Fits(Step[] steps, int begin, int end)
    {
        int keys = 0;
        for (int i = 0; i < steps.Length; i++)
        {
            Step step = steps[i];
            bool isThere = begin <= i && i < end;
            bool fits = !step.IsOk || step.Function switch
            {
                "attach" => isThere,
                "renew" => step.Answer > 0 == isThere,
                "look" => isThere ? step.Answer >= keys : step.Answer == 0,
                "revoke" => i < begin || !isThere,
                _ => true,
            };
            if (!fits) { return false; }
            if (step.IsOk && step.Function is "attach" or "look") { keys = Math.Max(keys, step.Answer); }
        }

        return true;
    }

    private static Step[] Any(Prng random)
    {
        var steps = new List<Step>();
        int time = 0;
        if (random.Chance(1, 10)) { Add("renew", 0); }
        Add("grant", 2 + random.Below(12), random.Chance(1, 4) ? HistoryOutcome.Unknown : HistoryOutcome.Ok);
        if (random.Chance(1, 8)) { Add("renew", random.Below(2) * 5); }
        Add("attach", 3, random.Chance(1, 4) ? HistoryOutcome.Unknown : HistoryOutcome.Ok);
        for (int left = 1 + random.Below(5); left > 0; left--)
        {
            switch (random.Below(9))
            {
                case < 4: Add("look", random.Below(9) switch { 0 => 1, < 5 => 3, _ => 0 }); break;
                case < 8: Add("renew", random.Chance(1, 2) ? 5 : 0); break;
                default: Add("revoke", 0); break;
            }
        }

        return [.. steps];

        void Add(string function, int answer, HistoryOutcome? outcome = null)
        {
            int from = time + random.Below(4);
            time = from + random.Below(4);
            outcome ??= random.Below(8) switch { 0 => HistoryOutcome.Failed, 1 => HistoryOutcome.Unknown, _ => HistoryOutcome.Ok };
            steps.Add(new Step(steps.Count, function, from, time, outcome.Value, answer));
        }
    }

    private static Verdict Check(Step[] steps)
    {
        var history = new Simulation.Checkers.History();
        foreach (Step step in steps)
        {
            history.Add(step.Function == "grant"
                ? HistoryEvent.Create(step.Process, HistoryEventType.Invoke, "grant", step.From, "s", more: ("least", step.Answer))
                : HistoryEvent.Create(step.Process, HistoryEventType.Invoke, step.Function, step.From, "s"));
            if (step.Outcome == HistoryOutcome.Unknown) { continue; }
            HistoryEventType type = step.IsOk ? HistoryEventType.Ok : HistoryEventType.Fail;
            history.Add(HistoryEvent.Create(step.Process, type, step.Function, step.To, "s", step.Function is "attach" or "renew" or "look" ? step.Answer : null));
        }

        return Models.Find("lease")!.Check(history, new CheckOptions());
    }

    // Answer: of a grant, the least time to live.
    private sealed record Step(int Process, string Function, int From, int To, HistoryOutcome Outcome, int Answer)
    {
        public bool IsOk => Outcome == HistoryOutcome.Ok;

        public long Returned => Outcome == HistoryOutcome.Unknown ? long.MaxValue : To;
    }
}
