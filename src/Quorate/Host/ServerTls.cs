using System.Net;
using Quorate.Certs;
using Quorate.Node.Files;
using Quorate.Node.Logging;
using Quorate.Node.Tls;
using Quorate.Settings;

namespace Quorate.Host;

/// <summary>Certificates of a server, from its settings.</summary>
internal static class ServerTls
{
    /// <summary>Files towards clients; null if no URL is https.</summary>
    public static TlsOptions? ForClients(ServerSettings settings) =>
        settings.ListenClientUrls.Concat(settings.OtherUrls.SelectMany(u => u.Urls)).Any(u => u.IsTls) ? Options(settings, settings.ClientTls, "client", namesUsers: true) : null;

    /// <summary>Files between members; null if no URL is https.</summary>
    public static TlsOptions? ForPeers(ServerSettings settings) =>
        settings.UsesPeerTls ? Options(settings, settings.PeerTls, "peer", namesUsers: false) : null;

    /// <summary>
    /// Makes what <c>--auto-tls</c> asks for, in the data directory and under its lock: a second start on it must not replace the
    /// pair of the server that runs.
    /// </summary>
    /// <returns>The lock, for the node; null if nothing was asked for.</returns>
    /// <exception cref="DataDirectoryInUseException">Another process has the directory; nothing was made.</exception>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static DataDirectoryLock? MakeAutomatic(ServerSettings settings)
    {
        bool isAsked = (ForClients(settings) is not null && !settings.ClientTls.HasFiles) || (ForPeers(settings) is not null && !settings.PeerTls.HasFiles);
        if (!isAsked) { return null; }
        DataDirectoryLock held = DataDirectoryLock.Take(new RealFileSystem(Path.GetFullPath(settings.DataDir)).Root);
        try
        {
            MakeAllAutomatic(settings);
            return held;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    private static void MakeAllAutomatic(ServerSettings settings)
    {
        MakeAutomatic(settings, ForClients(settings), settings.ClientTls, [.. settings.ListenClientUrls, .. settings.AdvertiseClientUrls, .. settings.KeyspaceListens.Select(k => k.Url)]);
        MakeAutomatic(settings, ForPeers(settings), settings.PeerTls, [.. settings.ListenPeerUrls, .. settings.AdvertisePeerUrls]);
    }

    /// <summary>Reads the files; null if there are none to read.</summary>
    /// <exception cref="TlsFileException">A file cannot be used.</exception>
    public static TlsKeeper? Keep(TlsOptions? options, string side, INodeLog log) => options is null ? null : new TlsKeeper(options, side, log);

    private static TlsOptions Options(ServerSettings settings, TlsSettings tls, string side, bool namesUsers)
    {
        string directory = Path.Combine(Path.GetFullPath(settings.DataDir), "tls");
        return new TlsOptions
        {
            CertificateFile = tls.HasFiles ? tls.CertFile : CertificateFiles.Certificate(directory, side),
            KeyFile = tls.HasFiles ? tls.KeyFile : CertificateFiles.Key(directory, side),
            TrustedCaFile = tls.TrustedCaFile.Length > 0 ? tls.TrustedCaFile : null,
            RevocationFile = tls.CrlFile.Length > 0 ? tls.CrlFile : null,
            AsksCallers = tls.AsksCallers,
            NamesUsers = namesUsers && tls.CertAuth,
            TakesAnyServer = !tls.HasFiles && tls.TrustedCaFile.Length == 0,
            AllowedNames = tls.AllowedNames,
            AllowedHosts = tls.AllowedHostnames,
            Protocols = TlsNames.Versions(settings.TlsMinVersion, settings.TlsMaxVersion)!.Value,
            CipherSuites = [.. settings.CipherSuites.Select(s => TlsNames.Suite(s)!.Value)],
        };
    }

    private static void MakeAutomatic(ServerSettings settings, TlsOptions? options, TlsSettings tls, ServerUrl[] urls)
    {
        if (options is null || tls.HasFiles) { return; }
        string[] hosts = [.. urls.Select(u => u.Host).Where(h => h is not ("0.0.0.0" or "::")), "localhost", "127.0.0.1", "::1"];
        CertificateFiles.EnsureSelfSigned(
            Path.GetDirectoryName(options.CertificateFile)!, Path.GetFileNameWithoutExtension(options.CertificateFile),
            [.. hosts.Select(Normal).Distinct(StringComparer.OrdinalIgnoreCase)], settings.SelfSignedYears, DateTimeOffset.UtcNow);
    }

    private static string Normal(string host) => IPAddress.TryParse(host, out IPAddress? address) ? address.ToString() : host;
}
