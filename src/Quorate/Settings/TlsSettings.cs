using System.Collections.Immutable;
using System.Net.Security;
using System.Security.Authentication;
using Quorate.Node.Tls;

namespace Quorate.Settings;

/// <summary>How the settings of one side are called.</summary>
internal sealed record TlsSettingKeys(
    SettingKey Listen, SettingKey CertFile, SettingKey KeyFile, SettingKey TrustedCaFile, SettingKey CertAuth, SettingKey CrlFile,
    SettingKey? AllowedCn, SettingKey AllowedHostname, SettingKey Auto)
{
    /// <summary>Towards clients.</summary>
    public static readonly TlsSettingKeys Client = new(
        SettingKeys.ListenClientUrls, SettingKeys.CertFile, SettingKeys.KeyFile, SettingKeys.TrustedCaFile, SettingKeys.ClientCertAuth,
        SettingKeys.ClientCrlFile, null, SettingKeys.ClientCertAllowedHostname, SettingKeys.AutoTls);

    /// <summary>Between members.</summary>
    public static readonly TlsSettingKeys Peer = new(
        SettingKeys.ListenPeerUrls, SettingKeys.PeerCertFile, SettingKeys.PeerKeyFile, SettingKeys.PeerTrustedCaFile,
        SettingKeys.PeerClientCertAuth, SettingKeys.PeerCrlFile, SettingKeys.PeerCertAllowedCn, SettingKeys.PeerCertAllowedHostname,
        SettingKeys.PeerAutoTls);

    /// <summary>The setting that names a file.</summary>
    public SettingKey Of(TlsFile file) => file switch
    {
        TlsFile.Certificate => CertFile,
        TlsFile.Key => KeyFile,
        TlsFile.TrustedCa => TrustedCaFile,
        _ => CrlFile,
    };
}

/// <summary>Certificates of one side, towards clients or between members. Empty texts: not given.</summary>
internal sealed record TlsSettings
{
    public string CertFile { get; init; } = "";

    public string KeyFile { get; init; } = "";

    public string TrustedCaFile { get; init; } = "";

    public bool CertAuth { get; init; }

    public string CrlFile { get; init; } = "";

    public ImmutableArray<string> AllowedNames { get; init; } = [];

    public ImmutableArray<string> AllowedHostnames { get; init; } = [];

    public bool Auto { get; init; }

    /// <summary>Files are given. They win over <see cref="Auto"/>, as in etcd.</summary>
    public bool HasFiles => CertFile.Length > 0 || KeyFile.Length > 0;

    /// <summary>Callers must show a certificate. As in etcd, naming a CA is enough to ask for it.</summary>
    public bool AsksCallers => CertAuth || TrustedCaFile.Length > 0;
}

/// <summary>Versions and cipher suites by the names that etcd has for them.</summary>
internal static class TlsNames
{
    /// <summary>The versions from one to the other; null if one is unknown or they are the wrong way round.</summary>
    public static SslProtocols? Versions(string min, string max) => (min, max) switch
    {
        ("TLS1.2" or "", "TLS1.3" or "") => SslProtocols.Tls12 | SslProtocols.Tls13,
        ("TLS1.2" or "", "TLS1.2") => SslProtocols.Tls12,
        ("TLS1.3", "TLS1.3" or "") => SslProtocols.Tls13,
        _ => null,
    };

    /// <summary>True if <see cref="Versions"/> knows it.</summary>
    public static bool IsVersion(string text) => text is "TLS1.2" or "TLS1.3";

    /// <summary>A suite of TLS 1.2 by its IANA name, or by Go's older one for ChaCha20; null if there is none.</summary>
    public static TlsCipherSuite? Suite(string name)
    {
        if (name.EndsWith("_CHACHA20_POLY1305", StringComparison.Ordinal)) { name += "_SHA256"; }
        return name.StartsWith("TLS_ECDHE_", StringComparison.Ordinal) || name.StartsWith("TLS_RSA_", StringComparison.Ordinal)
            ? Enum.TryParse(name, out TlsCipherSuite suite) ? suite : null
            : null;
    }
}
