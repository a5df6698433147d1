// Goal: the model of locks is right about every small history.
using Quorate.Core;
using Quorate.Simulation.Checkers;
using Xunit;

namespace Quorate.Simulation.Tests.Checkers;

public sealed class LockBruteForceTests
{
    // Method: random small histories of three clients, tokens mostly rising. What it proves, rule by rule, is looked for at every instant
    // and in every pair: the same rules must be broken. And it never accuses where some lock server, tried out in all ways, explains all.
    [Fact]
    public void It_agrees_with_every_instant_every_pair_and_every_server()
    {
        var random = new Prng(31);
        (int good, int explained) = (0, 0);
        const int Runs = 4_000;
        for (int run = 0; run < Runs; run++)
        {
            Step[] steps = Any(random);
            var history = new Simulation.Checkers.History();
            foreach (Step step in steps) { step.AddTo(history); }
            Verdict found = Models.Find("lock")!.Check(history, new CheckOptions());
            string told = $"run {run}\n{string.Join('\n', steps.AsEnumerable())}\n{found.Summary}";
            Assert.True(Broken(steps).SetEquals(found.Violations.Select(v => v.Rule)), told);
            bool canBe = new Server(steps).CanExplain();
            Assert.True(found.IsLegal || !canBe, told);
            if (found.IsLegal) { good++; }
            if (canBe) { explained++; }
        }

        Assert.InRange(good, Runs / 10, Runs * 9 / 10);
        Assert.InRange(explained, Runs / 10, good);
    }

    // Six operations end before 40.
    private static HashSet<string> Broken(Step[] steps)
    {
        var broken = new HashSet<string>();
        foreach (Step a in steps.Where(s => s.IsOk))
        {
            foreach (Step b in steps.Where(s => s.IsOk && s != a))
            {
                bool isAcquires = a.Function == "acquire" && b.Function == "acquire";
                bool isBefore = a.To < b.From;
                if (isAcquires && a.Process != b.Process && Enumerable.Range(0, 40).Any(t => IsHeldAt(steps, a, t) && IsHeldAt(steps, b, t))) { broken.Add("two holders"); }
                if (isAcquires && a.Token == b.Token) { broken.Add("token given twice"); }
                if (isAcquires && isBefore && b.Token <= a.Token) { broken.Add("token goes back"); }
                if (a.Function == "use" && b.Function == "use" && isBefore && b.Token < a.Token) { broken.Add("old token accepted"); }
            }
        }

        return broken;
    }

    // Answered, not yet over by the time to live, and its client has not asked to release since.
    private static bool IsHeldAt(Step[] steps, Step acquire, int time) =>
        acquire.To <= time && (acquire.Ttl is not { } ttl || time < acquire.From + ttl)
        && !steps.Skip(Array.IndexOf(steps, acquire)).Any(s => s.Process == acquire.Process && s.Function == "release" && s.From <= time);

    private static Step[] Any(Prng random)
    {
        int[] process = [0, 1, 2];
        int[] free = new int[3];
        var steps = new List<Step>();
        for (int left = 2 + random.Below(5); left > 0; left--)
        {
            int client = random.Below(3);
            int from = free[client] + random.Below(4);
            int to = free[client] = from + random.Below(4);
            string function = random.Below(5) switch { < 3 => "acquire", 3 => "release", _ => "use" };
            HistoryOutcome outcome = random.Below(8) switch { 0 => HistoryOutcome.Failed, 1 => HistoryOutcome.Unknown, _ => HistoryOutcome.Ok };
            steps.Add(new Step(steps.Count, process[client], function, from, to, outcome, 1 + (from + random.Below(4)) / 2, random.Chance(1, 2) ? 1 + random.Below(8) : null));
            if (outcome == HistoryOutcome.Unknown) { process[client] += 3; }
        }

        return [.. steps];
    }

    private sealed record Step(int Index, int Process, string Function, int From, int To, HistoryOutcome Outcome, int Token, int? Ttl)
    {
        public bool IsOk => Outcome == HistoryOutcome.Ok;

        public void AddTo(Simulation.Checkers.History history)
        {
            history.Add(Function switch
            {
                "acquire" when Ttl is { } ttl => HistoryEvent.Create(Process, HistoryEventType.Invoke, Function, From, "l", more: ("ttl", ttl)),
                "use" => HistoryEvent.Create(Process, HistoryEventType.Invoke, Function, From, "l", more: ("token", Token)),
                _ => HistoryEvent.Create(Process, HistoryEventType.Invoke, Function, From, "l"),
            });
            HistoryEventType type = Outcome switch { HistoryOutcome.Ok => HistoryEventType.Ok, HistoryOutcome.Failed => HistoryEventType.Fail, _ => HistoryEventType.Info };
            history.Add(IsOk && Function == "acquire"
                ? HistoryEvent.Create(Process, type, Function, To, "l", more: ("token", Token))
                : HistoryEvent.Create(Process, type, Function, To, "l"));
        }
    }

    /// <summary>A lock server with fencing, tried out: everything that was answered happens at some instant between question and answer.</summary>
    private sealed class Server(Step[] steps)
    {
        private readonly int _end = steps.Max(s => s.To);

        // Acquires and uses that were not answered with success need not have happened. A release may have, whatever its answer.
        private readonly Step[] _all = [.. steps.Where(s => s.IsOk || s.Function == "release")];

        public bool CanExplain() => From(0, [], [], 0, 0);

        private bool From(int now, Step[] done, Step[] grants, int lastToken, int lastUse)
        {
            foreach (Step next in _all.Except(done).Where(s => s.From <= now && (now <= s.To || s.Outcome == HistoryOutcome.Unknown)))
            {
                if (_all.TakeWhile(s => s != next).Any(s => s.Process == next.Process && s.IsOk && !done.Contains(s))) { continue; }
                bool fits = next.Function switch
                {
                    "acquire" => next.Token > lastToken && grants.All(g => g.Process == next.Process || now >= g.From + g.Ttl)
                        && From(now, [.. done, next], [.. grants, next], next.Token, lastUse),
                    "use" => next.Token >= lastUse && From(now, [.. done, next], grants, lastToken, next.Token),
                    _ => From(now, [.. done, next], [.. grants.Where(g => g.Process != next.Process)], lastToken, lastUse),
                };
                if (fits) { return true; }
            }

            Step[] open = [.. _all.Except(done).Where(s => s.IsOk)];
            return open.Length == 0 || (now < _end && !open.Any(s => s.To == now) && From(now + 1, done, grants, lastToken, lastUse));
        }
    }
}
