using System.Globalization;
using System.Runtime.InteropServices;

namespace Quorate.Doctor;

/// <summary>What a server needs of its machine, whatever its settings are.</summary>
internal static partial class MachineChecks
{
    private const int ClockIsNotKept = 5; // TIME_ERROR.

    // A server takes 10,000 connections; tables, log and links come on top.
    private const long EnoughFiles = 16_384;
    private const long LeastFiles = 1024;

    /// <summary>Judges the limit of open files; -1 means unknown.</summary>
    public static Finding Files(long most) => most switch
    {
        < 0 => Finding.Ok("file-limit", "the system does not tell its limit"),
        < LeastFiles => Finding.Problem(
            "file-limit", $"at most {most} files may be open", "tables and connections need more; what cannot be opened stops the server",
            "raise it: LimitNOFILE=65536 in the unit file, or ulimit -n 65536"),
        < EnoughFiles => Finding.Warning(
            "file-limit", $"at most {most} files may be open", "a server takes up to 10,000 connections, each of them a file",
            "raise it: LimitNOFILE=65536 in the unit file, or ulimit -n 65536"),
        _ => Finding.Ok("file-limit", $"{most} files may be open"),
    };

    /// <summary>Judges the memory that this process may use, in bytes.</summary>
    public static Finding Memory(long bytes) => bytes < 512L << 20
        ? Finding.Warning(
            "memory", $"{bytes >> 20} MiB may be used", "tables in memory, cache and requests in flight take some 300 MiB under load",
            "give it more, or lower --mem-table-bytes")
        : Finding.Ok("memory", $"{bytes >> 20} MiB may be used");

    /// <summary>Asks the kernel whether something keeps its clock.</summary>
    public static unsafe Finding Clock()
    {
        // The structure has 208 bytes; with modes = 0 nothing is set.
        byte* state = stackalloc byte[256];
        new Span<byte>(state, 256).Clear();
        int result = AskClock(state);
        string now = DateTimeOffset.UtcNow.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
        return result switch
        {
            < 0 => Finding.Ok("clock", $"{now} UTC; the kernel does not tell who keeps it"),
            ClockIsNotKept => Finding.Warning(
                "clock", $"{now} UTC, and nothing keeps it right", "certificates are judged by it and logs are compared by it; leases and reads do not need it",
                "run an NTP client, such as chrony or systemd-timesyncd"),
            _ => Finding.Ok("clock", $"{now} UTC, kept right"),
        };
    }

    [LibraryImport("libc", EntryPoint = "adjtimex")]
    private static unsafe partial int AskClock(byte* state);
}
