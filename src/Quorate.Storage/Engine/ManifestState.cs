using Quorate.Core;

namespace Quorate.Storage.Engine;

/// <summary>What a manifest says when all its edits are applied.</summary>
internal sealed class ManifestState
{
    private readonly SortedDictionary<ulong, (int Level, TableInfo Table)> _tables = [];

    public ulong NextFile { get; private set; } = 1;

    public LogPosition Position { get; private set; }

    public IEnumerable<(int Level, TableInfo Table)> Tables => _tables.Values;

    // What is wrong with the edit; null if nothing is and it was applied.
    public string? Apply(ManifestEdit edit)
    {
        if (edit.NextFile < NextFile) { return $"file numbers go back from {NextFile} to {edit.NextFile}"; }
        if (edit.Position is { } position)
        {
            if (position.Index < Position.Index) { return $"the position goes back from {Position} to {position}"; }
            Position = position;
        }

        NextFile = edit.NextFile;
        foreach (ulong number in edit.Removed)
        {
            if (!_tables.Remove(number)) { return $"file {number:x16} is removed but not there"; }
        }

        foreach ((int level, TableInfo table) in edit.Added)
        {
            if (table.Number >= NextFile) { return $"file {table.Number:x16} is not below the next number, {NextFile:x16}"; }
            if (!_tables.TryAdd(table.Number, (level, table))) { return $"file {table.Number:x16} is added twice"; }
        }

        return null;
    }

    // What is wrong with the whole; null if nothing is.
    public string? CheckLevels()
    {
        for (int level = 1; level < TableSet.LevelCount; level++)
        {
            TableInfo[] sorted = [.. _tables.Values.Where(entry => entry.Level == level).Select(entry => entry.Table)];
            Array.Sort(sorted, static (a, b) => a.Smallest.AsSpan().SequenceCompareTo(b.Smallest));
            for (int i = 1; i < sorted.Length; i++)
            {
                if (sorted[i - 1].Largest.AsSpan().SequenceCompareTo(sorted[i].Smallest) >= 0)
                {
                    return $"files {sorted[i - 1].Name} and {sorted[i].Name} of level {level} overlap";
                }
            }
        }

        foreach ((int _, TableInfo table) in _tables.Values)
        {
            if (table.Smallest.AsSpan().SequenceCompareTo(table.Largest) > 0) { return $"file {table.Name} ends before it begins"; }
        }

        return null;
    }

    // The one edit that makes this state out of nothing.
    public ManifestEdit ToEdit() => new(NextFile, Position, [], [.. _tables.Values]);
}

/// <summary>A manifest that was read.</summary>
/// <param name="State">What it says.</param>
/// <param name="Generation">Of the file.</param>
/// <param name="End">Where the next edit belongs.</param>
/// <param name="TornBytes">Bytes behind that of an edit that was never finished; 0 if there is none.</param>
/// <param name="IsSealed">The last edit was synced: a seal is behind it.</param>
internal sealed record ManifestContent(ManifestState State, ulong Generation, long End, long TornBytes, bool IsSealed)
{
    private const int MaxBytes = 1024 * 1024 * 1024; // Far beyond what a manifest is allowed to grow to.

    public static byte[] ReadFile(IFileSystem files, string path)
    {
        using IFile file = files.Open(path, OpenMode.Read);
        long length = file.Length;
        if (length > MaxBytes) { throw new CorruptFileException(path, 0, $"{length} bytes are no manifest"); }
        byte[] bytes = new byte[length];
        return file.Read(0, bytes) == bytes.Length ? bytes : throw new CorruptFileException(path, length, "it ends early");
    }

    /// <exception cref="CorruptFileException">Anything but an unfinished edit at the end is wrong.</exception>
    public static ManifestContent Parse(ReadOnlySpan<byte> file, string path)
    {
        if (ManifestFormat.CheckHeader(file, out ulong generation) is { } defect) { throw new CorruptFileException(path, 0, defect); }
        var state = new ManifestState();
        long end = ManifestFormat.PageBytes;
        long last = end;
        bool wasSealed = false;
        while (end < file.Length)
        {
            ReadOnlySpan<byte> payload = ManifestFormat.PayloadAt(file, generation, end);
            if (payload.IsEmpty) { break; }
            if (payload[0] == ManifestFormat.SealType)
            {
                wasSealed = true;
                break;
            }

            var reader = new ByteReader(payload[1..]);
            ManifestEdit? edit = payload[0] == ManifestFormat.EditType ? ManifestEdit.TryRead(ref reader) : null;
            if (edit is null) { throw new CorruptFileException(path, end, "an edit is malformed"); }
            if (state.Apply(edit) is { } contradiction) { throw new CorruptFileException(path, end, contradiction); }
            last = end;
            end += ManifestFormat.PagesFor(payload.Length);
        }

        // A manifest gets its name only when its first edit is durable.
        if (end == ManifestFormat.PageBytes) { throw new CorruptFileException(path, end, "the first edit does not read back as written"); }
        if (state.CheckLevels() is { } overlap) { throw new CorruptFileException(path, last, overlap); }

        // An edit is written only when those before it are durable: something whole behind a defect means that the defect was
        // whole once. (Behind a seal there may be the rest of an edit that did not fit on a full disk: never a whole one.)
        for (long at = end + ManifestFormat.PageBytes; at < file.Length; at += ManifestFormat.PageBytes)
        {
            if (!ManifestFormat.PayloadAt(file, generation, at).IsEmpty)
            {
                throw new CorruptFileException(path, end, $"an edit does not read back as written; a whole one follows at {at}");
            }
        }

        return new ManifestContent(state, generation, end, wasSealed ? 0 : Math.Max(0, file.Length - end), wasSealed);
    }
}
