using System.CommandLine;
using System.Net.Security;
using Quorate.Node.Tls;

namespace Quorate.Cli;

/// <summary>
/// <c>--endpoints a,b</c>, and with it the options of TLS under etcdctl's names; each has an environment variable, as there.
/// Added to a <see cref="Verb"/>, it brings them along.
/// </summary>
internal sealed class EndpointsOption : Option<string>
{
    private readonly Option<string?> _cacert = File("--cacert", "Authorities that servers' certificates must come from, PEM. Default: this machine's.");
    private readonly Option<string?> _cert = File("--cert", "Certificate to show to servers that ask for one, PEM.");
    private readonly Option<string?> _key = File("--key", "Private key of --cert, PEM.");

    private readonly Option<bool> _skipVerify = new("--insecure-skip-tls-verify")
    {
        Description = "Take any certificate of a server: for tests only.",
        DefaultValueFactory = _ => Variable("--insecure-skip-tls-verify") is "true" or "1",
    };

    public EndpointsOption()
        : base("--endpoints", "-e")
    {
        Description = "Servers to ask, separated by commas. Default: QUORATE_ENDPOINTS, else http://127.0.0.1:2379.";
        HelpName = "urls";
        DefaultValueFactory = _ => Variable("--endpoints") ?? "http://127.0.0.1:2379";
    }

    /// <summary>The other options.</summary>
    public IReadOnlyList<Option> TlsOptions => [_cacert, _cert, _key, _skipVerify];

    /// <summary>True if anything of TLS was asked for.</summary>
    public bool HasTls(ParseResult parsed) =>
        parsed.GetValue(_cacert) is not null || parsed.GetValue(_cert) is not null || parsed.GetValue(_key) is not null || parsed.GetValue(_skipVerify);

    /// <summary>What was asked for; null if nothing was.</summary>
    /// <exception cref="CliException">A file cannot be used.</exception>
    public SslClientAuthenticationOptions? Tls(ParseResult parsed)
    {
        if (!HasTls(parsed)) { return null; }
        (string? cert, string? key) = (parsed.GetValue(_cert), parsed.GetValue(_key));
        if (cert is null != key is null) { throw new CliException(ExitCode.Usage, "--cert and --key belong together; one is missing."); }
        try
        {
            return ClientTls.Options(parsed.GetValue(_cacert), cert, key, parsed.GetValue(_skipVerify));
        }
        catch (TlsFileException e)
        {
            throw new CliException(ExitCode.Usage, e.Message, e);
        }
    }

    private static Option<string?> File(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "path",
        DefaultValueFactory = _ => Variable(name),
    };

    private static string? Variable(string option) =>
        Environment.GetEnvironmentVariable("QUORATE_" + option[2..].ToUpperInvariant().Replace('-', '_')) is { Length: > 0 } value ? value : null;
}
