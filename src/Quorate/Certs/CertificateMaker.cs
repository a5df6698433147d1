using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Quorate.Certs;

/// <summary>A certificate and its key as PEM.</summary>
internal sealed record CertificatePem(string Certificate, string Key);

/// <summary>Makes certificates for development and for <c>--auto-tls</c>: ECDSA over P-256, signed with SHA-256, 16 random bytes of serial number.</summary>
internal static class CertificateMaker
{
    private const string ServerUsage = "1.3.6.1.5.5.7.3.1";
    private const string ClientUsage = "1.3.6.1.5.5.7.3.2";

    // Clocks of machines differ; a certificate must not be "not valid yet" on the next one.
    private static readonly TimeSpan Before = TimeSpan.FromMinutes(5);

    /// <summary>An authority that may issue certificates, but not further authorities.</summary>
    public static CertificatePem Authority(string name, DateTimeOffset now, TimeSpan validity)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = NewRequest(name, key);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        using X509Certificate2 certificate = request.CreateSelfSigned(now - Before, now + validity);
        return new CertificatePem(certificate.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n");
    }

    /// <summary>A certificate that an authority issues.</summary>
    /// <param name="authority">With its key; may outlive the certificate or not.</param>
    /// <param name="name">The common name.</param>
    /// <param name="hosts">Names and addresses; with some it serves as a server's and a client's, without as a client's only.</param>
    /// <param name="now">Start of its validity, less five minutes.</param>
    /// <param name="validity">How long.</param>
    public static CertificatePem Issue(X509Certificate2 authority, string name, IReadOnlyList<string> hosts, DateTimeOffset now, TimeSpan validity)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = NewLeaf(name, hosts, key);
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        DateTimeOffset from = Max(now - Before, authority.NotBefore.ToUniversalTime());
        using X509Certificate2 certificate = request.Create(authority, from, Min(now + validity, authority.NotAfter.ToUniversalTime()), NewSerial());
        return new CertificatePem(certificate.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n");
    }

    /// <summary>A certificate that vouches for itself, for a server of these hosts.</summary>
    public static CertificatePem SelfSigned(string name, IReadOnlyList<string> hosts, DateTimeOffset now, TimeSpan validity)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 certificate = NewLeaf(name, hosts, key).CreateSelfSigned(now - Before, now + validity);
        return new CertificatePem(certificate.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n");
    }

    private static CertificateRequest NewLeaf(string name, IReadOnlyList<string> hosts, ECDsa key)
    {
        CertificateRequest request = NewRequest(name, key);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        OidCollection usages = [new Oid(ClientUsage)];
        if (hosts.Count > 0)
        {
            usages.Add(new Oid(ServerUsage));
            var names = new SubjectAlternativeNameBuilder();
            foreach (string host in hosts)
            {
                if (IPAddress.TryParse(host, out IPAddress? address)) { names.AddIpAddress(address); }
                else { names.AddDnsName(host); }
            }

            request.CertificateExtensions.Add(names.Build());
        }

        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(usages, critical: false));
        return request;
    }

    private static CertificateRequest NewRequest(string name, ECDsa key)
    {
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName(name);
        var request = new CertificateRequest(subject.Build(), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return request;
    }

    // RFC 5280, 4.1.2.2: positive, at most 20 bytes.
    private static byte[] NewSerial()
    {
        byte[] serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)((serial[0] & 0x7F) | 0x40);
        return serial;
    }

    private static DateTimeOffset Max(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;

    private static DateTimeOffset Min(DateTimeOffset a, DateTimeOffset b) => a < b ? a : b;
}
