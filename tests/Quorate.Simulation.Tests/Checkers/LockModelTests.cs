using Quorate.Core;
using Quorate.Simulation.Checkers;
using Xunit;

namespace Quorate.Simulation.Tests.Checkers;

public sealed class LockModelTests
{
    [Fact]
    public void Good_histories_hold()
    {
        Holds(Acquire(1, 0, 1, 1), Release(1, 5, 6), Acquire(2, 5, 6, 2)); // From the question to release on, another may have it.
        Holds(Acquire(1, 0, 4, 1, ttl: 10), Acquire(2, 5, 10, 2)); // It counts from the question: at 10 the first may be over.
        Holds(Acquire(1, 0, 12, 1, ttl: 10), Acquire(2, 5, 6, 2)); // Over before the client knew that it had it.
        Holds(Acquire(1, 0, null, 1), Acquire(2, 5, 6, 2)); // Nobody knows whether the first got it.
        Holds(Acquire(1, 0, 1, 1), Acquire(1, 2, 3, 2), Release(1, 4, 5), Acquire(2, 6, 7, 3)); // Its own lock again.
        Holds(Acquire(1, 0, 1, 1), Release(1, 2, null), Acquire(2, 3, 4, 2));
        Holds(Use(1, 0, 9, 2), Use(2, 5, 6, 1)); // At the same time: either may have come first.
        Holds(Acquire(1, 0, 1, 1), Acquire(2, 2, 3, 2, key: "other"));
    }

    [Fact]
    public void Each_broken_rule_is_named()
    {
        Fails("two holders", Acquire(1, 0, 1, 1), Acquire(2, 2, 3, 2));
        Fails("two holders", Acquire(1, 0, 1, 1), Acquire(2, 2, 3, 2), Release(1, 4, 5));
        Fails("two holders", Acquire(1, 0, 4, 1, ttl: 10), Acquire(2, 5, 9, 2));
        Fails("two holders", Acquire(1, 0, 1, 1), Acquire(2, 0, 1, 2, ttl: 5), Acquire(1, 2, 3, 3), Release(1, 10, 11));
        Fails("token given twice", Acquire(1, 0, 1, 7), Release(1, 2, 9), Acquire(2, 2, 3, 7, except: "token goes back"));
        Fails("token goes back", Acquire(1, 0, 1, 7), Release(1, 2, 3), Acquire(2, 4, 5, 6));
        Fails("old token accepted", Use(2, 0, 1, 2), Use(1, 2, 3, 1));
    }

    // Goal: a correct lock server is never accused, and one that forgets a holder always is.
    // Method: random clients of a server that gives the lock to one at a time; then the same with a server that gives it to anyone.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Random_clients_of_a_lock_server(bool isCorrect)
    {
        int accused = 0;
        for (ulong seed = 1; seed <= 200; seed++)
        {
            if (!Models.Find("lock")!.Check(Traffic(new Prng(seed), isCorrect), new CheckOptions()).IsLegal) { accused++; }
        }

        Assert.True(isCorrect ? accused == 0 : accused > 190, $"{accused} of 200 accused");
    }

    private static Simulation.Checkers.History Traffic(Prng random, bool isCorrect)
    {
        var history = new Simulation.Checkers.History();
        var clients = Enumerable.Range(0, 4).Select(i => new Client { Process = i }).ToArray();
        (Client? holder, long heldUntil, long token, int next) = (null, 0, 0, 4);
        for (long time = 0; time < 300; time++)
        {
            if (holder is not null && time >= heldUntil) { holder = null; }
            Client client = clients[random.Below(4)];
            if (client.Open is null)
            {
                string f = client.Token > 0 ? random.Chance(1, 2) ? "use" : "release" : "acquire";
                (string, System.Text.Json.Nodes.JsonNode?)[] more = f == "acquire" ? [("ttl", 40)] : f == "use" ? [("token", client.Token)] : [];
                history.Add(HistoryEvent.Create(client.Process, HistoryEventType.Invoke, f, time, "l", more: more));
                client.Open = history.Operations[^1];
            }
            else if (client.Open.Function == "acquire" && client.Token == 0)
            {
                if (isCorrect && holder is not null) { continue; }
                (holder, heldUntil, client.Token) = (client, time + 40, ++token);
            }
            else
            {
                if (client.Open.Function == "release" && holder == client) { holder = null; }
                bool isLost = random.Chance(1, 10);
                bool isOk = client.Open.Function != "use" || (client.Token == token);
                (string, System.Text.Json.Nodes.JsonNode?)[] more = client.Open.Function == "acquire" && !isLost ? [("token", client.Token)] : [];
                history.Add(HistoryEvent.Create(
                    client.Process, isLost ? HistoryEventType.Info : isOk ? HistoryEventType.Ok : HistoryEventType.Fail, client.Open.Function, time, "l", more: more));
                if (client.Open.Function == "release" || isLost) { client.Token = 0; }
                if (isLost) { client.Process = next++; }
                client.Open = null;
            }
        }

        return history;
    }

    private static Op Acquire(int process, long from, long? to, long token, long? ttl = null, string key = "l", string? except = null) =>
        new(process, "acquire", key, from, to, ttl is { } t ? ("ttl", t) : null, ("token", token), except);

    private static Op Release(int process, long from, long? to) => new(process, "release", "l", from, to, null, null, null);

    private static Op Use(int process, long from, long? to, long token) => new(process, "use", "l", from, to, ("token", token), null, null);

    private static Verdict Check(Op[] operations)
    {
        IEnumerable<HistoryEvent> lines = operations.SelectMany((o, i) => o.Lines().Select((l, n) => (l, i, n)))
            .OrderBy(l => l.l.Time).ThenBy(l => l.i).ThenBy(l => l.n).Select(l => l.l);
        var history = new Simulation.Checkers.History();
        foreach (HistoryEvent line in lines) { history.Add(line); }
        return Models.Find("lock")!.Check(history, new CheckOptions());
    }

    private static void Holds(params Op[] operations)
    {
        Verdict verdict = Check(operations);
        Assert.True(verdict.IsLegal, string.Join("; ", verdict.Violations.Select(v => v.Text)));
    }

    private static void Fails(string rule, params Op[] operations) =>
        Assert.Equal([rule], Check(operations).Violations.Select(v => v.Rule).Where(r => !operations.Any(o => o.Except == r)));

    private sealed class Client
    {
        public int Process { get; set; }

        public HistoryOperation? Open { get; set; }

        public long Token { get; set; }
    }

    // Except: a rule that is broken as well.
    private sealed record Op(int Process, string Function, string Key, long From, long? To, (string, long)? Asked, (string, long)? Heard, string? Except)
    {
        public IEnumerable<HistoryEvent> Lines()
        {
            yield return Line(HistoryEventType.Invoke, From, Asked);
            if (To is { } to) { yield return Line(HistoryEventType.Ok, to, Heard); }
        }

        private HistoryEvent Line(HistoryEventType type, long time, (string Name, long Value)? member) => member is { } m
            ? HistoryEvent.Create(Process, type, Function, time, Key, more: (m.Name, m.Value))
            : HistoryEvent.Create(Process, type, Function, time, Key);
    }
}
