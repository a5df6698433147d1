using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>Locks and elections: answers beside the real etcd's, and who gets them when clients and leaders are killed.</summary>
public sealed class LockTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // A path of the gateway and a request; in it, <x> is x in base64, and $1 the create revision of the key that leads.
    private static readonly string[] Script =
    [
        """lease/grant {"ID":"7","TTL":"600"}""", """lease/grant {"ID":"10","TTL":"600"}""",
        """lock/lock {"name":"<jobs>","lease":"7"}""", """lock/lock {"name":"<jobs>","lease":"7"}""",
        """lock/lock {"name":"<jobs>","lease":"99"}""", """lock/lock {"name":"<jobs>","lease":"-5"}""",
        """gives-up lock/lock {"name":"<jobs>","lease":"10"}""",
        """kv/range {"key":"<jobs/>","range_end":"<jobs0>"}""", """lock/unlock {}""", """lock/unlock {"key":"<nobody's>"}""",
        """lock/unlock {"key":"<jobs/7>"}""", """lock/unlock {"key":"<jobs/7>"}""",
        """election/leader {"name":"<jobs>"}""", """election/campaign {"name":"<jobs>","lease":"7","value":"<one>"}""",
        """election/campaign {"name":"<jobs>","lease":"7","value":"<two>"}""", """election/campaign {"name":"<jobs>","lease":"99"}""",
        """gives-up election/campaign {"name":"<jobs>","lease":"10","value":"<ten>"}""", """election/leader {"name":"<jobs>"}""",
        """election/proclaim {"leader":{"name":"<jobs>","key":"<jobs/7>","rev":"$1","lease":"7"},"value":"<three>"}""",
        """election/proclaim {"leader":{"name":"<jobs>","key":"<jobs/7>","rev":"1","lease":"7"},"value":"<no>"}""",
        """election/proclaim {"leader":{"name":"<jobs>","key":"<jobs/7>","rev":"$1","lease":"99"},"value":"<no>"}""",
        """election/proclaim {}""", """election/proclaim {"leader":{}}""", """election/resign {}""", """election/resign {"leader":{}}""",
        """election/leader {"name":"<jobs>"}""",
        """election/resign {"leader":{"name":"<jobs>","key":"<jobs/7>","rev":"1","lease":"7"}}""",
        """election/resign {"leader":{"name":"<jobs>","key":"<jobs/7>","rev":"$1","lease":"7"}}""",
        """election/resign {"leader":{"name":"<jobs>","key":"<jobs/7>","rev":"$1","lease":"7"}}""",
        """kv/range {"key":"<\0>","range_end":"<\0>"}""",
    ];

    [Fact]
    public async Task The_gateway_answers_as_etcds_does()
    {
        using var etcd = new RealEtcd(Tool.Find("etcd"));
        using ClusterProcesses ours = ClusterProcesses.StartReady(1);
        etcd.WaitUntilReady(Tool.Find("etcdctl"));
        string expected = await Converse(etcd.Endpoint);
        Assert.Contains("election: not leader", expected, StringComparison.Ordinal);
        Assert.Equal(expected, await Converse(ours.Endpoints));
    }

    // Goal: whoever holds it is killed, and so is the cluster's leader; the next in the queue gets it all the same, whatever client it is.
    [Fact]
    public async Task A_lock_passes_on_when_its_holder_and_the_leader_are_killed()
    {
        string etcdctl = Tool.Find("etcdctl");
        using ClusterProcesses cluster = ClusterProcesses.StartReady(3);
        ServerProcess leader = await cluster.FindLeaderAsync();
        using var client = new EtcdGrpcClient([.. cluster.Servers.Select(server => server.Endpoint)]);
        using var holder = new RunningTool(etcdctl, "--endpoints", cluster.Endpoints, "lock", "L", "--ttl", "10");
        string key = holder.WaitForLines(1)[0];
        Assert.StartsWith("L/", key, StringComparison.Ordinal);
        using RunningTool second = RunningTool.Quorate(
            "lock", "L", "--endpoints", cluster.Endpoints, "--ttl", "30", "--", "sh", "-c", "echo $QUORATE_LOCK_KEY $QUORATE_LOCK_REV $ETCD_LOCK_REV; exit 7");
        string[] keys = await Queue(client, 2);
        using RunningTool third = RunningTool.Quorate("lock", "L", "--endpoints", cluster.Endpoints, "--ttl", "30");
        keys = await Queue(client, 3);

        leader.Kill();
        Assert.Equal(3, (await Queue(client, 3)).Length);
        Assert.Equal("", third.Output);
        holder.Kill();
        Assert.Equal(7, second.WaitForExit());
        string[] told = second.Output.Split(' ', '\n');
        Assert.Equal((keys[1], told[1]), ($"{told[0]} {told[1]}", told[2]));
        string[] held = third.WaitForLines(2);
        Assert.Equal(keys[2], $"{held[0]} {held[1]["token ".Length..]}");

        // Fenced: what compares the second's token is refused now.
        var late = new TxnRequest();
        late.Compare.Add(new Compare
        {
            Key = ByteString.CopyFromUtf8(told[0]),
            Target = Compare.Types.CompareTarget.Create,
            CreateRevision = long.Parse(told[1], CultureInfo.InvariantCulture),
        });
        Assert.False((await client.CallAsync(EtcdMethods.Txn, late, Patience)).Succeeded);
        third.Terminate();
        Assert.Equal(0, third.WaitForExit());
        await Queue(client, 0);
        string ran = Tool.Run(etcdctl, ["--endpoints", cluster.Endpoints, "lock", "L", "--", "sh", "-c", "echo $ETCD_LOCK_KEY"]).Succeeded();
        Assert.StartsWith("L/", ran, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_election_passes_on_and_listeners_hear_of_it()
    {
        string etcdctl = Tool.Find("etcdctl");
        using ClusterProcesses cluster = ClusterProcesses.StartReady(3);
        ServerProcess leader = await cluster.FindLeaderAsync();
        using var client = new EtcdGrpcClient([.. cluster.Servers.Select(server => server.Endpoint)]);
        using RunningTool ours = RunningTool.Quorate("elect", "L", "us", "--endpoints", cluster.Endpoints, "--ttl", "15");
        string[] won = ours.WaitForLines(3);
        Assert.Equal("us", won[1]);
        using RunningTool listener = RunningTool.Quorate("elect", "L", "--listen", "--endpoints", cluster.Endpoints);
        Assert.Equal([won[0], "us"], listener.WaitForLines(2)[..2]);

        // etcdctl itself gives up if its one write is under way when the leader dies, so it comes after that.
        leader.Kill();
        await Queue(client, 1);
        string others = string.Join(',', cluster.Servers.Where(server => server != leader).Select(server => $"127.0.0.1:{server.ClientPort}"));
        using var theirs = new RunningTool(etcdctl, "--endpoints", others, "elect", "L", "them");
        await Queue(client, 2);
        ours.Kill();
        string[] then = theirs.WaitForLines(2);
        Assert.Equal("them", then[1]);
        Assert.Equal([then[0], "them"], listener.WaitForLines(4)[2..4]);
        string listened = Tool.Run(
            "/usr/bin/timeout", ["--preserve-status", "-s", "INT", "10", etcdctl, "--endpoints", others, "elect", "-l", "L"]).Output;
        Assert.StartsWith($"{then[0]}\nthem\n", listened, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_command_does_not_outlive_its_lock()
    {
        using ClusterProcesses cluster = ClusterProcesses.StartReady(1);
        await cluster.FindLeaderAsync();
        using RunningTool guarded = RunningTool.Quorate(
            "lock", "L", "--endpoints", cluster.Endpoints, "--ttl", "12", "--", "sh", "-c", "echo $$; sleep 1000; echo survived");
        string id = guarded.WaitForLines(1)[0];
        Tool.Result waited = Tool.Quorate("lock", "L", "--endpoints", cluster.Endpoints, "--wait", "1", "--", "true");
        Assert.Equal((3, "somebody else had it all the time"), (waited.ExitCode, waited.Error.Trim()));
        cluster.Servers[0].Kill();
        Assert.Equal(1, guarded.WaitForExit());
        Assert.Equal($"{id}\n", guarded.Output);
        Assert.Contains("the command was killed", guarded.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists($"/proc/{id}"));
    }

    private static async Task<string> Converse(string endpoint)
    {
        using var http = new HttpClient { Timeout = Patience };
        var text = new List<string>();
        string leads = "";
        foreach (string line in Script)
        {
            string[] words = line.Split(' ');
            bool givesUp = words[0] == "gives-up";
            string request = Base64(words[^1]).Replace("$1", leads, StringComparison.Ordinal);
            using var stop = new CancellationTokenSource(givesUp ? TimeSpan.FromSeconds(2) : Patience);
            string answer;
            try
            {
                using HttpResponseMessage response = await http.PostAsync(
                    new Uri($"http://{endpoint}/v3/{words[^2]}"), new StringContent(request), stop.Token);
                JsonObject json = JsonNode.Parse(await response.Content.ReadAsStringAsync(stop.Token))!.AsObject();
                if (json["kv"]?["create_revision"] is { } created) { leads = created.ToString(); }
                answer = $"{(int)response.StatusCode} {Fields(json)}";
            }
            catch (OperationCanceledException) when (givesUp)
            {
                // Its key goes when the server notices.
                await Eventually(async () => !(await Post(http, endpoint, "kv/range", """{"key":"<jobs/>","range_end":"<jobs0>"}""")).Contains("<jobs/a>", StringComparison.Ordinal));
                answer = "gave up";
            }

            text.Add($"{line}: {answer}");
        }

        // What an observer hears.
        using var observe = new HttpRequestMessage(HttpMethod.Post, new Uri($"http://{endpoint}/v3/election/observe"))
        {
            Content = new StringContent(Base64("""{"name":"<jobs>"}""")),
        };
        await Post(http, endpoint, "election/campaign", """{"name":"<jobs>","lease":"7","value":"<a>"}""");
        using HttpResponseMessage observed = await http.SendAsync(observe, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await observed.Content.ReadAsStreamAsync());
        text.Add(Fields(JsonNode.Parse((await reader.ReadLineAsync())!)!.AsObject()));
        await Post(http, endpoint, "election/campaign", """{"name":"<jobs>","lease":"7","value":"<b>"}""");
        text.Add(Fields(JsonNode.Parse((await reader.ReadLineAsync())!)!.AsObject()));
        await Post(http, endpoint, "lease/revoke", """{"ID":"7"}""");
        await Post(http, endpoint, "election/campaign", """{"name":"<jobs>","lease":"10","value":"<c>"}""");
        text.Add(Fields(JsonNode.Parse((await reader.ReadLineAsync())!)!.AsObject()));
        return string.Join('\n', text);
    }

    private static async Task<string> Post(HttpClient http, string endpoint, string path, string request)
    {
        using HttpResponseMessage response = await http.PostAsync(new Uri($"http://{endpoint}/v3/{path}"), new StringContent(Base64(request)));
        return (await response.Content.ReadAsStringAsync()).Replace(Base64("<jobs/a>"), "<jobs/a>", StringComparison.Ordinal);
    }

    private static string Base64(string text)
    {
        int open;
        while ((open = text.IndexOf('<', StringComparison.Ordinal)) >= 0)
        {
            int close = text.IndexOf('>', open);
            string bytes = text[(open + 1)..close].Replace("\\0", "\0", StringComparison.Ordinal);
            text = text[..open] + Convert.ToBase64String(Encoding.UTF8.GetBytes(bytes)) + text[(close + 1)..];
        }

        return text;
    }

    // Ids and terms differ from server to server, the order of an error's fields from version to version.
    private static string Fields(JsonObject json)
    {
        if (json["result"] is JsonObject result) { json = result; }
        if (json["header"] is JsonObject header)
        {
            foreach (string name in (string[])["cluster_id", "member_id", "raft_term"]) { Assert.True(header.Remove(name)); }
        }

        return string.Join(' ', json.Select(static field => $"{field.Key}={field.Value?.ToJsonString()}").Order(StringComparer.Ordinal));
    }

    // Waits until there are that many in the queue; each as its key and create revision.
    private static async Task<string[]> Queue(EtcdGrpcClient client, int length)
    {
        string[] keys = [];
        await Eventually(async () =>
        {
            RangeResponse read = await client.CallAsync(
                EtcdMethods.Range,
                new RangeRequest
                {
                    Key = ByteString.CopyFromUtf8("L/"),
                    RangeEnd = ByteString.CopyFromUtf8("L0"),
                    SortTarget = RangeRequest.Types.SortTarget.Create,
                    SortOrder = RangeRequest.Types.SortOrder.Ascend,
                },
                Patience);
            keys = [.. read.Kvs.Select(static kv => $"{kv.Key.ToStringUtf8()} {kv.CreateRevision}")];
            return keys.Length == length;
        });
        return keys;
    }

    private static async Task Eventually(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!await condition()) { await Task.Delay(50, patience.Token); }
    }
}
