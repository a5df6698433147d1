using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Quorate.FrontDoors.Etcd.Client;
using Xunit;

namespace Quorate.Tests.FrontDoors;

/// <summary>Health, metrics, and which port and host name they are served under.</summary>
public sealed partial class StatusPagesTests
{
    // Goal: probes of etcd 3.5.11 and later: each check alone, some left out, and all of them named when one fails.
    [Fact]
    public async Task Readiness_is_several_checks_that_can_be_asked_one_by_one()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        Assert.Equal("200 ok\n", await door.Get("/readyz"));
        Assert.Equal("200 ok\n", await door.Get("/readyz/linearizable_read"));
        Assert.Equal("200 [+]serializable_read ok\nok\n", await door.Get("/livez?verbose"));
        Assert.StartsWith("404", await door.Get("/livez/linearizable_read"), StringComparison.Ordinal);
        Assert.StartsWith("404", await door.Get("/readyzz"), StringComparison.Ordinal);

        door.Node.HasLeader = false;
        Assert.Equal(
            "503 [+]data_corruption ok\n[+]serializable_read ok\n[-]linearizable_read failed: RAFT NO LEADER\n[+]non_learner ok\n",
            await door.Get("/readyz"));
        Assert.Equal("200 ok\n", await door.Get("/readyz?exclude=linearizable_read&exclude=unknown"));
        Assert.Equal("200 ok\n", await door.Get("/livez"));

        door.Node.HasLeader = true;
        door.Node.IsLearner = true;
        Assert.Contains("[-]non_learner failed", await door.Get("/readyz"), StringComparison.Ordinal);
        string page = await door.Get("/metrics");
        Assert.Contains("\netcd_server_healthcheck{name=\"non_learner\",type=\"readyz\"} 0\n", page, StringComparison.Ordinal);
        Assert.Contains("\netcd_server_healthchecks_total{name=\"linearizable_read\",status=\"error\",type=\"readyz\"} 2\n", page, StringComparison.Ordinal);
    }

    // Goal: the page is what Prometheus parses, and says what happened: who leads, how many calls ended how, what they took.
    [Fact]
    public async Task Metrics_are_etcds_names_with_true_values()
    {
        await using EtcdDoor door = await EtcdDoor.Open(o => o with { MeasuresCalls = true });
        await door.Put("a", "1");
        await door.Put("a", "2");
        await door.ErrorOf(EtcdMethods.Put, EtcdDoor.NewPut("", "x"));
        Dictionary<string, double> samples = Samples(await door.Get("/metrics"));

        Assert.Equal(1, samples["etcd_server_has_leader"]);
        Assert.Equal(1, samples["etcd_server_is_leader"]);
        Assert.Equal(3, samples["etcd_debugging_mvcc_current_revision"]);
        Assert.Equal(4096, samples["etcd_mvcc_db_total_size_in_bytes"]);
        const string Put = "grpc_method=\"Put\",grpc_service=\"etcdserverpb.KV\",grpc_type=\"unary\"";
        Assert.Equal(3, samples[$"grpc_server_started_total{{{Put}}}"]);
        Assert.Equal(2, samples[$"grpc_server_handled_total{{grpc_code=\"OK\",{Put}}}"]);
        Assert.Equal(1, samples[$"grpc_server_handled_total{{grpc_code=\"InvalidArgument\",{Put}}}"]);
        Assert.Equal(3, samples[$"grpc_server_handling_seconds_count{{{Put}}}"]);
        Assert.Equal(3, samples[$"grpc_server_handling_seconds_bucket{{{Put},le=\"+Inf\"}}"]);
        Assert.Contains(samples.Keys, key => key.StartsWith("grpc_server_started_total{grpc_method=\"Watch\"", StringComparison.Ordinal)
            && key.Contains("bidi_stream", StringComparison.Ordinal));
        Assert.InRange(samples["etcd_network_client_grpc_received_bytes_total"], 12, 100);
        Assert.InRange(samples["process_open_fds"], 3, samples["process_max_fds"]);

        door.Node.HasLeader = false;
        Assert.Equal(0, Samples(await door.Get("/metrics"))["etcd_server_has_leader"]);
    }

    // Goal: watches are counted while they live, and not afterwards.
    [Fact]
    public async Task Watches_are_counted()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        await using (var stream = door.OpenStream(EtcdMethods.Watch))
        {
            await stream.WriteAsync(new() { CreateRequest = new() { Key = Google.Protobuf.ByteString.CopyFromUtf8("a") } });
            await stream.ReadAsync();
            Dictionary<string, double> samples = Samples(await door.Get("/metrics"));
            Assert.Equal((1, 0, 1), (samples["etcd_debugging_mvcc_watcher_total"], samples["etcd_debugging_mvcc_slow_watcher_total"],
                samples["etcd_debugging_mvcc_watch_stream_total"]));
        }

        await door.Until(() => door.OpenStreams == 0);
        Assert.Equal(0, Samples(await door.Get("/metrics"))["etcd_debugging_mvcc_watcher_total"]);
    }

    // Goal: etcd's --host-whitelist and --cors: a foreign name is turned away before anything is read, an allowed origin is told so.
    [Fact]
    public async Task Foreign_names_and_origins_are_told_apart()
    {
        await using EtcdDoor door = await EtcdDoor.Open(o => o with { HostWhitelist = ["127.0.0.1"], Cors = ["https://a.example"] });
        using var http = new HttpClient { BaseAddress = new Uri($"http://{door.Address}") };
        async Task<HttpResponseMessage> Ask(HttpMethod method, string host, string origin)
        {
            using var request = new HttpRequestMessage(method, "/version");
            request.Headers.Host = host;
            request.Headers.Add("Origin", origin);
            return await http.SendAsync(request);
        }

        using HttpResponseMessage own = await Ask(HttpMethod.Get, "127.0.0.1:2379", "https://a.example");
        Assert.Equal(HttpStatusCode.OK, own.StatusCode);
        Assert.Equal("https://a.example", own.Headers.GetValues("Access-Control-Allow-Origin").Single());
        using HttpResponseMessage foreign = await Ask(HttpMethod.Get, "evil.example", "https://evil.example");
        Assert.Equal(HttpStatusCode.MisdirectedRequest, foreign.StatusCode);
        using HttpResponseMessage other = await Ask(HttpMethod.Get, "127.0.0.1", "https://b.example");
        Assert.False(other.Headers.Contains("Access-Control-Allow-Origin"));
        using HttpResponseMessage preflight = await Ask(HttpMethod.Options, "127.0.0.1", "https://a.example");
        Assert.Equal(HttpStatusCode.OK, preflight.StatusCode);
        await door.Put("grpc is not asked", "");
    }

    // Goal: a port for metrics serves nothing else; with ports of its own for HTTP, the client port serves gRPC only.
    [Fact]
    public async Task Ports_serve_what_they_are_for()
    {
        IPEndPoint free = new(IPAddress.Loopback, 0);
        await using EtcdDoor door = await EtcdDoor.Open(o => o with { ListenHttp = [free], ListenPages = [free] });
        using var http = new HttpClient();
        async Task<int> Status(IPEndPoint port, string path) => (int)(await http.GetAsync(new Uri($"http://{port}{path}"))).StatusCode;

        await door.Put("a", "1");
        Assert.Equal(404, await Status(door.Addresses[0], "/version"));
        Assert.Equal(200, await Status(door.Addresses[1], "/version"));
        Assert.Equal(405, await Status(door.Addresses[1], "/v3/kv/range"));
        Assert.Equal(200, await Status(door.Addresses[2], "/metrics"));
        Assert.Equal(200, await Status(door.Addresses[2], "/health"));
        Assert.Equal(404, await Status(door.Addresses[2], "/v3/kv/range"));
    }

    // Every line is one of the format's, each metric is declared once and before its samples, and histograms add up.
    private static Dictionary<string, double> Samples(string answer)
    {
        Assert.StartsWith("200 ", answer, StringComparison.Ordinal);
        var samples = new Dictionary<string, double>();
        var declared = new HashSet<string>();
        string current = "";
        foreach (string line in answer[4..].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                current = line.Split(' ')[2];
                Assert.True(declared.Add(current), line);
            }
            else if (!line.StartsWith("# HELP ", StringComparison.Ordinal))
            {
                Match match = Sample().Match(line);
                Assert.True(match.Success, line);
                Assert.StartsWith(current, match.Groups["name"].Value, StringComparison.Ordinal);
                samples.Add(line[..line.LastIndexOf(' ')], double.Parse(match.Groups["value"].Value, CultureInfo.InvariantCulture));
            }
        }

        return samples;
    }

    [GeneratedRegex("""^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\{([a-zA-Z_]+="([^"\\]|\\.)*",?)*\})? (?<value>[0-9.eE+-]+)$""")]
    private static partial Regex Sample();
}
