using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Quorate.Core;

namespace Quorate.Node.Files;

/// <summary>Room on the disk that holds the data directory.</summary>
/// <param name="TotalBytes">Size of the file system.</param>
/// <param name="FreeBytes">What this process may still use of it.</param>
public readonly record struct DiskSpace(long TotalBytes, long FreeBytes);

/// <summary>The files of one data directory on a real disk. Linux only; any thread.</summary>
/// <remarks>
/// Paths are relative, with '/'; "" and "." are the data directory itself. A path that would leave it (absolute, "..") is refused
/// before the disk is asked. Every error of the disk becomes a <see cref="DiskException"/>.
/// </remarks>
public sealed class RealFileSystem : IFileSystem
{
    private readonly string _root;

    /// <summary>Opens a data directory; created, readable by its owner only, if it does not exist.</summary>
    /// <param name="root">Path of the directory, absolute or relative to the current one.</param>
    /// <exception cref="DiskException">It cannot be created, or is not a directory.</exception>
    public RealFileSystem(string root)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new PlatformNotSupportedException("Quorate keeps data on Linux only: durability there is what was tested.");
        }

        _root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(root));
        try
        {
            Directory.CreateDirectory(
                _root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e)) { throw DiskErrors.FromException(e, "create", root); }
    }

    /// <summary>Why a directory could not be a data directory here, or null. Creates and changes nothing.</summary>
    /// <param name="root">Path of the directory, which need not exist.</param>
    public static DiskException? Objection(string root)
    {
        string path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(root));
        // What is not there yet is created in the nearest directory above it that is.
        while (Libc.Access(path, mode: 0) != 0 && Marshal.GetLastPInvokeError() == Libc.NoEntry
            && Path.GetDirectoryName(path) is { } above)
        {
            path = above;
        }

        if (File.Exists(path)) { return DiskErrors.FromErrno(Libc.NotDirectory, "use", path); }
        return Libc.Access(path, Libc.WriteAndSearch) == 0
            ? null
            : DiskErrors.FromErrno(Marshal.GetLastPInvokeError(), "use", path);
    }

    /// <summary>Absolute path of the data directory.</summary>
    public string Root => _root;

    /// <summary>Room on the disk now.</summary>
    /// <exception cref="DiskException">The disk does not tell.</exception>
    public DiskSpace Space()
    {
        try
        {
            var drive = new DriveInfo(_root);
            return new DiskSpace(drive.TotalSize, drive.AvailableFreeSpace);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e)) { throw DiskErrors.FromException(e, "measure", _root); }
    }

    /// <inheritdoc/>
    public IFile Open(string path, OpenMode mode)
    {
        string full = Full(path);
        (FileMode how, FileAccess access) = mode switch
        {
            OpenMode.Read => (FileMode.Open, FileAccess.Read),
            OpenMode.ReadWrite => (FileMode.Open, FileAccess.ReadWrite),
            OpenMode.Create => (FileMode.CreateNew, FileAccess.ReadWrite),
            _ => throw Invariant.Unreachable(mode),
        };

        try
        {
            // Sharing everything makes the lock that the class library takes a shared one: the directory's lock is what counts.
            return new RealFile(path, File.OpenHandle(full, how, access, FileShare.ReadWrite | FileShare.Delete));
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e)) { throw DiskErrors.FromException(e, "open", path); }
    }

    /// <inheritdoc/>
    public bool Exists(string path)
    {
        // The class library's Exists says false for every error; "I could not look" must not read as "it is not there".
        if (Libc.Access(Full(path), mode: 0) == 0) { return true; }
        int errno = Marshal.GetLastPInvokeError();
        return errno is Libc.NoEntry or Libc.NotDirectory ? false : throw DiskErrors.FromErrno(errno, "look up", path);
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> List(string directory)
    {
        try
        {
            string[] names = Directory.GetFileSystemEntries(Full(directory));
            for (int i = 0; i < names.Length; i++) { names[i] = Path.GetFileName(names[i]); }
            Array.Sort(names, string.CompareOrdinal);
            return names;
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e)) { throw DiskErrors.FromException(e, "list", directory); }
    }

    /// <inheritdoc/>
    public void CreateDirectory(string path)
    {
        try { Directory.CreateDirectory(Full(path)); }
        catch (Exception e) when (DiskErrors.IsDiskError(e)) { throw DiskErrors.FromException(e, "create", path); }
    }

    /// <inheritdoc/>
    public void DeleteDirectory(string path)
    {
        if (path is "" or ".") { throw new ArgumentException("the data directory itself is never deleted", nameof(path)); }
        try { Directory.Delete(Full(path), recursive: true); }
        catch (DirectoryNotFoundException) { }
        catch (Exception e) when (DiskErrors.IsDiskError(e)) { throw DiskErrors.FromException(e, "delete", path); }
    }

    /// <inheritdoc/>
    public void Delete(string path)
    {
        // unlink, because File.Delete is content when there is no such file.
        if (Libc.Unlink(Full(path)) != 0) { throw DiskErrors.FromErrno(Marshal.GetLastPInvokeError(), "delete", path); }
    }

    /// <inheritdoc/>
    public void Rename(string from, string to)
    {
        if (Libc.Rename(Full(from), Full(to)) != 0)
        {
            throw DiskErrors.FromErrno(Marshal.GetLastPInvokeError(), "rename", from);
        }
    }

    /// <inheritdoc/>
    public void HardLink(string existing, string added)
    {
        if (Libc.Link(Full(existing), Full(added)) != 0)
        {
            throw DiskErrors.FromErrno(Marshal.GetLastPInvokeError(), "link", existing);
        }
    }

    /// <inheritdoc/>
    public void SyncDirectory(string directory)
    {
        using SafeFileHandle handle = Libc.OpenDirectory(Full(directory));
        if (handle.IsInvalid) { throw DiskErrors.FromErrno(Marshal.GetLastPInvokeError(), "open", directory); }
        if (Libc.Sync(handle) != 0) { throw DiskErrors.FromErrno(Marshal.GetLastPInvokeError(), "sync", directory); }
    }

    private string Full(string path)
    {
        if (path is "" or ".") { return _root; }
        foreach (Range part in path.AsSpan().Split('/'))
        {
            if (path.AsSpan()[part] is "" or "." or ".." || path.Contains('\0', StringComparison.Ordinal))
            {
                throw new ArgumentException($"'{path}' is not a path inside the data directory", nameof(path));
            }
        }

        return $"{_root}/{path}";
    }
}
