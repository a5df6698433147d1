using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Quorate.Node.Tls;

/// <summary>TLS of our own clients, from the files that operators name.</summary>
public static class ClientTls
{
    /// <summary>Reads the files.</summary>
    /// <param name="authorityFile">Whom servers' certificates must come from; null: the machine's store.</param>
    /// <param name="certificateFile">What is shown to servers that ask; null: nothing.</param>
    /// <param name="keyFile">Its key.</param>
    /// <param name="takesAnyServer">Nothing is checked.</param>
    /// <exception cref="TlsFileException">A file cannot be used.</exception>
    public static SslClientAuthenticationOptions Options(string? authorityFile, string? certificateFile, string? keyFile, bool takesAnyServer)
    {
        var options = new SslClientAuthenticationOptions();
        if (authorityFile is not null)
        {
            options.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                DisableCertificateDownloads = true,
            };
            options.CertificateChainPolicy.CustomTrustStore.AddRange(TlsFiles.ReadAuthorities(authorityFile));
        }

        if (certificateFile is not null && keyFile is not null)
        {
            (X509Certificate2 certificate, X509Certificate2Collection intermediates) = TlsFiles.ReadPair(certificateFile, keyFile);
            options.ClientCertificateContext = SslStreamCertificateContext.Create(certificate, intermediates, offline: true);
        }

        if (takesAnyServer)
        {
            // Asked for by --insecure-skip-tls-verify, in so many words.
#pragma warning disable CA5359
            options.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        }

        return options;
    }
}
