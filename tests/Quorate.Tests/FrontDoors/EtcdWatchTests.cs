using System.Text;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Xunit;
using WatchStream = Quorate.FrontDoors.Etcd.Client.EtcdGrpcStream<
    Quorate.FrontDoors.Etcd.Protos.WatchRequest, Quorate.FrontDoors.Etcd.Protos.WatchResponse>;

namespace Quorate.Tests.FrontDoors;

/// <summary>Watch over gRPC and over JSON: etcd's answers and words.</summary>
public class EtcdWatchTests
{
    [Fact]
    public async Task A_watch_is_created_told_and_cancelled()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        await door.Put("a", "1");
        await using WatchStream stream = door.OpenStream(EtcdMethods.Watch);
        await stream.WriteAsync(Create("a", prevKv: true));
        Assert.Equal("{ \"header\": { \"clusterId\": \"193\", \"memberId\": \"161\", \"revision\": \"2\", \"raftTerm\": \"7\" }, \"created\": true }",
            (await stream.ReadAsync())!.ToString());
        await stream.WriteAsync(Create("", "\0"));
        WatchResponse second = (await stream.ReadAsync())!;
        Assert.True(second is { WatchId: 1, Created: true });

        await door.Put("a", "2");
        string[] told = [Text((await stream.ReadAsync())!), Text((await stream.ReadAsync())!)];
        Assert.Equal(["0@3: PUT a=2 c2 m3 v2 (a=1 c2 m2 v1)", "1@3: PUT a=2 c2 m3 v2"], told.Order());
        await door.Call(EtcdMethods.DeleteRange, new DeleteRangeRequest { Key = ByteString.CopyFromUtf8("a") });
        told = [Text((await stream.ReadAsync())!), Text((await stream.ReadAsync())!)];
        Assert.Equal(["0@4: DELETE a= c0 m4 v0 (a=2 c2 m3 v2)", "1@4: DELETE a= c0 m4 v0"], told.Order());

        await stream.WriteAsync(new WatchRequest { CancelRequest = new() { WatchId = 7 } }); // Unknown: ignored.
        await stream.WriteAsync(new WatchRequest { CancelRequest = new() { WatchId = 1 } });
        Assert.Equal("1@4: canceled", Text((await stream.ReadAsync())!));

        // Half-close ends nothing.
        stream.Complete();
        await door.Put("a", "3");
        Assert.Equal("0@5: PUT a=3 c5 m5 v1", Text((await stream.ReadAsync())!));
    }

    [Fact]
    public async Task Wrong_watches_are_refused_in_etcds_words()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        await using WatchStream stream = door.OpenStream(EtcdMethods.Watch);
        WatchRequest twice = Create("a");
        twice.CreateRequest.WatchId = 5;
        await stream.WriteAsync(twice);
        Assert.Equal("5@1: created", Text((await stream.ReadAsync())!));
        await stream.WriteAsync(twice);
        Assert.Equal("-1@1: created canceled mvcc: duplicate watch ID provided on the WatchStream", Text((await stream.ReadAsync())!));
        await stream.WriteAsync(Create("b", "a"));
        Assert.Equal("-1@1: created canceled mvcc: watcher range is empty", Text((await stream.ReadAsync())!));
        await stream.WriteAsync(Create("b", start: -1));
        Assert.Equal("-1@1: created canceled etcdserver: mvcc: required revision has been compacted", Text((await stream.ReadAsync())!));
    }

    [Fact]
    public async Task The_compacted_revision_can_be_watched_and_none_before_it()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        for (int i = 2; i <= 6; i++) { await door.Put("a", $"{i}"); }
        await door.Call(EtcdMethods.Compact, new CompactionRequest { Revision = 4 });
        door.Node.CompactAll();
        await using WatchStream stream = door.OpenStream(EtcdMethods.Watch);
        await stream.WriteAsync(Create("a", start: 4, prevKv: true));
        Assert.Equal("0@6: created", Text((await stream.ReadAsync())!));
        Assert.Equal(
            "0@6: PUT a=4 c2 m4 v3, PUT a=5 c2 m5 v4 (a=4 c2 m4 v3), PUT a=6 c2 m6 v5 (a=5 c2 m5 v4)", Text((await stream.ReadAsync())!));
        await stream.WriteAsync(Create("a", start: 3));
        Assert.Equal("1@6: created", Text((await stream.ReadAsync())!));
        Assert.Equal("1@0: canceled compacted 4", Text((await stream.ReadAsync())!));
    }

    [Fact]
    public async Task Progress_comes_when_asked_for_and_when_idle()
    {
        await using EtcdDoor door = await EtcdDoor.Open(options => options with { WatchProgressInterval = TimeSpan.FromMilliseconds(100) });
        await using WatchStream stream = door.OpenStream(EtcdMethods.Watch);
        await stream.WriteAsync(Create("a"));
        Assert.Equal("0@1: created", Text((await stream.ReadAsync())!));
        await door.Put("b", "1");
        await stream.WriteAsync(new WatchRequest { ProgressRequest = new() });
        Assert.Equal("-1@2: ", Text((await stream.ReadAsync())!));

        WatchRequest idle = Create("a");
        idle.CreateRequest.ProgressNotify = true;
        await stream.WriteAsync(idle);
        Assert.Equal("1@2: created", Text((await stream.ReadAsync())!));
        Assert.Equal("1@2: ", Text((await stream.ReadAsync())!));
    }

    [Fact]
    public async Task A_large_revision_comes_in_fragments_if_asked_for()
    {
        await using EtcdDoor door = await EtcdDoor.Open(options => options with { MaxRequestBytes = 4096 });
        var txn = new TxnRequest();
        for (int i = 0; i < 100; i++) { txn.Success.Add(new RequestOp { RequestPut = EtcdDoor.NewPut($"k{i:D3}", "0123456789") }); }
        await door.Call(EtcdMethods.Txn, txn);
        await using WatchStream stream = door.OpenStream(EtcdMethods.Watch);
        WatchRequest inParts = Create("k", "l", prevKv: true);
        inParts.CreateRequest.Fragment = true;
        await stream.WriteAsync(inParts);
        await stream.ReadAsync();
        await stream.WriteAsync(Create("k", "l", prevKv: true));
        await stream.ReadAsync();
        await door.Call(EtcdMethods.Txn, txn);

        var parts = new Dictionary<long, List<WatchResponse>> { [0] = [], [1] = [] };
        while (parts[1].Count == 0 || parts[0].Count == 0 || parts[0][^1].Fragment)
        {
            WatchResponse part = (await stream.ReadAsync())!;
            parts[part.WatchId].Add(part);
        }

        Assert.Equal(100, parts[0].Sum(part => part.Events.Count));
        Assert.Equal(100, Assert.Single(parts[1]).Events.Count);
        Assert.True(parts[0].Count > 1 && parts[0][..^1].All(part => part.Fragment));
    }

    // Goal: a watcher that is not read costs itself only, and misses nothing when it is read again.
    [Fact]
    public async Task A_watcher_that_is_not_read_holds_up_nobody_and_misses_nothing()
    {
        await using EtcdDoor door = await EtcdDoor.Open(options => options with { MaxWatchQueueBytes = 64 * 1024 });
        await using WatchStream slow = door.OpenStream(EtcdMethods.Watch);
        await slow.WriteAsync(Create("k", "l"));
        Assert.True((await slow.ReadAsync())!.Created);
        await using WatchStream fast = door.OpenStream(EtcdMethods.Watch);
        await fast.WriteAsync(Create("k", "l"));
        Assert.True((await fast.ReadAsync())!.Created);
        const int Writes = 300;
        for (int i = 0; i < Writes; i++)
        {
            await door.Put($"k{i % 7}", new string('x', 50_000));
            Assert.Equal(i + 2, (await fast.ReadAsync())!.Events.Single().Kv.ModRevision);
        }

        long expected = 2;
        while (expected < Writes + 2)
        {
            foreach (Event e in (await slow.ReadAsync())!.Events) { Assert.Equal(expected++, e.Kv.ModRevision); }
        }
    }

    [Fact]
    public async Task The_gateway_tells_a_line_per_response()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        await door.Put("a", "1");
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://{door.Address}/v3/watch")
        {
            Content = new StringContent(
                "{\"create_request\":{\"key\":\"YQ==\",\"start_revision\":\"2\"}}\n{\"createRequest\":{\"key\":\"Yg==\",\"watch_id\":9}}", Encoding.UTF8),
        };
        using HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        const string Header = "{\"result\":{\"header\":{\"cluster_id\":\"193\",\"member_id\":\"161\",\"revision\":\"2\",\"raft_term\":\"7\"}";
        string[] told = [(await lines.ReadLineAsync())!, (await lines.ReadLineAsync())!, (await lines.ReadLineAsync())!];
        Assert.Equal(
            [
                Header + ",\"created\":true}}",
                Header + ",\"events\":[{\"kv\":{\"key\":\"YQ==\",\"create_revision\":\"2\",\"mod_revision\":\"2\",\"version\":\"1\",\"value\":\"MQ==\"}}]}}",
                Header + ",\"watch_id\":\"9\",\"created\":true}}",
            ],
            told.Order(StringComparer.Ordinal));
        await door.Put("b", "2");
        Assert.Contains("\"watch_id\":\"9\",\"events\":", await lines.ReadLineAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_gateway_tells_of_failures_in_the_stream()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        string answer = await door.Post("/v3/watch", "{bad");
        Assert.StartsWith("400 {\"error\":{\"grpc_code\":3,\"http_code\":400,\"message\":\"", answer, StringComparison.Ordinal);
    }

    private static WatchRequest Create(string key, string end = "", long start = 0, bool prevKv = false) => new()
    {
        CreateRequest = new WatchCreateRequest
        {
            Key = ByteString.CopyFromUtf8(key),
            RangeEnd = ByteString.CopyFromUtf8(end),
            StartRevision = start,
            PrevKv = prevKv,
        },
    };

    private static string Text(WatchResponse response)
    {
        var words = new List<string>();
        if (response.Created) { words.Add("created"); }
        if (response.Canceled) { words.Add("canceled"); }
        if (response.CompactRevision != 0) { words.Add($"compacted {response.CompactRevision}"); }
        if (response.CancelReason.Length > 0) { words.Add(response.CancelReason); }
        string events = string.Join(", ", response.Events.Select(e =>
            $"{(e.Type == Event.Types.EventType.Put ? "PUT" : "DELETE")} {Text(e.Kv)}{(e.PrevKv is null ? "" : $" ({Text(e.PrevKv)})")}"));
        return $"{response.WatchId}@{response.Header.Revision}: {string.Join(' ', words)}{events}";
    }

    private static string Text(KeyValue kv) =>
        $"{kv.Key.ToStringUtf8()}={kv.Value.ToStringUtf8()} c{kv.CreateRevision} m{kv.ModRevision} v{kv.Version}";
}
