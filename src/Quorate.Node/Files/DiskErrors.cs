using System.Runtime.InteropServices;
using Quorate.Core;

namespace Quorate.Node.Files;

// Turns errno, and the class library's exceptions that carry one, into our one exception for a disk that refuses.
internal static class DiskErrors
{
    public static DiskFault FaultOf(int errno) => errno switch
    {
        Libc.NoSpace or Libc.QuotaExceeded => DiskFault.Full,
        Libc.NoEntry or Libc.NotDirectory => DiskFault.NotFound,
        Libc.Exists or Libc.NotEmpty => DiskFault.Exists,
        Libc.AccessDenied or Libc.NotPermitted or Libc.ReadOnly => DiskFault.Denied,
        Libc.TooManyFiles or Libc.FileTableFull => DiskFault.TooManyFiles,
        _ => DiskFault.Failed,
    };

    public static DiskException FromErrno(int errno, string operation, string path) =>
        new(FaultOf(errno), operation, path, $"{Marshal.GetPInvokeErrorMessage(errno)} (errno {errno})");

    // On Unix the class library puts the raw errno into HResult, except where it has an exception type of its own.
    public static DiskException FromException(Exception failure, string operation, string path)
    {
        DiskFault fault = failure switch
        {
            FileNotFoundException or DirectoryNotFoundException => DiskFault.NotFound,
            UnauthorizedAccessException => DiskFault.Denied,
            _ => FaultOf(failure.HResult),
        };
        return new DiskException(fault, operation, path, failure.Message);
    }

    // What the class library throws when a file operation fails; everything else is a bug and passes through.
    public static bool IsDiskError(Exception failure) =>
        failure is IOException or UnauthorizedAccessException && failure is not DiskException;
}
