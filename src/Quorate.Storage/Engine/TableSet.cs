using System.Collections.Immutable;

namespace Quorate.Storage.Engine;

/// <summary>
/// The table files that together are the flushed state. Level 0: the newest file first, ranges overlap. Below: sorted, without
/// overlap; of a key, whatever is in a higher level is newer. Immutable; keeps its files on disk while anybody holds it.
/// </summary>
internal sealed class TableSet : Shared
{
    public const int LevelCount = 7; // 64 MiB * 10^5 at the bottom: never reached.
    public const int Bottom = LevelCount - 1;

    private readonly long[] _bytes = new long[LevelCount];

    // Takes a reference on every file.
    public TableSet(ImmutableArray<ImmutableArray<TableFile>> levels)
    {
        Levels = levels;
        for (int level = 0; level < LevelCount; level++)
        {
            foreach (TableFile table in levels[level])
            {
                table.Acquire();
                _bytes[level] += table.Info.Length;
                Records += (long)table.Info.Records;
            }
        }

        Bytes = _bytes.Sum();
        ImmutableArray<ImmutableArray<TableFile>> level0 = RunsOf(levels[0]);
        Level0Runs = level0.Length;
        Runs = [.. level0, .. levels.Skip(1).Where(static level => !level.IsEmpty)];
    }

    public ImmutableArray<ImmutableArray<TableFile>> Levels { get; }

    // What readers ask one after another: the runs of level 0, then the levels that have files. Each is sorted and without overlap,
    // and newer than those behind it.
    public ImmutableArray<ImmutableArray<TableFile>> Runs { get; }

    // Sub-levels of level 0: of so many files of it a key may have to be looked for.
    public int Level0Runs { get; }

    public long Bytes { get; }

    public long Records { get; }

    // True if no level below has files.
    public bool IsLowest(int level) => Levels.Skip(level + 1).All(static below => below.IsEmpty);

    public long BytesOf(int level) => _bytes[level];

    // The first file of a sorted level whose largest key is not before the given one.
    public static int FirstNotBefore(ImmutableArray<TableFile> level, ReadOnlySpan<byte> key)
    {
        int low = 0;
        int high = level.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (level[middle].Info.Largest.AsSpan().SequenceCompareTo(key) < 0) { low = middle + 1; }
            else { high = middle; }
        }

        return low;
    }

    // The set after files went and came. The new one is the caller's; files that went are not told so here.
    public TableSet With(IReadOnlyCollection<TableFile> removed, IEnumerable<(int Level, TableFile Table)> added)
    {
        var levels = new List<TableFile>[LevelCount];
        for (int level = 0; level < LevelCount; level++) { levels[level] = [.. Levels[level].Where(table => !removed.Contains(table))]; }
        foreach ((int level, TableFile table) in added) { levels[level].Add(table); }
        return Of(levels);
    }

    public static TableSet Of(IReadOnlyList<List<TableFile>> levels)
    {
        levels[0].Sort(static (a, b) => b.Info.Number.CompareTo(a.Info.Number));
        return new TableSet([[.. levels[0]], .. levels.Skip(1).Select(Sorted)]);
    }

    // Each file lies on the highest run of those that it overlaps and that are older; so what is newer is in a higher run. The highest first.
    private static ImmutableArray<ImmutableArray<TableFile>> RunsOf(ImmutableArray<TableFile> newestFirst)
    {
        var runs = new List<List<TableFile>>();
        for (int i = newestFirst.Length - 1; i >= 0; i--)
        {
            TableInfo info = newestFirst[i].Info;
            int run = runs.FindLastIndex(files => files.Exists(file => file.Info.Overlaps(info.Smallest, info.Largest))) + 1;
            if (run == runs.Count) { runs.Add([]); }
            runs[run].Add(newestFirst[i]);
        }

        runs.Reverse();
        return [.. runs.Select(Sorted)];
    }

    private static ImmutableArray<TableFile> Sorted(List<TableFile> files)
    {
        files.Sort(static (a, b) => a.Info.Smallest.AsSpan().SequenceCompareTo(b.Info.Smallest));
        return [.. files];
    }

    protected override void Free()
    {
        foreach (ImmutableArray<TableFile> level in Levels)
        {
            foreach (TableFile table in level) { table.Release(); }
        }
    }
}

/// <summary>Walks a sorted level, or a run of its files, as one.</summary>
internal sealed class LevelCursor(ImmutableArray<TableFile> tables, BlockUse use) : SourceCursor
{
    private readonly TableCursor _cursor = new(use);
    private int _at = -1;

    public override bool IsValid => _at >= 0 && _cursor.IsValid;

    public override ReadOnlySpan<byte> Key => _cursor.Key;

    public override ReadOnlySpan<byte> Value => _cursor.Value;

    public override bool IsTombstone => _cursor.IsTombstone;

    public override void SeekFirst()
    {
        if (To(0)) { _cursor.SeekFirst(); }
    }

    public override void SeekLast()
    {
        if (To(tables.Length - 1)) { _cursor.SeekLast(); }
    }

    public override void Seek(ReadOnlySpan<byte> key)
    {
        if (To(TableSet.FirstNotBefore(tables, key))) { _cursor.Seek(key); }
    }

    public override void SeekBefore(ReadOnlySpan<byte> key)
    {
        int at = TableSet.FirstNotBefore(tables, key);
        if (at == tables.Length || tables[at].Info.Smallest.AsSpan().SequenceCompareTo(key) >= 0)
        {
            if (To(at - 1)) { _cursor.SeekLast(); }
        }
        else if (To(at)) { _cursor.SeekBefore(key); }
    }

    public override void Next()
    {
        _cursor.Next();
        if (!_cursor.IsValid && To(_at + 1)) { _cursor.SeekFirst(); }
    }

    public override void Previous()
    {
        _cursor.Previous();
        if (!_cursor.IsValid && To(_at - 1)) { _cursor.SeekLast(); }
    }

    public override void Release()
    {
        _at = -1;
        _cursor.Release();
    }

    private bool To(int at)
    {
        _at = at < tables.Length ? at : -1;
        if (_at >= 0) { _cursor.On(tables[_at]); }
        return _at >= 0;
    }
}
