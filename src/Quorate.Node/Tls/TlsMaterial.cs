using System.Collections.Immutable;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Quorate.Node.Tls;

/// <summary>Why the other side's certificate was not taken.</summary>
/// <param name="Kind">One word, for counting and for limiting lines.</param>
/// <param name="Text">For the operator.</param>
public readonly record struct TlsObjection(string Kind, string Text);

/// <summary>What the files of <see cref="TlsOptions"/> said when they were read. Immutable; any thread.</summary>
internal sealed class TlsMaterial
{
    private readonly TlsOptions _options;
    private readonly X509Certificate2Collection? _authorities;
    private readonly RevocationList? _revoked;
    private readonly CipherSuitesPolicy? _suites;

    private TlsMaterial(
        TlsOptions options, SslStreamCertificateContext context, X509Certificate2Collection? authorities, RevocationList? revoked, string digest)
    {
        _options = options;
        Context = context;
        _authorities = authorities;
        _revoked = revoked;
        Digest = digest;
        _suites = Suites(options);
    }

    /// <summary>Our certificate with its key and intermediates.</summary>
    public SslStreamCertificateContext Context { get; }

    /// <summary>Of all files' contents.</summary>
    public string Digest { get; }

    /// <summary>Reads the files.</summary>
    /// <exception cref="TlsFileException">One cannot be used.</exception>
    public static TlsMaterial Load(TlsOptions options) => Parse(options, TlsContents.Read(options));

    /// <summary>Makes sense of what was read.</summary>
    /// <exception cref="TlsFileException">A file cannot be used.</exception>
    public static TlsMaterial Parse(TlsOptions options, TlsContents contents)
    {
        ImmutableArray<byte[]?> files = contents.Files;
        (X509Certificate2 certificate, X509Certificate2Collection intermediates) =
            TlsFiles.ParsePair(options.CertificateFile, files[0]!, options.KeyFile, files[1]!);
        X509Certificate2Collection? authorities =
            files[2] is { } ca ? TlsFiles.ParseCertificates(TlsFile.TrustedCa, options.TrustedCaFile!, ca) : null;
        RevocationList? revoked = files[3] is { } list ? RevocationList.Parse(options.RevocationFile!, list) : null;
        var context = SslStreamCertificateContext.Create(certificate, intermediates, offline: true);
        return new TlsMaterial(options, context, authorities, revoked, contents.Digest);
    }

    /// <summary>What to accept a caller with. Not yet complete: the caller adds application protocols.</summary>
    /// <param name="refused">Told why a caller's certificate is not taken; the handshake fails then.</param>
    public SslServerAuthenticationOptions ForServer(Action<TlsObjection> refused) => new()
    {
        ServerCertificateContext = Context,
        ClientCertificateRequired = _options.AsksCallers,
        EnabledSslProtocols = _options.Protocols,
        CipherSuitesPolicy = _suites,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        CertificateChainPolicy = NewChainPolicy(),
        // A session taken up again would not look at the certificate, though its authority may have been replaced meanwhile.
        AllowTlsResume = !_options.AsksCallers,
        RemoteCertificateValidationCallback = !_options.AsksCallers
            ? null
            : (_, certificate, chain, errors) => Judge(certificate, chain, errors, host: null, refused),
    };

    /// <summary>What to call a server with.</summary>
    /// <param name="host">Name or address that was called; the server's certificate must be for it.</param>
    /// <param name="refused">Told why the server's certificate is not taken; the handshake fails then.</param>
    public SslClientAuthenticationOptions ForClient(string host, Action<TlsObjection> refused) => new()
    {
        TargetHost = host,
        ClientCertificateContext = Context,
        EnabledSslProtocols = _options.Protocols,
        CipherSuitesPolicy = _suites,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        CertificateChainPolicy = NewChainPolicy(),
        AllowTlsResume = false,
        RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
            _options.TakesAnyServer || Judge(certificate, chain, errors, host, refused),
    };

    /// <summary>True if the certificate names the host; a common name that looks like one does not count, as in Go.</summary>
    public static bool IsFor(X509Certificate2 certificate, string host)
    {
        try
        {
            return certificate.MatchesHostname(host, allowCommonName: false);
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            return false; // No host name, or an extension that cannot be read.
        }
    }

    /// <summary>The hosts that a certificate names, for messages.</summary>
    public static string HostsOf(X509Certificate2 certificate)
    {
        X509SubjectAlternativeNameExtension? names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault();
        string[] hosts = names is null ? [] : [.. names.EnumerateDnsNames(), .. names.EnumerateIPAddresses().Select(a => a.ToString())];
        return hosts.Length == 0 ? "no host" : string.Join(", ", hosts.Take(10));
    }

    private bool Judge(X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors, string? host, Action<TlsObjection> refused)
    {
        if (Objection(certificate as X509Certificate2, chain, errors, host) is not { } objection) { return true; }
        refused(objection);
        return false;
    }

    private TlsObjection? Objection(X509Certificate2? certificate, X509Chain? chain, SslPolicyErrors errors, string? host)
    {
        if (certificate is null) { return new TlsObjection("no-certificate", "no certificate was shown"); }
        string who = $"the certificate '{certificate.Subject}'";
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors)) { return ChainObjection(certificate, chain, who); }
        if (host is not null && !IsFor(certificate, host))
        {
            return new TlsObjection("wrong-host", $"{who} is not for {host}; it is for {HostsOf(certificate)}");
        }

        if (_revoked is not null && RevokedOf(certificate, chain, _revoked) is { } revoked)
        {
            string which = revoked.RawData.AsSpan().SequenceEqual(certificate.RawData) ? who : $"'{revoked.Subject}', which issued for {who},";
            return new TlsObjection("revoked", $"{which} was revoked");
        }

        if (!_options.AllowedNames.IsEmpty && !_options.AllowedNames.Contains(CommonName.Of(certificate) ?? ""))
        {
            return new TlsObjection("name-not-allowed", $"{who} has none of the allowed common names");
        }

        return _options.AllowedHosts.IsEmpty || _options.AllowedHosts.Any(h => IsFor(certificate, h))
            ? null
            : new TlsObjection("host-not-allowed", $"{who} is for {HostsOf(certificate)}, which is not allowed");
    }

    // The chain begins with the certificate itself. An authority that was taken back vouches for nobody.
    private static X509Certificate2? RevokedOf(X509Certificate2 certificate, X509Chain? chain, RevocationList list) =>
        (chain?.ChainElements.Select(static e => e.Certificate) ?? []).Prepend(certificate).FirstOrDefault(list.Has);

    private static TlsObjection ChainObjection(X509Certificate2 certificate, X509Chain? chain, string who)
    {
        X509ChainStatusFlags all = X509ChainStatusFlags.NoError;
        foreach (X509ChainStatus status in chain?.ChainStatus ?? []) { all |= status.Status; }
        if ((all & (X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.NotSignatureValid)) != 0)
        {
            return new TlsObjection("untrusted", $"{who} was not issued by an authority that is trusted here; its issuer is '{certificate.Issuer}'");
        }

        if (all.HasFlag(X509ChainStatusFlags.NotTimeValid))
        {
            return new TlsObjection(
                "expired", $"{who}, or its issuer's, is valid from {certificate.NotBefore.ToUniversalTime():u} to {certificate.NotAfter.ToUniversalTime():u}, not now");
        }

        return all.HasFlag(X509ChainStatusFlags.NotValidForUsage)
            ? new TlsObjection("wrong-usage", $"{who} is not meant for this side of a connection (extended key usage)")
            : new TlsObjection("untrusted", $"{who} cannot be trusted: {all}");
    }

    // Without authorities nobody is trusted, the machine's own store least of all.
    private X509ChainPolicy NewChainPolicy()
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        if (_authorities is not null) { policy.CustomTrustStore.AddRange(_authorities); }
        return policy;
    }

    // The platform takes one list for all versions; without the suites of 1.3 it would switch 1.3 off.
    private static CipherSuitesPolicy? Suites(TlsOptions options) => options.CipherSuites.IsEmpty || OperatingSystem.IsWindows()
        ? null
        : new CipherSuitesPolicy(
        [
            .. options.CipherSuites,
            .. options.Protocols.HasFlag(SslProtocols.Tls13)
                ? [TlsCipherSuite.TLS_AES_128_GCM_SHA256, TlsCipherSuite.TLS_AES_256_GCM_SHA384, TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256]
                : Array.Empty<TlsCipherSuite>(),
        ]);
}
