using Quorate.Core;

namespace Quorate.Simulation.Disk;

/// <summary>
/// A disk in memory that forgets at a crash what was not synced, as a real one may. <c>new SimDisk()</c> is also the plain
/// in-memory file system for tests that want no faults.
/// </summary>
/// <remarks>
/// Durable and pending state are kept apart: bytes are pending until their file is synced, names until their directory is
/// synced (a new directory is a name in the one above it; "" is the root, which is always there). Reads see pending state.
/// Everything is deterministic. Safe for use from several threads; then only the numbering of I/O events depends on them.
/// </remarks>
public sealed partial class SimDisk : IFileSystem
{
    private readonly Lock _lock = new();
    private readonly SimDirectoryNode _root;
    private readonly List<NameChange> _pendingNames = [];

    /// <summary>An empty disk without faults.</summary>
    public SimDisk()
        : this(new SimDirectoryNode())
    {
    }

    private SimDisk(SimDirectoryNode root) => _root = root;

    /// <inheritdoc/>
    public IFile Open(string path, OpenMode mode)
    {
        lock (_lock)
        {
            bool crash = Begin(mode == OpenMode.Create ? SimIoKind.Create : SimIoKind.Open, "open", path, 0);
            (SimDirectoryNode directory, string name) = Slot("open", path);
            SimNode? found = directory.Now.GetValueOrDefault(name);
            if (mode == OpenMode.Create)
            {
                if (found is not null) { throw Refused(DiskFault.Exists, "open", path); }
                found = new SimFileNode();
                Change(new NameChange(null, "", directory, name, found));
                CrashIf(crash);
            }

            return found switch
            {
                SimFileNode file => new SimFile(this, file, path, mode != OpenMode.Read),
                null => throw Refused(DiskFault.NotFound, "open", path),
                _ => throw Refused(DiskFault.Failed, "open", path, "it is a directory"),
            };
        }
    }

    /// <inheritdoc/>
    public bool Exists(string path)
    {
        lock (_lock)
        {
            FailIfDown();
            return Find(path) is not null;
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> List(string directory)
    {
        lock (_lock)
        {
            Begin(SimIoKind.List, "list", directory, 0);
            return [.. Directory("list", directory).Now.Keys];
        }
    }

    /// <inheritdoc/>
    public void CreateDirectory(string path)
    {
        lock (_lock)
        {
            FailIfDown();
            SimDirectoryNode directory = _root;
            foreach (string name in Parts(path))
            {
                SimNode? next = directory.Now.GetValueOrDefault(name);
                if (next is null)
                {
                    bool crash = Begin(SimIoKind.CreateDirectory, "create", path, 0);
                    next = new SimDirectoryNode();
                    Change(new NameChange(null, "", directory, name, next));
                    CrashIf(crash);
                }

                directory = next as SimDirectoryNode ?? throw Refused(DiskFault.Exists, "create", path, "it is a file");
            }
        }
    }

    /// <inheritdoc/>
    public void DeleteDirectory(string path)
    {
        lock (_lock)
        {
            FailIfDown();
            if (Find(path) is SimDirectoryNode directory)
            {
                Invariant.Holds(directory != _root, $"the root cannot be deleted");
                DeleteTree(path, directory);
            }
        }
    }

    /// <inheritdoc/>
    public void Delete(string path)
    {
        lock (_lock)
        {
            bool crash = Begin(SimIoKind.Delete, "delete", path, 0);
            (SimDirectoryNode directory, string name) = Slot("delete", path);
            if (!directory.Now.TryGetValue(name, out SimNode? node)) { throw Refused(DiskFault.NotFound, "delete", path); }
            if (node is not SimFileNode) { throw Refused(DiskFault.Failed, "delete", path, "it is a directory"); }
            Change(new NameChange(directory, name, null, "", node));
            CrashIf(crash);
        }
    }

    /// <inheritdoc/>
    public void Rename(string from, string to)
    {
        lock (_lock)
        {
            bool crash = Begin(SimIoKind.Rename, "rename", from, 0);
            (SimDirectoryNode fromDirectory, string fromName) = Slot("rename", from);
            (SimDirectoryNode toDirectory, string toName) = Slot("rename", to);
            SimNode node = fromDirectory.Now.GetValueOrDefault(fromName) ?? throw Refused(DiskFault.NotFound, "rename", from);
            SimNode? replaced = toDirectory.Now.GetValueOrDefault(toName);
            if (replaced == node) { return; }
            if (replaced is not null && (node is not SimFileNode || replaced is not SimFileNode))
            {
                throw Refused(DiskFault.Exists, "rename", to);
            }

            Change(new NameChange(fromDirectory, fromName, toDirectory, toName, node));
            CrashIf(crash);
        }
    }

    /// <inheritdoc/>
    public void HardLink(string existing, string added)
    {
        lock (_lock)
        {
            bool crash = Begin(SimIoKind.Link, "link", added, 0);
            SimNode? node = Find(existing);
            (SimDirectoryNode directory, string name) = Slot("link", added);
            if (node is not SimFileNode) { throw Refused(DiskFault.NotFound, "link", existing); }
            if (directory.Now.ContainsKey(name)) { throw Refused(DiskFault.Exists, "link", added); }
            Change(new NameChange(null, "", directory, name, node));
            CrashIf(crash);
        }
    }

    /// <inheritdoc/>
    public void SyncDirectory(string directory)
    {
        lock (_lock)
        {
            bool crash = Begin(SimIoKind.SyncDirectory, "sync", directory, 0);
            SimDirectoryNode synced = Directory("sync", directory);
            CrashIf(crash);
            NameChange.Commit(_pendingNames, change => change.From == synced || change.To == synced);
        }
    }

    internal int Read(SimFile file, long offset, Span<byte> buffer)
    {
        lock (_lock)
        {
            Begin(SimIoKind.Read, "read", file.Path, buffer.Length);
            return file.Node.Read(offset, buffer);
        }
    }

    internal void Write(SimFile file, long offset, ReadOnlySpan<byte> bytes)
    {
        lock (_lock)
        {
            RequireWritable(file, "write");
            bool crash;
            try
            {
                crash = Begin(SimIoKind.Write, "write", file.Path, bytes.Length);
            }
            catch (DiskException)
            {
                // A write that fails may have written a part.
                file.Node.Write(offset, bytes[..(bytes.Length / 2)]);
                throw;
            }

            RequireSpace(file, offset, bytes);
            file.Node.Write(offset, bytes);
            CrashIf(crash);
        }
    }

    internal void SetLength(SimFile file, long length)
    {
        lock (_lock)
        {
            RequireWritable(file, "write");
            bool crash = Begin(SimIoKind.SetLength, "write", file.Path, 0);
            if (QuotaBytes != long.MaxValue && UsedBytes() + length - file.Node.Length > QuotaBytes)
            {
                throw Injected(DiskFault.Full, "write", file.Path);
            }


            file.Node.SetLength(length);
            CrashIf(crash);
        }
    }

    internal void Sync(SimFile file)
    {
        lock (_lock)
        {
            bool crash;
            try
            {
                crash = Begin(SimIoKind.Sync, "sync", file.Path, 0);
            }
            catch (DiskException)
            {
                // Linux marks the pages clean: a later sync "succeeds" and the bytes are gone (Rebello et al., ATC 2020).
                file.Node.ForgetPending();
                throw;
            }

            CrashIf(crash);
            file.Node.Sync();
        }
    }

    internal long Length(SimFile file)
    {
        lock (_lock)
        {
            FailIfDown();
            return file.Node.Length;
        }
    }

    private static string[] Parts(string path) =>
        [.. path.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(part => part != ".")];

    private static DiskException Refused(DiskFault fault, string operation, string path, string? detail = null) =>
        new(fault, operation, path, detail ?? $"simulated {fault}");

    private static void RequireWritable(SimFile file, string operation)
    {
        if (!file.Writable) { throw Refused(DiskFault.Failed, operation, file.Path, "it was opened for reading"); }
    }

    private void Change(NameChange change)
    {
        change.ApplyTo(static directory => directory.Now);
        _pendingNames.Add(change);
    }

    private SimNode? Find(string path)
    {
        SimNode? node = _root;
        foreach (string name in Parts(path))
        {
            node = (node as SimDirectoryNode)?.Now.GetValueOrDefault(name);
            if (node is null) { return null; }
        }

        return node;
    }

    private SimDirectoryNode Directory(string operation, string path) =>
        Find(path) as SimDirectoryNode ?? throw Refused(DiskFault.NotFound, operation, path);

    // The directory that holds the last part of a path, and that part.
    private (SimDirectoryNode Directory, string Name) Slot(string operation, string path)
    {
        string[] parts = Parts(path);
        Invariant.Holds(parts.Length > 0, $"{operation} of the root");
        string above = string.Join('/', parts[..^1]);
        return (Find(above) as SimDirectoryNode ?? throw Refused(DiskFault.NotFound, operation, path), parts[^1]);
    }

    private void DeleteTree(string path, SimDirectoryNode directory)
    {
        foreach ((string name, SimNode node) in directory.Now.ToArray())
        {
            string below = $"{path}/{name}";
            if (node is SimDirectoryNode child) { DeleteTree(below, child); }
            else { Delete(below); }
        }

        bool crash = Begin(SimIoKind.DeleteDirectory, "delete", path, 0);
        (SimDirectoryNode above, string own) = Slot("delete", path);
        Change(new NameChange(above, own, null, "", directory));
        CrashIf(crash);
    }
}
