using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Http;
using Quorate.FrontDoors.Http2;
using Quorate.Node.Logging;
using Quorate.Node.Tls;
using Quorate.Tests.FrontDoors;
using Xunit;

namespace Quorate.Tests.Tls;

public sealed class TlsDoorTests : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TestAuthority _ours = new();
    private readonly TestAuthority _theirs = new();
    private readonly EtcdDoor.Lines _log = new();
    private EtcdServer? _server;

    public TlsDoorTests()
    {
        _ours.Issue("server", hosts: ["localhost", "127.0.0.1"]);
        _ours.Issue("alice");
        _ours.Issue("expired", expired: true);
        _ours.Issue("serverOnly", hosts: ["localhost"]);
        _theirs.Issue("alice");
        _theirs.Issue("server", hosts: ["127.0.0.1"]);
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null) { await _server.DisposeAsync(); }
        _ours.Dispose();
        _theirs.Dispose();
    }

    // Goal: gRPC and JSON, HTTP/2 and HTTP/1.1, over mutual TLS and in the clear, from one server at once.
    [Fact]
    public async Task Both_protocols_are_served_on_both_kinds_of_port()
    {
        (IPEndPoint plain, IPEndPoint tls) = await Open();
        using var encrypted = new EtcdGrpcClient([new Uri($"https://{tls}")], Patience, EtcdRetryPolicy.Never, _ours.Client("alice"));
        await encrypted.CallAsync(EtcdMethods.Put, EtcdDoor.NewPut("a", "1"), Patience);
        using var clear = new EtcdGrpcClient([new Uri($"http://{plain}")], Patience);
        Assert.Equal("1", (await clear.CallAsync(EtcdMethods.Range, EtcdDoor.NewRange("a"), Patience)).Kvs.Single().Value.ToStringUtf8());
        foreach (Version version in new[] { HttpVersion.Version11, HttpVersion.Version20 })
        {
            using HttpClient http = Http("alice", version);
            Assert.Contains("\"health\":\"true\"", await http.GetStringAsync(new Uri($"https://{tls}/health")), StringComparison.Ordinal);
        }
    }

    // Goal: a client that must not come in gets no answer, the operator gets a line that says why, and others are served on.
    [Theory]
    [InlineData("none", "no-certificate")]
    [InlineData("theirs", "untrusted")]
    [InlineData("expired", "expired")]
    [InlineData("revoked", "revoked")]
    [InlineData("wrong host", "host-not-allowed")]
    public async Task A_wrong_certificate_is_refused(string whose, string kind)
    {
        _ours.Issue("hosted", hosts: ["good.example"]);
        string crl = Path.Combine(_ours.Where, "x.crl");
        File.WriteAllBytes(crl, Revocations(whose == "revoked" ? "alice" : "expired"));
        (_, IPEndPoint tls) = await Open(o => o with
        {
            RevocationFile = crl,
            AllowedHosts = whose == "wrong host" ? ["good.example"] : [],
        });
        SslClientAuthenticationOptions client = whose switch
        {
            "none" => _ours.Client(null),
            "theirs" => _ours.Client("alice", _theirs),
            "expired" => _ours.Client("expired"),
            _ => _ours.Client("alice"),
        };
        using (var wrong = new EtcdGrpcClient([new Uri($"https://{tls}")], Patience, EtcdRetryPolicy.Never, client))
        {
            await Assert.ThrowsAsync<EtcdRpcException>(() => wrong.CallAsync(EtcdMethods.Put, EtcdDoor.NewPut("a", "1"), Patience));
        }

        await Said($"kind={kind} ");
        using var right = new EtcdGrpcClient(
            [new Uri($"https://{tls}")], Patience, EtcdRetryPolicy.Never, _ours.Client(whose == "revoked" || whose == "wrong host" ? "hosted" : "alice"));
        Assert.Empty((await right.CallAsync(EtcdMethods.Range, EtcdDoor.NewRange("a"), Patience)).Kvs);
    }

    // Goal: our client takes a server only if its certificate is of the authority named and for the host called; nothing is sent.
    [Theory]
    [InlineData("another authority", "certificate chain")]
    [InlineData("another host", "RemoteCertificateNameMismatch")]
    public async Task A_wrong_server_is_refused_by_the_client(string what, string words)
    {
        _ours.Issue("server", hosts: [what == "another host" ? "elsewhere.example" : "127.0.0.1"]);
        (_, IPEndPoint tls) = await Open();
        SslClientAuthenticationOptions client = what == "another host" ? _ours.Client("alice") : _theirs.Client("alice");
        using var caller = new EtcdGrpcClient([new Uri($"https://{tls}")], Patience, EtcdRetryPolicy.Never, client);
        EtcdRpcException e = await Assert.ThrowsAsync<EtcdRpcException>(() => caller.CallAsync(EtcdMethods.Put, EtcdDoor.NewPut("a", "1"), Patience));
        Assert.False(e.WasSent);
        Assert.Contains(words, e.Message, StringComparison.Ordinal);
    }

    // Goal: plaintext on the TLS port is answered in the clear where that is understood, noise is closed, both with a line.
    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "kind=plaintext-on-tls-port", "HTTP/1.0 400 Bad Request")]
    [InlineData("\u0001\u0002\u0003", "kind=plaintext-on-tls-port", "")]
    [InlineData("\u0016\u0003\u0001\u0000\u0002xx", "kind=tls-handshake", "")]
    public async Task What_is_not_tls_is_refused(string bytes, string line, string answer)
    {
        (_, IPEndPoint tls) = await Open();
        using var socket = new TcpClient();
        await socket.ConnectAsync(tls);
        await socket.GetStream().WriteAsync(System.Text.Encoding.Latin1.GetBytes(bytes));
        byte[] buffer = new byte[1000];
        using var patience = new CancellationTokenSource(Patience);
        int read = 0;
        try
        {
            read = await socket.GetStream().ReadAsync(buffer, patience.Token);
        }
        catch (IOException)
        {
            // Reset: closed, too.
        }

        if (answer.Length > 0) { Assert.StartsWith(answer, System.Text.Encoding.ASCII.GetString(buffer, 0, read), StringComparison.Ordinal); }
        await Said(line);
    }

    // Goal: TLS 1.1 and, if so set, 1.2 are refused.
    [Fact]
    public async Task Old_versions_are_refused()
    {
        (_, IPEndPoint tls) = await Open(o => o with { Protocols = SslProtocols.Tls13 });
        using var socket = new TcpClient();
        await socket.ConnectAsync(tls);
        using var stream = new SslStream(socket.GetStream());
        SslClientAuthenticationOptions options = _ours.Client("alice");
        options.TargetHost = "127.0.0.1";
        options.EnabledSslProtocols = SslProtocols.Tls12;
        await Assert.ThrowsAnyAsync<Exception>(() => stream.AuthenticateAsClientAsync(options));
        await Said("kind=tls-handshake");
    }

    // Goal: a new certificate is shown to new connections, while an old one goes on undisturbed.
    [Fact]
    public async Task A_rotated_certificate_is_shown_without_a_restart()
    {
        (_, IPEndPoint tls) = await Open();
        using var old = new EtcdGrpcClient([new Uri($"https://{tls}")], Patience, EtcdRetryPolicy.Never, _ours.Client("alice"));
        await old.CallAsync(EtcdMethods.Put, EtcdDoor.NewPut("a", "1"), Patience);
        string before = await Shown(tls);
        _ours.Issue("server", hosts: ["127.0.0.1"]);
        for (int i = 0; i < 100 && await Shown(tls) == before; i++) { await Task.Delay(50); }
        Assert.NotEqual(before, await Shown(tls));
        Assert.Single((await old.CallAsync(EtcdMethods.Range, EtcdDoor.NewRange("a"), Patience)).Kvs);
    }

    // Goal: a client may send any :authority over TLS too (clients of etcd send URLs and lists there).
    [Fact]
    public async Task Any_authority_is_served()
    {
        (_, IPEndPoint tls) = await Open();
        using var socket = new TcpClient();
        await socket.ConnectAsync(tls);
        using var stream = new SslStream(socket.GetStream());
        SslClientAuthenticationOptions options = _ours.Client("alice");
        options.TargetHost = "127.0.0.1";
        options.ApplicationProtocols = [SslApplicationProtocol.Http2];
        await stream.AuthenticateAsClientAsync(options);
        byte[] headers = Http2Bytes.Headers(1, "/etcdserverpb.KV/Range", Http2Bytes.Text("https://a:1,https://b:2"));
        headers[10] = 0x87; // :scheme https.
        await stream.WriteAsync((byte[])[.. Http2Bytes.Preface, .. Http2Bytes.Settings, .. headers, .. Http2Bytes.Data(1, Http2Bytes.Message(0, 3, [0x0A, 1, 0x61]))]);
        var all = new MemoryStream();
        byte[] buffer = new byte[4096];
        using var patience = new CancellationTokenSource(Patience);
        while (!Holds(all, "grpc-status"))
        {
            int read = await stream.ReadAsync(buffer, patience.Token);
            Assert.NotEqual(0, read);
            all.Write(buffer, 0, read);
            Assert.False(Holds(all, "\u0000\u0000\u0004\u0003\u0000\u0000\u0000\u0000\u0001"), "the stream was reset");
        }
    }

    // Goal: the client's common name reaches a request, by HTTP/2 and HTTP/1.1, only if the operator wants names to be users.
    [Theory]
    [InlineData(true, "alice")]
    [InlineData(false, "-")]
    public async Task The_common_name_is_the_user(bool namesUsers, string expected)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        var keeper = new TlsKeeper(_ours.Options("server") with { NamesUsers = namesUsers }, "client", NoLog.Instance);
        builder.WebHost.UseKestrelCore();
        int port = 0;
        builder.WebHost.ConfigureKestrel(k => new TlsPort(keeper, new Http2Entry(new NoCalls(), new ConnectionLimits()), Patience, NoLog.Instance).Listen(k, [new IPEndPoint(IPAddress.Loopback, 0)], PortRole.Clients));
        await using WebApplication app = builder.Build();
        app.Run(context => context.Response.WriteAsync(CertificateUser.Of(context) ?? "-"));
        await app.StartAsync();
        port = new Uri(app.Urls.Single()).Port;
        foreach (Version version in new[] { HttpVersion.Version11, HttpVersion.Version20 })
        {
            using HttpClient http = Http("alice", version);
            Assert.Equal(expected, await http.GetStringAsync(new Uri($"https://127.0.0.1:{port}/")));

            // What a gateway passes on is not the gateway's own.
            http.DefaultRequestHeaders.Add("grpcgateway-accept", "*/*");
            Assert.Equal("-", await http.GetStringAsync(new Uri($"https://127.0.0.1:{port}/")));
        }

        await app.StopAsync();
    }

    private sealed class NoCalls : IHttp2Server
    {
        public void Open(Http2Stream stream) => stream.Connection.RefuseHttp(stream);
    }

    private async Task<(IPEndPoint Plain, IPEndPoint Tls)> Open(Func<TlsOptions, TlsOptions>? change = null)
    {
        TlsOptions tls = _ours.Options("server");
        _server = await EtcdServer.StartAsync(
            new EtcdServerOptions
            {
                Node = new FakeNode(),
                Shard = FakeNode.Shard,
                Listen = [new IPEndPoint(IPAddress.Loopback, 0)],
                ListenTls = [new IPEndPoint(IPAddress.Loopback, 0)],
                Tls = new TlsKeeper(change?.Invoke(tls) ?? tls, "client", _log),
                Members = _ => new EtcdMember("one", ["http://peer:1"], ["http://client:2"]),
                DrainTimeout = TimeSpan.FromSeconds(5),
            },
            _log);
        Assert.Equal(2, _server.Addresses.Length);
        return (_server.Addresses[0], _server.Addresses[1]);
    }

    private HttpClient Http(string name, Version version) => new(new SocketsHttpHandler { SslOptions = _ours.Client(name) })
    {
        DefaultRequestVersion = version,
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Timeout = Patience,
    };

    private async Task<string> Shown(IPEndPoint tls)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(tls);
        using var stream = new SslStream(socket.GetStream());
        SslClientAuthenticationOptions options = _ours.Client("alice");
        options.TargetHost = "127.0.0.1";
        await stream.AuthenticateAsClientAsync(options);
        return stream.RemoteCertificate!.GetCertHashString();
    }

    private async Task Said(string words)
    {
        for (int i = 0; i < 600 && !_log.All.Any(l => l.Contains(words, StringComparison.Ordinal)); i++) { await Task.Delay(50); }
        Assert.Contains(_log.All, l => l.Contains(words, StringComparison.Ordinal));
    }

    private byte[] Revocations(string name)
    {
        (System.Security.Cryptography.X509Certificates.X509Certificate2 ca, _) = TlsFiles.ReadPair(_ours.CaFile, _ours.KeyFile("ca"));
        (System.Security.Cryptography.X509Certificates.X509Certificate2 revoked, _) = TlsFiles.ReadPair(_ours.CertFile(name), _ours.KeyFile(name));
        var builder = new System.Security.Cryptography.X509Certificates.CertificateRevocationListBuilder();
        builder.AddEntry(revoked);
        return builder.Build(ca, 1, DateTimeOffset.UtcNow.AddDays(1), System.Security.Cryptography.HashAlgorithmName.SHA256);
    }

    private static bool Holds(MemoryStream all, string latin1) =>
        System.Text.Encoding.Latin1.GetString(all.ToArray()).Contains(latin1, StringComparison.Ordinal);
}
