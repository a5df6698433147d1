using Quorate.Core;

namespace Quorate.Simulation.Disk;

/// <summary>A file or directory, apart from its names.</summary>
internal abstract class SimNode
{
    /// <summary>Copies it and all below it; <paramref name="copies"/> keeps two names of one file one file.</summary>
    public abstract SimNode Copy(Dictionary<SimNode, SimNode> copies);
}

/// <summary>A directory: its names as readers see them, and as a crash leaves them.</summary>
internal sealed class SimDirectoryNode : SimNode
{
    public SortedDictionary<string, SimNode> Now { get; private set; } = new(StringComparer.Ordinal);

    public SortedDictionary<string, SimNode> Durable { get; } = new(StringComparer.Ordinal);

    public void ForgetPending() => Now = new(Durable, StringComparer.Ordinal);

    public override SimNode Copy(Dictionary<SimNode, SimNode> copies)
    {
        if (copies.TryGetValue(this, out SimNode? done)) { return done; }
        var copy = new SimDirectoryNode();
        copies.Add(this, copy);
        foreach ((string name, SimNode node) in Now) { copy.Now.Add(name, node.Copy(copies)); }
        foreach ((string name, SimNode node) in Durable) { copy.Durable.Add(name, node.Copy(copies)); }
        return copy;
    }
}

/// <summary>A change of names: create and link have no From, delete has no To, a rename has both.</summary>
internal sealed record NameChange(SimDirectoryNode? From, string FromName, SimDirectoryNode? To, string ToName, SimNode Node)
{
    /// <summary>
    /// Makes the chosen changes durable, in order, together with the earlier changes on the same names: a journal never
    /// keeps "b was created anew" without "the old b was renamed away".
    /// </summary>
    public static void Commit(List<NameChange> pending, Func<NameChange, bool> chosen)
    {
        var names = new HashSet<(SimDirectoryNode, string)>();
        bool[] kept = new bool[pending.Count];
        for (int i = pending.Count - 1; i >= 0; i--)
        {
            NameChange change = pending[i];
            kept[i] = chosen(change)
                || (change.From is not null && names.Contains((change.From, change.FromName)))
                || (change.To is not null && names.Contains((change.To, change.ToName)));
            if (!kept[i]) { continue; }
            if (change.From is not null) { names.Add((change.From, change.FromName)); }
            if (change.To is not null) { names.Add((change.To, change.ToName)); }
        }

        for (int i = 0; i < kept.Length; i++)
        {
            if (kept[i]) { pending[i].ApplyTo(static directory => directory.Durable); }
        }

        int next = 0;
        pending.RemoveAll(_ => kept[next++]);
    }

    public void ApplyTo(Func<SimDirectoryNode, SortedDictionary<string, SimNode>> names)
    {
        if (From is not null) { names(From).Remove(FromName); }
        if (To is not null) { names(To)[ToName] = Node; }
    }

    public NameChange Copy(Dictionary<SimNode, SimNode> copies) => new(
        (SimDirectoryNode?)From?.Copy(copies), FromName, (SimDirectoryNode?)To?.Copy(copies), ToName, Node.Copy(copies));
}

/// <summary>An open file of a <see cref="SimDisk"/>.</summary>
internal sealed class SimFile(SimDisk disk, SimFileNode node, string path, bool writable) : IFile
{
    private readonly int _life = disk.Life;
    private bool _closed;

    public string Path => path;

    public bool Writable => writable;

    public SimFileNode Node => node;

    public long Length
    {
        get
        {
            Check();
            return disk.Length(this);
        }
    }

    public int Read(long offset, Span<byte> buffer)
    {
        Check();
        return disk.Read(this, offset, buffer);
    }

    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        Check();
        disk.Write(this, offset, bytes);
    }

    public void SetLength(long length)
    {
        Check();
        disk.SetLength(this, length);
    }

    public void Sync()
    {
        Check();
        disk.Sync(this);
    }

    public void Dispose() => _closed = true;

    private void Check()
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        disk.FailIfDead(_life);
    }
}
