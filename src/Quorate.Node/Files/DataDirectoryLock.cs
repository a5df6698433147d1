using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Quorate.Core;

namespace Quorate.Node.Files;

/// <summary>Another process, or another node in this one, uses the data directory. Nothing in it was touched.</summary>
public sealed class DataDirectoryInUseException : IOException
{
    /// <summary>Creates the exception.</summary>
    public DataDirectoryInUseException(string message)
        : base(message)
    {
    }
}

/// <summary>Holds a data directory for one node. The kernel drops the lock when the process ends, however it ends.</summary>
public sealed class DataDirectoryLock : IDisposable
{
    /// <summary>Name of the lock file. It stays after a stop: deleting it would let two processes lock two files of one name.</summary>
    public const string FileName = "LOCK";

    private readonly SafeFileHandle _file;

    private DataDirectoryLock(SafeFileHandle file) => _file = file;

    /// <summary>Takes the lock at once or not at all.</summary>
    /// <param name="root">The data directory; must exist.</param>
    /// <exception cref="DataDirectoryInUseException">Somebody has it; the message names the process.</exception>
    /// <exception cref="DiskException">The lock file cannot be opened or locked.</exception>
    public static DataDirectoryLock Take(string root)
    {
        string path = Path.Combine(root, FileName);
        // Not by the class library: it takes a lock of its own on each file it opens, which would get in our way here.
        SafeFileHandle file = Libc.OpenOrCreate(path);
        if (file.IsInvalid)
        {
            int errno = Marshal.GetLastPInvokeError();
            file.Dispose();
            throw DiskErrors.FromErrno(errno, "open", path);
        }

        try
        {
            if (Libc.Lock(file, Libc.LockExclusiveNoWait) != 0)
            {
                int errno = Marshal.GetLastPInvokeError();
                throw errno == Libc.WouldBlock
                    ? new DataDirectoryInUseException($"the data directory {root} is in use by {Holder(file)}")
                    : DiskErrors.FromErrno(errno, "lock", path);
            }

            // For people only: the lock is the kernel's, not this text.
            RandomAccess.SetLength(file, 0);
            RandomAccess.Write(file, Encoding.ASCII.GetBytes($"{Environment.ProcessId}\n"), 0);
            return new DataDirectoryLock(file);
        }
        catch (Exception e)
        {
            file.Dispose();
            if (DiskErrors.IsDiskError(e) && e is not DataDirectoryInUseException)
            {
                throw DiskErrors.FromException(e, "lock", path);
            }

            throw;
        }
    }

    /// <summary>Lets the directory go.</summary>
    public void Dispose() => _file.Dispose();

    private static string Holder(SafeFileHandle file)
    {
        Span<byte> text = stackalloc byte[20];
        int count = RandomAccess.Read(file, text, 0);
        return int.TryParse(Encoding.ASCII.GetString(text[..count]).Trim(), CultureInfo.InvariantCulture, out int pid)
            ? $"process {pid}"
            : "another process";
    }
}
