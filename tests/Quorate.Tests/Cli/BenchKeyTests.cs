using Quorate.Bench;
using Quorate.Core;
using Xunit;

namespace Quorate.Tests.Cli;

public class BenchKeyTests
{
    // Goal: the ranks come as often as the distribution says, not only in the right order.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(1000)]
    [InlineData(1_000_000)]
    public void Ranks_are_drawn_in_proportion_to_their_weight(int count)
    {
        var zipfian = new Zipfian(count);
        var random = new Prng(1);
        const int Draws = 200_000;
        int[] seen = new int[count];
        for (int i = 0; i < Draws; i++) { seen[zipfian.Next(random)]++; }
        double zeta = Zipfian.Zeta(count);
        foreach (int upTo in new[] { 1, 2, 10, 100, 1000, 100_000 }.Where(n => n <= count))
        {
            // Gray's method is exact for the first two ranks and near for the rest.
            Assert.Equal(Zipfian.Zeta(upTo) / zeta, seen.Take(upTo).Sum() / (double)Draws, upTo <= 2 ? 0.005 : 0.03);
        }
    }

    [Fact]
    public void The_sum_of_many_terms_is_right_without_adding_them()
    {
        double exact = 0;
        for (int i = 1; i <= 300_000; i++) { exact += Math.Pow(i, -Zipfian.Theta); }
        Assert.Equal(exact, Zipfian.Zeta(300_000), 1e-8);
    }

    // Goal: FNV-1a as published: the hash of eight zero bytes, computed by hand from offset basis and prime.
    [Fact]
    public void Scrambling_is_fnv_1a_and_spreads_neighbours()
    {
        ulong expected = 0xcbf29ce484222325;
        for (int i = 0; i < 8; i++) { expected = unchecked(expected * 1099511628211); }
        Assert.Equal(expected, Zipfian.Scramble(0));
        Assert.Equal(1000, Enumerable.Range(0, 1000).Select(r => Zipfian.Scramble(r)).Distinct().Count());
        Assert.InRange(Enumerable.Range(0, 1000).Count(r => Zipfian.Scramble(r) % 2 == 0), 400, 600);
    }

    [Theory]
    [InlineData(10, 3)]
    [InlineData(9, 3)]
    [InlineData(2, 5)]
    public void In_sequence_connections_share_the_keys_and_each_key_comes_once_a_turn(int keys, int connections)
    {
        BenchPlan plan = Plan(KeyDistribution.Sequential) with { Keys = keys, Connections = connections, Clients = connections };
        var seen = new HashSet<uint>();
        for (int connection = 0; connection < connections; connection++)
        {
            var chooser = new KeyChooser(plan, null, new KeySpace((uint)keys), connection, new Prng(1));
            int own = Math.Max(1, (keys - connection + connections - 1) / connections);
            uint[] turn = [.. Enumerable.Range(0, own).Select(_ => chooser.Next())];
            Assert.Equal(own, turn.Distinct().Count());
            Assert.Equal(turn, Enumerable.Range(0, own).Select(_ => chooser.Next()));
            seen.UnionWith(turn);
        }

        Assert.Equal(keys, seen.Count);
    }

    // Goal: a key is read only when it and all before it are there.
    [Fact]
    public void The_latest_keys_are_those_that_were_inserted()
    {
        var space = new KeySpace(100);
        (uint a, uint b, uint c) = (space.Take(), space.Take(), space.Take());
        Assert.Equal((100u, 101u, 102u), (a, b, c));
        space.Inserted(b);
        Assert.Equal(100u, space.Readable);
        space.Inserted(a);
        Assert.Equal((102u, 103u), (space.Readable, space.Next));

        var chooser = new KeyChooser(Plan(KeyDistribution.Latest), new Zipfian(100), space, 0, new Prng(3));
        uint[] drawn = [.. Enumerable.Range(0, 10_000).Select(_ => chooser.Next())];
        Assert.Equal(101u, drawn.Max());
        Assert.True(drawn.Min() >= 2);
        Assert.Equal(101u, drawn.GroupBy(k => k).MaxBy(g => g.Count())!.Key);
    }

    [Fact]
    public void Every_workload_adds_up_and_draws_its_shares()
    {
        Assert.All(BenchWorkload.All, w => Assert.Equal(100, w.Parts.Sum(p => p.Percent)));
        BenchPlan plan = Plan(KeyDistribution.Uniform) with { Workload = BenchWorkload.All.Single(w => w.Name == "ycsb-b") };
        var load = new MeasuredLoad(plan, new KeySpace(100), null, 0, 0);
        int puts = 0;
        for (int i = 0; i < 10_000; i++)
        {
            load.Take(i, out BenchTicket ticket);
            if (ticket.Step.Kind == RequestKinds.Put) { puts++; }
        }

        Assert.InRange(puts, 400, 600);
    }

    // Goal: read-modify-write is one request in the figures: its put is for the key that was read, at once, and counts from the read's start.
    [Fact]
    public void A_read_modify_write_counts_from_the_start_of_its_read()
    {
        BenchPlan plan = Plan(KeyDistribution.Zipfian) with
        {
            Workload = new BenchWorkload("f", "", (RequestKinds.ReadModifyWrite, 100)),
            KeysExist = true,
        };
        var load = new MeasuredLoad(plan, new KeySpace(100), new Zipfian(100), 0, 0);
        Assert.True(load.TryPeek(1000, out long start));
        load.Take(start, out BenchTicket read);
        Assert.Equal("/etcdserverpb.KV/Range", read.Step.Kind.Path);
        load.Done(read, start, 3000);
        Assert.Equal(0, load.Latencies[0].Count);
        Assert.True(load.TryPeek(3000, out start));
        Assert.Equal(1000, start);
        load.Take(start, out BenchTicket write);
        Assert.Equal(("/etcdserverpb.KV/Put", read.Key), (write.Step.Kind.Path, write.Key));
        load.Done(write, start, 7000);
        Assert.Equal((1, 6000), (load.Latencies[0].Count, load.Latencies[0].Max));
        Assert.True(load.TryPeek(7000, out start));
        Assert.Equal(7000, start);
    }

    // Goal: blocks are those of one prefix, scans stay within the keys that exist.
    [Fact]
    public void Ranges_ask_for_as_many_keys_as_the_answer_must_have()
    {
        BenchPlan plan = Plan(KeyDistribution.Uniform) with { Keys = 95, RangeSize = 10, Limit = 7, Workload = BenchWorkload.Range };
        var blocks = new MeasuredLoad(plan, new KeySpace(95), null, 0, 0);
        var scans = new MeasuredLoad(
            plan with { Limit = 0, Workload = new BenchWorkload("e", "", (RequestKinds.Scan, 100)) }, new KeySpace(95), null, 0, 0);
        var sizes = new HashSet<uint>();
        for (int i = 0; i < 2000; i++)
        {
            blocks.Take(i, out BenchTicket block);
            Assert.Equal((0u, block.Key == 90 ? 5u : 7u), (block.Key % 10, block.Count));
            scans.Take(i, out BenchTicket scan);
            Assert.InRange(scan.Key + scan.Count, 1u, 95u);
            sizes.Add(scan.Count);
        }

        Assert.InRange(sizes.Count, 60, 95);
    }

    // Goal: what is not there is an error if all keys were written, else a miss: never silently a success like others.
    [Fact]
    public void What_is_not_there_is_an_error_or_a_miss()
    {
        byte[] nothing = [10, 2, 24, 1];
        var strict = new MeasuredLoad(Plan(KeyDistribution.Uniform) with { Workload = BenchWorkload.Get, KeysExist = true }, new KeySpace(100), null, 0, 0);
        strict.Take(1, out BenchTicket ticket);
        Assert.Equal(RequestKinds.Absent, strict.Judge(ticket, 1, nothing));
        var loose = new MeasuredLoad(Plan(KeyDistribution.Uniform) with { Workload = BenchWorkload.Get }, new KeySpace(100), null, 0, 0);
        loose.Take(1, out ticket);
        Assert.Null(loose.Judge(ticket, 1, nothing));
        Assert.Equal(1, loose.Misses[RequestKinds.Absent]);
        Assert.Null(loose.Judge(ticket, -1, nothing)); // In the warm-up.
        Assert.Equal(1, loose.Misses[RequestKinds.Absent]);
    }

    // Goal: the client costs the server's cores as little as it can: in steady state no request allocates, except that
    // keys inserted out of turn are noted down.
    [Fact]
    public void A_request_allocates_nothing()
    {
        foreach (BenchWorkload workload in BenchWorkload.All)
        {
            BenchPlan plan = Plan(workload.Distribution) with { Workload = workload, KeysExist = true };
            var load = new MeasuredLoad(plan, new KeySpace(100), new Zipfian(100), 0, 0);
            var headers = new HeaderBlocks("127.0.0.1:2379", false, ("quorate-keyspace", "k"));
            Rounds(load, headers, 2000);
            long before = GC.GetAllocatedBytesForCurrentThread();
            Rounds(load, headers, 2000);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2000 * (workload.Inserts ? 50 : 0));
        }
    }

    private static void Rounds(MeasuredLoad load, HeaderBlocks headers, int count)
    {
        for (int i = 0; i < count; i++)
        {
            load.TryPeek(i, out long start);
            ReadOnlySpan<byte> message = load.Take(start, out BenchTicket ticket);
            headers.For(ticket.Step.Kind.Path);
            load.Judge(ticket, start, message);
            load.Done(ticket, start, i);
        }
    }

    private static BenchPlan Plan(KeyDistribution distribution) => new()
    {
        Workload = BenchWorkload.Get,
        Endpoints = [],
        Keys = 100,
        Distribution = distribution,
        WarmUpSeconds = 0,
    };
}
