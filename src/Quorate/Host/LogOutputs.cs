using Quorate.Cli;
using Quorate.Node.Logging;
using Quorate.Settings;

namespace Quorate.Host;

/// <summary>Where a server's log goes: standard streams and files, opened for appending.</summary>
internal sealed class LogOutputs : IDisposable
{
    private readonly List<Stream> _streams = [];

    /// <summary>Opens all targets.</summary>
    /// <exception cref="CliException">A file cannot be written.</exception>
    public LogOutputs(ServerSettings settings)
    {
        foreach (string target in settings.Door.LogOutputs.Distinct()) { _streams.Add(Open(target, settings)); }
    }

    /// <summary>The streams.</summary>
    public IReadOnlyList<Stream> Streams => _streams;

    /// <summary>The form that was asked for.</summary>
    public static LogFormat Format(DoorSettings door) => door.LogFormat switch
    {
        "json" => LogFormat.Json,
        "console" => LogFormat.Console,
        _ => LogFormat.Logfmt,
    };

    /// <summary>The least level that was asked for; there is none below info, and nothing above error.</summary>
    public static LogSeverity Least(DoorSettings door) => door.LogLevel switch
    {
        "debug" or "info" => LogSeverity.Info,
        "warn" => LogSeverity.Warning,
        _ => LogSeverity.Error,
    };

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Stream stream in _streams) { stream.Dispose(); }
    }

    private static Stream Open(string target, ServerSettings settings)
    {
        switch (target)
        {
            // systemd takes what a service writes to stderr into its journal.
            case "default" or "stderr" or "systemd/journal": return Console.OpenStandardError();
            case "stdout": return Console.OpenStandardOutput();
            default:
                try
                {
                    return new FileStream(
                        target, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
                {
                    throw new CliException(
                        ExitCode.Usage, $"{settings.Written(SettingKeys.LogOutputs)} has '{target}', which cannot be written: {e.Message}", e);
                }
        }
    }
}
