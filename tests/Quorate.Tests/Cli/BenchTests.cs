using Quorate.Bench;
using Quorate.Core;
using Quorate.FrontDoors.Etcd.Protos;
using Xunit;

namespace Quorate.Tests.Cli;

public class BenchTests
{
    // Property: every percentile is within 1 % of the one that sorting all values gives, from nanoseconds to hours.
    [Theory]
    [InlineData(1UL)]
    [InlineData(2UL)]
    [InlineData(3UL)]
    public void Percentiles_are_within_one_percent_of_the_sorted_values(ulong seed)
    {
        var random = new Prng(seed);
        var histogram = new Histogram();
        long[] values = new long[20_000];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (long)(random.Next() >> (20 + random.Below(44))); // All magnitudes alike.
            histogram.Record(values[i]);
        }

        Array.Sort(values);
        foreach (double share in new[] { 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1 })
        {
            long exact = values[Math.Max(0, (int)Math.Ceiling(share * values.Length) - 1)];
            long told = histogram.Percentile(share);
            Assert.InRange(told, exact, exact + (exact / 100));
        }

        Assert.Equal(values[^1], histogram.Max);
        Assert.Equal(values.Length, histogram.Count);
    }

    [Fact]
    public void Small_values_are_exact_and_extremes_do_not_break()
    {
        var histogram = new Histogram();
        Assert.Equal(0, histogram.Percentile(0.5));
        for (int i = 0; i < 128; i++) { histogram.Record(i); }
        Assert.Equal(63, histogram.Percentile(0.5));
        histogram.Record(-5);
        histogram.Record(long.MaxValue);
        Assert.Equal(long.MaxValue, histogram.Percentile(1));
        Assert.Equal(0, histogram.Percentile(0));
    }

    [Fact]
    public void Adding_histograms_is_recording_all_their_values()
    {
        var (one, other, both) = (new Histogram(), new Histogram(), new Histogram());
        for (int i = 0; i < 1000; i++)
        {
            (i % 3 == 0 ? one : other).Record(i * 1000L);
            both.Record(i * 1000L);
        }

        one.Add(other);
        Assert.Equal((both.Count, both.Max, both.Sum), (one.Count, one.Max, one.Sum));
        Assert.Equal(both.Percentile(0.9), one.Percentile(0.9));
        Assert.Equal(both.Mean, Histogram.Of([one, new Histogram()]).Mean);
    }

    // An open load whose server answers nothing for a while counts the waiting from the planned starts.
    [Fact]
    public void An_open_load_counts_from_the_planned_start()
    {
        long begin = 1_000_000_000_000;
        const long Milli = 1_000_000;
        var load = new MeasuredLoad(
            new BenchPlan { Workload = BenchWorkload.Put, Endpoints = [], Rate = 1000, Seconds = 0.010, WarmUpSeconds = 0 }, new KeySpace(10_000), null, 0, begin);
        long stallEnd = begin + 100 * Milli;
        int started = 0;
        while (load.TryPeek(stallEnd, out long start))
        {
            Assert.Equal(begin + started * Milli, start);
            load.Take(start, out BenchTicket ticket);
            load.Done(ticket, start, stallEnd);
            started++;
        }

        Assert.Equal(10, started);
        Assert.Equal(100 * Milli, load.Latencies[0].Max);
        Assert.InRange(load.Latencies[0].Percentile(0), 91 * Milli, 92 * Milli);
    }

    [Fact]
    public void What_an_open_load_did_not_start_is_an_error()
    {
        long begin = 1_000_000_000_000;
        var load = new MeasuredLoad(
            new BenchPlan { Workload = BenchWorkload.Get, Endpoints = [], Rate = 100, Seconds = 1, WarmUpSeconds = 0 }, new KeySpace(10_000), null, 0, begin);
        load.Take(begin, out _);
        load.CountNotStarted(begin + 5_000_000_000);
        Assert.Equal(99, load.Errors[BenchErrors.NotStarted]);
    }

    [Fact]
    public void Clients_and_keys_are_spread_without_loss()
    {
        var plan = new BenchPlan { Workload = BenchWorkload.Get, Endpoints = [], Clients = 10, Connections = 3, Keys = 100 };
        Assert.Equal([4, 3, 3], Enumerable.Range(0, 3).Select(c => BenchRunner.LanesOf(plan, c)));
        int keys = 0;
        for (int connection = 0; connection < 3; connection++)
        {
            var fill = new EachKeyLoad(RequestKinds.Put, plan, connection, 3);
            for (; fill.TryPeek(0, out _); keys++) { fill.Take(0, out _); }
        }

        Assert.Equal(100, keys);
    }

    [Fact]
    public void A_request_is_one_grpc_message_that_protobuf_reads()
    {
        var plan = new BenchPlan
        {
            Workload = BenchWorkload.Put,
            Endpoints = [],
            KeyBytes = 12,
            ValueBytes = 300,
            Keys = 1000,
        };
        ReadOnlySpan<byte> message = new RequestTemplate(RequestKinds.Put.Build, plan, new Prng(1)).For(42, 42);
        Assert.Equal(message.Length - 5, System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(message[1..]));
        PutRequest put = PutRequest.Parser.ParseFrom(message[5..]);
        Assert.Equal("000000000042", put.Key.ToStringUtf8());
        Assert.Equal(300, put.Value.Length);

        var get = new RequestTemplate(RequestKinds.Get.Build, plan with { Serializable = true }, new Prng(1));
        RangeRequest range = RangeRequest.Parser.ParseFrom(get.For(7, 7)[5..]);
        Assert.Equal("000000000007", range.Key.ToStringUtf8());
        Assert.True(range.Serializable);
    }

    [Theory]
    // As Kestrel writes it: literals without indexing, plain.
    [InlineData("00 0b 67 72 70 63 2d 73 74 61 74 75 73 01 30", 0)]
    [InlineData("00 0b 67 72 70 63 2d 73 74 61 74 75 73 02 31 34", 14)]
    // As Go writes it: a size update, the name in Huffman's code, a literal with indexing, another field before.
    [InlineData("20 88 40 88 9a ca c8 b2 12 34 da 8f 01 35", 5)]
    [InlineData("20 88 00 03 61 62 63 01 78 10 88 9a ca c8 b2 12 34 da 8f 02 31 33", 13)]
    [InlineData("88", -1)]
    [InlineData("", -1)]
    [InlineData("00 0b 67 72", -1)]
    [InlineData("00 ff ff ff ff ff", -1)]
    public void The_status_is_found_in_a_header_block(string hex, int status) =>
        Assert.Equal(status, Http2Frames.GrpcStatus(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal))));

    [Fact]
    public void Wrong_plans_are_told_all_at_once()
    {
        var plan = new BenchPlan
        {
            Workload = BenchWorkload.Put,
            Endpoints = [],
            Clients = 0,
            Connections = 5,
            KeyBytes = 2,
            ValueBytes = -1,
            Keys = 1000,
            Total = -1,
            Seconds = 0,
            WarmUpSeconds = -1,
            Rate = double.NaN,
        };
        string[] problems = [.. plan.Problems()];
        foreach (string option in new[] { "--clients", "--connections", "--value-size", "--keys", "--total", "--seconds", "--warm-up", "--rate" })
        {
            Assert.Contains(problems, p => p.StartsWith(option, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Medians()
    {
        Assert.Equal(0, BenchReport.Median([]));
        Assert.Equal(2, BenchReport.Median([3, 1, 2]));
        Assert.Equal(2.5, BenchReport.Median([4, 1, 2, 3]));
    }
}
