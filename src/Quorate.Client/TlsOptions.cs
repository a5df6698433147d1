using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Quorate.Client;

/// <summary>For <c>https://</c> endpoints. PEM files, read when the client is made.</summary>
public sealed class TlsOptions
{
    /// <summary>Authorities that servers are trusted by; null: the machine's.</summary>
    public string? CaFile { get; set; }

    /// <summary>The client's certificate, for mutual TLS. Its common name may be the user (etcd's <c>--client-cert-auth</c>).</summary>
    public string? CertificateFile { get; set; }

    /// <summary>The private key of <see cref="CertificateFile"/>.</summary>
    public string? KeyFile { get; set; }

    /// <summary>The name that the server's certificate must have; null: the endpoint's host.</summary>
    public string? ServerName { get; set; }

    internal IEnumerable<string> Problems()
    {
        if (CertificateFile is null != KeyFile is null) { yield return "Tls.CertificateFile and Tls.KeyFile go together; only one is set."; }
        foreach ((string name, string? path) in new[] { ("CaFile", CaFile), ("CertificateFile", CertificateFile), ("KeyFile", KeyFile) })
        {
            if (path is not null && !File.Exists(path)) { yield return $"Tls.{name}: there is no file '{path}'."; }
        }
    }

    internal SslClientAuthenticationOptions ToSslOptions()
    {
        var options = new SslClientAuthenticationOptions { TargetHost = ServerName };
        if (CaFile is not null)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.ImportFromPemFile(CaFile);
            options.CertificateChainPolicy = policy;
        }

        if (CertificateFile is not null)
        {
            options.ClientCertificates = [X509Certificate2.CreateFromPemFile(CertificateFile, KeyFile)];
        }

        return options;
    }
}
