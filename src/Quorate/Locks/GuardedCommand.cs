using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Quorate.Cli;

namespace Quorate.Locks;

/// <summary>A command that runs while a lock is held, and not longer.</summary>
internal static partial class GuardedCommand
{
    private const int SigTerm = 15;

    /// <summary>Runs it to its end.</summary>
    /// <param name="command">Program and arguments.</param>
    /// <param name="key">Of the lock; the command finds it in QUORATE_LOCK_KEY and ETCD_LOCK_KEY.</param>
    /// <param name="token">Fencing token; QUORATE_LOCK_REV and ETCD_LOCK_REV.</param>
    /// <param name="lost">The lock is lost: the command and its children are killed, without a chance to do anything more.</param>
    /// <param name="stop">Asks the command to end, as SIGTERM to us did.</param>
    /// <returns>Its exit code.</returns>
    /// <exception cref="CliException">It cannot be started, or the lock was lost before it ended.</exception>
    public static async Task<int> RunAsync(string[] command, string key, long token, CancellationToken lost, CancellationToken stop)
    {
        var start = new ProcessStartInfo(command[0], command[1..]);
        string revision = token.ToString(CultureInfo.InvariantCulture);
        foreach (string prefix in (string[])["QUORATE", "ETCD"])
        {
            start.Environment[$"{prefix}_LOCK_KEY"] = key;
            start.Environment[$"{prefix}_LOCK_REV"] = revision;
        }

        using Process process = Start(start);
        using CancellationTokenRegistration asked = stop.Register(() => _ = Kill(process.Id, SigTerm)); // It may have ended.
        try
        {
            await process.WaitForExitAsync(lost);
            return process.ExitCode;
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            throw new CliException(ExitCode.Failed, "the lock was lost, since its lease could not be renewed in time; the command was killed");
        }
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new CliException(ExitCode.Usage, $"'{start.FileName}' cannot be started: {e.Message}", e);
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
