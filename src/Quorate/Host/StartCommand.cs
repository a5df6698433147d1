using System.Collections;
using System.CommandLine;
using Quorate.Cli;
using Quorate.Node.Logging;
using Quorate.Settings;

namespace Quorate.Host;

/// <summary><c>quorate start</c>.</summary>
internal static class StartCommand
{
    /// <summary>Creates the verb.</summary>
    public static Command Create()
    {
        var options = new SettingOptions();
        var check = new Option<bool>("--check") { Description = "Only say what is wrong with the settings. Exit code 0 or 2." };
        var withInput = new Option<bool>("--stop-with-stdin") { Description = "Stop when stdin ends.", Hidden = true };
        var verb = new Verb(
            "start",
            "Run one server: alone, or as a member of a cluster. Each setting is a flag, an environment variable "
            + "(--data-dir is QUORATE_DATA_DIR) or a key of the file; flags win over variables, variables over the file.",
            "quorate start --data-dir /var/lib/quorate",
            "quorate start --config /etc/quorate.json --check",
            "quorate start --name a --listen-peer-urls http://127.0.0.1:2380 "
            + "--initial-cluster a=http://127.0.0.1:2380,b=http://127.0.0.1:22380,c=http://127.0.0.1:32380")
        {
            check, withInput,
        };
        options.AddTo(verb);
        verb.SetAction(async parsed =>
        {
            var problems = new List<string>();
            ServerSettings settings = options.Read(parsed, problems);
            problems.AddRange(MachineProbe.Problems(settings));
            TextWriter error = parsed.InvocationConfiguration.Error;
            if (problems.Count > 0)
            {
                error.WriteLine(problems.Count == 1 ? "A setting is wrong:" : $"{problems.Count} settings are wrong:");
                foreach (string problem in problems) { error.WriteLine("  " + problem); }
                return (int)ExitCode.Usage;
            }

            if (parsed.GetValue(check))
            {
                parsed.InvocationConfiguration.Output.WriteLine("The settings are good.");
                return (int)ExitCode.Ok;
            }

            using var signals = new StopSignals();
            if (parsed.GetValue(withInput)) { signals.RequestWhenInputEnds(); }
            return (int)await RunAsync(settings, signals, TlsRules.Warnings(settings));
        });
        return verb;
    }

    /// <summary>Runs a server with its log where the settings say.</summary>
    /// <param name="settings">Without problems.</param>
    /// <param name="signals">When to stop.</param>
    /// <param name="warnings">For the log's first lines.</param>
    public static async Task<ExitCode> RunAsync(ServerSettings settings, StopSignals signals, IEnumerable<string> warnings)
    {
        using var outputs = new LogOutputs(settings);
        using var log = new LineLog(outputs.Streams, LogOutputs.Format(settings.Door), LogOutputs.Least(settings.Door));
        log.Write(
            LogSeverity.Info, "starting", new LogField("name", settings.Name), new LogField("version", BuildInfo.Version),
            new LogField("commit", BuildInfo.Commit), new LogField("pid", Environment.ProcessId));
        foreach (string warning in warnings) { log.Write(LogSeverity.Warning, "setting", new LogField("message", warning)); }
        return await ServerHost.RunAsync(settings, log, signals.Token);
    }

    /// <summary>The process's environment.</summary>
    public static IReadOnlyDictionary<string, string> EnvironmentNow() =>
        Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .ToDictionary(e => (string)e.Key, e => (string?)e.Value ?? "", StringComparer.Ordinal);
}
