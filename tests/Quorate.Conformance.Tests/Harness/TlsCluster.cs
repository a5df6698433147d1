using System.Collections.Immutable;
using System.Globalization;
using Quorate.Certs;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.Node.Tls;

namespace Quorate.Conformance.Tests;

/// <summary>
/// Three members with mutual TLS between them and towards clients. The certificates are made by <c>quorate cert</c>; further
/// ones (expired, of another authority) by the same code.
/// </summary>
public sealed class TlsCluster : IDisposable
{
    public TlsCluster()
    {
        Directory = System.IO.Directory.CreateTempSubdirectory("quorate-tls-").FullName;
        Tool.Quorate("cert", "ca", "--dir", Certs).Succeeded();
        Tool.Quorate("cert", "node", "server", "--hosts", "localhost,127.0.0.1", "--dir", Certs).Succeeded();
        Tool.Quorate("cert", "client", "alice", "--dir", Certs).Succeeded();
        int[] ports = ServerProcess.FreePorts(6);
        string cluster = string.Join(',', Enumerable.Range(0, 3).Select(i => $"n{i}=https://127.0.0.1:{ports[3 + i]}"));
        Servers =
        [
            .. Enumerable.Range(0, 3).Select(i => new ServerProcess(
                $"n{i}", ports[i], ports[3 + i],
                [
                    "etcd", "--name", $"n{i}", "--data-dir", Path.Combine(Directory, $"n{i}"), "--initial-cluster", cluster,
                    "--listen-client-urls", $"https://127.0.0.1:{ports[i]}", "--advertise-client-urls", $"https://127.0.0.1:{ports[i]}",
                    "--listen-peer-urls", $"https://127.0.0.1:{ports[3 + i]}", "--initial-advertise-peer-urls", $"https://127.0.0.1:{ports[3 + i]}",
                    "--cert-file", Cert("server"), "--key-file", Key("server"), "--trusted-ca-file", Cert("ca"), "--client-cert-auth",
                    "--peer-cert-file", Cert("server"), "--peer-key-file", Key("server"), "--peer-trusted-ca-file", Cert("ca"), "--peer-client-cert-auth",
                ])),
        ];
        foreach (ServerProcess server in Servers) { server.Start(); }
        foreach (ServerProcess server in Servers) { server.WaitUntilReady(); }
    }

    public string Directory { get; }

    public string Certs => Path.Combine(Directory, "certs");

    internal ImmutableArray<ServerProcess> Servers { get; }

    /// <summary>All client URLs.</summary>
    public string Endpoints => string.Join(',', Servers.Select(Url));

    internal static string Url(ServerProcess server) => string.Create(CultureInfo.InvariantCulture, $"https://127.0.0.1:{server.ClientPort}");

    public string Cert(string name) => CertificateFiles.Certificate(Certs, name);

    public string Key(string name) => CertificateFiles.Key(Certs, name);

    /// <summary>etcdctl's options, and ours.</summary>
    public string[] As(string name) => ["--cacert", Cert("ca"), "--cert", Cert(name), "--key", Key(name)];

    /// <summary>Issues a pair; one of that name is replaced.</summary>
    public void Issue(string name, string[] hosts, TimeSpan validity)
    {
        (System.Security.Cryptography.X509Certificates.X509Certificate2 ca, _) = TlsFiles.ReadPair(Cert("ca"), Key("ca"));
        using (ca)
        {
            CertificatePem pem = CertificateMaker.Issue(ca, name, hosts, DateTimeOffset.UtcNow, validity);
            File.WriteAllText(Key(name), pem.Key);
            File.WriteAllText(Cert(name), pem.Certificate);
        }
    }

    internal EtcdGrpcClient Client(ServerProcess server) =>
        new([new Uri(Url(server))], tls: ClientTls.Options(Cert("ca"), Cert("alice"), Key("alice"), takesAnyServer: false));

    public void Dispose()
    {
        foreach (ServerProcess server in Servers) { server.Dispose(); }
        System.IO.Directory.Delete(Directory, recursive: true);
    }
}
