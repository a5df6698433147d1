using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Quorate.Certs;
using Quorate.Node.Tls;
using Quorate.Tests.Node;
using Xunit;

namespace Quorate.Tests.Tls;

public sealed class TlsKeeperTests : IDisposable
{
    private readonly TestAuthority _authority = new();
    private readonly RecordingLog _log = new();
    private readonly ManualClock _clock = new();

    public TlsKeeperTests() => _authority.Issue("a", hosts: ["localhost"]);

    public void Dispose() => _authority.Dispose();

    // Goal: files are looked at once a second at most; changed content is used, also if size and time are the same.
    [Fact]
    public void Changed_files_are_used_after_a_second()
    {
        var keeper = new TlsKeeper(_authority.Options("a"), "client", _log, _clock);
        string first = Shown(keeper);
        _authority.Issue("a", hosts: ["localhost"]);
        File.SetLastWriteTimeUtc(_authority.CertFile("a"), DateTime.UnixEpoch);
        _clock.Pass(TimeSpan.FromMilliseconds(900));
        Assert.Equal(first, Shown(keeper));
        _clock.Pass(TimeSpan.FromMilliseconds(200));
        Assert.NotEqual(first, Shown(keeper));
        Assert.Equal(1, _log.Count("certificate-reloaded"));
        _clock.Pass(TimeSpan.FromSeconds(2));
        Shown(keeper);
        Assert.Equal(1, _log.Count("certificate-reloaded"));
    }

    // Goal: files that cannot be used, in any way, leave the old certificate in use, with one line; the next good ones are taken.
    [Theory]
    [InlineData("a.crt", "", "has no certificate in PEM")]
    [InlineData("a.crt", null, "cannot be read")]
    [InlineData("a.key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "is not the key of")]
    [InlineData("a.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n", "is encrypted")]
    [InlineData("ca.crt", "nothing", "has no certificate in PEM")]
    public void Broken_files_keep_the_old_certificate(string file, string? content, string words)
    {
        var keeper = new TlsKeeper(_authority.Options("a"), "client", _log, _clock);
        string first = Shown(keeper);
        string path = Path.Combine(_authority.Where, file);
        string good = File.ReadAllText(path);
        if (content is null) { File.Delete(path); }
        else { File.WriteAllText(path, content); }
        for (int i = 0; i < 3; i++)
        {
            _clock.Pass(TimeSpan.FromSeconds(2));
            Assert.Equal(first, Shown(keeper));
        }

        Assert.Equal(1, _log.Count("certificate-not-reloaded"));
        Assert.Contains(words, _log.Lines.Last(), StringComparison.Ordinal);
        File.WriteAllText(path, good);
        _authority.Issue("a", hosts: ["localhost"]);
        _clock.Pass(TimeSpan.FromSeconds(2));
        Assert.NotEqual(first, Shown(keeper));
    }

    // Goal: at the start a file that cannot be used is an error that names it.
    [Fact]
    public void A_missing_file_is_named_at_the_start()
    {
        TlsFileException e = Assert.Throws<TlsFileException>(
            () => new TlsKeeper(_authority.Options("a") with { KeyFile = "/nowhere/a.key" }, "client", _log));
        Assert.Equal(TlsFile.Key, e.File);
        Assert.Contains("/nowhere/a.key", e.Message, StringComparison.Ordinal);
    }

    // Goal: a certificate that has ended is told of at the start, not silently shown.
    [Fact]
    public void An_expired_certificate_is_told_of()
    {
        _authority.Issue("old", hosts: ["localhost"], expired: true);
        var log = new Quorate.Tests.FrontDoors.EtcdDoor.Lines();
        _ = new TlsKeeper(_authority.Options("old"), "client", log);
        Assert.StartsWith("Warning certificate-loaded", Assert.Single(log.All), StringComparison.Ordinal);
    }

    // Goal: a list of an authority names its certificates and no others; PEM and DER are read.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_revocation_list_is_read(bool isPem)
    {
        _authority.Issue("b");
        (X509Certificate2 ca, _) = TlsFiles.ReadPair(_authority.CaFile, _authority.KeyFile("ca"));
        (X509Certificate2 a, _) = TlsFiles.ReadPair(_authority.CertFile("a"), _authority.KeyFile("a"));
        (X509Certificate2 b, _) = TlsFiles.ReadPair(_authority.CertFile("b"), _authority.KeyFile("b"));
        var builder = new CertificateRevocationListBuilder();
        builder.AddEntry(b);
        byte[] der = builder.Build(ca, 1, DateTimeOffset.UtcNow.AddDays(1), HashAlgorithmName.SHA256);
        RevocationList list = RevocationList.Parse("x.crl", isPem ? System.Text.Encoding.ASCII.GetBytes(PemEncoding.WriteString("X509 CRL", der)) : der);
        Assert.True(list.Has(b));
        Assert.False(list.Has(a));
        Assert.False(RevocationList.Parse("y.crl", new CertificateRevocationListBuilder().Build(
            ca, 1, DateTimeOffset.UtcNow.AddDays(1), HashAlgorithmName.SHA256)).Has(b));
        Assert.Throws<TlsFileException>(() => RevocationList.Parse("z.crl", [1, 2, 3]));
    }

    // Goal: what --auto-tls made is kept, and made anew only when it is near its end or for other hosts.
    [Fact]
    public void Self_made_certificates_are_kept_while_they_serve()
    {
        string directory = Path.Combine(_authority.Where, "tls");
        DateTimeOffset now = DateTimeOffset.UtcNow;
        CertificateFiles.EnsureSelfSigned(directory, "client", ["localhost", "127.0.0.1"], 1, now);
        string first = File.ReadAllText(CertificateFiles.Certificate(directory, "client"));
        if (OperatingSystem.IsWindows()) { return; }
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(CertificateFiles.Key(directory, "client")));
        CertificateFiles.EnsureSelfSigned(directory, "client", ["127.0.0.1"], 1, now.AddDays(300));
        Assert.Equal(first, File.ReadAllText(CertificateFiles.Certificate(directory, "client")));
        CertificateFiles.EnsureSelfSigned(directory, "client", ["127.0.0.1"], 1, now.AddDays(340));
        string second = File.ReadAllText(CertificateFiles.Certificate(directory, "client"));
        Assert.NotEqual(first, second);
        CertificateFiles.EnsureSelfSigned(directory, "client", ["10.0.0.1"], 1, now.AddDays(340));
        Assert.NotEqual(second, File.ReadAllText(CertificateFiles.Certificate(directory, "client")));
    }

    // Goal: the verb never replaces a file, above all no key.
    [Fact]
    public void Files_are_never_overwritten()
    {
        string before = File.ReadAllText(_authority.KeyFile("a"));
        CertificatePem pem = CertificateMaker.SelfSigned("x", ["localhost"], DateTimeOffset.UtcNow, TimeSpan.FromDays(1));
        Assert.Throws<IOException>(() => CertificateFiles.WriteNew(_authority.Where, "a", pem));
        File.Delete(_authority.CertFile("a"));
        Assert.Throws<IOException>(() => CertificateFiles.WriteNew(_authority.Where, "a", pem));
        Assert.Equal(before, File.ReadAllText(_authority.KeyFile("a")));
    }

    private static string Shown(TlsKeeper keeper) =>
        keeper.ForServer(static _ => { }).ServerCertificateContext!.TargetCertificate.Thumbprint;

    private sealed class ManualClock : TimeProvider
    {
        private long _now = Stopwatch.GetTimestamp();

        public override long GetTimestamp() => _now;

        public void Pass(TimeSpan time) => _now += (long)(time.TotalSeconds * TimestampFrequency);
    }
}
