using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>Users, roles, permissions and tokens over real processes, asked by etcdctl, by curl and by our own command line.</summary>
public sealed partial class AuthTests
{
    // Steps of etcdctl, or of curl (a path of the gateway and a body). TOKEN is what the last Authenticate gave.
    private static readonly string[] Script =
    [
        "user list", "curl /v3/auth/enable {}", "auth disable", "user add root:r", "user add root:other", "curl /v3/auth/enable {}", "user grant-role root nothing", "user grant-role root root",
        "user add u:p", "user add v:p", "curl /v3/auth/user/add {\"name\":\"n\",\"options\":{\"no_password\":true}}", "user add n:x", "user get u", "user get nobody", "role add reader", "role add reader",
        "role add writer", "role add spare", "role get nothing", "role get reader", "role delete nothing", "role grant-permission reader read a b",
        "role grant-permission reader read b a", "role revoke-permission reader b a", "role grant-permission nothing read a", "role grant-permission reader sing a",
        "role grant-permission writer readwrite --prefix k", "role grant-permission writer write w", "role get writer", "role revoke-permission writer w",
        "role revoke-permission writer w", "role get writer", "role list", "user grant-role u reader", "user grant-role u writer", "user grant-role nobody writer",
        "user grant-role u nothing", "user revoke-role u spare", "user revoke-role u reader", "user revoke-role u reader", "user grant-role u reader", "user get u",
        "user get u --detail", "user list", "user delete nobody", "put plain 1",
        "curl /v3/auth/authenticate {\"name\":\"u\",\"password\":\"p\"}", "get x --user u:p",
        "auth enable", "auth enable", "put k1 v", "get k1", "get k1 --user u:wrong", "get k1 --user nobody:p", "get k1 --user n:p", "put k1 v --user u:p", "get k1 --user u:p",
        "get --prefix k --user u:p", "get --prefix '' --user u:p", "get plain --user u:p", "put a 1 --user u:p", "get a --user u:p", "get a b --user u:p", "get a c --user u:p",
        "get b --user u:p", "del k1 --user u:p", "del --prefix k --user u:p", "del plain --user u:p", "put a 1 --user root:r", "get a --user u:p", "put k1 v --user v:p",
        "put k1 v --prev-kv --user u:p", "put k2 --ignore-value v --user u:p", "lease grant 60 --user u:p",
        "user add w:p --user u:p", "user list --user u:p", "role list --user u:p", "role get reader --user u:p", "role get spare --user u:p", "user get u --user u:p", "user get v --user u:p",
        "auth enable --user u:p", "auth disable --user u:p", "compact 2 --user u:p", "defrag --user u:p", "alarm disarm --user u:p", "member add x --peer-urls=http://127.0.0.1:1 --user u:p",
        "user list --user root:r", "role grant-permission spare read --from-key z --user root:r", "role get spare --user root:r", "user grant-role v spare --user root:r",
        "get zz --user v:p", "get --from-key z --user v:p", "get y --user v:p", "role revoke-permission spare --from-key z --user root:r", "get zz --user v:p",
        "role grant-permission spare readwrite --prefix '' --user root:r", "put anything 1 --user v:p", "get --prefix '' --keys-only --user v:p", "role delete spare --user root:r",
        "put anything 2 --user v:p", "user get v --user root:r", "user delete root --user root:r", "user revoke-role root root --user root:r", "role delete root --user root:r",
        "curl /v3/kv/put {\"key\":\"azE=\",\"value\":\"dg==\"}", "curl /v3/auth/authenticate {\"name\":\"u\",\"password\":\"no\"}",
        "curl /v3/auth/authenticate {\"name\":\"u\",\"password\":\"p\"}", "curl /v3/kv/put {\"key\":\"azE=\",\"value\":\"dg==\"}", "curl /v3/kv/range {\"key\":\"cGxhaW4=\"}",
        "curl /v3/auth/user/list {}", "user passwd u --interactive=false --user root:r", "curl /v3/kv/range {\"key\":\"azE=\"}", "get k1 --user u:p", "get k1 --user u:changed",
        "user delete u --user root:r", "get k1 --user u:changed", "txn --user root:r", "role delete writer --user root:r", "auth disable --user root:r", "get k1", "user list",
    ];

    // What later etcds, and this one, answer otherwise than 3.4, and why.
    private static readonly Dictionary<string, string> Known = new()
    {
        ["role grant-permission reader read b a"] = "a range that holds no key is refused since 3.5: it was meant otherwise",
        ["role revoke-permission reader b a"] = "as the line before",
        ["compact 2 --user u:p"] = "3.4 let every user compact",
        ["defrag --user u:p"] = "the same refusal; 3.4 sent it with a status of its own",
    };

    // Goal: more than a hundred steps, good and bad, are answered as etcd 3.4 answers them, but for what the table says; a line of it that is true no more fails.
    [Fact]
    public void A_script_is_answered_as_etcd_answers_it()
    {
        string etcdctl = Tool.Find("etcdctl");
        using var etcd = new RealEtcd(Tool.Find("etcd"));
        using ClusterProcesses ours = ClusterProcesses.StartReady(1, "--bcrypt-cost", "4");
        etcd.WaitUntilReady(etcdctl);
        var differences = new List<string>();
        string[] theirs = [.. Answers(etcdctl, etcd.Endpoint)];
        string[] answers = [.. Answers(etcdctl, ours.Endpoints)];
        for (int i = 0; i < Script.Length; i++)
        {
            if (theirs[i] == answers[i] == Known.ContainsKey(Script[i])) { differences.Add($"{Script[i]}\n  etcd: {theirs[i]}\n  ours: {answers[i]}"); }
        }

        Assert.True(differences.Count == 0, string.Join('\n', differences));
    }

    private static IEnumerable<string> Answers(string etcdctl, string endpoint)
    {
        string token = "";
        foreach (string step in Script)
        {
            string[] words = [.. step.Split(' ').Select(static word => word == "''" ? "" : word)];
            Tool.Result result = words[0] == "curl"
                ? Tool.Run(Tool.Find("curl"), ["-s", "-H", "Authorization: " + token, "-d", words[2], $"http://{endpoint}{words[1]}"])
                : Tool.Run(etcdctl, ["--endpoints", endpoint, .. words], words[0] == "txn" ? "value(\"k1\") = \"v\"\n\nput k1 w\n\n\n" : "changed\nchanged\n");
            if (Token().Match(result.Output) is { Success: true } given) { token = given.Groups[1].Value; }
            yield return $"{result.ExitCode}: {Mask(result.Output)}{Mask(result.Error)}";
        }
    }

    // Numbers of the cluster and of its log, tokens, and where and when etcdctl says it.
    private static string Mask(string text)
    {
        text = Token().Replace(text, "\"token\":\"T\"");
        text = Header().Replace(text, "\"header\":{}");
        text = Failure().Replace(text, "error $1");
        text = Lease().Replace(text, "lease L");
        text = LogLine().Replace(text, "");
        return text.Trim();
    }

    [GeneratedRegex("\"token\":\"([^\"]+)\"")]
    private static partial Regex Token();

    [GeneratedRegex("\"header\":\\{[^}]*\\}")]
    private static partial Regex Header();

    // The gateway's; the order of its parts means nothing.
    [GeneratedRegex("\\{\"error\":\"([^\"]*)\"[^}]*\\}")]
    private static partial Regex Failure();

    [GeneratedRegex("lease [0-9a-f]+")]
    private static partial Regex Lease();

    // The client's own log: {"level":"warn",...}, of calls that it tries again.
    [GeneratedRegex("^\\{\"level\".*\\}\\s*", RegexOptions.Multiline)]
    private static partial Regex LogLine();

    // Goal: a token is good at every member at once, after kill -9 of the leader, and after a restart of all; permissions are the same at each member.
    [Fact]
    public async Task A_token_outlives_the_leader_and_all_members()
    {
        string etcdctl = Tool.Find("etcdctl");
        using ClusterProcesses cluster = ClusterProcesses.StartReady(3, "--bcrypt-cost", "4");
        ServerProcess leader = await cluster.FindLeaderAsync();
        Prepare(etcdctl, cluster.Endpoints);
        ServerProcess[] followers = [.. cluster.Servers.Where(s => s != leader)];
        string token = Token().Match(Curl(followers[0], "", "/v3/auth/authenticate", "{\"name\":\"u\",\"password\":\"p\"}")).Groups[1].Value;
        foreach (ServerProcess server in cluster.Servers) { CheckPermissions(server, token); }

        leader.Kill();
        WaitForLeader(followers);
        foreach (ServerProcess server in followers) { CheckPermissions(server, token); }

        foreach (ServerProcess server in followers) { server.Kill(); }
        cluster.StartAll();
        WaitForLeader(cluster.Servers);
        foreach (ServerProcess server in cluster.Servers) { CheckPermissions(server, token); }

        // What was taken away is so at each member, as soon as it is answered.
        Tool.Run(etcdctl, ["--endpoints", cluster.Endpoints, "--user", "root:r", "role", "revoke-permission", "--prefix=true", "keys", "k"]).Succeeded();
        foreach (ServerProcess server in cluster.Servers) { Assert.Contains("permission denied", Put(server, token, "azE="), StringComparison.Ordinal); }
        Tool.Run(etcdctl, ["--endpoints", cluster.Endpoints, "--user", "root:r", "user", "delete", "u"]).Succeeded();
        foreach (ServerProcess server in cluster.Servers) { Assert.Contains("invalid auth token", Put(server, token, "azE="), StringComparison.Ordinal); }
    }

    // Goal: a signed token of one member is good at all, after kill -9 of who gave it and after a restart of all; a change of users ends it at all, and a new one is good.
    [Fact]
    public async Task A_signed_token_is_good_at_every_member()
    {
        string etcdctl = Tool.Find("etcdctl");
        string key = Path.GetTempFileName();
        try
        {
            await File.WriteAllBytesAsync(key, System.Security.Cryptography.RandomNumberGenerator.GetBytes(48), TestContext.Current.CancellationToken);
            using ClusterProcesses cluster = ClusterProcesses.StartReady(3, "--bcrypt-cost", "4", "--auth-token", $"jwt,sign-method=HS256,priv-key={key},ttl=10m");
            ServerProcess leader = await cluster.FindLeaderAsync();
            Prepare(etcdctl, cluster.Endpoints);
            string Login(ServerProcess server) => Token().Match(Curl(server, "", "/v3/auth/authenticate", "{\"name\":\"u\",\"password\":\"p\"}")).Groups[1].Value;
            string token = Login(leader);
            Assert.Equal(3, token.Split('.').Length);
            foreach (ServerProcess server in cluster.Servers) { CheckPermissions(server, token); }
            leader.Kill();
            ServerProcess[] others = [.. cluster.Servers.Where(s => s != leader)];
            WaitForLeader(others);
            foreach (ServerProcess server in others) { CheckPermissions(server, token); }
            foreach (ServerProcess server in others) { server.Kill(); }
            cluster.StartAll();
            WaitForLeader(cluster.Servers);
            foreach (ServerProcess server in cluster.Servers) { CheckPermissions(server, token); }

            Tool.Run(etcdctl, ["--endpoints", cluster.Endpoints, "--user", "root:r", "role", "add", "other"]).Succeeded();
            foreach (ServerProcess server in cluster.Servers) { Assert.Contains("revision of auth store is old", Put(server, token, "azE="), StringComparison.Ordinal); }
            token = Login(cluster.Servers[0]);
            foreach (ServerProcess server in cluster.Servers) { CheckPermissions(server, token); }
        }
        finally
        {
            File.Delete(key);
        }
    }

    // Goal: with --client-cert-auth the common name of a certificate is a user, and a token counts before it.
    [Fact]
    public void A_certificate_is_a_user()
    {
        string etcdctl = Tool.Find("etcdctl");
        using var cluster = new TlsCluster();
        string[] alice = ["--endpoints", cluster.Endpoints, .. cluster.As("alice")];
        Tool.Quorate(["user", "add", "alice", "--no-password", .. alice]).Succeeded();
        foreach (string line in (string[])["user add root:r", "user grant-role root root", "role add keys",
            "role grant-permission keys readwrite --prefix=true k", "user grant-role alice keys", "auth enable"])
        {
            Tool.Run(etcdctl, [.. alice, .. line.Split(' ')]).Succeeded();
        }

        foreach (string endpoint in cluster.Endpoints.Split(','))
        {
            string[] one = ["--endpoints", endpoint, .. cluster.As("alice")];
            Tool.Run(etcdctl, [.. one, "put", "k1", "v"]).Succeeded();
            Assert.Equal("k1\nv\n", Tool.Quorate(["kv", "get", "k1", .. one]).Succeeded());
            Assert.Contains("permission denied", Tool.Run(etcdctl, [.. one, "put", "x", "v"]).Error, StringComparison.Ordinal);
            Assert.Contains("permission denied", Tool.Quorate(["kv", "put", "x", "v", .. one]).Error, StringComparison.Ordinal);
            Tool.Run(etcdctl, [.. one, "--user", "root:r", "put", "x", "v"]).Succeeded();
            Tool.Quorate(["kv", "put", "x", "v", "--user", "root:r", .. one]).Succeeded();
        }
    }

    // Goal: our command line logs in, and manages users and roles, of our cluster and of etcd.
    [Theory]
    [InlineData(Members.Ours)]
    [InlineData(Members.Etcds)]
    public void Our_command_line_manages_users(string kind)
    {
        using ClusterProcesses cluster = Members.Start(kind, 1);
        Tool.Result Run(string line) => Tool.Quorate([.. line.Split(' '), "--endpoints", cluster.Endpoints]);
        Assert.Equal("User root created\n", Run("user add root:r").Succeeded());
        Assert.Equal(3, Run("user add root:r").ExitCode);
        Assert.Equal("Role root is granted to user root\n", Run("user grant-role root root").Succeeded());
        Assert.Equal("User u created\n", Run("user add u:p").Succeeded());
        Assert.Equal("Role r created\n", Run("role add r").Succeeded());
        Run("role grant-permission r readwrite k --prefix").Succeeded();
        Run("role grant-permission r read z --from-key").Succeeded();
        Assert.Equal("Role r\nKV Read:\n\t[k, l) (prefix k)\n\t[z, <open ended>\nKV Write:\n\t[k, l) (prefix k)\n", Run("role get r").Succeeded());
        Run("user grant-role u r").Succeeded();
        Assert.Equal("User: u\nRoles: r\n", Run("user get u").Succeeded());
        Assert.Equal("Authentication Enabled\n", Run("auth enable").Succeeded());
        Assert.Contains("user name is empty", Run("kv put k v").Error, StringComparison.Ordinal);
        Assert.Contains("invalid user ID or password", Run("kv put k v --user u:wrong").Error, StringComparison.Ordinal);
        Assert.Contains("has no password", Run("kv put k v --user u").Error, StringComparison.Ordinal);
        Run("kv put k v --user u:p").Succeeded();
        Assert.Contains("permission denied", Run("kv put other v --user u:p").Error, StringComparison.Ordinal);
        Assert.Equal("r\n", Run("role list --user root:r").Succeeded());
        Run("health --user u:p").Succeeded();
        Assert.Contains("permission denied", Run("snapshot save not-made.db --user u:p").Error, StringComparison.Ordinal);
        if (kind == Members.Ours)
        {
            string path = Path.Combine(cluster.DataDirectory, "snapshot.db");
            Run($"snapshot save {path} --user root:r").Succeeded();
            Run($"backup --to {Path.Combine(cluster.DataDirectory, "backups")} --user root:r").Succeeded();
            Assert.Contains("Status: true", Run("auth status").Succeeded(), StringComparison.Ordinal);
        }

        Run("role revoke-permission r k --prefix --user root:r").Succeeded();
        Assert.Contains("permission denied", Run("kv put k v --user u:p").Error, StringComparison.Ordinal);
        Run("user revoke-role u r --user root:r").Succeeded();
        Run("role delete r --user root:r").Succeeded();
        Run("user delete u --user root:r").Succeeded();
        Assert.Equal("Authentication Disabled\n", Run("auth disable --user root:r").Succeeded());
        Assert.Equal("root\n", Run("user list").Succeeded());
    }

    private static void Prepare(string etcdctl, string endpoints)
    {
        foreach (string line in (string[])["user add root:r", "user grant-role root root", "user add u:p", "role add keys",
            "role grant-permission keys readwrite --prefix=true k", "user grant-role u keys", "auth enable"])
        {
            Tool.Run(etcdctl, ["--endpoints", endpoints, .. line.Split(' ')]).Succeeded();
        }
    }

    // One that all of them know, and that serves.
    private static void WaitForLeader(IEnumerable<ServerProcess> servers)
    {
        foreach (ServerProcess server in servers)
        {
            Tool.Quorate("kv", "get", "k1", "--user", "root:r", "--timeout", "30", "--endpoints", server.Endpoint.OriginalString).Succeeded();
        }
    }

    private static void CheckPermissions(ServerProcess server, string token)
    {
        Assert.Contains("\"revision\"", Put(server, token, "azE="), StringComparison.Ordinal);
        Assert.Contains("permission denied", Put(server, token, "eA=="), StringComparison.Ordinal);
        Assert.Contains("user name is empty", Put(server, "", "azE="), StringComparison.Ordinal);
        Assert.Contains("invalid auth token", Put(server, token[1..], "azE="), StringComparison.Ordinal);
    }

    private static string Put(ServerProcess server, string token, string key) => Curl(server, token, "/v3/kv/put", $"{{\"key\":\"{key}\",\"value\":\"dg==\"}}");

    private static string Curl(ServerProcess server, string token, string path, string body) => Tool.Run(
        Tool.Find("curl"), ["-s", "-H", "Authorization: " + token, "-d", body, string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{server.ClientPort}{path}")]).Succeeded();
}
