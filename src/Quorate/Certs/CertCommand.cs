using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Quorate.Cli;
using Quorate.Node.Tls;

namespace Quorate.Certs;

/// <summary><c>quorate cert ca|node|client</c>: certificates for development, without another tool.</summary>
internal static class CertCommand
{
    private const string AuthorityName = "ca";

    /// <summary>Creates the verb.</summary>
    public static Command Create() => new Verb(
        "cert", "Make an authority and certificates for development: ECDSA P-256, PEM, keys that only their owner can read.",
        "quorate cert ca --dir certs", "quorate cert node a --hosts localhost,127.0.0.1 --dir certs", "quorate cert client alice --dir certs")
    {
        Authority(), Node(), Client(),
    };

    private static Verb Authority()
    {
        Option<string> directory = Directory();
        Option<int> days = Days(3650);
        var name = new Option<string>("--name") { Description = "Its common name.", DefaultValueFactory = _ => "quorate development CA" };
        var verb = new Verb("ca", "Make an authority: ca.crt and ca.key. Keep the key away from servers.", "quorate cert ca --dir certs")
        {
            directory, name, days,
        };
        verb.SetAction(parsed =>
        {
            string where = parsed.GetValue(directory)!;
            Write(where, AuthorityName, CertificateMaker.Authority(parsed.GetValue(name)!, DateTimeOffset.UtcNow, Validity(parsed, days)));
            TextWriter output = parsed.InvocationConfiguration.Output;
            Told(output, where, AuthorityName);
            output.WriteLine($"Next: quorate cert node NAME --hosts HOST,... --dir {where}");
            return (int)ExitCode.Ok;
        });
        return verb;
    }

    private static Verb Node()
    {
        Option<string> directory = Directory();
        Option<int> days = Days(365);
        Argument<string> name = Name("The member's name, and the certificate's common name.");
        var hosts = new Option<string>("--hosts")
        {
            Description = "Names and addresses that others reach it at, by commas.",
            HelpName = "hosts",
            DefaultValueFactory = _ => "localhost,127.0.0.1",
        };
        var verb = new Verb(
            "node", "Make a member's certificate, for clients and for peers: NAME.crt and NAME.key.",
            "quorate cert node a --hosts a.example.org,10.0.0.1 --dir certs")
        {
            name, hosts, directory, days,
        };
        verb.SetAction(parsed =>
        {
            string[] all = parsed.GetValue(hosts)!.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            if (all.Length == 0) { throw new CliException(ExitCode.Usage, "--hosts is empty; a server's certificate names at least one host."); }
            foreach (string host in all.Where(h => !IsHost(h)))
            {
                throw new CliException(ExitCode.Usage, $"--hosts has '{host}', which is not a host name or IP address.");
            }

            (string where, string file) = Issue(parsed, directory, name, all, days);
            string ca = CertificateFiles.Certificate(where, AuthorityName);
            string pair = $"cert-file {CertificateFiles.Certificate(where, file)}";
            string key = $"key-file {CertificateFiles.Key(where, file)}";
            TextWriter output = parsed.InvocationConfiguration.Output;
            output.WriteLine("Give the server, with https:// in its URLs:");
            output.WriteLine($"  --{pair} --{key} --trusted-ca-file {ca} --client-cert-auth");
            output.WriteLine($"  --peer-{pair} --peer-{key} --peer-trusted-ca-file {ca} --peer-client-cert-auth");
            return (int)ExitCode.Ok;
        });
        return verb;
    }

    private static Verb Client()
    {
        Option<string> directory = Directory();
        Option<int> days = Days(365);
        Argument<string> name = Name("The user's name: the certificate's common name.");
        var verb = new Verb("client", "Make a client's certificate: NAME.crt and NAME.key.", "quorate cert client alice --dir certs")
        {
            name, directory, days,
        };
        verb.SetAction(parsed =>
        {
            (string where, string file) = Issue(parsed, directory, name, [], days);
            TextWriter output = parsed.InvocationConfiguration.Output;
            string options = $"--cacert {CertificateFiles.Certificate(where, AuthorityName)} " +
                $"--cert {CertificateFiles.Certificate(where, file)} --key {CertificateFiles.Key(where, file)}";
            output.WriteLine("Give etcdctl, or quorate kv, status and the other verbs that ask a server:");
            output.WriteLine($"  --endpoints https://HOST:2379 {options}");
            return (int)ExitCode.Ok;
        });
        return verb;
    }

    private static (string Directory, string Name) Issue(
        ParseResult parsed, Option<string> directory, Argument<string> name, string[] hosts, Option<int> days)
    {
        (string where, string file) = (parsed.GetValue(directory)!, parsed.GetValue(name)!);
        if (file == AuthorityName || file.AsSpan().IndexOfAnyExcept(Allowed) >= 0 || file.StartsWith('.') || file.Length > 64)
        {
            throw new CliException(ExitCode.Usage, $"'{file}' cannot be a name here; it has letters, digits, '.', '_', '@' and '-', and is not '{AuthorityName}'.");
        }

        try
        {
            (X509Certificate2 authority, _) = TlsFiles.ReadPair(
                CertificateFiles.Certificate(where, AuthorityName), CertificateFiles.Key(where, AuthorityName));
            using (authority) { Write(where, file, CertificateMaker.Issue(authority, file, hosts, DateTimeOffset.UtcNow, Validity(parsed, days))); }
        }
        catch (TlsFileException e)
        {
            throw new CliException(ExitCode.Precondition, $"{e.Message}; make an authority first: quorate cert ca --dir {where}", e);
        }

        Told(parsed.InvocationConfiguration.Output, where, file);
        return (where, file);
    }

    private static readonly System.Buffers.SearchValues<char> Allowed =
        System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@-");

    private static void Write(string directory, string name, CertificatePem pem)
    {
        try
        {
            CertificateFiles.WriteNew(directory, name, pem);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CliException(ExitCode.Precondition, e.Message, e);
        }
    }

    private static void Told(TextWriter output, string directory, string name)
    {
        (X509Certificate2 certificate, _) = TlsFiles.ReadPair(CertificateFiles.Certificate(directory, name), CertificateFiles.Key(directory, name));
        using (certificate)
        {
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{CertificateFiles.Certificate(directory, name)} and {CertificateFiles.Key(directory, name)}: {certificate.Subject}, valid to {certificate.NotAfter.ToUniversalTime():u}"));
        }
    }

    private static bool IsHost(string text) => IPAddress.TryParse(text, out _) || Uri.CheckHostName(text.Replace("*.", "", StringComparison.Ordinal)) == UriHostNameType.Dns;

    private static Option<string> Directory() =>
        new("--dir") { Description = "Where the files are. Default: certs.", HelpName = "path", DefaultValueFactory = _ => "certs" };

    private static Option<int> Days(int otherwise) =>
        new("--days") { Description = $"Days that it is valid; never longer than the authority. Default: {otherwise}.", DefaultValueFactory = _ => otherwise };

    private static Argument<string> Name(string description) => new("name") { Description = description };

    private static TimeSpan Validity(ParseResult parsed, Option<int> days) => parsed.GetValue(days) is >= 1 and <= 36_500 and int count
        ? TimeSpan.FromDays(count)
        : throw new CliException(ExitCode.Usage, $"--days is {parsed.GetValue(days)}; it must be 1 to 36500.");
}
