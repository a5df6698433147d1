using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Quorate.Certs;
using Quorate.Node.Tls;

namespace Quorate.Tests.Tls;

/// <summary>An authority and what it issues, in a directory that is deleted with it.</summary>
internal sealed class TestAuthority : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("quorate-tls-");

    public TestAuthority()
    {
        CertificateFiles.WriteNew(Where, "ca", CertificateMaker.Authority("test authority", DateTimeOffset.UtcNow, TimeSpan.FromDays(2)));
    }

    public string Where => _directory.FullName;

    public string CaFile => CertificateFiles.Certificate(Where, "ca");

    public string CertFile(string name) => CertificateFiles.Certificate(Where, name);

    public string KeyFile(string name) => CertificateFiles.Key(Where, name);

    /// <summary>Makes a pair; one of that name is replaced.</summary>
    public void Issue(string name, string? commonName = null, string[]? hosts = null, bool expired = false)
    {
        (X509Certificate2 ca, _) = TlsFiles.ReadPair(CaFile, KeyFile("ca"));
        using (ca)
        {
            // The authority itself is valid since five minutes ago; so is what it issues.
            TimeSpan validity = expired ? TimeSpan.FromMinutes(-1) : TimeSpan.FromDays(1);
            CertificatePem pem = CertificateMaker.Issue(ca, commonName ?? name, hosts ?? [], DateTimeOffset.UtcNow, validity);
            File.Delete(KeyFile(name));
            File.Delete(CertFile(name));
            CertificateFiles.WriteNew(Where, name, pem);
        }
    }

    /// <summary>What a side is told that shows this pair and asks for certificates of this authority.</summary>
    public TlsOptions Options(string name) => new()
    {
        CertificateFile = CertFile(name),
        KeyFile = KeyFile(name),
        TrustedCaFile = CaFile,
        AsksCallers = true,
        NamesUsers = true,
    };

    /// <summary>A client that trusts this authority and shows a pair of another, or of this one.</summary>
    public SslClientAuthenticationOptions Client(string? name, TestAuthority? other = null) => ClientTls.Options(
        CaFile, name is null ? null : (other ?? this).CertFile(name), name is null ? null : (other ?? this).KeyFile(name), takesAnyServer: false);

    public void Dispose() => _directory.Delete(recursive: true);
}
