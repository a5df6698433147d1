using System.Net;
using System.Net.Sockets;
using Quorate.Host;
using Quorate.Node.Files;
using Quorate.Node.Tls;

namespace Quorate.Settings;

/// <summary>What is wrong with settings on this machine now: ports that are taken, directories that cannot be written.</summary>
internal static class MachineProbe
{
    /// <summary>Tries every port and looks at the data directory. All problems at once; nothing is created or changed.</summary>
    public static IEnumerable<string> Problems(ServerSettings settings)
    {
        foreach (ServerUrl url in settings.ListenClientUrls)
        {
            if (PortProblem(settings.Written(SettingKeys.ListenClientUrls), url) is { } problem) { yield return problem; }
        }

        foreach (ServerUrl url in settings.ListenPeerUrls)
        {
            if (PortProblem(settings.Written(SettingKeys.ListenPeerUrls), url) is { } problem) { yield return problem; }
        }

        foreach ((SettingKey key, ServerUrl url) in settings.OtherUrls.SelectMany(o => o.Urls.Select(u => (o.Key, u))))
        {
            if (PortProblem(settings.Written(key), url) is { } problem) { yield return problem; }
        }

        foreach (string problem in TlsProblems(settings)) { yield return problem; }
        if (JwtProblem(settings) is { } jwt) { yield return jwt; }
        if (DirectoryProblem(settings.Written(SettingKeys.DataDir), settings.DataDir) is { } directory) { yield return directory; }
    }

    private static string? JwtProblem(ServerSettings settings)
    {
        try
        {
            settings.Door.Jwt?.Open().Dispose();
            return null;
        }
        catch (Exception e) when (e is ArgumentException or IOException or UnauthorizedAccessException)
        {
            return $"{settings.Written(SettingKeys.AuthToken)} cannot be used: {e.Message.TrimEnd('.')}.";
        }
    }

    // Only where the settings themselves are good: files that --auto-tls makes need not be there yet.
    private static IEnumerable<string> TlsProblems(ServerSettings settings)
    {
        if (TlsRules.Problems(settings).Any()) { yield break; }
        foreach ((TlsOptions? options, TlsSettings tls, TlsSettingKeys keys) in new[]
        {
            (ServerTls.ForClients(settings), settings.ClientTls, TlsSettingKeys.Client), (ServerTls.ForPeers(settings), settings.PeerTls, TlsSettingKeys.Peer),
        })
        {
            if (options is null || !tls.HasFiles) { continue; }
            TlsFileException? defect = Defect(options);
            if (defect is not null) { yield return $"{settings.Written(keys.Of(defect.File))} is {defect.Path}, which {defect.Defect.TrimEnd('.')}."; }
        }
    }

    private static TlsFileException? Defect(TlsOptions options)
    {
        try
        {
            TlsKeeper.Try(options);
            return null;
        }
        catch (TlsFileException e)
        {
            return e;
        }
    }

    /// <summary>True if the port can be bound on the address now.</summary>
    public static bool IsFree(IPEndPoint address) => BindError(address) is null;

    private static string? PortProblem(string writtenAs, ServerUrl url) =>
        url.BindAddress is { } address && BindError(address) is { } error
            ? error switch
            {
                SocketError.AddressAlreadyInUse => $"{writtenAs} has {url}, but port {url.Port} is taken by another program.",
                SocketError.AddressNotAvailable => $"{writtenAs} has {url}, but {url.Host} is not an address of this machine.",
                SocketError.AccessDenied => $"{writtenAs} has {url}, but this user may not use port {url.Port}.",
                _ => $"{writtenAs} has {url}, which cannot be used: {error}.",
            }
            : null;

    private static SocketError? BindError(IPEndPoint address)
    {
        try
        {
            using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(address);
            socket.Listen(1); // On Linux two sockets may be bound to a port as long as none listens.
            return null;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode;
        }
    }

    private static string? DirectoryProblem(string writtenAs, string path)
    {
        if (path.Length == 0) { return null; } // Said already.
        try
        {
            return RealFileSystem.Objection(path) is { } objection
                ? $"{writtenAs} is '{path}', which cannot be written: {objection.Message}"
                : null;
        }
        catch (ArgumentException e)
        {
            return $"{writtenAs} is '{path}', which cannot be written: {e.Message}";
        }
    }
}
