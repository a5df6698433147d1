using System.Collections.Immutable;
using System.Security.Cryptography;

namespace Quorate.Node.Tls;

/// <summary>The bytes of the files of <see cref="TlsOptions"/>, read once: what is compared is what is used.</summary>
internal sealed class TlsContents
{
    private TlsContents(ImmutableArray<byte[]?> files)
    {
        Files = files;
        Digest = DigestOf(files);
    }

    /// <summary>Certificate, key, authorities, revocation list; null for a file that was not asked for.</summary>
    public ImmutableArray<byte[]?> Files { get; }

    /// <summary>Equal if all contents are.</summary>
    public string Digest { get; }

    /// <summary>Reads the files as they are now.</summary>
    /// <exception cref="TlsFileException">One cannot be read.</exception>
    public static TlsContents Read(TlsOptions options) => new(
    [
        TlsFiles.Read(TlsFile.Certificate, options.CertificateFile),
        TlsFiles.Read(TlsFile.Key, options.KeyFile),
        options.TrustedCaFile is { } ca ? TlsFiles.Read(TlsFile.TrustedCa, ca) : null,
        options.RevocationFile is { } list ? TlsFiles.Read(TlsFile.Revocation, list) : null,
    ]);

    private static string DigestOf(ImmutableArray<byte[]?> files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (byte[]? file in files)
        {
            hash.AppendData(BitConverter.GetBytes(file?.Length ?? -1));
            hash.AppendData(file ?? []);
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }
}
