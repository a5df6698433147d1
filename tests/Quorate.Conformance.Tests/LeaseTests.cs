using System.Text.RegularExpressions;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>Leases, with clients that others wrote, beside the real etcd, and across kill -9 of leaders.</summary>
public sealed partial class LeaseTests(ITestOutputHelper output)
{
    private const string Python = """
        import sys, time, etcd3
        c = etcd3.client(host='127.0.0.1', port=int(sys.argv[1]), timeout=10)
        lease = c.lease(30)
        c.put('py/lease/a', '1', lease); c.put('py/lease/b', '2', lease=lease)
        assert 0 < lease.remaining_ttl <= 30 and lease.granted_ttl == 30
        assert list(lease.keys) == [b'py/lease/a', b'py/lease/b'], lease.keys
        assert [r.TTL for r in lease.refresh()] == [30]
        assert lease.id in [l.ID for l in c.leasestub.LeaseLeases(etcd3.etcdrpc.LeaseLeasesRequest()).leases]
        lease.revoke()
        assert c.get('py/lease/a') == (None, None) and lease.remaining_ttl == -1
        lock = c.lock('py', ttl=30)
        assert lock.acquire(timeout=5) and lock.is_acquired()
        assert lock.release()
        short = c.lease(1)
        c.put('py/lease/short', '1', short)
        for _ in range(200):
            if c.get('py/lease/short')[0] is None: break
            time.sleep(0.1)
        assert c.get('py/lease/short') == (None, None) and short.remaining_ttl == -1
        print('python ok')
        """;

    // Each line is etcdctl's arguments, or a POST to the gateway; $1 and $2 are the leases granted so far. Waits, where it says so.
    private static readonly string[] Script =
    [
        "lease grant 300", "lease grant 5", "put --lease=$2 a 1", "put --lease=$2 b 1", "put c 1", "lease timetolive $1",
        "lease timetolive $2 --keys", "lease keep-alive --once $2", "put --ignore-lease a 2", "get a -w fields", "put --ignore-lease none 1",
        "put b 1", "lease timetolive $2 --keys", "lease revoke $2", "lease revoke $2", "lease timetolive $2", "lease keep-alive --once $2",
        "get --from-key  --keys-only", "put --lease=77 x 1", "lease timetolive 0", "lease grant 9000000001", "lease grant 0", "lease grant -- -5",
        "/v3/lease/grant {\"TTL\":\"300\",\"ID\":\"-5\"}", "/v3/lease/grant {\"TTL\":\"300\",\"ID\":\"-5\"}", "/v3/lease/grant {}",
        "/v3/lease/keepalive {\"ID\":\"-5\"}", "/v3/lease/keepalive {\"ID\":\"99\"}", "/v3/lease/timetolive {\"ID\":\"99\",\"keys\":true}",
        "/v3/kv/lease/revoke {\"ID\":\"-5\"}", "/v3/kv/lease/timetolive {\"ID\":\"-5\"}", "/v3/kv/lease/revoke {\"ID\":\"0\"}", "/v3/lease/revoke {}",
        "lease grant 2", "put --lease=$4 gone 1", "until-gone gone", "lease timetolive $4", "lease keep-alive --once $4", "get gone -w fields",
    ];

    [Fact]
    public async Task Etcdctl_and_the_gateway_hear_of_leases_what_etcd_tells()
    {
        string etcdctl = Tool.Find("etcdctl");
        using var etcd = new RealEtcd(Tool.Find("etcd"));
        using ClusterProcesses ours = ClusterProcesses.StartReady(3);
        await ours.FindLeaderAsync();
        etcd.WaitUntilReady(etcdctl);
        string expected = await Converse(etcdctl, etcd.Endpoint);
        foreach (ServerProcess server in ours.Servers)
        {
            Assert.Equal(expected, await Converse(etcdctl, $"127.0.0.1:{server.ClientPort}"));
            Tool.Run(etcdctl, ["--endpoints", ours.Endpoints, "del", "", "--from-key"]).Succeeded();
        }
    }

    [Fact]
    public async Task Python_etcd3_uses_leases_and_locks_through_every_node()
    {
        string python = Tool.FindPythonWithEtcd3();
        using ClusterProcesses cluster = ClusterProcesses.StartReady(3);
        await cluster.FindLeaderAsync();
        foreach (ServerProcess server in cluster.Servers)
        {
            Assert.Equal("python ok\n", Tool.Run(python, ["-c", Python, $"{server.ClientPort}"]).Succeeded());
        }
    }

    [Fact]
    public void Our_own_verbs_say_what_etcdctl_says()
    {
        using ClusterProcesses cluster = ClusterProcesses.StartReady(1);
        string lease = Granted().Match(Run("lease", "grant", "300").Succeeded()).Groups[1].Value;
        Assert.Equal("lease 000000000000001f granted with TTL(2s)\n", Run("lease", "grant", "1", "--id", "1f").Succeeded());
        Assert.Equal("OK\n", Run("kv", "put", "--lease", lease, "a", "1").Succeeded());
        Assert.Matches($"^lease {lease} granted with TTL\\(300s\\), remaining\\([23][0-9]+s\\), attached keys\\(\\[a\\]\\)\n$", Run("lease", "timetolive", lease, "--keys").Succeeded());
        Assert.Equal($"lease {lease} keepalived with TTL(300)\n", Run("lease", "keep-alive", "--once", lease).Succeeded());
        Assert.Contains(lease, Run("lease", "list").Succeeded(), StringComparison.Ordinal);
        Assert.Contains("\"grantedTTL\": \"300\"", Run("lease", "timetolive", lease, "--format", "json").Succeeded(), StringComparison.Ordinal);
        Assert.Equal($"lease {lease} revoked\n", Run("lease", "revoke", lease).Succeeded());
        Assert.Equal((3, $"lease {lease} already expired\n"), Told(Run("lease", "timetolive", lease)));
        Assert.Equal((3, $"lease {lease} expired or revoked.\n"), Told(Run("lease", "keep-alive", lease)));
        Assert.Equal((3, ""), Told(Run("lease", "revoke", lease)));
        Assert.Equal((2, ""), Told(Run("lease", "revoke", "xyz")));

        Tool.Result Run(params IEnumerable<string> arguments) => Tool.Quorate([.. arguments, "--endpoints", cluster.Endpoints, "--timeout", "60"]);

        static (int, string) Told(Tool.Result result) => (result.ExitCode, result.Output);
    }

    // Goal: after kill -9 of the leader, and then of all nodes, a lease has what it had left before, and no more: not its whole time again,
    // as in etcd.
    [Fact]
    public async Task A_lease_keeps_what_it_has_left_when_leaders_are_killed()
    {
        using ClusterProcesses cluster = ClusterProcesses.StartReady(3);
        using var client = new EtcdGrpcClient([.. cluster.Servers.Select(server => server.Endpoint)]);
        var patience = TimeSpan.FromSeconds(30);
        long quiet = (await client.CallAsync(EtcdMethods.LeaseGrant, new LeaseGrantRequest { TTL = 300 }, patience)).ID;
        long left = 300;
        for (int round = 0; round < 3; round++)
        {
            long target = left - 4;
            while (left > target)
            {
                await Task.Delay(200);
                left = await Left();
            }

            ServerProcess leader = await cluster.FindLeaderAsync();
            bool all = round == 2;
            foreach (ServerProcess server in all ? cluster.Servers : [leader]) { server.Kill(); }
            if (all) { cluster.StartAll(); }
            long after = await Left();
            output.WriteLine($"round {round}: {left} s left before, {after} s after");

            // What the old leader had not told: an election timeout at most, and a second more, as whole seconds are compared.
            Assert.InRange(after, 1, left + 2);
            left = after;
            if (!all) { leader.Start(); leader.WaitUntilReady(); }
        }

        async Task<long> Left() =>
            (await client.CallAsync(EtcdMethods.LeaseTimeToLive, new LeaseTimeToLiveRequest { ID = quiet }, patience)).TTL;
    }

    private static async Task<string> Converse(string etcdctl, string endpoint)
    {
        var leases = new List<string>();
        var text = new List<string>();
        using var http = new HttpClient();
        foreach (string line in Script)
        {
            string command = line;
            for (int i = 0; i < leases.Count; i++) { command = command.Replace($"${i + 1}", leases[i], StringComparison.Ordinal); }
            string[] words = command.Split(' ');
            string answer;
            if (words[0] == "until-gone")
            {
                using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(60));
                while (Tool.Run(etcdctl, ["--endpoints", endpoint, "get", words[1]]).Succeeded().Length > 0) { await Task.Delay(100, stop.Token); }
                answer = "gone";
            }
            else if (words[0].StartsWith('/'))
            {
                using HttpResponseMessage response = await http.PostAsync(new Uri($"http://{endpoint}{words[0]}"), new StringContent(words[1]));
                answer = $"{response.IsSuccessStatusCode} {Fields(await response.Content.ReadAsStringAsync())}"; // Its status is 412 or 400, by version.
            }
            else
            {
                Tool.Result result = Tool.Run(etcdctl, ["--endpoints", endpoint, .. words]);
                answer = $"{result.ExitCode} {result.Output}{Words().Match(result.Error).Value}";
                if (Granted().Match(result.Output) is { Success: true } granted) { leases.Add(granted.Groups[1].Value); }
            }

            for (int i = 0; i < leases.Count; i++) { answer = answer.Replace(leases[i], $"${i + 1}", StringComparison.Ordinal); }
            text.Add($"{line}: {Volatiles().Replace(Attached().Replace(answer, Sorted), "$1*")}");
        }

        foreach (string lease in leases) { Tool.Run(etcdctl, ["--endpoints", endpoint, "lease", "revoke", lease]); }
        return string.Join('\n', text);
    }

    // The gateway's errors have their fields in another order in each of its versions.
    private static string Fields(string json) => string.Join(
        ' ', Member().Matches(json).Select(match => match.Value).Where(member => !member.Contains("header", StringComparison.Ordinal)).Order(StringComparer.Ordinal));

    // etcd tells a lease's keys in no order.
    private static string Sorted(Match keys) => $"attached keys([{string.Join(' ', keys.Groups[1].Value.Split(' ').Order(StringComparer.Ordinal))}])";

    [GeneratedRegex("attached keys\\(\\[([^]]*)\\]\\)")]
    private static partial Regex Attached();

    [GeneratedRegex("lease (-?[0-9a-f]{15,16}) granted")]
    private static partial Regex Granted();

    [GeneratedRegex("etcdserver: .*")]
    private static partial Regex Words();

    [GeneratedRegex("\"[A-Za-z_]+\":(\"[^\"]*\"|-?[0-9]+|true|false)")]
    private static partial Regex Member();

    // Ids, terms and revisions differ from server to server, and seconds pass.
    [GeneratedRegex("((?:\"(?:cluster_id|member_id|raft_term|revision)\":|\"(?:ClusterID|MemberID|RaftTerm|Revision|CreateRevision|ModRevision|Lease)\" : |remaining\\()|\"ID\":(?=\"[0-9]{5}))\"?[0-9]+(?:s\\))?\"?")]
    private static partial Regex Volatiles();
}
