using System.CommandLine;
using System.Runtime.InteropServices;
using Quorate.Cli;
using Quorate.Settings;

namespace Quorate.Host;

/// <summary><c>quorate etcd</c>: the same server, started with etcd's own flags.</summary>
internal static class EtcdCommand
{
    private static readonly string Called = ProgramName.IsEtcd ? "etcd" : "quorate etcd";

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
            // etcd's lines, which scripts cut the version out of; then who it really is.
            output.WriteLine($"etcd Version: {FrontDoors.Etcd.EtcdVersion.Server}");
            output.WriteLine($"Git SHA: {BuildInfo.Commit}");
            output.WriteLine($"Go Version: none, {RuntimeInformation.FrameworkDescription}");
            output.WriteLine($"Go OS/Arch: linux/{GoArchitecture}");
            output.WriteLine($"Quorate Version: {BuildInfo.Version}");
            return (int)ExitCode.Ok;
        }

        if (flags.Problems.Count > 0)
        {
            foreach (string problem in flags.Problems) { error.WriteLine(problem); }
            error.WriteLine("Usage:");
            error.WriteLine();
            error.WriteLine($"  {Called} [flags]");
            error.WriteLine($"    Start a server. See '{Called} --help' for the flags.");
            return (int)ExitCode.Usage;
        }

        var problems = new List<string>();
        ServerSettings settings = SettingsBuilder.Build(SettingsDefaults.Etcd, problems, flags.Settings);
        problems.AddRange(MachineProbe.Problems(settings));
        if (problems.Count > 0)
        {
            foreach (string problem in problems) { error.WriteLine($"error verifying flags, {problem}"); }
            error.WriteLine($"See '{Called} --help'.");
            return (int)ExitCode.Usage;
        }

        List<string> warnings = [.. flags.Warnings, .. PlaintextWarnings(settings), .. TlsRules.Warnings(settings)];
        using var signals = new StopSignals();
        ExitCode code = await StartCommand.RunAsync(settings, signals, warnings);
        if (ProgramName.IsEtcd && code == ExitCode.Ok) { signals.EndAsEtcd(); }
        return (int)code;
    }

    private static string GoArchitecture => RuntimeInformation.OSArchitecture switch
    {
        Architecture.X64 => "amd64",
        Architecture other => other.ToString().ToLowerInvariant(),
    };

    // etcd listens wherever it is told to; so do we here, but not silently.
    private static IEnumerable<string> PlaintextWarnings(ServerSettings settings) =>
        settings.ListenClientUrls.Concat(settings.ListenPeerUrls).Concat(settings.OtherUrls.SelectMany(u => u.Urls)).Where(u => !u.IsLoopback && !u.IsTls)
            .Select(u => $"{u} can be reached by other machines and is not encrypted");

    private static void WriteHelp(TextWriter output)
    {
        output.WriteLine(Summary);
        output.WriteLine();
        output.WriteLine("Usage:");
        output.WriteLine("  quorate etcd [flags]        one dash or two; --flag=value or --flag value");
        output.WriteLine("  etcd [flags]                the same, by a link of that name to this program");
        output.WriteLine();
        output.WriteLine("Flags (each is a variable too: --data-dir is ETCD_DATA_DIR):");
        output.WriteLine("  --config-file path");
        output.WriteLine("      etcd's YAML file. Flags and variables do not count beside it.");
        output.WriteLine("  --feature-gates list");
        output.WriteLine("      Name=true,...: etcd's gates are known; CompactHashCheck and InitialCorruptCheck act, the others have no effect.");
        output.WriteLine("  --version");
        output.WriteLine("      The version of etcd whose API is served, and this program's.");
        foreach (SettingKey key in EtcdFlags.Supported)
        {
            output.WriteLine(key.IsSwitch ? $"  --{key.Flag}" : $"  --{key.Flag} {key.Value}");
            output.WriteLine($"      {key.Help.Replace("NAME.quorate", "NAME.etcd", StringComparison.Ordinal)
                .Replace("quorate-cluster", "etcd-cluster", StringComparison.Ordinal)}");
        }

        output.WriteLine();
        output.WriteLine("Other names:");
        foreach ((string flag, SettingKey key) in EtcdFlags.Renamed) { output.WriteLine($"  --{flag}: {key.Help}"); }
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
