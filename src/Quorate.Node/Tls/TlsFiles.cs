using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Quorate.Node.Tls;

/// <summary>Reads certificates, keys and authorities. Every defect is a <see cref="TlsFileException"/> that names the file.</summary>
public static class TlsFiles
{
    /// <summary>A few certificates are a few KiB; more is the wrong file.</summary>
    private const int MaxBytes = 1024 * 1024;

    /// <summary>The first certificate of a file together with its private key, and the certificates that follow it.</summary>
    /// <exception cref="TlsFileException">A file is missing or not what it should be, or the key is another certificate's.</exception>
    public static (X509Certificate2 Certificate, X509Certificate2Collection Intermediates) ReadPair(string certificateFile, string keyFile) =>
        ParsePair(certificateFile, Read(TlsFile.Certificate, certificateFile), keyFile, Read(TlsFile.Key, keyFile));

    /// <summary>All certificates of a file of authorities; at least one.</summary>
    /// <exception cref="TlsFileException">It is missing or has none.</exception>
    public static X509Certificate2Collection ReadAuthorities(string path) =>
        ParseCertificates(TlsFile.TrustedCa, path, Read(TlsFile.TrustedCa, path));

    internal static byte[] Read(TlsFile file, string path)
    {
        try
        {
            using FileStream stream = File.OpenRead(path);
            if (stream.Length > MaxBytes) { throw new TlsFileException(file, path, $"has {stream.Length} bytes; the most is {MaxBytes}"); }
            byte[] bytes = new byte[stream.Length];
            return bytes[..stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)];
        }
        catch (Exception e) when (e is (IOException and not TlsFileException) or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new TlsFileException(file, path, $"cannot be read: {e.Message}", e);
        }
    }

    internal static (X509Certificate2 Certificate, X509Certificate2Collection Intermediates) ParsePair(
        string certificateFile, byte[] certificate, string keyFile, byte[] key)
    {
        X509Certificate2Collection all = ParseCertificates(TlsFile.Certificate, certificateFile, certificate);
        string keyText = Encoding.UTF8.GetString(key);
        if (!keyText.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
        {
            throw new TlsFileException(TlsFile.Key, keyFile, "has no private key in PEM");
        }

        if (keyText.Contains("ENCRYPTED", StringComparison.Ordinal))
        {
            throw new TlsFileException(TlsFile.Key, keyFile, "is encrypted; a server starts without anybody there to type a password");
        }

        try
        {
            X509Certificate2 pair = X509Certificate2.CreateFromPem(Encoding.UTF8.GetString(certificate), keyText);
            all.RemoveAt(0);
            return (pair, all);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new TlsFileException(TlsFile.Key, keyFile, $"is not the key of {certificateFile}: {e.Message}", e);
        }
    }

    internal static X509Certificate2Collection ParseCertificates(TlsFile file, string path, byte[] pem)
    {
        var all = new X509Certificate2Collection();
        try
        {
            all.ImportFromPem(Encoding.UTF8.GetString(pem));
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new TlsFileException(file, path, $"is damaged: {e.Message}", e);
        }

        return all.Count > 0 ? all : throw new TlsFileException(file, path, "has no certificate in PEM");
    }
}
