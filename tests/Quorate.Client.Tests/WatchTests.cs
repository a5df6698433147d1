using Google.Protobuf;
using Xunit;
using Proto = Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Client.Tests;

/// <summary>Where a watch goes on after its stream broke, against streams that a test plays.</summary>
public sealed class WatchTests
{
    private static readonly RpcFailure Broken = new(StatusCode.Unavailable, "the connection broke", wasSent: true);

    // Goal: after a break the next stream starts behind the last event handed out; what comes twice is dropped, nothing is left out.
    [Fact]
    public async Task It_resumes_behind_the_last_event()
    {
        using var servers = new ScriptedTransport
        {
            OnOpen = static async (_, number, stream) =>
            {
                await stream.WriteAsync(Created(10));
                if (number == 0)
                {
                    await stream.WriteAsync(Events(12, (11, "a"), (12, "b")));
                    throw Broken;
                }

                await stream.WriteAsync(Events(14, (12, "b"), (13, "c"), (14, "d"), (14, "e")));
                await Task.Delay(Timeout.Infinite);
            },
        };
        using QuorateClient client = servers.Client();
        List<string> seen = await Take(client.WatchAsync(KeyRange.All), batches: 2);
        Assert.Equal(["12: 11a 12b", "14: 13c 14d 14e"], seen);
        Assert.Equal([0L, 13L], servers.All.Select(Start));
        Assert.All(servers.All, static asked => Assert.True(asked.Headers.RequireLeader));
        Assert.NotEqual(servers.All[0].Endpoint, servers.All[1].Endpoint);
    }

    // Goal: a watch "from now" that saw nothing goes on from its first "now", not from the second one's.
    [Fact]
    public async Task A_watch_from_now_keeps_its_now()
    {
        using var servers = new ScriptedTransport
        {
            OnOpen = static async (_, number, stream) =>
            {
                if (number == 0) { throw Broken; } // Before it was created: "now" is not fixed yet.
                await stream.WriteAsync(Created(number == 1 ? 10 : 99));
                if (number == 1) { throw Broken; }
                await stream.WriteAsync(Events(99, (11, "a")));
                await Task.Delay(Timeout.Infinite);
            },
        };
        using QuorateClient client = servers.Client();
        Assert.Equal(["10:", "11: 11a"], await Take(client.WatchAsync("k", new WatchOptions { Announce = true }), batches: 2));
        Assert.Equal([0L, 0L, 11L], servers.All.Select(Start));
    }

    // Goal: a revision in parts is handed out whole; parts of a broken stream are not handed out, and come again.
    [Fact]
    public async Task Fragments_are_joined_and_those_of_a_broken_stream_dropped()
    {
        using var servers = new ScriptedTransport
        {
            OnOpen = static async (_, number, stream) =>
            {
                await stream.WriteAsync(Created(10));
                Proto.WatchResponse part = Events(11, (11, "a"));
                part.Fragment = true;
                await stream.WriteAsync(part);
                if (number == 0) { throw Broken; }
                await stream.WriteAsync(Events(11, (11, "b")));
                await Task.Delay(Timeout.Infinite);
            },
        };
        using QuorateClient client = servers.Client();
        Assert.Equal(["11: 11a 11b"], await Take(client.WatchAsync(KeyRange.All), batches: 1));
        Assert.Equal([0L, 11L], servers.All.Select(Start));
    }

    // Goal: a progress notice of this watch moves the place to resume at; an answer for the whole stream does not (it may overtake events).
    [Fact]
    public async Task Progress_counts_only_if_it_is_this_watchs()
    {
        using var servers = new ScriptedTransport
        {
            OnOpen = static async (_, number, stream) =>
            {
                await stream.WriteAsync(Created(10));
                Proto.WatchResponse whole = Events(30);
                whole.WatchId = -1;
                await stream.WriteAsync(number == 0 ? Events(20) : whole);
                if (number < 2) { throw Broken; }
                await stream.WriteAsync(Events(31, (31, "z")));
                await Task.Delay(Timeout.Infinite);
            },
        };
        using QuorateClient client = servers.Client();
        Assert.Equal(["20:", "31: 31z"], await Take(client.WatchAsync("k", new WatchOptions { Progress = true }), batches: 2));
        Assert.Equal([0L, 21L, 21L], servers.All.Select(Start));
    }

    [Fact]
    public async Task Compaction_is_told_with_the_revision_to_restart_from()
    {
        using var servers = new ScriptedTransport
        {
            OnOpen = static async (_, _, stream) =>
            {
                await stream.WriteAsync(Created(50));
                await stream.WriteAsync(new Proto.WatchResponse { Header = new() { Revision = 50 }, Canceled = true, CompactRevision = 40 });
            },
        };
        using QuorateClient client = servers.Client();
        CompactedException e = await Assert.ThrowsAsync<CompactedException>(
            () => Take(client.WatchAsync("k", new WatchOptions { StartRevision = 5 }), batches: 1));
        Assert.Equal(40, e.RestartFrom);
        Assert.Single(servers.All);
    }

    [Fact]
    public async Task A_refusal_ends_it_and_a_refused_token_does_not()
    {
        string reason = "rpc error: code = PermissionDenied desc = etcdserver: permission denied";
        int logins = 0;
        using var servers = new ScriptedTransport
        {
            OnCall = (_, _) => Task.FromResult<object>(new Proto.AuthenticateResponse { Token = $"t{++logins}" }),
            OnOpen = async (asked, _, stream) =>
            {
                string? why = asked.Headers.Token == "t1" ? "rpc error: code = Unauthenticated desc = etcdserver: invalid auth token" : reason;
                await stream.WriteAsync(new Proto.WatchResponse { Header = new(), Created = true, Canceled = true, WatchId = -1, CancelReason = why });
            },
        };
        using QuorateClient client = servers.Client(static options => (options.User, options.Password) = ("u", "p"));
        AccessDeniedException e = await Assert.ThrowsAsync<AccessDeniedException>(() => Take(client.WatchAsync("k"), batches: 1));
        Assert.Equal(("etcdserver: permission denied", 2), (e.Message, logins));
        reason = "mvcc: watcher range is empty";
        Assert.Equal(reason, (await Assert.ThrowsAsync<RefusedException>(() => Take(client.WatchAsync("k"), batches: 1))).Message);
    }

    // Goal: what would fail in the same way on every member ends the watch; a damaged member does not.
    [Fact]
    public async Task An_answer_that_is_too_large_ends_it_and_a_damaged_member_does_not()
    {
        using var servers = new ScriptedTransport
        {
            OnOpen = static (_, number, _) => throw (number == 0
                ? new RpcFailure(StatusCode.DataLoss, "etcdserver: corrupt cluster", wasSent: true)
                : new RpcFailure(StatusCode.ResourceExhausted, "the answer has 100 bytes", wasSent: true)),
        };
        using QuorateClient client = servers.Client();
        await Assert.ThrowsAsync<RefusedException>(() => Take(client.WatchAsync("k"), batches: 1));
        Assert.Equal(2, servers.All.Count);
    }

    // Goal: a mirror that was cut off until its revision was compacted reads anew and goes on; its states never go back.
    [Fact]
    public async Task A_mirror_reads_anew_after_a_compaction()
    {
        int reads = 0;
        using var servers = new ScriptedTransport
        {
            OnCall = (_, _) => Task.FromResult<object>(++reads == 1
                ? new Proto.RangeResponse { Header = new() { Revision = 10 }, Kvs = { Item(9, "a"), Item(10, "b") } }
                : new Proto.RangeResponse { Header = new() { Revision = 60 }, Kvs = { Item(60, "c") } }),
            OnOpen = static async (asked, _, stream) =>
            {
                await stream.WriteAsync(Created(60));
                if (Start(asked) == 11)
                {
                    Proto.WatchResponse deleted = Events(11, (11, "a"));
                    deleted.Events[0].Type = Proto.Event.Types.EventType.Delete;
                    await stream.WriteAsync(deleted);
                    await stream.WriteAsync(new Proto.WatchResponse { Header = new(), Canceled = true, CompactRevision = 50 });
                    return;
                }

                await stream.WriteAsync(Events(61, (61, "d")));
                await Task.Delay(Timeout.Infinite);
            },
        };
        using QuorateClient client = servers.Client();
        var states = new List<string>();
        await foreach (MirrorState state in client.MirrorAsync(KeyRange.All))
        {
            states.Add($"{state.Revision}: {string.Join(' ', state.Items.Keys)}");
            if (states.Count == 4) { break; }
        }

        Assert.Equal(["10: a b", "11: b", "60: c", "61: c d"], states);
    }

    private static long Start(Asked asked) => ((Proto.WatchRequest)asked.Request).CreateRequest.StartRevision;

    private static Proto.WatchResponse Created(long revision) => new() { Header = new() { Revision = revision }, Created = true };

    private static Proto.WatchResponse Events(long revision, params (long Revision, string Key)[] events) => new()
    {
        Header = new() { Revision = revision },
        Events = { events.Select(static change => new Proto.Event { Kv = Item(change.Revision, change.Key) }) },
    };

    private static Proto.KeyValue Item(long revision, string key) => new() { Key = ByteString.CopyFromUtf8(key), ModRevision = revision };

    private static async Task<List<string>> Take(IAsyncEnumerable<WatchBatch> watch, int batches)
    {
        var seen = new List<string>();
        await foreach (WatchBatch batch in watch)
        {
            seen.Add($"{batch.Revision}:{string.Concat(batch.Events.Select(static change => $" {change.Item.ModRevision}{change.Item.Key}"))}");
            if (seen.Count == batches) { break; }
        }

        return seen;
    }
}
