using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Quorate.Conformance.Tests.Faults;

// The calls of Linux that the class library lacks. Errors are left in Marshal.GetLastPInvokeError.
internal static partial class Native
{
    public const int ReadOnlyCloseOnExec = 0x80000; // O_RDONLY | O_CLOEXEC.
    public const int ReadWriteNonBlocking = 0x80000 | 0x800 | 2; // O_CLOEXEC | O_NONBLOCK | O_RDWR.

    public const int NetworkNamespace = 0x40000000; // CLONE_NEWNET.
    public const nuint SetInterface = 0x400454ca; // TUNSETIFF.
    public const short TunWithoutHeader = 0x1001; // IFF_TUN | IFF_NO_PI.
    public const short Readable = 1; // POLLIN.

    public const int SignalKill = 9;
    public const int SignalTerminate = 15;
    public const int SignalContinue = 18;
    public const int SignalStop = 19;

    [StructLayout(LayoutKind.Sequential)]
    public struct PollEntry
    {
        public int File;
        public short Wanted;
        public short Found;
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial SafeFileHandle Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    public static partial int EnterNamespace(SafeFileHandle file, int kind);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    public static partial int Control(SafeFileHandle file, nuint request, Span<byte> argument);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    public static partial int Poll(ref PollEntry entry, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(SafeFileHandle file, Span<byte> buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(SafeFileHandle file, ReadOnlySpan<byte> buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    public static partial int Kill(int process, int signal);
}
