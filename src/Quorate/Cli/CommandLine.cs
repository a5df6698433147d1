using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Quorate.Auth;
using Quorate.Backup;
using Quorate.Bench;
using Quorate.Certs;
using Quorate.Check;
using Quorate.Dev;
using Quorate.Doctor;
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.Health;
using Quorate.Host;
using Quorate.Inspect;
using Quorate.Keyspaces;
using Quorate.Kv;
using Quorate.Leases;
using Quorate.Locks;
using Quorate.Members;
using Quorate.Migrate;
using Quorate.Sim;

namespace Quorate.Cli;

/// <summary>The tree of verbs, and what every verb has in common: usage errors, exceptions, exit codes.</summary>
internal static class CommandLine
{
    /// <summary>All verbs. To add one: its class, and a line here.</summary>
    public static RootCommand Create()
    {
        var root = new RootCommand(
            "Quorate: replicated state, served over the etcd v3 API. 'quorate dev' runs a cluster of three to play with.")
        {
            DevCommand.Create(),
            StartCommand.Create(),
            EtcdCommand.Create(),
            StatusCommand.Create(),
            HealthCommand.Create(),
            DoctorCommand.Create(),
            KvCommand.Create(),
            LeaseCommand.Create(),
            WatchCommand.Create(),
            LockCommand.Create(),
            ElectCommand.Create(),
            MemberCommand.Create(),
            KeyspaceCommand.Create(),
            UserCommand.Create(),
            RoleCommand.Create(),
            AuthCommand.Create(),
            SnapshotCommand.Create(),
            RestoreCommand.Create(),
            BackupCommand.Create(),
            InspectCommand.Create(),
            BenchCommand.Create(),
            CertCommand.Create(),
            MigrateCommand.Create(),
            SimCommand.Create(),
            CheckCommand.Create(),
            CompletionsCommand.Create(),
            VersionCommand.Create(),
        };
        foreach (Option option in root.Options)
        {
            if (option is HelpOption { Action: HelpAction help }) { option.Action = new ExamplesHelp(help); }
            if (option is VersionOption) { option.Action = new VersionLine(); }
        }

        return root;
    }

    /// <summary>Runs a command line.</summary>
    /// <param name="args">Without the program's name.</param>
    /// <param name="output">For answers.</param>
    /// <param name="error">For everything else.</param>
    /// <returns>An <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter error)
    {
        if (ProgramName.IsEtcd) { args = ["etcd", .. args]; }

        // etcd's flags follow Go's rules (-name x, --name=x), which the parser of all other verbs does not know.
        if (args is ["etcd", .. string[] etcdArgs]) { return await Guard(() => EtcdCommand.RunAsync(etcdArgs, output, error), error); }

        ParseResult parsed = Create().Parse(args);
        if (parsed.Errors.Count > 0 && parsed.Action is ParseErrorAction)
        {
            foreach (System.CommandLine.Parsing.ParseError problem in parsed.Errors) { error.WriteLine(problem.Message); }
            error.WriteLine($"See 'quorate {Path(parsed.CommandResult)}--help'.");
            return (int)ExitCode.Usage;
        }

        return await Guard(
            () => parsed.InvokeAsync(new InvocationConfiguration
            {
                Output = output,
                Error = error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null, // Every verb that runs on handles signals itself.
            }),
            error);
    }

    /// <summary>What a failed RPC means for whoever asked.</summary>
    /// <param name="e">The failure.</param>
    /// <param name="isWrite">Whether a request that was sent and not answered may have changed something.</param>
    public static ExitCode CodeOf(EtcdRpcException e, bool isWrite) => EtcdFailures.Of(e.Status, e.Message, e.WasSent) switch
    {
        EtcdFailure.NotReached => ExitCode.CannotConnect,
        EtcdFailure.Unknown when isWrite => ExitCode.OutcomeUnknown,
        _ => e.Status switch
        {
            GrpcStatus.NotFound or GrpcStatus.FailedPrecondition or GrpcStatus.OutOfRange or GrpcStatus.AlreadyExists
                => ExitCode.Precondition,
            GrpcStatus.InvalidArgument => ExitCode.Usage,
            GrpcStatus.DataLoss => ExitCode.Integrity,
            _ => ExitCode.Failed,
        },
    };

    private static async Task<int> Guard(Func<Task<int>> run, TextWriter error)
    {
        try
        {
            return await run();
        }
        catch (CliException e)
        {
            error.WriteLine(e.Message);
            return (int)e.Code;
        }
        catch (Quorate.Core.CorruptFileException e)
        {
            error.WriteLine(e.Message);
            return (int)ExitCode.Integrity;
        }
        catch (IOException e)
        {
            error.WriteLine(e.Message);
            return (int)ExitCode.Failed;
        }
    }

    private static string Path(System.CommandLine.Parsing.CommandResult result) =>
        result.Parent is System.CommandLine.Parsing.CommandResult parent ? Path(parent) + result.Command.Name + " " : "";

    private sealed class VersionLine : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            parseResult.InvocationConfiguration.Output.WriteLine($"quorate {BuildInfo.Version}");
            return 0;
        }
    }
}
