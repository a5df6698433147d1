using System.Collections.Immutable;

namespace Quorate.Settings;

/// <summary>What is wrong, or worth a word, in the settings of TLS. Looks at nothing but the settings.</summary>
internal static class TlsRules
{
    /// <summary>What is wrong, in the operator's words.</summary>
    public static IEnumerable<string> Problems(ServerSettings settings) =>
    [
        .. SideProblems(settings, settings.ClientTls, TlsSettingKeys.Client, settings.ListenClientUrls),
        .. SideProblems(settings, settings.PeerTls, TlsSettingKeys.Peer, settings.PeerUrls),
        .. PeerProblems(settings),
        .. VersionProblems(settings),
    ];

    /// <summary>What the operator should know and may want so.</summary>
    public static IEnumerable<string> Warnings(ServerSettings settings)
    {
        foreach ((TlsSettings tls, TlsSettingKeys keys, ImmutableArray<ServerUrl> urls) in new[]
        {
            (settings.ClientTls, TlsSettingKeys.Client, settings.ListenClientUrls), (settings.PeerTls, TlsSettingKeys.Peer, settings.ListenPeerUrls),
        })
        {
            if (tls.HasFiles && tls.Auto)
            {
                yield return $"{settings.Written(keys.Auto)} has no effect, since {settings.Written(keys.CertFile)} is given";
            }

            if (tls.HasFiles || tls.Auto || tls.AsksCallers)
            {
                foreach (ServerUrl url in urls.Where(u => !u.IsTls))
                {
                    yield return $"{settings.Written(keys.Listen)} has {url}, which is not encrypted and asks for no certificates";
                }
            }
        }

        bool protectsClients = settings.ClientTls.HasFiles || settings.ClientTls.Auto || settings.ClientTls.AsksCallers;
        foreach (KeyspaceListen open in settings.KeyspaceListens.Where(k => protectsClients && !k.Url.IsTls))
        {
            yield return $"{settings.Written(SettingKeys.KeyspaceListen)} has {open.Url}, which is not encrypted and asks for no certificates";
        }

        if (settings.UsesPeerTls && settings.PeerTls is { Auto: true, HasFiles: false })
        {
            yield return $"{settings.Written(SettingKeys.PeerAutoTls)} encrypts links, but whoever reaches the peer port can be a peer";
        }
        else if (settings.UsesPeerTls && !settings.PeerTls.AsksCallers)
        {
            yield return $"peers that call are not asked for certificates; give {settings.Written(SettingKeys.PeerClientCertAuth)}";
        }
    }

    private static IEnumerable<string> SideProblems(
        ServerSettings settings, TlsSettings tls, TlsSettingKeys keys, ImmutableArray<ServerUrl> urls)
    {
        string cert = settings.Written(keys.CertFile);
        string key = settings.Written(keys.KeyFile);
        string ca = settings.Written(keys.TrustedCaFile);
        if (tls.CertFile.Length > 0 != tls.KeyFile.Length > 0)
        {
            yield return tls.KeyFile.Length == 0 ? $"{cert} is given without {key}; both are needed." : $"{key} is given without {cert}; both are needed.";
        }
        else if (!tls.HasFiles && !tls.Auto && urls.FirstOrDefault(u => u.IsTls) is { } url)
        {
            yield return $"{settings.Written(keys.Listen)} has '{url}', but there is no certificate; " +
                $"give {cert} and {key} ('quorate cert' makes them), or {settings.Written(keys.Auto)}.";
        }

        if (tls.CertAuth && tls.TrustedCaFile.Length == 0)
        {
            yield return $"{settings.Written(keys.CertAuth)} is given without {ca}; this machine's own list of authorities is never used.";
        }

        // What limits whose certificates are taken would be silence if nobody is asked for one.
        (SettingKey? Key, bool IsGiven)[] limits =
            [(keys.CrlFile, tls.CrlFile.Length > 0), (keys.AllowedCn, !tls.AllowedNames.IsEmpty), (keys.AllowedHostname, !tls.AllowedHostnames.IsEmpty)];
        foreach ((SettingKey? limit, bool _) in limits.Where(l => l.IsGiven && !tls.AsksCallers))
        {
            yield return $"{settings.Written(limit!)} is given, but callers are not asked for certificates; give {ca}.";
        }

        if (!tls.AllowedNames.IsEmpty && !tls.AllowedHostnames.IsEmpty)
        {
            yield return $"{settings.Written(keys.AllowedCn!)} and {settings.Written(keys.AllowedHostname)} exclude each other, as in etcd.";
        }
    }

    private static IEnumerable<string> PeerProblems(ServerSettings settings)
    {
        if (settings.UsesPeerTls && settings.InitialCluster.Length > 1 && settings.PeerTls is { HasFiles: true, TrustedCaFile: "" })
        {
            yield return $"{settings.Written(SettingKeys.PeerCertFile)} is given without {settings.Written(SettingKeys.PeerTrustedCaFile)}, " +
                "which the other members' certificates are checked against.";
        }

        // Others would call this member in another way than it listens.
        if (settings.AdvertisePeerUrls.Length == 1 && settings.ListenPeerUrls.Length == 1
            && settings.AdvertisePeerUrls[0].IsTls != settings.ListenPeerUrls[0].IsTls)
        {
            yield return $"{settings.Written(SettingKeys.AdvertisePeerUrls)} is {settings.AdvertisePeerUrls[0]}, " +
                $"but {settings.Written(SettingKeys.ListenPeerUrls)} is {settings.ListenPeerUrls[0]}; both are http or both https.";
        }
    }

    private static IEnumerable<string> VersionProblems(ServerSettings settings)
    {
        string min = settings.Written(SettingKeys.TlsMinVersion);
        string max = settings.Written(SettingKeys.TlsMaxVersion);
        if (!TlsNames.IsVersion(settings.TlsMinVersion)) { yield return $"{min} is '{settings.TlsMinVersion}'; it must be TLS1.2 or TLS1.3."; }
        if (settings.TlsMaxVersion.Length > 0 && !TlsNames.IsVersion(settings.TlsMaxVersion))
        {
            yield return $"{max} is '{settings.TlsMaxVersion}'; it must be TLS1.2 or TLS1.3.";
        }
        else if (settings is { TlsMinVersion: "TLS1.3", TlsMaxVersion: "TLS1.2" })
        {
            yield return $"{min} is TLS1.3, which is above {max}, TLS1.2.";
        }

        string suites = settings.Written(SettingKeys.CipherSuites);
        foreach (string name in settings.CipherSuites.Where(s => TlsNames.Suite(s) is null))
        {
            yield return $"{suites} has '{name}', which is not a cipher suite of TLS 1.2; one is TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256.";
        }

        if (!settings.CipherSuites.IsEmpty && settings.TlsMinVersion == "TLS1.3")
        {
            yield return $"{suites} is given, but {min} is TLS1.3, whose suites cannot be chosen.";
        }

        if (settings.SelfSignedYears is < 1 or > 100)
        {
            yield return $"{settings.Written(SettingKeys.SelfSignedCertValidity)} is {settings.SelfSignedYears} years; it must be 1 to 100.";
        }
    }
}
