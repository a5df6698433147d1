using System.Text;
using Quorate.Node.Tls;

namespace Quorate.Certs;

/// <summary>Pairs of files, <c>NAME.crt</c> and <c>NAME.key</c>; only their owner may read the key.</summary>
internal static class CertificateFiles
{
    private const UnixFileMode KeyMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode CertificateMode = KeyMode | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    // One that would end while nobody looks is made anew when the server starts.
    private static readonly TimeSpan LeastLeft = TimeSpan.FromDays(30);

    /// <summary>Path of a certificate.</summary>
    public static string Certificate(string directory, string name) => Path.Combine(directory, name + ".crt");

    /// <summary>Path of its key.</summary>
    public static string Key(string directory, string name) => Path.Combine(directory, name + ".key");

    /// <summary>Writes a pair; neither file may exist.</summary>
    /// <exception cref="IOException">One exists, or cannot be written.</exception>
    public static void WriteNew(string directory, string name, CertificatePem pem)
    {
        Directory.CreateDirectory(directory);
        if (File.Exists(Certificate(directory, name))) { throw new IOException($"{Certificate(directory, name)} exists; it is never overwritten"); }
        if (File.Exists(Key(directory, name))) { throw new IOException($"{Key(directory, name)} exists; it is never overwritten"); }
        Write(Key(directory, name), pem.Key, KeyMode);
        Write(Certificate(directory, name), pem.Certificate, CertificateMode);
    }

    /// <summary>
    /// Makes sure of a self-signed pair for a server of these hosts, as <c>--auto-tls</c> asks for. One that is there is kept,
    /// unless it cannot be used, ends within 30 days, or is for other hosts.
    /// </summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static void EnsureSelfSigned(string directory, string name, IReadOnlyList<string> hosts, int years, DateTimeOffset now)
    {
        if (IsGood(directory, name, hosts, now)) { return; }
        Directory.CreateDirectory(directory);
        File.Delete(Key(directory, name));
        File.Delete(Certificate(directory, name));
        WriteNew(directory, name, CertificateMaker.SelfSigned("quorate", hosts, now, now.AddYears(years) - now));
    }

    private static bool IsGood(string directory, string name, IReadOnlyList<string> hosts, DateTimeOffset now)
    {
        try
        {
            (System.Security.Cryptography.X509Certificates.X509Certificate2 pair, _) =
                TlsFiles.ReadPair(Certificate(directory, name), Key(directory, name));
            using (pair)
            {
                return pair.NotAfter.ToUniversalTime() - now > LeastLeft && hosts.All(h => pair.MatchesHostname(h, allowCommonName: false));
            }
        }
        catch (TlsFileException)
        {
            return false;
        }
    }

    private static void Write(string path, string text, UnixFileMode mode)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) { options.UnixCreateMode = mode; }
        using var stream = new FileStream(path, options);
        stream.Write(Encoding.ASCII.GetBytes(text));
    }
}
