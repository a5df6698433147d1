using System.Net.Sockets;
using Quorate.Host;
using Quorate.Node.Tls;
using Quorate.Settings;

namespace Quorate.Doctor;

/// <summary>What follows from a server's settings: addresses, certificates, the other members.</summary>
internal static class SettingChecks
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    // A month to get a new one.
    private static readonly TimeSpan LeastLeft = TimeSpan.FromDays(30);

    /// <summary>What is wrong or doubtful in the settings themselves.</summary>
    public static IEnumerable<Finding> Settings(ServerSettings settings, IReadOnlyCollection<string> problems)
    {
        foreach (string problem in problems)
        {
            yield return Finding.Problem("settings", problem, "the server does not start", "change the setting; 'quorate start --help' tells each one");
        }

        if (problems.Count > 0) { yield break; }
        foreach (string warning in TlsRules.Warnings(settings)) { yield return Finding.Warning("settings", warning, "the server starts with it", "change it if it is not meant"); }
        if (settings.InitialCluster.Length is var members && members > 1 && members % 2 == 0)
        {
            yield return Finding.Warning(
                "settings", $"the cluster has {members} members", $"it bears the loss of {(members - 1) / 2}, as many as with {members - 1}", "use an odd number of members");
        }

        yield return Finding.Ok("settings", $"member {settings.Name} of {members}, data in {settings.DataDir}");
    }

    /// <summary>What keeps addresses, certificates and directory from being used now.</summary>
    public static IEnumerable<Finding> Machine(ServerSettings settings, bool isRunning)
    {
        string[] problems = [.. MachineProbe.Problems(settings)];

        // While the server runs its ports are taken, by itself as far as can be told.
        foreach (string problem in problems.Where(p => !isRunning || !p.Contains("is taken", StringComparison.Ordinal)))
        {
            yield return Finding.Problem("ports-and-files", problem, "the server does not start", "free the port or name another one; mend the file");
        }

        if (problems.Length == 0) { yield return Finding.Ok("ports-and-files", "all addresses can be listened on"); }
    }

    /// <summary>Until when certificates are good.</summary>
    public static IEnumerable<Finding> Certificates(ServerSettings settings, DateTimeOffset now)
    {
        foreach (TlsOptions? options in new[] { ServerTls.ForClients(settings), ServerTls.ForPeers(settings) })
        {
            if (options is null || !File.Exists(options.CertificateFile)) { continue; } // --auto-tls makes it.
            yield return Certificate(options.CertificateFile, now);
            if (options.TrustedCaFile is { } authorities) { yield return Certificate(authorities, now); }
        }
    }

    /// <summary>The other members, by a connection to each peer URL.</summary>
    public static async Task<IReadOnlyList<Finding>> PeersAsync(ServerSettings settings) =>
        await Task.WhenAll(settings.InitialCluster.Where(m => m.Name != settings.Name).Select(PeerAsync));

    /// <summary>Until when the certificates in a file are good.</summary>
    public static Finding Certificate(string path, DateTimeOffset now)
    {
        const string Why = "from its end on no new connection is made";
        try
        {
            DateTimeOffset end = TlsFiles.ReadAuthorities(path).Min(c => new DateTimeOffset(c.NotAfter.ToUniversalTime(), TimeSpan.Zero));
            string what = $"{path} is good until {end:yyyy-MM-dd}";
            return end <= now
                ? Finding.Problem("certificates", $"{path} ended on {end:yyyy-MM-dd}", Why, "put a new one in its place; the server takes it without a restart")
                : end - now < LeastLeft
                    ? Finding.Warning("certificates", what, Why, "put a new one in its place; the server takes it without a restart")
                    : Finding.Ok("certificates", what);
        }
        catch (TlsFileException e)
        {
            return Finding.Problem("certificates", e.Message, "the server does not start", "name the right file");
        }
    }

    private static async Task<Finding> PeerAsync(InitialMember member)
    {
        using var patience = new CancellationTokenSource(Patience);
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(member.PeerUrl.Host, member.PeerUrl.Port, patience.Token);
            return Finding.Ok("peers", $"{member.Name} is reached at {member.PeerUrl}");
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            string reason = e is SocketException ? e.Message : $"no answer within {Patience.TotalSeconds:0} s";
            return Finding.Warning(
                "peers", $"{member.Name} is not reached at {member.PeerUrl}: {reason}", "a cluster serves only while a majority reach each other",
                "start it; if it runs, look at names, routes and firewalls in between");
        }
    }
}
