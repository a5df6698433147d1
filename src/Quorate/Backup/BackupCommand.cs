using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Quorate.Cli;
using Quorate.Core;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.Settings;
using Quorate.StateMachines.KeyValue;

namespace Quorate.Backup;

/// <summary><c>quorate backup</c>, <c>quorate backup list|verify</c>.</summary>
internal static class BackupCommand
{
    /// <summary>Creates the verb.</summary>
    public static Command Create()
    {
        var to = new Option<string?>("--to") { Description = "Directory of the backups; made if it is not there.", HelpName = "directory" };
        var every = new Option<string?>("--every") { Description = "Go on, and take one as often: 10m, 1h. Default: once.", HelpName = "time" };
        EndpointsOption endpoints = Common.Endpoints();
        var verb = new Verb(
            "backup",
            "Back up a running cluster to a directory: everything the first time, later the changes since. A run that was cut off is simply run again; "
            + "what is in the directory is never changed. Where the history since the last run was compacted away, everything is taken anew.",
            "quorate backup --to ./backups", "quorate backup --to ./backups --every 10m", "quorate backup list ./backups",
            "quorate backup verify ./backups")
        {
            to, every, endpoints, List(), Verify(),
        };
        verb.SetAction(async (parsed, stop) =>
        {
            if (parsed.GetValue(to) is not { Length: > 0 } directory) { throw new CliException(ExitCode.Usage, "--to is missing; name a directory."); }
            TimeSpan? pause = parsed.GetValue(every) is { } text ? Pause(text) : null;
            using EtcdGrpcClient client = Common.Client(parsed, endpoints);
            TextWriter output = parsed.InvocationConfiguration.Output;
            if (pause is not { } wait)
            {
                Print(output, await BackupRun.OnceAsync(client, directory, stop));
                return (int)ExitCode.Ok;
            }

            while (!stop.IsCancellationRequested)
            {
                try
                {
                    Print(output, await BackupRun.OnceAsync(client, directory, stop));
                }
                catch (CliException e) when (e.Code is ExitCode.CannotConnect or ExitCode.Failed)
                {
                    // A cluster that is away for a while is no reason to stop backing it up.
                    parsed.InvocationConfiguration.Error.WriteLine(e.Message);
                }
                catch (OperationCanceledException)
                {
                    break;
                }

                await Task.Delay(wait, stop).ContinueWith(static _ => { }, TaskScheduler.Default);
            }

            return (int)ExitCode.Ok;
        });
        return verb;
    }

    private static Verb List()
    {
        var path = new Argument<string>("directory") { Description = "A directory of backups." };
        Option<string> format = Common.Format();
        var verb = new Verb("list", "Print the catalogue.", "quorate backup list ./backups") { path, format };
        verb.SetAction(parsed =>
        {
            BackupDirectory directory = Existing(parsed.GetValue(path)!);
            foreach (BackupEntry entry in directory.Entries)
            {
                parsed.InvocationConfiguration.Output.WriteLine(
                    Common.IsJson(parsed, format) ? Json(entry).ToJsonString() : Text(entry));
            }

            return (int)ExitCode.Ok;
        });
        return verb;
    }

    private static Verb Verify()
    {
        var path = new Argument<string>("directory") { Description = "A directory of backups." };
        var verb = new Verb(
            "verify", "Read every file of the catalogue from its first byte to its last. Exit code 12 if one is damaged or missing.",
            "quorate backup verify ./backups")
        {
            path,
        };
        verb.SetAction(parsed =>
        {
            BackupDirectory directory = Existing(parsed.GetValue(path)!);
            bool isWhole = true;
            foreach (BackupEntry entry in directory.Entries)
            {
                try
                {
                    directory.Verify(entry);
                    parsed.InvocationConfiguration.Output.WriteLine($"{entry.Name} good");
                }
                catch (CorruptFileException e)
                {
                    isWhole = false;
                    parsed.InvocationConfiguration.Output.WriteLine($"{entry.Name} damaged: {e.Message}");
                }
            }

            return (int)(isWhole ? ExitCode.Ok : ExitCode.Integrity);
        });
        return verb;
    }

    private static BackupDirectory Existing(string path) => Directory.Exists(path)
        ? BackupDirectory.Read(path)
        : throw new CliException(ExitCode.Precondition, $"there is no directory {path}");

    private static TimeSpan Pause(string text) =>
        GoDuration.TryParse(text, out TimeSpan pause) && pause >= TimeSpan.FromMilliseconds(100) && pause <= TimeSpan.FromDays(365)
            ? pause
            : throw new CliException(ExitCode.Usage, $"--every is '{text}'; it must be a time such as 10m or 1h30m, 100ms at least.");

    private static void Print(TextWriter output, BackupEntry entry) => output.WriteLine(Text(entry));

    private static string Text(BackupEntry entry)
    {
        KvDumpHeader header = entry.Header;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{entry.Name}  {(header.IsIncrement ? $"revisions {header.Since + 1} to {header.Revision}" : $"everything as of revision {header.Revision}")}, "
            + $"{entry.Bytes} bytes, {entry.Taken:u}");
    }

    private static JsonObject Json(BackupEntry entry) => new()
    {
        ["file"] = entry.Name,
        ["since"] = entry.Header.Since,
        ["revision"] = entry.Header.Revision,
        ["compacted"] = entry.Header.Compacted,
        ["cluster"] = entry.Header.Cluster.ToString("x16", CultureInfo.InvariantCulture),
        ["bytes"] = entry.Bytes,
        ["sha256"] = entry.Sha256,
        ["taken"] = entry.Taken.ToString("u", CultureInfo.InvariantCulture),
    };
}
