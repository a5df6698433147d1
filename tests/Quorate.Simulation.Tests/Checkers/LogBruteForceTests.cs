// Goal: the model of logs is right about every small history.
using System.Text.Json.Nodes;
using Quorate.Core;
using Quorate.Simulation.Checkers;
using Xunit;

namespace Quorate.Simulation.Tests.Checkers;

public sealed class LogBruteForceTests
{
    // Method: small histories of a real log, as they are and with one thing changed. Each rule is looked for in all pairs: it accuses
    // exactly where one is broken. And it never accuses where some order of all operations, tried out on a list, gives every answer.
    [Fact]
    public void It_agrees_with_every_pair_and_every_order()
    {
        var random = new Prng(33);
        (int good, int ordered) = (0, 0);
        const int Runs = 8_000;
        for (int run = 0; run < Runs; run++)
        {
            Step[] steps = OfLog(random);
            bool isTampered = random.Chance(3, 4);
            if (isTampered) { Tamper(random, steps); }
            bool expected = !Breaks(steps);
            bool canBe = CanBeOrdered(steps);
            Verdict found = Check(steps);
            string told = $"run {run}: {expected} expected\n{string.Join('\n', steps.AsEnumerable())}\n{found.Summary}";
            Assert.True(expected == found.IsLegal, told);
            Assert.True(found.IsLegal || !canBe, told);
            Assert.True(isTampered || canBe, told);
            if (expected) { good++; }
            if (canBe) { ordered++; }
        }

        Assert.InRange(good, Runs / 10, Runs * 9 / 10);
        Assert.InRange(ordered, Runs / 10, good);
    }

    private static bool Breaks(Step[] steps)
    {
        Step[] sends = [.. steps.Where(s => s.Function == "send")];
        Step[] acknowledged = [.. sends.Where(s => s.IsOk)];
        Step[] reads = [.. steps.Where(s => s.Function is "poll" or "drain")];
        Step[] drains = [.. reads.Where(s => s.Function == "drain")];
        Record[] known = [.. acknowledged.Select(s => new Record(s.Offset, s.Value)), .. reads.SelectMany(r => r.Records)];
        Step? SendOf(int value) => Array.Find(sends, s => s.Value == value);

        bool isAmbiguous = known.Any(a => known.Any(b => (a.Offset == b.Offset) != (a.Value == b.Value)));
        bool isInvented = reads.Any(read => read.Records.Any(r => SendOf(r.Value) is not { Outcome: not HistoryOutcome.Failed } send || send.From > read.To));
        bool isReordered = acknowledged.Any(earlier => known.Any(r => earlier.To < SendOf(r.Value)?.From && r.Offset < earlier.Offset));
        bool isLost = drains.Any(d => acknowledged.Any(s => s.To < d.From && !d.Records.Contains(new(s.Offset, s.Value))));
        bool isHoled = drains.Any(d => Passes(known, 0, d.Records));
        return isAmbiguous || isInvented || isReordered || isLost || isHoled || steps.GroupBy(s => s.Process).Any(c => Passes(known, [.. c]));
    }

    private static bool Passes(Record[] known, Step[] consumer)
    {
        for (int i = 0; i < consumer.Length; i++)
        {
            // What it read since it was assigned, or since the beginning.
            if (i > 0 && consumer[i].Function != "assign") { continue; }
            IEnumerable<Step> polls = consumer.Skip(i).TakeWhile((s, n) => n == 0 || s.Function != "assign").Where(s => s.Function == "poll");
            if (Passes(known, consumer[i].Function == "assign" ? consumer[i].Offset : null, [.. polls.SelectMany(p => p.Records)])) { return true; }
        }

        return false;
    }

    // Each record read must be the next one known from the position on.
    private static bool Passes(Record[] known, long? position, Record[] read)
    {
        foreach (Record record in read)
        {
            if (record.Offset < position || known.Any(k => position <= k.Offset && k.Offset < record.Offset)) { return true; }
            position = record.Offset + 1;
        }

        return false;
    }

    // Unanswered sends of which nothing was read need not have happened.
    private static bool CanBeOrdered(Step[] steps)
    {
        Record[] read = [.. steps.SelectMany(s => s.Records)];
        Step[] happened =
        [
            .. steps.Where(s => s.IsOk),
            .. steps.Where(s => s.Outcome == HistoryOutcome.Unknown && read.Any(r => r.Value == s.Value))
                .Select(s => s with { Offset = read.First(r => r.Value == s.Value).Offset }),
        ];
        return CanBeOrdered([.. happened.OrderBy(s => Array.FindIndex(steps, o => o.Process == s.Process && o.From == s.From))], [], []);
    }

    private static bool CanBeOrdered(Step[] left, Record[] log, (int Process, long At)[] positions)
    {
        foreach (Step next in left)
        {
            bool mustWait = left.Any(s => s != next && (s.Returned < next.From || (s.Process == next.Process && Array.IndexOf(left, s) < Array.IndexOf(left, next))));
            if (mustWait) { continue; }
            Step[] rest = [.. left.Where(s => s != next)];
            (int Process, long At)[] others = [.. positions.Where(p => p.Process != next.Process)];
            bool fits;
            switch (next.Function)
            {
                case "send":
                    fits = log.All(r => r.Offset < next.Offset) && CanBeOrdered(rest, [.. log, new(next.Offset, next.Value)], positions);
                    break;
                case "assign":
                    fits = CanBeOrdered(rest, log, [.. others, (next.Process, next.Offset)]);
                    break;
                case "drain":
                    fits = log.SequenceEqual(next.Records) && CanBeOrdered(rest, log, positions);
                    break;
                default:
                    if (next.Records.Length == 0) { fits = CanBeOrdered(rest, log, positions); break; }
                    bool isPlaced = positions.Any(p => p.Process == next.Process);
                    long from = isPlaced ? positions.First(p => p.Process == next.Process).At : next.Records[0].Offset;
                    fits = log.Where(r => r.Offset >= from).Take(next.Records.Length).SequenceEqual(next.Records)
                        && CanBeOrdered(rest, log, [.. others, (next.Process, next.Records[^1].Offset + 1)]);
                    break;
            }

            if (fits) { return true; }
        }

        return left.Length == 0;
    }

    // Each operation takes effect at an instant between question and answer. Up to four sends, each of its own client; two consumers, one who drains.
    private static Step[] OfLog(Prng random)
    {
        var planned = new List<(Step Step, int Effect)>();
        int sends = 1 + random.Below(4);
        for (int value = 1; value <= sends; value++) { Plan(value, "send", random.Below(14), value); }
        for (int process = 101; process <= 103; process++)
        {
            int free = 4;
            for (int reads = random.Below(3); reads > 0; reads--)
            {
                string function = process == 103 ? "drain" : random.Chance(1, 4) ? "assign" : random.Chance(1, 8) ? "drain" : "poll";
                free = Plan(process, function, free + random.Below(6), 0) + 1;
            }
        }

        var log = new List<Record>();
        var positions = new Dictionary<int, long>();
        var steps = new List<Step>();
        foreach ((Step step, int _) in planned.OrderBy(p => p.Effect))
        {
            switch (step.Function)
            {
                case "send":
                    long offset = (log.Count > 0 ? log[^1].Offset + 1 : 0) + random.Below(2);
                    if (step.IsOk || (step.Outcome == HistoryOutcome.Unknown && random.Chance(2, 3))) { log.Add(new(offset, step.Value)); }
                    steps.Add(step with { Offset = offset });
                    break;
                case "assign":
                    positions[step.Process] = random.Below(4);
                    steps.Add(step with { Offset = positions[step.Process] });
                    break;
                case "drain":
                    steps.Add(step with { Records = [.. log] });
                    break;
                default:
                    long from = positions.TryGetValue(step.Process, out long position) ? position : random.Below(3);
                    Record[] read = [.. log.Where(r => r.Offset >= from).Take(random.Below(4))];
                    if (read.Length > 0) { positions[step.Process] = read[^1].Offset + 1; }
                    steps.Add(step with { Records = read });
                    break;
            }
        }

        return [.. steps];

        int Plan(int process, string function, int from, int value)
        {
            int effect = from + random.Below(4);
            int to = effect + random.Below(4);
            HistoryOutcome outcome = function != "send" ? HistoryOutcome.Ok
                : random.Below(8) switch { 0 => HistoryOutcome.Failed, < 3 => HistoryOutcome.Unknown, _ => HistoryOutcome.Ok };
            planned.Add((new Step(process, function, from, to, outcome, value, 0, []), effect));
            return to;
        }
    }

    private static void Tamper(Prng random, Step[] steps)
    {
        int at = random.Below(steps.Length);
        Step step = steps[at];
        Record[] records = step.Records;
        int one = records.Length > 0 ? random.Below(records.Length) : 0;
        steps[at] = (records.Length > 0, random.Below(5)) switch
        {
            (true, 0) => step with { Records = [.. records.Where((_, i) => i != one)] },
            (true, 1) => step with { Records = [.. records, records[one]] },
            (true, 2) => step with { Records = [.. records.Reverse()] },
            (true, 3) => step with { Records = [.. records.Select((r, i) => i == one ? r with { Value = 1 + random.Below(5) } : r)] },
            (true, _) => step with { Records = [.. records.Select((r, i) => i == one ? r with { Offset = random.Below(6) } : r)] },
            (false, 0 or 1) when step.Function == "send" => step with { Offset = random.Below(6) },
            (false, 2) when step.Function == "send" => step with { Outcome = HistoryOutcome.Failed },
            (false, 3) when step.Function == "send" => step with { From = 0, To = 0 },
            _ when step.Function == "send" => step with { From = step.To + 4, To = step.To + 6 },
            _ => step with { Offset = random.Below(4) },
        };
    }

    private static Verdict Check(Step[] steps)
    {
        var history = new Simulation.Checkers.History();
        foreach (Step step in steps) { step.AddTo(history); }
        return Models.Find("log")!.Check(history, new CheckOptions());
    }

    private sealed record Record(long Offset, int Value);

    private sealed record Step(int Process, string Function, int From, int To, HistoryOutcome Outcome, int Value, long Offset, Record[] Records)
    {
        public bool IsOk => Outcome == HistoryOutcome.Ok;

        public long Returned => Outcome == HistoryOutcome.Unknown ? long.MaxValue : To;

        public void AddTo(Simulation.Checkers.History history)
        {
            history.Add(Function switch
            {
                "send" => HistoryEvent.Create(Process, HistoryEventType.Invoke, Function, From, "p", Value),
                "assign" => HistoryEvent.Create(Process, HistoryEventType.Invoke, Function, From, "p", more: ("offset", Offset)),
                _ => HistoryEvent.Create(Process, HistoryEventType.Invoke, Function, From, "p"),
            });
            if (Outcome == HistoryOutcome.Unknown) { return; }
            HistoryEventType type = IsOk ? HistoryEventType.Ok : HistoryEventType.Fail;
            history.Add(Function switch
            {
                "send" when IsOk => HistoryEvent.Create(Process, type, Function, To, "p", more: ("offset", Offset)),
                "poll" or "drain" => HistoryEvent.Create(
                    Process, type, Function, To, "p", more: ("records", new JsonArray([.. Records.Select(r => new JsonArray(r.Offset, r.Value))]))),
                _ => HistoryEvent.Create(Process, type, Function, To, "p"),
            });
        }

        public override string ToString() =>
            $"{Process} [{From}, {To}] {Function} {Outcome} value {Value} offset {Offset}: {string.Join(' ', Records.Select(r => $"{r.Offset}={r.Value}"))}";
    }
}
