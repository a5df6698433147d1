using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Quorate.Tests.Tls;

/// <summary>A root, an authority between, and a node's certificate that this one issued, with lists of the root.</summary>
internal sealed class TestChain
{
    private static readonly DateTimeOffset From = DateTimeOffset.UtcNow.AddMinutes(-5);
    private static readonly DateTimeOffset Until = DateTimeOffset.UtcNow.AddDays(1);

    private readonly string _directory;

    public TestChain(string directory)
    {
        _directory = directory;
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 root = Authority("root", rootKey).CreateSelfSigned(From, Until);
        using var betweenKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 unsigned = Authority("between", betweenKey).Create(root, From, Until, [2]);
        using X509Certificate2 between = unsigned.CopyWithPrivateKey(betweenKey);
        using var leafKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 leaf = Leaf(leafKey).Create(between, From, Until, [3]);
        File.WriteAllText(RootFile, root.ExportCertificatePem() + "\n");
        File.WriteAllText(LeafFile, leaf.ExportCertificatePem() + "\n" + between.ExportCertificatePem() + "\n");
        File.WriteAllText(LeafKeyFile, leafKey.ExportPkcs8PrivateKeyPem() + "\n");
        var list = new CertificateRevocationListBuilder();
        File.WriteAllBytes(RevokedNobody, list.Build(root, 1, Until, HashAlgorithmName.SHA256));
        list.AddEntry(between);
        File.WriteAllBytes(RevokedBetween, list.Build(root, 2, Until, HashAlgorithmName.SHA256));
    }

    public string RootFile => Path.Combine(_directory, "chain-root.crt");

    public string LeafFile => Path.Combine(_directory, "chain-leaf.crt");

    public string LeafKeyFile => Path.Combine(_directory, "chain-leaf.key");

    public string RevokedNobody => Path.Combine(_directory, "chain-nobody.crl");

    public string RevokedBetween => Path.Combine(_directory, "chain-between.crl");

    private static CertificateRequest Authority(string name, ECDsa key)
    {
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return request;
    }

    private static CertificateRequest Leaf(ECDsa key)
    {
        var request = new CertificateRequest("CN=leaf", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        return request;
    }
}
