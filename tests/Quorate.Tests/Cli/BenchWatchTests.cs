using Google.Protobuf;
using Quorate.Bench;
using Quorate.FrontDoors.Etcd.Protos;
using Xunit;

namespace Quorate.Tests.Cli;

public class BenchWatchTests
{
    private static readonly BenchPlan Plan = new()
    {
        Workload = BenchWorkload.Watch,
        Endpoints = [],
        Watchers = 3,
        Streams = 1,
        Keys = 1,
        WarmUpSeconds = 0,
        Seconds = 1,
    };

    // Goal: a client puts again only when its last put is acknowledged and all watches have been told; delays count from the put's start.
    [Fact]
    public void A_put_is_over_when_it_is_answered_and_every_watch_has_its_event()
    {
        (WatchLoad load, WatchStream stream) = Begin(Plan);
        (BenchTicket ticket, ByteString value) = Put(load, 1000);
        Assert.True(load.TryPeek(2000, out long start));
        Assert.Equal(long.MaxValue, start);
        Tell(stream, 0, 5, value, 2000);
        load.Done(ticket, 1000, 3000);
        Tell(stream, 1, 5, value, 4000);
        Assert.True(load.IsWaiting);
        Tell(stream, 2, 5, value, 6000);
        Assert.False(load.IsWaiting);
        Assert.True(load.TryPeek(7000, out start));
        Assert.Equal(7000, start);
        Assert.Equal((3, 5000, 2000), (load.Delays.Count, load.Delays.Max, load.Puts.Max));
        Assert.Empty(load.Errors);
        Assert.Equal(3, load.Count);
    }

    // Goal: a server that loses, repeats, reorders or invents events does not look fast.
    [Theory]
    [InlineData(0, 5, "an event twice")] // The revision that the watch had before.
    [InlineData(0, 4, "an event twice")]
    [InlineData(3, 6, "an event twice")] // No such watch on this stream.
    [InlineData(0, 6, null)]
    public void Wrong_events_are_errors(ulong watch, long revision, string? error)
    {
        (WatchLoad load, WatchStream stream) = Begin(Plan);
        (_, ByteString value) = Put(load, 1000);
        Tell(stream, 0, 5, value, 2000);
        Tell(stream, watch, revision, value, 2000);
        Assert.Equal(error is null ? 2 : 1, load.Delays.Count);
        Assert.Equal(error is not null, load.Errors.Keys.Any(k => k.StartsWith(error ?? "", StringComparison.Ordinal)));
        load.CountMissing(9000);
        Assert.Equal(error is null ? 1 : 2, load.Errors["events that did not come"]);
        Assert.Equal(1, load.Errors[BenchErrors.NoAnswer]);
    }

    [Fact]
    public void Events_of_others_and_of_failed_puts_are_told()
    {
        (WatchLoad load, WatchStream stream) = Begin(Plan);
        (BenchTicket ticket, ByteString value) = Put(load, 1000);
        load.Failed(ticket, 1000, "unavailable");
        Assert.False(load.IsWaiting);
        Tell(stream, 0, 5, value, 2000);
        Tell(stream, 0, 6, ByteString.CopyFromUtf8("short"), 2000);
        Assert.Equal(["an event of no put in flight", "an event of somebody else's", "unavailable"], load.Errors.Keys);
        Assert.Equal(0, load.Delays.Count);
    }

    [Fact]
    public void A_canceled_watch_ends_the_load()
    {
        (WatchLoad load, WatchStream stream) = Begin(Plan);
        stream.Message(new WatchResponse { WatchId = 1, Canceled = true }.ToByteArray(), 1);
        Assert.True(load.IsBroken);
        Assert.False(load.TryPeek(1, out _));
    }

    // Goal: what a stall of the server delays is counted from the plan, and what it kept from starting is an error.
    [Fact]
    public void An_open_load_counts_from_the_planned_start()
    {
        const long Milli = 1_000_000;
        (WatchLoad load, WatchStream stream) = Begin(Plan with { Rate = 1000, Watchers = 1 });
        Assert.True(load.TryPeek(500 * Milli, out long start));
        Assert.Equal(0, start);
        Put(load, start);
        Assert.True(load.TryPeek(500 * Milli, out start));
        Assert.Equal(long.MaxValue, start); // The one client is still waiting.
        (WatchLoad other, WatchStream _) = Begin(Plan with { Rate = 1000, Watchers = 1 });
        (_, ByteString value) = Put(other, 0);
        Tell(stream, 0, 5, value, 500 * Milli);
        Assert.Equal(500 * Milli, load.Delays.Max);
        load.CountMissing(2000 * Milli);
        Assert.Equal(999, load.Errors[BenchErrors.NotStarted]);
    }

    [Theory]
    [InlineData(10, 3)]
    [InlineData(3, 3)]
    [InlineData(1000, 1)]
    public void Every_watch_is_of_one_key(int watchers, int keys)
    {
        BenchPlan plan = Plan with { Watchers = watchers, Keys = keys };
        var load = new WatchLoad(plan);
        int[] byKey = new int[keys];
        for (int w = 0; w < watchers; w++) { byKey[w % keys]++; }
        Assert.Equal(byKey, Enumerable.Range(0, keys).Select(k => load.WatchersOf((uint)k)));
    }

    [Fact]
    public void Wrong_plans_are_told()
    {
        BenchPlan plan = Plan with { Watchers = 5, Streams = 6, Connections = 7, Keys = 8, ValueBytes = 19 };
        string[] problems = [.. plan.Problems()];
        foreach (string option in new[] { "--streams", "--connections", "--keys", "--value-size" })
        {
            Assert.Contains(problems, p => p.StartsWith(option, StringComparison.Ordinal));
        }

        Assert.Contains((plan with { Watchers = 0 }).Problems(), p => p.StartsWith("--watchers", StringComparison.Ordinal));
        Assert.Empty(Plan.Problems());
    }

    private static (WatchLoad Load, WatchStream Stream) Begin(BenchPlan plan)
    {
        var load = new WatchLoad(plan);
        Assert.False(load.TryPeek(0, out _)); // Not before the watches are there.
        load.Begin(0);
        return (load, new WatchStream(load, plan.Watchers));
    }

    private static (BenchTicket Ticket, ByteString Value) Put(WatchLoad load, long start)
    {
        ReadOnlySpan<byte> message = load.Take(start, out BenchTicket ticket);
        return (ticket, PutRequest.Parser.ParseFrom(message[5..]).Value);
    }

    private static void Tell(WatchStream stream, ulong watch, long revision, ByteString value, long now) => stream.Message(
        new WatchResponse
        {
            Header = new ResponseHeader { Revision = revision },
            WatchId = (long)watch,
            Events = { new Event { Kv = new KeyValue { Key = ByteString.CopyFromUtf8("0"), ModRevision = revision, Value = value } } },
        }.ToByteArray(),
        now);
}
