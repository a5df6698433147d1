using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Quorate.Core;

namespace Quorate.Node.Files;

// One open file of the data directory.
internal sealed class RealFile(string path, SafeFileHandle handle) : IFile
{
    public string Path { get; } = path;

    public long Length
    {
        get
        {
            try { return RandomAccess.GetLength(handle); }
            catch (Exception e) when (DiskErrors.IsDiskError(e)) { throw DiskErrors.FromException(e, "read", Path); }
        }
    }

    public int Read(long offset, Span<byte> buffer)
    {
        try
        {
            int total = 0;
            while (total < buffer.Length)
            {
                int count = RandomAccess.Read(handle, buffer[total..], offset + total);
                if (count == 0) { break; }
                total += count;
            }

            return total;
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e)) { throw DiskErrors.FromException(e, "read", Path); }
    }

    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        Loop.JobPace.Current?.Take(bytes.Length);

        // Continues after a short write by itself, and its errors are seen (reliability notes, 0.3).
        try { RandomAccess.Write(handle, bytes, offset); }
        catch (Exception e) when (DiskErrors.IsDiskError(e)) { throw DiskErrors.FromException(e, "write", Path); }
    }

    public void SetLength(long length)
    {
        try { RandomAccess.SetLength(handle, length); }
        catch (Exception e) when (DiskErrors.IsDiskError(e)) { throw DiskErrors.FromException(e, "write", Path); }
    }

    public void Sync()
    {
        // Not retried, not even after EINTR: Linux may have marked the pages clean already.
        if (Libc.DataSync(handle) != 0) { throw DiskErrors.FromErrno(Marshal.GetLastPInvokeError(), "sync", Path); }
    }

    public void Dispose() => handle.Dispose();
}
