using System.CommandLine;
using System.Net.Security;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.Node.Tls;
using Quorate.StateMachines.KeyValue;

namespace Quorate.Cli;

/// <summary>
/// <c>--endpoints a,b</c>, and with it <c>--keyspace</c>, <c>--user</c> and the options of TLS under etcdctl's names; each has an environment variable, as there.
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

    private readonly Option<string?>? _keyspace;
    private readonly Option<string?> _user = new("--user")
    {
        Description = "User to log in as. Default: QUORATE_USER. The password: behind the colon, QUORATE_PASSWORD, or asked for on the terminal.",
        HelpName = "name[:password]",
        DefaultValueFactory = _ => Variable("--user"),
    };

    private EtcdUser? _known;

    /// <param name="hasKeyspace">False for verbs that are about no keyspace, or about all.</param>
    public EndpointsOption(bool hasKeyspace = true)
        : base("--endpoints", "-e")
    {
        if (hasKeyspace)
        {
            _keyspace = new("--keyspace")
            {
                Description = "Keyspace to ask. Default: QUORATE_KEYSPACE, else the one that the endpoints' ports serve.",
                HelpName = "name",
                DefaultValueFactory = _ => Variable("--keyspace"),
            };
        }

        Description = "Servers to ask, separated by commas. Default: QUORATE_ENDPOINTS, else http://127.0.0.1:2379.";
        HelpName = "urls";
        DefaultValueFactory = _ => Variable("--endpoints") ?? "http://127.0.0.1:2379";
    }

    /// <summary>The other options.</summary>
    public IEnumerable<Option> Companions => ((Option?[])[_keyspace, _user, _cacert, _cert, _key, _skipVerify]).OfType<Option>();

    /// <summary>The user to log in as; null if none was named. Asks on the terminal at most once.</summary>
    /// <exception cref="CliException">There is no name, or no password to be had.</exception>
    public EtcdUser? User(ParseResult parsed) =>
        _known ??= parsed.GetValue(_user) is not { } text ? null : Passwords.UserOf("--user", text, Variable("--password"));

    /// <summary>All that a client needs besides addresses.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="keyspace">The keyspace to ask in place of the one that the command line names.</param>
    /// <exception cref="CliException">Something of it cannot be used.</exception>
    public EndpointAccess Access(ParseResult parsed, string? keyspace = null) => new(Tls(parsed), keyspace ?? Keyspace(parsed), User(parsed));

    /// <summary>The keyspace that was asked for; null if none was.</summary>
    /// <exception cref="CliException">It is no keyspace's name.</exception>
    public string? Keyspace(ParseResult parsed) => _keyspace is null || parsed.GetValue(_keyspace) is not { } name ? null
        : KeyspaceRules.IsName(name) ? name
        : throw new CliException(
            ExitCode.Usage, $"--keyspace is '{name}'; a keyspace's name is 1 to {KeyspaceRules.MaxNameLength} of a-z, 0-9, '.', '-' and '_', a letter or digit first.");

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
