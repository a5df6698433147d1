namespace Quorate.Core;

/// <summary>How <see cref="IFileSystem.Open"/> treats a file that is, or is not, there.</summary>
public enum OpenMode
{
    /// <summary>It must exist; opened for reading only.</summary>
    Read,

    /// <summary>It must exist; opened for reading and writing.</summary>
    ReadWrite,

    /// <summary>It must not exist; created, for reading and writing.</summary>
    Create,
}

/// <summary>
/// Files as a deterministic project sees them: synchronous, positioned, every error seen. Paths use '/' and are relative
/// to the node's data directory. The real one is in Quorate.Node, the simulated one in Quorate.Simulation.
/// </summary>
/// <remarks>
/// Nothing is durable before a sync: bytes need <see cref="IFile.Sync"/> of their file; a created, renamed, linked or
/// deleted name needs <see cref="SyncDirectory"/> of the directory that holds it. All calls throw
/// <see cref="DiskException"/> when the disk refuses. Calls on different files may come from different threads.
/// </remarks>
public interface IFileSystem
{
    /// <summary>Opens or creates a file.</summary>
    /// <exception cref="DiskException">With <see cref="DiskFault.NotFound"/> if it must exist and does not.</exception>
    IFile Open(string path, OpenMode mode);

    /// <summary>True if a file or directory of that name exists.</summary>
    bool Exists(string path);

    /// <summary>Names of the files and directories in a directory, without their path, in ordinal order.</summary>
    IReadOnlyList<string> List(string directory);

    /// <summary>Creates a directory and those above it; does nothing if it exists.</summary>
    void CreateDirectory(string path);

    /// <summary>Removes a directory and all it holds; does nothing if it does not exist.</summary>
    void DeleteDirectory(string path);

    /// <summary>Removes a file's name. Open handles keep their bytes.</summary>
    void Delete(string path);

    /// <summary>Gives a file or directory a new name at once; a file that had the name is replaced.</summary>
    void Rename(string from, string to);

    /// <summary>Gives a file a second name.</summary>
    void HardLink(string existing, string added);

    /// <summary>Makes the names in a directory durable.</summary>
    void SyncDirectory(string directory);
}

/// <summary>An open file.</summary>
public interface IFile : IDisposable
{
    /// <summary>Path it was opened under.</summary>
    string Path { get; }

    /// <summary>Length in bytes.</summary>
    long Length { get; }

    /// <summary>Reads up to <c>buffer.Length</c> bytes at an offset; fewer only at the end of the file.</summary>
    /// <returns>Bytes read.</returns>
    int Read(long offset, Span<byte> buffer);

    /// <summary>Writes all bytes at an offset; the file grows as needed. Durable only after <see cref="Sync"/>.</summary>
    void Write(long offset, ReadOnlySpan<byte> bytes);

    /// <summary>Cuts or extends (with zeros) the file.</summary>
    void SetLength(long length);

    /// <summary>Makes all that was written to this file durable (fdatasync).</summary>
    /// <exception cref="DiskException">
    /// What was written since the last sync may be lost, even if a later sync succeeds: never retry, stop the node.
    /// </exception>
    void Sync();
}

/// <summary>Why the disk refused.</summary>
public enum DiskFault
{
    /// <summary>EIO and everything without a better name.</summary>
    Failed,

    /// <summary>ENOSPC or EDQUOT.</summary>
    Full,

    /// <summary>ENOENT.</summary>
    NotFound,

    /// <summary>EEXIST.</summary>
    Exists,

    /// <summary>EACCES, EPERM or EROFS.</summary>
    Denied,

    /// <summary>EMFILE or ENFILE.</summary>
    TooManyFiles,
}

/// <summary>The disk refused an operation.</summary>
public sealed class DiskException : IOException
{
    /// <summary>Creates the exception.</summary>
    public DiskException(DiskFault fault, string operation, string path, string detail)
        : base($"{operation} of {path}: {detail}")
    {
        Fault = fault;
        Operation = operation;
        FilePath = path;
    }

    /// <summary>Why.</summary>
    public DiskFault Fault { get; }

    /// <summary>What was tried: open, read, write, sync, rename, delete, list.</summary>
    public string Operation { get; }

    /// <summary>On which file or directory.</summary>
    public string FilePath { get; }
}

/// <summary>Bytes that were durable do not read back as written. Never skipped, never served.</summary>
public sealed class CorruptFileException : IOException
{
    /// <summary>Creates the exception.</summary>
    public CorruptFileException(string path, long offset, string defect)
        : base($"{path} is damaged at byte {offset}: {defect}")
    {
        FilePath = path;
        Offset = offset;
        Defect = defect;
    }

    /// <summary>The damaged file.</summary>
    public string FilePath { get; }

    /// <summary>Where in the file.</summary>
    public long Offset { get; }

    /// <summary>What is wrong there.</summary>
    public string Defect { get; }
}
