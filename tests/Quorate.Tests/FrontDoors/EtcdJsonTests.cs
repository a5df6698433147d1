using System.Text;
using Quorate.Replication;
using Xunit;

namespace Quorate.Tests.FrontDoors;

/// <summary>The gateway and the pages, as curl and Patroni see them: whole answers, as etcd 3.4's were (names of fields, quotes, order).</summary>
public class EtcdJsonTests
{
    [Fact]
    public async Task Answers_have_the_gateways_shape()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        const string Header = "'header':{'cluster_id':'193','member_id':'161','revision':'2','raft_term':'7'}";
        (string Path, string Body, string Answer)[] rounds =
        [
            ("/v3/kv/put", "{'key':'YQ==','value':'MQ=='}", $"200 {{{Header}}}"),
            ("/v3/kv/range", "{'key':'YQ=='}",
                $"200 {{{Header},'kvs':[{{'key':'YQ==','create_revision':'2','mod_revision':'2','version':'1','value':'MQ=='}}],'count':'1'}}"),
            ("/v3beta/kv/range", "{'key':'YQ==','rangeEnd':'ZA==','countOnly':true,'unknown':[{}]}", $"200 {{{Header},'count':'1'}}"),
            ("/v3/kv/range", "{'key':'Yg==','limit':'5','sort_order':'DESCEND','sort_target':3}", $"200 {{{Header}}}"),
            ("/v3/kv/txn",
                "{'compare':[{'key':'YQ==','target':'CREATE','result':'EQUAL','create_revision':'0'}],"
                    + "'success':[{'request_put':{'key':'YQ=='}}],'failure':[{'request_range':{'key':'YQ==','keys_only':true}}]}",
                $"200 {{{Header},'responses':[{{'response_range':{{'header':{{'revision':'2'}},"
                    + "'kvs':[{'key':'YQ==','create_revision':'2','mod_revision':'2','version':'1'}],'count':'1'}}]}"),
            ("/v3/kv/deleterange", "{'key':'Yg=='}", $"200 {{{Header}}}"),
            ("/v3/cluster/member/list", "{}",
                "200 {'header':{'cluster_id':'193','member_id':'161','raft_term':'7'},'members':[{'ID':'161','name':'one',"
                    + "'peerURLs':['http://peer:1'],'clientURLs':['http://client:2']}]}"),
            ("/v3/maintenance/status", "",
                $"200 {{{Header},'version':'3.6.5','dbSize':'4096','leader':'161','raftIndex':'3','raftTerm':'7',"
                    + "'raftAppliedIndex':'3','dbSizeInUse':'4096','storageVersion':'3.6.0','downgradeInfo':{}}"),
        ];
        foreach ((string path, string body, string answer) in rounds)
        {
            Assert.Equal(Quotes(answer), await door.Post(path, Quotes(body)));
        }
    }

    [Theory]
    [InlineData("/v3/kv/put", "{}", "400 {'error':'etcdserver: key is not provided','code':3,'message':'etcdserver: key is not provided'}")]
    [InlineData("/v3/kv/put", "{'key':'YQ==','lease':'7'}",
        "404 {'error':'etcdserver: requested lease not found','code':5,'message':'etcdserver: requested lease not found'}")]
    [InlineData("/v3/kv/range", "{'key':'YQ==','revision':9}",
        "400 {'error':'etcdserver: mvcc: required revision is a future revision','code':11,"
            + "'message':'etcdserver: mvcc: required revision is a future revision'}")]
    [InlineData("/v3/nothing", "{}", "404 {'error':'Not Found','code':5,'message':'Not Found'}")]
    [InlineData("/v3alpha/kv/range", "{}", "404 {'error':'Not Found','code':5,'message':'Not Found'}")]
    public async Task Errors_have_all_three_fields(string path, string body, string answer)
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        Assert.Equal(Quotes(answer), await door.Post(path, Quotes(body)));
    }

    [Theory]
    [InlineData("{bad")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("nul")]
    [InlineData("{'key':5}")]
    [InlineData("{'key':'*'}")]
    [InlineData("{'key':'YQ==','limit':'x'}")]
    [InlineData("{'key':'YQ==','limit':99999999999999999999}")]
    [InlineData("{'key':'YQ==','sort_order':'NOPE'}")]
    [InlineData("{'key':'YQ=='} more")]
    [InlineData("{'key':'YQ==','key':{'key':1}}")]
    public async Task What_cannot_be_read_is_an_invalid_argument(string body)
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        string answer = await door.Post("/v3/kv/range", Quotes(body));
        Assert.StartsWith("400 {\"error\":\"", answer, StringComparison.Ordinal);
        Assert.Contains("\"code\":3", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bombs_are_refused_and_the_server_lives()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        string[] bombs =
        [
            new string('[', 1_000_000),
            "{\"unknown\":" + new string('[', 1_000_000),
            string.Concat(Enumerable.Repeat("{\"success\":[{\"request_txn\":", 10_000)),
            "{\"unknown\":" + new string('[', 500_000) + new string(']', 500_000) + "}",
        ];
        foreach (string bomb in bombs)
        {
            string answer = await door.Post("/v3/kv/txn", bomb);
            Assert.True(answer.StartsWith("400 ", StringComparison.Ordinal) || answer.StartsWith("200 ", StringComparison.Ordinal), answer);
        }

        Assert.StartsWith("429 ", await door.Post("/v3/kv/put", new string(' ', 5_000_000)), StringComparison.Ordinal);
        await door.AssertServes();
    }

    [Fact]
    public async Task A_body_without_a_length_is_bounded_too()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        using EtcdDoor.RawConnection raw = await door.Connect();
        await raw.Send("POST /v3/kv/put HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
        string chunk = "10000\r\n" + new string(' ', 65536) + "\r\n";
        try
        {
            for (int i = 0; i < 100; i++) { await raw.Send(chunk); }
            await raw.Send("0\r\n\r\n");
        }
        catch (System.Net.Sockets.SocketException)
        {
            // Closed before all was sent: refused as well.
        }

        string answer = Encoding.Latin1.GetString(await raw.ReadToEnd());
        Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 429 ", StringComparison.Ordinal), answer);
        await door.AssertServes();
    }

    [Fact]
    public async Task Pages_tell_version_and_health()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        Assert.Equal(Quotes("200 {'etcdserver':'3.6.5','etcdcluster':'3.6.0','storage':'3.6.0'}"), await door.Get("/version"));
        Assert.Equal(Quotes("200 {'health':'true','reason':''}"), await door.Get("/health"));
        Assert.Equal("200 ok\n", await door.Get("/livez"));
        Assert.Equal("200 [+]data_corruption ok\n[+]serializable_read ok\n[+]linearizable_read ok\n[+]non_learner ok\nok\n", await door.Get("/readyz?verbose"));
        Assert.Equal("405 Method Not Allowed\n", await door.Post("/health", ""));
        Assert.StartsWith("405 ", await door.Get("/v3/kv/range"), StringComparison.Ordinal);

        door.Node.LinearizableOutcome = RequestOutcome.Unknown;
        Assert.Equal(
            Quotes("503 {'health':'false','reason':'RANGE ERROR:etcdserver: request timed out'}"), await door.Get("/health"));
        door.Node.HasLeader = false;
        Assert.Equal(Quotes("503 {'health':'false','reason':'RAFT NO LEADER'}"), await door.Get("/health"));
        Assert.Equal("503 [-]linearizable_read failed: RAFT NO LEADER\n", await door.Get("/readyz/linearizable_read"));
        Assert.Equal(Quotes("200 {'health':'true','reason':''}"), await door.Get("/health?serializable=true"));
        Assert.Equal("200 ok\n", await door.Get("/livez"));
    }

    private static string Quotes(string text) => text.Replace('\'', '"');
}
