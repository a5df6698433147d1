using System.CommandLine;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.Settings;

namespace Quorate.Cli;

/// <summary>Options that several verbs share, so that they mean the same everywhere.</summary>
internal static class Common
{
    /// <summary><c>--format text|json</c>.</summary>
    public static Option<string> Format()
    {
        var option = new Option<string>("--format", "-f")
        {
            Description = "text for people, json for programs.",
            DefaultValueFactory = _ => "text",
            HelpName = "text|json",
        };
        option.AcceptOnlyFromAmong("text", "json");
        return option;
    }

    /// <summary>True if JSON was asked for.</summary>
    public static bool IsJson(ParseResult parsed, Option<string> format) => parsed.GetValue(format) == "json";

    /// <summary><c>--endpoints a,b</c>; its default is QUORATE_ENDPOINTS, then the local port of etcd.</summary>
    public static EndpointsOption Endpoints() => new();

    /// <summary>The same for verbs that are about the whole cluster: without <c>--keyspace</c>.</summary>
    public static EndpointsOption ClusterEndpoints() => new(hasKeyspace: false);

    /// <summary><c>--timeout seconds</c>.</summary>
    public static Option<double> Timeout(double seconds = 7) => new("--timeout")
    {
        // etcd's servers give up after 5 s and two election timeouts; waiting less would hide their answer.
        Description = $"Seconds to wait for an answer. Default: {seconds}.",
        HelpName = "seconds",
        DefaultValueFactory = _ => seconds,
    };

    /// <summary>The endpoints as URLs. <c>host:port</c> means http or, when something of TLS is given, https, as in etcdctl.</summary>
    /// <exception cref="CliException">One cannot be read.</exception>
    public static Uri[] EndpointUris(ParseResult parsed, EndpointsOption endpoints) =>
        EndpointUris(parsed.GetValue(endpoints)!, endpoints.HasTls(parsed));

    /// <summary>The same, for a list given elsewhere.</summary>
    /// <exception cref="CliException">One cannot be read.</exception>
    public static Uri[] EndpointUris(string text, bool preferTls)
    {
        string[] parts = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 0) { throw new CliException(ExitCode.Usage, "--endpoints is empty; name at least one URL."); }
        return [.. parts.Select(p => EndpointUri(p, preferTls))];
    }

    /// <summary>Creates a client of the endpoints.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="endpoints">The option.</param>
    /// <param name="keyspace">The keyspace to ask in place of the one that the command line names.</param>
    public static EtcdGrpcClient Client(ParseResult parsed, EndpointsOption endpoints, string? keyspace = null) =>
        endpoints.Access(parsed, keyspace).Connect(EndpointUris(parsed, endpoints));

    /// <summary>The time to wait; more than zero, at most a day.</summary>
    /// <exception cref="CliException">It is out of range.</exception>
    public static TimeSpan TimeoutOf(ParseResult parsed, Option<double> timeout)
    {
        double seconds = parsed.GetValue(timeout);
        return seconds is > 0 and <= 86_400
            ? TimeSpan.FromSeconds(seconds)
            : throw new CliException(ExitCode.Usage, $"--timeout is {seconds}; it must be more than 0 and at most 86400 seconds.");
    }

    private static Uri EndpointUri(string text, bool preferTls)
    {
        string url = text.Contains("://", StringComparison.Ordinal) ? text : (preferTls ? "https://" : "http://") + text;
        return ServerUrl.TryParse(url, out ServerUrl? parsed) is { } problem
            ? throw new CliException(ExitCode.Usage, $"--endpoints {problem}.")
            : new Uri(parsed!.Text);
    }
}
