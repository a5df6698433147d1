using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Node.Tls;
using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>Clients that somebody else wrote, and faults, against three processes with mutual TLS everywhere.</summary>
public sealed class TlsTests(TlsCluster cluster) : IClassFixture<TlsCluster>
{
    private const string Script = """
        import sys, etcd3
        c = etcd3.client(host='127.0.0.1', port=int(sys.argv[1]), ca_cert=sys.argv[2], cert_cert=sys.argv[3], cert_key=sys.argv[4], timeout=10)
        c.put('py/tls', '1')
        assert c.get('py/tls')[0] == b'1'
        print('python ok')
        """;

    // Goal: etcdctl with its usual options reads, writes and asks for status and health over mutual TLS.
    [Fact]
    public void Etcdctl_works_over_mutual_tls()
    {
        string etcdctl = Tool.Find("etcdctl");
        string[] options = ["--endpoints", cluster.Endpoints, .. cluster.As("alice")];
        Assert.Equal("OK\n", Tool.Run(etcdctl, [.. options, "put", "tls/a", "1"]).Succeeded());
        Assert.Equal("tls/a\n1\n", Tool.Run(etcdctl, [.. options, "get", "tls/a"]).Succeeded());
        Assert.Equal("SUCCESS\n\nOK\n", Tool.Run(etcdctl, [.. options, "txn"], "value(\"tls/a\") = \"1\"\n\nput tls/a 2\n\n\n").Succeeded());
        Assert.Equal(3, Tool.Run(etcdctl, [.. options, "endpoint", "status"]).Succeeded().Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Tool.Result health = Tool.Run(etcdctl, [.. options, "endpoint", "health"]);
        Assert.Equal(3, (health.Succeeded() + health.Error).Split("is healthy").Length - 1);
        Assert.Contains("https://127.0.0.1:", Tool.Run(etcdctl, [.. options, "member", "list"]).Succeeded(), StringComparison.Ordinal);
    }

    // Goal: the JSON gateway over HTTP/1.1 and HTTP/2, for a client that knows TLS from another library.
    [Theory]
    [InlineData("--http1.1", "1.1")]
    [InlineData("--http2", "2")]
    public void Curl_works_over_mutual_tls(string flag, string version)
    {
        string curl = Tool.Find("curl");
        string answer = Tool.Run(
            curl,
            [
                "-sS", flag, "-m", "20", .. cluster.As("alice"), "-w", " %{http_version} %{http_code}",
                TlsCluster.Url(cluster.Servers[0]) + "/v3/kv/put", "-d", "{\"key\":\"dGxzL2M=\",\"value\":\"MQ==\"}",
            ]).Succeeded();
        Assert.Contains("\"revision\":", answer, StringComparison.Ordinal);
        Assert.EndsWith($" {version} 200", answer, StringComparison.Ordinal);
    }

    [Fact]
    public void Python_etcd3_works_over_mutual_tls()
    {
        string python = Tool.FindPythonWithEtcd3();
        string port = cluster.Servers[1].ClientPort.ToString(CultureInfo.InvariantCulture);
        Assert.Equal("python ok\n", Tool.Run(
            python, ["-c", Script, port, cluster.Cert("ca"), cluster.Cert("alice"), cluster.Key("alice")]).Succeeded());
    }

    // Goal: our own verbs take etcdctl's options.
    [Fact]
    public void Our_own_verbs_work_over_mutual_tls()
    {
        string[] options = ["--endpoints", TlsCluster.Url(cluster.Servers[2]), .. cluster.As("alice")];
        Tool.Quorate(["kv", "put", "tls/own", "1", .. options]).Succeeded();
        Assert.Contains("tls/own", Tool.Quorate(["kv", "get", "tls/own", .. options]).Succeeded(), StringComparison.Ordinal);
        Assert.Contains("ok, ", Tool.Quorate(["status", .. options]).Succeeded(), StringComparison.Ordinal);
        Assert.Contains("put: 4 clients", Tool.Quorate(["bench", "put", "--clients", "4", "--total", "50", "--warm-up", "0", .. options]).Succeeded(), StringComparison.Ordinal);
        Tool.Result noTrust = Tool.Quorate("kv", "get", "a", "--timeout", "2", "--endpoints", TlsCluster.Url(cluster.Servers[2]));
        Assert.Equal((4, true), (noTrust.ExitCode, noTrust.Error.Contains("certificate", StringComparison.Ordinal)));
    }

    // Goal: whoever must not come in does not, the log says why, and the servers serve on.
    [Fact]
    public void Wrong_clients_are_refused_and_the_servers_live()
    {
        string etcdctl = Tool.Find("etcdctl");
        ServerProcess server = cluster.Servers[0];
        Tool.Quorate("cert", "ca", "--dir", cluster.Certs + "2").Succeeded();
        Tool.Quorate("cert", "client", "eve", "--dir", cluster.Certs + "2").Succeeded();
        cluster.Issue("late", [], TimeSpan.FromMinutes(-1));
        string[] ask = ["--endpoints", TlsCluster.Url(server), "--command-timeout", "1s", "--dial-timeout", "1s", "--cacert", cluster.Cert("ca")];
        (string[] Options, string Line)[] wrong =
        [
            ([.. ask], "kind=no-certificate"),
            ([.. ask, "--cert", cluster.Certs + "2/eve.crt", "--key", cluster.Certs + "2/eve.key"], "kind=untrusted"),
            ([.. ask, "--cert", cluster.Cert("late"), "--key", cluster.Key("late")], "kind=expired"),
            (["--endpoints", TlsCluster.Url(server).Replace("https", "http", StringComparison.Ordinal), "--command-timeout", "1s"], "kind=plaintext-on-tls-port"),
            // The server is not the one that this client trusts; it hangs up.
            (["--endpoints", TlsCluster.Url(server), "--command-timeout", "1s", "--cacert", cluster.Certs + "2/ca.crt"], "kind=tls-handshake"),
        ];
        foreach ((string[] options, string line) in wrong)
        {
            Assert.NotEqual(0, Tool.Run(etcdctl, [.. options, "put", "tls/wrong", "1"]).ExitCode);
            server.WaitForLog(line);
        }

        Tool.Result got = Tool.Run(etcdctl, ["--endpoints", TlsCluster.Url(server), .. cluster.As("alice"), "get", "tls/wrong"]);
        Assert.Equal("", got.Succeeded());
    }

    // Goal: certificates are replaced while clients write: no write fails, new connections see the new one; a broken file keeps
    // the one in use. Then a member is killed, comes back over links made with the new certificates, and has every write.
    [Fact]
    public async Task Certificates_rotate_under_load_and_a_killed_member_comes_back()
    {
        ServerProcess server = cluster.Servers[1];
        using var stop = new CancellationTokenSource();
        Task<int> load = WriteAsync(server, stop.Token);
        string before = await ShownAsync(server);
        cluster.Issue("server", ["localhost", "127.0.0.1"], TimeSpan.FromDays(2));
        string after = before;
        for (int i = 0; i < 200 && after == before; i++)
        {
            await Task.Delay(50);
            after = await ShownAsync(server);
        }

        Assert.NotEqual(before, after);
        server.WaitForLog("event=certificate-reloaded side=client");
        string good = await File.ReadAllTextAsync(cluster.Key("server"));
        await File.WriteAllTextAsync(cluster.Key("server"), "broken");
        for (int i = 0; i < 200 && !server.Log.Contains("certificate-not-reloaded", StringComparison.Ordinal); i++)
        {
            await Task.Delay(50);
            Assert.Equal(after, await ShownAsync(server));
        }

        server.WaitForLog("certificate-not-reloaded");
        await File.WriteAllTextAsync(cluster.Key("server"), good);
        await stop.CancelAsync();
        int count = await load;
        Assert.True(count > 0);

        ServerProcess victim = cluster.Servers[2];
        victim.Kill();
        victim.Start();
        victim.WaitUntilReady();
        using EtcdGrpcClient client = cluster.Client(victim);
        RangeResponse seen = await client.CallAsync(
            EtcdMethods.Range, new RangeRequest { Key = ByteString.CopyFromUtf8("tls/load") }, TimeSpan.FromSeconds(10));
        Assert.Equal(count, int.Parse(seen.Kvs.Single().Value.ToStringUtf8(), CultureInfo.InvariantCulture));
    }

    // Writes over one connection and, from time to time, a new one. Gives the number of writes; none may fail.
    private async Task<int> WriteAsync(ServerProcess server, CancellationToken stop)
    {
        int count = 0;
        while (!stop.IsCancellationRequested)
        {
            using EtcdGrpcClient client = cluster.Client(server);
            for (int i = 0; i < 20 && !stop.IsCancellationRequested; i++)
            {
                count++;
                var put = new PutRequest { Key = ByteString.CopyFromUtf8("tls/load"), Value = ByteString.CopyFromUtf8($"{count}") };
                await client.CallAsync(EtcdMethods.Put, put, TimeSpan.FromSeconds(20), CancellationToken.None);
            }
        }

        return count;
    }

    private async Task<string> ShownAsync(ServerProcess server)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync("127.0.0.1", server.ClientPort);
        await using var stream = new SslStream(socket.GetStream());
        SslClientAuthenticationOptions options = ClientTls.Options(cluster.Cert("ca"), cluster.Cert("alice"), cluster.Key("alice"), takesAnyServer: false);
        options.TargetHost = "127.0.0.1";
        await stream.AuthenticateAsClientAsync(options);
        return stream.RemoteCertificate!.GetCertHashString();
    }
}
