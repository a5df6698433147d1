using Quorate.Core;

namespace Quorate.Simulation.Disk;

/// <summary>A kind of I/O event.</summary>
public enum SimIoKind
{
    /// <summary>An existing file is opened.</summary>
    Open,

    /// <summary>Bytes are read.</summary>
    Read,

    /// <summary>A directory is listed.</summary>
    List,

    /// <summary>A file is created. This kind and all after it are changes.</summary>
    Create,

    /// <summary>Bytes are written.</summary>
    Write,

    /// <summary>A file is cut or extended.</summary>
    SetLength,

    /// <summary>A file is synced.</summary>
    Sync,

    /// <summary>A file or directory gets a new name.</summary>
    Rename,

    /// <summary>A file gets a second name.</summary>
    Link,

    /// <summary>A file's name is removed.</summary>
    Delete,

    /// <summary>A directory is created.</summary>
    CreateDirectory,

    /// <summary>A directory that is empty by now is removed.</summary>
    DeleteDirectory,

    /// <summary>A directory is synced.</summary>
    SyncDirectory,
}

/// <summary>One call that reached the disk.</summary>
/// <param name="Number">1 for the disk's first event.</param>
/// <param name="Kind">What was asked for.</param>
/// <param name="Path">Of which file or directory; the old name of a rename.</param>
/// <param name="Bytes">Bytes to be read or written; 0 otherwise.</param>
public readonly record struct SimIo(long Number, SimIoKind Kind, string Path, int Bytes)
{
    /// <summary>True if the event can change what a crash leaves behind.</summary>
    public bool IsChange => Kind >= SimIoKind.Create;
}

/// <summary>The simulated power went out. The disk refuses everything until <see cref="SimDisk.Crash()"/>; never catch it in product code.</summary>
public sealed class SimCrashException(string message) : Exception(message);

/// <summary>What a crash did to the pending state.</summary>
/// <param name="KeptSectors">Pending sectors that survived.</param>
/// <param name="LostSectors">Pending sectors that did not.</param>
/// <param name="TornSectors">Pending sectors that were left half written or as garbage.</param>
/// <param name="LostNames">Creations, deletions, renames and links that were undone.</param>
public readonly record struct SimCrashReport(int KeptSectors, int LostSectors, int TornSectors, int LostNames);

/// <summary>What a crash leaves of the pending state.</summary>
/// <param name="KeepPercent">Chance that a pending 512-byte sector, or length, survives.</param>
/// <param name="TearPercent">Chance that a pending sector is left half written or as garbage. The rest is dropped.</param>
/// <param name="KeepNamePercent">
/// Chance that a pending create, delete, rename or link survives; with it survive the earlier ones on the same name. A
/// rename is atomic: both names change or none.
/// </param>
public sealed record SimCrash(int KeepPercent, int TearPercent, int KeepNamePercent)
{
    /// <summary>Only what was synced is left: the default.</summary>
    public static readonly SimCrash LoseUnsynced = new(0, 0, 0);

    /// <summary>Everything is left, as after a kill of the process alone.</summary>
    public static readonly SimCrash KeepAll = new(100, 0, 100);

    /// <summary>Each sector and name on its own: 40 % kept, 20 % torn, half of the names kept.</summary>
    public static readonly SimCrash Mixed = new(40, 20, 50);
}

public sealed partial class SimDisk
{
    private bool _down;
    private bool _isAside;

    /// <summary>I/O events so far, reads included.</summary>
    public long Events { get; private set; }

    /// <summary>I/O events so far that can change what a crash leaves behind: the points of a crash-point sweep.</summary>
    public long Changes { get; private set; }

    /// <summary>
    /// The power goes out in the change of this number (1 is the first): its effect is pending, a sync has not happened,
    /// and <see cref="SimCrashException"/> is thrown. Null: never.
    /// </summary>
    public long? CrashAtChange { get; set; }

    /// <summary>The event of this number fails with <see cref="DiskFault.Failed"/>. Null: none.</summary>
    public long? FailAtEvent { get; set; }

    /// <summary>
    /// Asked before every event: the fault it shall fail with, or null. A write that fails has written half of its bytes; a
    /// sync that fails has lost the file's pending bytes for good although reads still show them.
    /// </summary>
    public Func<SimIo, DiskFault?>? Fault { get; set; }

    /// <summary>Until it is disposed, what is read is no event and is not refused: for checks from outside. One at a time.</summary>
    public IDisposable Aside() => new Looking(this);

    /// <summary>Events so far that a fault or the quota refused.</summary>
    public int Refusals { get; private set; }

    /// <summary>Most bytes that the files together may have; writes beyond it fail with <see cref="DiskFault.Full"/>.</summary>
    public long QuotaBytes { get; set; } = long.MaxValue;

    /// <summary>Bytes of all files that have a name, each counted once.</summary>
    public long UsedBytes()
    {
        lock (_lock)
        {
            long used = 0;
            Visit(_root, [], file => used += file.Length);
            return used;
        }
    }

    /// <summary>Power cut and restart: everything that was not synced is lost, open files are dead.</summary>
    public void Crash() => Crash(new Prng(0), SimCrash.LoseUnsynced);

    /// <summary>The process ends and the machine goes on: open files are dead, what is pending stays pending.</summary>
    public void Exit()
    {
        lock (_lock)
        {
            Life++;
            _down = false;
            CrashAtChange = null;
            FailAtEvent = null;
        }
    }

    /// <summary>No fault, no quota and no power cut is to come any more. What was lost or damaged stays so.</summary>
    public void Mend()
    {
        lock (_lock)
        {
            Fault = null;
            FailAtEvent = null;
            CrashAtChange = null;
            QuotaBytes = long.MaxValue;
        }
    }

    /// <summary>Power cut and restart. Open files are dead; <see cref="CrashAtChange"/> and <see cref="FailAtEvent"/> are cleared.</summary>
    /// <param name="random">Decides about each pending sector and name; not used where the chances are 0 or 100.</param>
    /// <param name="outcome">What is left of the pending state; null for <see cref="SimCrash.LoseUnsynced"/>.</param>
    public SimCrashReport Crash(Prng random, SimCrash? outcome = null)
    {
        lock (_lock)
        {
            outcome ??= SimCrash.LoseUnsynced;
            NameChange.Commit(_pendingNames, _ => Roll(random, outcome.KeepNamePercent));
            var report = new SimCrashReport { LostNames = _pendingNames.Count };
            _pendingNames.Clear();
            Visit(_root, [], file => report = file.Crash(random, outcome, report), directory => directory.ForgetPending());
            Exit();
            return report;
        }
    }

    /// <summary>Copies the disk, pending state included, without faults and open files: to try several crashes from one point.</summary>
    public SimDisk Clone()
    {
        lock (_lock)
        {
            var copies = new Dictionary<SimNode, SimNode>();
            var copy = new SimDisk((SimDirectoryNode)_root.Copy(copies));
            copy._pendingNames.AddRange(_pendingNames.Select(change => change.Copy(copies)));
            return copy;
        }
    }

    /// <summary>All bytes of a file as a reader sees them. No I/O event.</summary>
    public byte[] ReadAll(string path)
    {
        lock (_lock)
        {
            SimFileNode file = FileAt(path);
            byte[] bytes = new byte[file.Length];
            file.Read(0, bytes);
            return bytes;
        }
    }

    /// <summary>Puts a durable file in place, replacing one of that name; creates its directories. No I/O event.</summary>
    public void Put(string path, ReadOnlySpan<byte> bytes)
    {
        lock (_lock)
        {
            var file = new SimFileNode();
            file.Write(0, bytes);
            file.Sync();
            SimDirectoryNode directory = _root;
            string[] parts = Parts(path);
            foreach (string part in parts[..^1])
            {
                if (!directory.Now.TryGetValue(part, out SimNode? next)) { directory.Now[part] = next = new SimDirectoryNode(); }
                directory.Durable[part] = next;
                directory = (SimDirectoryNode)next;
            }

            directory.Now[parts[^1]] = file;
            directory.Durable[parts[^1]] = file;
        }
    }

    /// <summary>Bit rot: flips one bit of what is stored, durable and pending alike. No I/O event.</summary>
    /// <param name="path">The file.</param>
    /// <param name="bit">Eight times the byte's offset, plus 0 to 7 from the lowest bit.</param>
    public void FlipBit(string path, long bit)
    {
        lock (_lock) { FileAt(path).Flip(bit); }
    }

    /// <summary>The disk is replaced by an empty one. Open files are dead.</summary>
    public void Erase()
    {
        lock (_lock)
        {
            _pendingNames.Clear();
            _root.Now.Clear();
            _root.Durable.Clear();
            Life++;
        }
    }

    /// <summary>The disk is replaced by a copy of another one. Open files are dead.</summary>
    public void Restore(SimDisk image)
    {
        SimDirectoryNode copy = image.Clone()._root;
        lock (_lock)
        {
            Erase();
            foreach ((string name, SimNode node) in copy.Now) { _root.Now.Add(name, node); }
            foreach ((string name, SimNode node) in copy.Durable) { _root.Durable.Add(name, node); }
        }
    }

    internal int Life { get; private set; }

    internal static bool Roll(Prng random, int percent) => percent switch
    {
        <= 0 => false,
        >= 100 => true,
        _ => random.Chance(percent, 100),
    };

    internal void FailIfDead(int life)
    {
        if (life != Life) { throw new SimCrashException("this handle was opened before the crash"); }
    }

    /// <summary>Paths of all files, in ordinal order. No I/O event.</summary>
    public IReadOnlyList<string> Files()
    {
        lock (_lock)
        {
            var paths = new List<string>();
            Walk("", _root);
            return paths;

            void Walk(string above, SimDirectoryNode directory)
            {
                foreach ((string name, SimNode node) in directory.Now)
                {
                    if (node is SimDirectoryNode below) { Walk($"{above}{name}/", below); }
                    else { paths.Add(above + name); }
                }
            }
        }
    }

    private static void Visit(
        SimNode node, HashSet<SimNode> seen, Action<SimFileNode> onFile, Action<SimDirectoryNode>? onDirectory = null)
    {
        if (!seen.Add(node)) { return; }
        if (node is SimFileNode file)
        {
            onFile(file);
            return;
        }

        var directory = (SimDirectoryNode)node;
        onDirectory?.Invoke(directory);
        foreach (SimNode child in directory.Now.Values) { Visit(child, seen, onFile, onDirectory); }
    }

    private SimFileNode FileAt(string path) =>
        Find(path) as SimFileNode ?? throw Refused(DiskFault.NotFound, "open", path);

    private void FailIfDown()
    {
        if (_down) { throw new SimCrashException("the power is out"); }
    }

    // Counts the event and lets it fail. True: carry it out as far as pending state goes, then call CrashIf.
    private bool Begin(SimIoKind kind, string operation, string path, int bytes)
    {
        FailIfDown();
        if (_isAside) { return false; }
        Events++;
        var io = new SimIo(Events, kind, path, bytes);
        if (io.IsChange) { Changes++; }
        DiskFault? fault = FailAtEvent == Events ? DiskFault.Failed : Fault?.Invoke(io);
        return fault is { } refusal
            ? throw Injected(refusal, operation, path)
            : io.IsChange && Changes == CrashAtChange;
    }

    private DiskException Injected(DiskFault fault, string operation, string path)
    {
        Refusals++;
        return Refused(fault, operation, path);
    }

    private void CrashIf(bool crash)
    {
        if (!crash) { return; }
        _down = true;
        throw new SimCrashException($"power cut in change {Changes}");
    }

    private sealed class Looking : IDisposable
    {
        private readonly SimDisk _disk;

        public Looking(SimDisk disk)
        {
            _disk = disk;
            disk._isAside = true;
        }

        public void Dispose() => _disk._isAside = false;
    }

    private void RequireSpace(SimFile file, long offset, ReadOnlySpan<byte> bytes)
    {
        if (QuotaBytes == long.MaxValue) { return; }
        long growth = Math.Max(0, offset + bytes.Length - file.Node.Length);
        long room = QuotaBytes - UsedBytes();
        if (growth <= room) { return; }
        long fits = Math.Clamp(bytes.Length - growth + room, 0, bytes.Length);
        file.Node.Write(offset, bytes[..(int)fits]);
        throw Injected(DiskFault.Full, "write", file.Path);
    }
}
