using System.Collections.Immutable;
using System.Net.Security;
using System.Security.Authentication;

namespace Quorate.Node.Tls;

/// <summary>One side's certificate, and whose certificates it takes. The files are PEM and are read again when they change.</summary>
public sealed record TlsOptions
{
    /// <summary>Our certificate, followed by the intermediate ones if there are some.</summary>
    public required string CertificateFile { get; init; }

    /// <summary>Its private key, not encrypted.</summary>
    public required string KeyFile { get; init; }

    /// <summary>
    /// Self-signed certificates of the authorities that the other side's certificate must come from; the machine's own store
    /// is never asked. Null: see <see cref="TakesAnyServer"/>; callers are not asked for a certificate.
    /// </summary>
    public string? TrustedCaFile { get; init; }

    /// <summary>Certificates that an authority took back (a CRL, PEM or DER). Null: none.</summary>
    public string? RevocationFile { get; init; }

    /// <summary>True if a caller must show a certificate of <see cref="TrustedCaFile"/>.</summary>
    public bool AsksCallers { get; init; }

    /// <summary>True if a caller's common name is told to the layer above as a user. Only with <see cref="AsksCallers"/>.</summary>
    public bool NamesUsers { get; init; }

    /// <summary>True if a called server may show any certificate: encryption against listeners only, none against impostors.</summary>
    public bool TakesAnyServer { get; init; }

    /// <summary>Common names of which the other side's certificate must have one. Empty: any.</summary>
    public ImmutableArray<string> AllowedNames { get; init; } = [];

    /// <summary>Host names or addresses of which the other side's certificate must be valid for one. Empty: any.</summary>
    public ImmutableArray<string> AllowedHosts { get; init; } = [];

    /// <summary>Versions of TLS. Default: 1.2 and 1.3.</summary>
    public SslProtocols Protocols { get; init; } = SslProtocols.Tls12 | SslProtocols.Tls13;

    /// <summary>Cipher suites of TLS 1.2; those of 1.3 are not a matter of choice, as in Go. Empty: the platform's.</summary>
    public ImmutableArray<TlsCipherSuite> CipherSuites { get; init; } = [];
}

/// <summary>One of the files that <see cref="TlsOptions"/> names.</summary>
public enum TlsFile
{
    /// <summary>The certificate.</summary>
    Certificate,

    /// <summary>Its key.</summary>
    Key,

    /// <summary>The authorities.</summary>
    TrustedCa,

    /// <summary>What they took back.</summary>
    Revocation,
}

/// <summary>A file of <see cref="TlsOptions"/> cannot be used.</summary>
public sealed class TlsFileException : IOException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="file">Which one.</param>
    /// <param name="path">Its path.</param>
    /// <param name="defect">What is wrong, as the end of a sentence that starts with the path.</param>
    /// <param name="inner">The cause.</param>
    public TlsFileException(TlsFile file, string path, string defect, Exception? inner = null)
        : base($"{path} {defect}", inner)
    {
        File = file;
        Path = path;
        Defect = defect;
    }

    /// <summary>Which one.</summary>
    public TlsFile File { get; }

    /// <summary>Its path.</summary>
    public string Path { get; }

    /// <summary>What is wrong, as the end of a sentence.</summary>
    public string Defect { get; }
}
