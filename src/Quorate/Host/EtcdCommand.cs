using System.CommandLine;
using Quorate.Cli;
using Quorate.Settings;

namespace Quorate.Host;

/// <summary><c>quorate etcd</c>: the same server, started with etcd's own flags.</summary>
internal static class EtcdCommand
{
    private const string Summary =
        "Run one server with etcd's own flags and ETCD_* variables, so that scripts written for etcd start it.";

    /// <summary>The verb in the tree of verbs, for help only: <see cref="RunAsync"/> reads its arguments by Go's rules.</summary>
    public static Command Create() => new Verb("etcd", Summary) { TreatUnmatchedTokensAsErrors = false };

    /// <summary>Runs the verb.</summary>
    /// <param name="args">What follows the verb.</param>
    /// <param name="output">For help and version.</param>
    /// <param name="error">For problems and warnings.</param>
    public static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter error)
    {
        EtcdFlagsResult flags = EtcdFlags.Parse(args, StartCommand.EnvironmentNow());
        if (flags.WantsHelp)
        {
            WriteHelp(output);
            return (int)ExitCode.Ok;
        }

        if (flags.WantsVersion)
        {
            output.WriteLine($"quorate Version: {BuildInfo.Version}");
            output.WriteLine($"Git SHA: {BuildInfo.Commit}");
            return (int)ExitCode.Ok;
        }

        if (flags.Problems.Count > 0)
        {
            foreach (string problem in flags.Problems) { error.WriteLine(problem); }
            error.WriteLine("Usage:");
            error.WriteLine();
            error.WriteLine("  quorate etcd [flags]");
            error.WriteLine("    Start a server. See 'quorate etcd --help' for the flags.");
            return (int)ExitCode.Usage;
        }

        var problems = new List<string>();
        ServerSettings settings = SettingsBuilder.Build(SettingsDefaults.Etcd, problems, flags.Settings);
        problems.AddRange(MachineProbe.Problems(settings));
        if (problems.Count > 0)
        {
            foreach (string problem in problems) { error.WriteLine($"error verifying flags, {problem}"); }
            error.WriteLine("See 'quorate etcd --help'.");
            return (int)ExitCode.Usage;
        }

        List<string> warnings = [.. flags.Warnings, .. PlaintextWarnings(settings), .. TlsRules.Warnings(settings)];
        using var signals = new StopSignals();
        return (int)await StartCommand.RunAsync(settings, signals, warnings);
    }

    // etcd listens wherever it is told to; so do we here, but not silently.
    private static IEnumerable<string> PlaintextWarnings(ServerSettings settings) =>
        settings.ListenClientUrls.Concat(settings.ListenPeerUrls).Where(u => !u.IsLoopback && !u.IsTls)
            .Select(u => $"{u} can be reached by other machines and is not encrypted");

    private static void WriteHelp(TextWriter output)
    {
        output.WriteLine(Summary);
        output.WriteLine();
        output.WriteLine("Usage:");
        output.WriteLine("  quorate etcd [flags]        one dash or two; --flag=value or --flag value");
        output.WriteLine();
        output.WriteLine("Flags:");
        foreach (SettingKey key in EtcdFlags.Supported)
        {
            output.WriteLine(key.IsSwitch ? $"  --{key.Flag}" : $"  --{key.Flag} {key.Value}");
            output.WriteLine($"      {key.Help.Replace("NAME.quorate", "NAME.etcd", StringComparison.Ordinal)
                .Replace("quorate-cluster", "etcd-cluster", StringComparison.Ordinal)}");
        }

        output.WriteLine();
        output.WriteLine("Accepted, without effect:");
        foreach ((string flag, (bool _, string why)) in EtcdFlags.Pointless) { output.WriteLine($"  --{flag}: {why}"); }
        output.WriteLine();
        output.WriteLine("Refused:");
        foreach ((string flag, (bool _, string why)) in EtcdFlags.Refused) { output.WriteLine($"  --{flag}: {why}"); }
        output.WriteLine();
        output.WriteLine("Examples:");
        output.WriteLine("  quorate etcd --name a --data-dir a.etcd");
        output.WriteLine("  ETCD_NAME=a quorate etcd -listen-client-urls=http://127.0.0.1:2379 -advertise-client-urls=http://127.0.0.1:2379");
    }
}
