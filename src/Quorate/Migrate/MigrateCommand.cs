using System.CommandLine;
using System.Net.Security;
using System.Text.Json.Nodes;
using Quorate.Cli;
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.Host;
using Quorate.Node.Tls;

namespace Quorate.Migrate;

/// <summary><c>quorate migrate from-etcd</c>.</summary>
internal static class MigrateCommand
{
    /// <summary>Creates the verb.</summary>
    public static Command Create() => new Verb(
        "migrate", "Bring the data of an etcd that is running to Quorate.",
        "quorate migrate from-etcd --from http://etcd:2379 --to http://127.0.0.1:2379 --until-caught-up")
    {
        FromEtcd(),
    };

    private static Verb FromEtcd()
    {
        var (from, to) = (new Side("from", "The etcd's URLs, separated by commas."), new Side("to", "The Quorate's URLs, separated by commas."));
        var once = new Option<bool>("--until-caught-up") { Description = "End when everything is there. Default: follow until Ctrl+C." };
        Option<string> format = Common.Format();
        var verb = new Verb(
            "from-etcd",
            "Copy all keys of an etcd and follow its changes, while both run; at the end compare both by hash. Into a cluster that was restored from a snapshot of "
            + "that etcd, keys keep their revisions; into an empty one they are copied by value. Nobody else may write to the destination until then. "
            + "Exit code 3 if it has other data, 12 if the hashes differ.",
            "quorate migrate from-etcd --from http://etcd:2379 --to http://127.0.0.1:2379 --until-caught-up",
            "quorate migrate from-etcd --from https://etcd:2379 --from-cacert etcd-ca.pem --to http://127.0.0.1:2379")
        {
            once, format,
        };
        from.AddTo(verb);
        to.AddTo(verb);
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            using var signals = new StopSignals();
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(signals.Token, cancellationToken);
            TextWriter error = parsed.InvocationConfiguration.Error;
            using EtcdGrpcClient source = from.Connect(parsed);
            using EtcdGrpcClient destination = to.Connect(parsed);
            var (etcd, quorate) = (new MigrationSide("etcd", source), new MigrationSide("Quorate", destination));
            using var migration = new Migration(etcd, quorate, line => error.WriteLine(line));
            try
            {
                await migration.Begin(stop.Token);
                await migration.Follow(parsed.GetValue(once), stop.Token);

                // Stopped while it followed: what was reached is compared, unless a second signal ends the process.
                (ContentHash theirs, ContentHash ours) = await migration.Verify(CancellationToken.None);
                Report(parsed.InvocationConfiguration.Output, migration, theirs, ours, Common.IsJson(parsed, format));
                return (int)(theirs.Sha256 == ours.Sha256 ? ExitCode.Ok : ExitCode.Integrity);
            }
            catch (Exception e) when (migration.Applied == 0 && stop.IsCancellationRequested && e is OperationCanceledException or EtcdRpcException { Status: GrpcStatus.Canceled })
            {
                throw new CliException(ExitCode.Failed, "stopped before everything was copied; begin again with an empty cluster", e);
            }
            catch (EtcdRpcException e)
            {
                throw new CliException(CommandLine.CodeOf(e, isWrite: false), e.Message, e);
            }
        });
        return verb;
    }

    private static void Report(TextWriter output, Migration migration, ContentHash theirs, ContentHash ours, bool isJson)
    {
        bool isEqual = theirs.Sha256 == ours.Sha256;
        if (isJson)
        {
            output.WriteLine(new JsonObject
            {
                ["equal"] = isEqual,
                ["byRevision"] = migration.IsByRevision,
                ["revision"] = migration.Applied,
                ["keys"] = ours.Keys,
                ["sha256"] = ours.Sha256,
                ["etcdKeys"] = theirs.Keys,
                ["etcdSha256"] = theirs.Sha256,
            }.ToJsonString());
            return;
        }

        output.WriteLine(isEqual
            ? $"equal at etcd's revision {migration.Applied}: {ours.Keys} keys{(migration.IsByRevision ? " with their revisions" : "")}, SHA-256 {ours.Sha256}"
            : $"DIFFERENT at etcd's revision {migration.Applied}: etcd has {theirs.Keys} keys, SHA-256 {theirs.Sha256}; Quorate {ours.Keys}, {ours.Sha256}. "
                + "Did somebody else write to Quorate?");
    }

    // Endpoints, TLS and user of one of the two.
    private sealed class Side
    {
        private readonly Option<string> _urls;
        private readonly Option<string?> _cacert;
        private readonly Option<string?> _cert;
        private readonly Option<string?> _key;
        private readonly Option<string?> _user;

        public Side(string name, string description)
        {
            _urls = new Option<string>("--" + name) { Description = description, HelpName = "urls", Required = true };
            _cacert = new Option<string?>($"--{name}-cacert") { Description = "Authorities that its certificates must come from, PEM.", HelpName = "path" };
            _cert = new Option<string?>($"--{name}-cert") { Description = "Certificate to show to it, PEM.", HelpName = "path" };
            _key = new Option<string?>($"--{name}-key") { Description = "Private key of that certificate, PEM.", HelpName = "path" };
            _user = new Option<string?>($"--{name}-user")
            {
                Description = "User to log in as there: one with the role root. Without a password, it is asked for on the terminal.",
                HelpName = "name[:password]",
            };
        }

        public void AddTo(Command verb)
        {
            foreach (Option option in new Option[] { _urls, _cacert, _cert, _key, _user }) { verb.Add(option); }
        }

        public EtcdGrpcClient Connect(ParseResult parsed)
        {
            (string? cacert, string? cert, string? key) = (parsed.GetValue(_cacert), parsed.GetValue(_cert), parsed.GetValue(_key));
            if (cert is null != key is null) { throw new CliException(ExitCode.Usage, $"{_cert.Name} and {_key.Name} belong together; one is missing."); }
            bool hasTls = cacert is not null || cert is not null;
            try
            {
                SslClientAuthenticationOptions? tls = hasTls ? ClientTls.Options(cacert, cert, key, false) : null;
                EtcdUser? user = parsed.GetValue(_user) is { } text ? Passwords.UserOf(_user.Name, text, password: null) : null;
                return new EtcdGrpcClient(Common.EndpointUris(parsed.GetValue(_urls)!, hasTls), tls: tls, user: user);
            }
            catch (TlsFileException e)
            {
                throw new CliException(ExitCode.Usage, e.Message, e);
            }
        }
    }
}
