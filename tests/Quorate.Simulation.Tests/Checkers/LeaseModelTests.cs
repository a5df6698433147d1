// Goal: the model of leases accuses what breaks a promise, by its name, and nothing else.
using Quorate.Simulation.Checkers;
using Xunit;

namespace Quorate.Simulation.Tests.Checkers;

public sealed class LeaseModelTests
{
    [Fact]
    public void Good_histories_hold()
    {
        Holds(Grant(0, 1, 10), Attach(1, 2), Look(5, 6, 3), Look(9, 10, 0)); // Gone when its time has passed, counted from the question.
        Holds(Grant(0, 1, 10), Attach(1, 2), Renew(8, 9, 5), Look(16, 17, 3), Look(18, 19, 0), Renew(20, 21, 0));
        Holds(Grant(0, 1, 10), Attach(1, 2), Revoke(3, 4), Look(5, 6, 0));
        Holds(Grant(0, 1, 10), Attach(1, 2), Revoke(3, null), Look(5, 6, 0)); // It may have been revoked,
        Holds(Grant(0, 1, 10), Attach(1, 2), Revoke(3, null), Look(5, 6, 3)); // or not yet.
        Holds(Grant(0, 1, 10), Attach(1, 2), Renew(8, null, 0), Look(10, 11, 0)); // Nobody knows of the renewal.
        Holds(Grant(0, 1, 10), Attach(1, null), Look(5, 6, 0)); // Nor of the keys.
        Holds(Grant(0, null, 10), Renew(1, 2, 0));
        Holds(Grant(0, null, 10), Renew(1, 2, 0), Renew(3, 4, 5)); // Granted late: it was not there yet.
        Holds(Grant(0, 1, 10), Attach(1, 2), Look(50, 51, 3)); // Late is for those to judge who know of leaders.
    }

    [Fact]
    public void Each_broken_rule_is_named()
    {
        Fails("ended early", Grant(0, 1, 10), Attach(1, 2), Look(8, 9, 0));
        Fails("ended early", Grant(0, 1, 10), Renew(8, 9, 5), Renew(16, 17, 0));
        Fails("keys apart", Grant(0, 1, 10), Attach(1, 2), Look(20, 21, 1));
        Fails("came back", Grant(0, 1, 10), Attach(1, 2), Look(20, 21, 0), Look(22, 23, 3));
        Fails("came back", Grant(0, 1, 10), Renew(20, 21, 0), Renew(22, 23, 5));
        Fails("came back", Grant(0, 1, 10), Attach(1, 2), Revoke(3, 4), Look(5, 6, 3));
        Fails("came back", Grant(0, 1, 10), Renew(20, 21, 0), Attach(22, 23));
        Fails("came back", Grant(0, 1, 10), Attach(1, null), Renew(20, 21, 0), Look(22, 23, 3));
        Fails("ended early", Grant(0, 1, 10), Attach(1, null), Look(3, 4, 3), Look(5, 6, 0));
    }

    private static HistoryEvent[] Grant(long from, long? to, long least) => Op("grant", from, to, null, least);

    private static HistoryEvent[] Attach(long from, long? to) => Op("attach", from, to, 3);

    private static HistoryEvent[] Renew(long from, long? to, int seconds) => Op("renew", from, to, seconds);

    private static HistoryEvent[] Look(long from, long? to, int keys) => Op("look", from, to, keys);

    private static HistoryEvent[] Revoke(long from, long? to) => Op("revoke", from, to, null);

    // Without an answer nobody knows what became of it.
    private static HistoryEvent[] Op(string function, long from, long? to, int? value, long? least = null)
    {
        HistoryEvent asked = least is { } time
            ? HistoryEvent.Create((int)from, HistoryEventType.Invoke, function, from, "s", more: ("least", time))
            : HistoryEvent.Create((int)from, HistoryEventType.Invoke, function, from, "s");
        return to is { } answered ? [asked, HistoryEvent.Create((int)from, HistoryEventType.Ok, function, answered, value: value)] : [asked];
    }

    private static void Holds(params HistoryEvent[][] operations)
    {
        Verdict verdict = Check(operations);
        Assert.True(verdict.IsLegal, verdict.Explanation);
    }

    private static void Fails(string rule, params HistoryEvent[][] operations) =>
        Assert.Equal([rule], Check(operations).Violations.Select(violation => violation.Rule));

    private static Verdict Check(HistoryEvent[][] operations)
    {
        var history = new Simulation.Checkers.History { Model = "lease" };
        foreach (HistoryEvent line in operations.SelectMany(lines => lines)) { history.Add(line); }
        return Models.Find("lease")!.Check(history, new());
    }
}
