using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Quorate.Node.Files;

// The calls that the class library lacks, or whose errors it swallows: on .NET 10.0.12 for Linux, FlushToDisk and Flush(true)
// return normally when fsync fails, because the native shim compares before it assigns.
internal static partial class Libc
{
    public const int NotPermitted = 1;
    public const int NoEntry = 2;
    public const int Interrupted = 4;
    public const int WouldBlock = 11;
    public const int AccessDenied = 13;
    public const int Exists = 17;
    public const int NotDirectory = 20;
    public const int FileTableFull = 23;
    public const int TooManyFiles = 24;
    public const int NoSpace = 28;
    public const int ReadOnly = 30;
    public const int NotEmpty = 39;
    public const int QuotaExceeded = 122;

    public const int LockExclusiveNoWait = 2 | 4; // LOCK_EX | LOCK_NB.

    public const int WriteAndSearch = 2 | 1; // W_OK | X_OK.

    // O_DIRECTORY differs between processors and is not needed to open a directory for reading.
    private const int ReadOnlyCloseOnExec = 0x80000; // O_RDONLY | O_CLOEXEC.

    private const int ReadWriteCreateCloseOnExec = 0x80000 | 0x40 | 2; // O_CLOEXEC | O_CREAT | O_RDWR.

    private const int OwnerOnly = 0x180; // 0600.

    public static SafeFileHandle OpenDirectory(string path) => Open(path, ReadOnlyCloseOnExec, mode: 0);

    public static SafeFileHandle OpenOrCreate(string path) => Open(path, ReadWriteCreateCloseOnExec, OwnerOnly);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    public static partial int DataSync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    public static partial int Sync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Link(string existing, string added);

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Rename(string from, string to);

    [LibraryImport("libc", EntryPoint = "unlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Unlink(string path);

    [LibraryImport("libc", EntryPoint = "access", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Access(string path, int mode);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    public static partial int Lock(SafeFileHandle file, int operation);
}
