using System.Text.Json.Nodes;
using Quorate.Core;
using Quorate.Simulation.Checkers;
using Xunit;

namespace Quorate.Simulation.Tests.Checkers;

public sealed class LogModelTests
{
    private static readonly Step[] Three = [Send(0, 1, 10, 0), Send(2, 3, 11, 1), Send(4, 5, 12, 5)];

    [Fact]
    public void Good_histories_hold()
    {
        Holds([.. Three, Poll(7, 6, 7, (0, 10), (1, 11)), Poll(7, 8, 9, (5, 12))]); // Offsets may have gaps.
        Holds([.. Three, Poll(7, 6, 7, (1, 11)), Assign(7, 8, 9, 0), Poll(7, 10, 11, (0, 10), (1, 11))]);
        Holds(Send(0, null, 10, 0), Send(1, 2, 11, 1), Poll(7, 6, 7, (0, 10), (1, 11)));
        Holds(Send(0, null, 10, 0), Send(1, 2, 11, 1), Drain(6, 7, (1, 11)));
        Holds([.. Three, Drain(4, 6, (0, 10), (1, 11))]); // The last was not acknowledged when the drain began.
        Holds(Send(0, 9, 10, 1), Send(1, 8, 11, 0)); // Sent at the same time: in any order.
    }

    [Fact]
    public void Each_broken_rule_is_named()
    {
        Fails("two values at one offset", Send(0, 1, 10, 0), Send(2, 3, 11, 0));
        Fails("two values at one offset", [.. Three, Poll(7, 6, 7, (0, 10)), Poll(8, 6, 7, (0, 11))], "doubled record");
        Fails("doubled record", [.. Three, Poll(7, 6, 7, (0, 10), (1, 11), (5, 12), (6, 12))]);
        Fails("invented record", [.. Three, Poll(7, 6, 7, (0, 10), (1, 11), (2, 99))]);
        Fails("record of the future", Poll(7, 0, 1, (0, 10)), Send(2, 3, 10, 0));
        Fails("records reordered", Send(0, 1, 10, 1), Send(2, 3, 11, 0));
        Fails("lost record", [.. Three, Drain(6, 7, (0, 10), (5, 12))]);
        Fails("lost record", [.. Three, Poll(7, 6, 7, (0, 10), (5, 12))]);
        Fails("skipped record", Send(0, null, 10, 0), Send(1, 2, 11, 1), Send(3, 4, 12, 2), Poll(7, 5, 6, (0, 10)), Assign(8, 5, 6, 0), Poll(8, 7, 8, (1, 11)));
        Fails("reading goes back", [.. Three, Poll(7, 6, 7, (0, 10), (1, 11)), Poll(7, 8, 9, (1, 11), (5, 12))]);
        Fails("reading goes back", [.. Three, Poll(7, 6, 7, (1, 11), (0, 10))]);
    }

    [Fact]
    public void A_refused_send_must_not_be_read()
    {
        var history = new Simulation.Checkers.History();
        history.Complete(history.Invoke(1, "send", 0, "p", 10), HistoryEventType.Fail, 1);
        HistoryOperation poll = history.Invoke(2, "poll", 2, "p");
        history.Add(HistoryEvent.Create(poll.Process, HistoryEventType.Ok, "poll", 3, "p", more: ("records", new JsonArray(new JsonArray(0, 10)))));
        Assert.Equal("refused record", Assert.Single(Models.Find("log")!.Check(history, new CheckOptions()).Violations).Rule);
    }

    // Goal: a correct log is never accused, and one that lost, doubled or swapped records before the end always is.
    // Method: random senders and consumers of a list, and a reader of all of it at the end; then with one change to the list.
    [Theory]
    [InlineData("no")]
    [InlineData("lose")]
    [InlineData("double")]
    [InlineData("swap")]
    public void Random_clients_of_a_log(string defect)
    {
        int accused = 0;
        for (ulong seed = 1; seed <= 200; seed++)
        {
            var random = new Prng(seed);
            var log = new List<(long Offset, int Value)>();
            var steps = new List<Step>();
            long offset = 0;
            for (int value = 0; value < 40; value++)
            {
                long time = value * 10;
                bool isLost = random.Chance(1, 8);
                if (!isLost || random.Chance(1, 2)) { log.Add((offset += 1 + random.Below(2), value)); }
                steps.Add(Send(time, isLost ? null : time + 1 + random.Below(5), value, offset));
                if (random.Chance(1, 3)) { steps.Add(Poll((int)time + 1_000, time + 6, time + 7, [.. log.Skip(random.Below(log.Count + 1)).Take(5)])); }
            }

            switch (defect)
            {
                case "lose": log.RemoveAll(r => r.Value == steps.FindLast(s => s.Function == "send" && s.To is not null)!.Value); break;
                case "double": log.Add((offset + 1, log[3].Value)); break;
                case "swap": (log[3], log[9]) = ((log[3].Offset, log[9].Value), (log[9].Offset, log[3].Value)); break;
                default: break;
            }

            if (!Check([.. steps, Drain(1_000, 1_001, [.. log])]).IsLegal) { accused++; }
        }

        Assert.True(defect == "no" ? accused == 0 : accused > 190, $"{accused} of 200 accused");
    }

    private static Step Send(long from, long? to, int value, long offset) => new((int)from, "send", from, to, value, ("offset", offset), null, null);

    private static Step Poll(int process, long from, long to, params (long, int)[] records) => new(process, "poll", from, to, null, null, records, null);

    private static Step Drain(long from, long to, params (long, int)[] records) => new(9_999, "drain", from, to, null, null, records, null);

    private static Step Assign(int process, long from, long to, long offset) => new(process, "assign", from, to, null, null, null, offset);

    private static Verdict Check(params Step[] steps)
    {
        var history = new Simulation.Checkers.History();
        foreach (HistoryEvent line in steps.SelectMany((s, i) => s.Lines().Select((l, n) => (l, i, n))).OrderBy(l => l.l.Time).ThenBy(l => l.i).ThenBy(l => l.n).Select(l => l.l))
        {
            history.Add(line);
        }

        return Models.Find("log")!.Check(history, new CheckOptions());
    }

    private static void Holds(params Step[] steps)
    {
        Verdict verdict = Check(steps);
        Assert.True(verdict.IsLegal, string.Join("; ", verdict.Violations.Select(v => v.Text)));
    }

    private static void Fails(string rule, params Step[] steps) => Fails(rule, steps, "");

    // also: a rule that is broken as well.
    private static void Fails(string rule, Step[] steps, string also) =>
        Assert.Equal([rule], Check(steps).Violations.Select(v => v.Rule).Where(r => r != also));

    private sealed record Step(
        int Process, string Function, long From, long? To, int? Value, (string Name, long Value)? Heard, (long Offset, int Value)[]? Records, long? Start)
    {
        public IEnumerable<HistoryEvent> Lines()
        {
            yield return Start is { } start
                ? HistoryEvent.Create(Process, HistoryEventType.Invoke, Function, From, "p", more: ("offset", start))
                : HistoryEvent.Create(Process, HistoryEventType.Invoke, Function, From, "p", Value);
            if (To is not { } to) { yield break; }
            yield return Heard is { } heard
                ? HistoryEvent.Create(Process, HistoryEventType.Ok, Function, to, "p", more: (heard.Name, heard.Value))
                : Records is null ? HistoryEvent.Create(Process, HistoryEventType.Ok, Function, to, "p")
                : HistoryEvent.Create(Process, HistoryEventType.Ok, Function, to, "p", more: ("records", new JsonArray([.. Records.Select(r => new JsonArray(r.Offset, r.Value))])));
        }
    }
}
