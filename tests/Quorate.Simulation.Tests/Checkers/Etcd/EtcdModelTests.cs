using System.Text.Json.Nodes;
using Quorate.Core;
using Quorate.Simulation.Checkers;
using Xunit;

namespace Quorate.Simulation.Tests.Checkers.Etcd;

public sealed class EtcdModelTests
{
    // Goal: the checker never accuses etcd. Method: random clients on a store that executes one request after the other, with every
    // kind of request, unanswered ones, stale serializable reads, leases that end and watches.
    [Fact]
    public void Legal_histories_are_legal()
    {
        for (ulong seed = 1; seed <= 200; seed++)
        {
            int size = seed % 10 == 0 ? 1_000 : 60;
            List<JsonObject> lines = EtcdTraffic.Legal(seed, size, clients: 1 + (int)(seed % 7), keys: 1 + (int)(seed % 5), unknown: (int)(seed % 4) * 15, watches: (int)(seed % 3));
            Verdict verdict = Check(lines);
            Assert.True(verdict.IsLegal, $"seed {seed}: {verdict.Summary}\n{string.Join("; ", verdict.Violations.Select(v => v.Text))}\n{string.Join('\n', lines.Select(l => l.ToJsonString()))}");
        }
    }

    // Goal: what a run of minutes records is checked whole, and a change in its middle is found.
    [Fact]
    public void A_hundred_thousand_operations_are_checked()
    {
        List<JsonObject> lines = EtcdTraffic.Legal(1, 100_000, clients: 20, keys: 100, unknown: 1, watches: 2);
        Simulation.Checkers.History history = EtcdTraffic.Read(lines);
        Verdict verdict = Models.Find("etcd")!.Check(history, new CheckOptions());
        Assert.True(verdict.IsLegal, string.Join("; ", verdict.Violations.Select(v => v.Text)));
        Assert.True(verdict.Operations >= 100_000);

        JsonObject told = lines.FindLast(l => l["kvs"] is JsonArray { Count: > 20 })!;
        ((JsonArray)told["kvs"]!).RemoveAt(10);
        Assert.False(Check(lines).IsLegal);
    }

    // Goal: without unanswered operations the verdict is exactly the definition: legal if and only if some order explains all answers.
    // Method: short histories, most of them changed at random, against all orders.
    [Fact]
    public void It_agrees_with_all_orders()
    {
        (int legal, int illegal, int missed) = Compare(runs: 10_000, unknown: 0);
        Assert.Equal(0, missed);
        Assert.True(legal > 1_500 && illegal > 1_500, $"{legal} legal, {illegal} illegal: too few of one kind");
    }

    // Goal: with unanswered operations it never accuses what some order explains, and still finds most of the rest.
    [Fact]
    public void It_never_accuses_what_an_unanswered_write_explains()
    {
        (int legal, int illegal, int missed) = Compare(runs: 10_000, unknown: 30);
        Assert.True(legal > 1_500 && illegal > 1_500, $"{legal} legal, {illegal} illegal: too few of one kind");
        Assert.True(missed * 10 < illegal, $"{missed} of {illegal} illegal histories were not found");
    }

    private static (int Legal, int Illegal, int Missed) Compare(int runs, int unknown)
    {
        (int legal, int illegal, int missed) = (0, 0, 0);
        for (int run = 0; run < runs; run++)
        {
            var random = new Prng((ulong)run);
            List<JsonObject> lines = EtcdTraffic.Legal((ulong)run, 3 + random.Below(4), 1 + random.Below(3), 1 + random.Below(3), unknown, watches: 0, hasExtras: false);
            Tampering.Separate(lines);
            for (int i = random.Below(3); i > 0; i--)
            {
                if (random.Chance(1, 2)) { Tampering.MoveInTime(lines, random); } else { Tampering.ChangeAnswer(lines, random); }
            }

            Verdict verdict;
            try
            {
                verdict = Check(lines);
            }
            catch (HistoryException)
            {
                continue; // The change made it no history of the model.
            }

            bool expected = AllOrders.AnyExplains(lines);
            string shown = $"run {run}: {verdict.Summary}\n{string.Join("; ", verdict.Violations.Select(v => v.Text))}\n{string.Join('\n', lines.Select(l => l.ToJsonString()))}";
            Assert.True(verdict.IsLegal || !expected, $"accused, but some order explains it: {shown}");
            Assert.True(!verdict.IsLegal || expected || unknown > 0, $"no order explains it: {shown}");
            (legal, illegal, missed) = (legal + (expected ? 1 : 0), illegal + (expected ? 0 : 1), missed + (verdict.IsLegal && !expected ? 1 : 0));
        }

        return (legal, illegal, missed);
    }

    private static Verdict Check(IEnumerable<JsonObject> lines) => Models.Find("etcd")!.Check(EtcdTraffic.Read(lines), new CheckOptions());
}
