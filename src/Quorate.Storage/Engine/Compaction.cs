using System.Collections.Immutable;

namespace Quorate.Storage.Engine;

/// <summary>Which files are to be merged. All are of one set of tables, which the job holds.</summary>
internal sealed class Compaction
{
    private readonly ImmutableArray<ImmutableArray<TableFile>> _inputs; // By level; level 0 newest first.
    private readonly ImmutableArray<ImmutableArray<TableFile>> _others; // From this level down, those that take no part.

    private Compaction(TableSet tables, int fromLevel, int toLevel, ImmutableArray<ImmutableArray<TableFile>> inputs)
    {
        FromLevel = fromLevel;
        ToLevel = toLevel;
        _inputs = inputs;
        Inputs = [.. inputs.SelectMany(level => level)];
        var taken = new SortedSet<ulong>(Inputs.Select(table => table.Info.Number));
        _others = [.. tables.Levels.Skip(fromLevel).Select(level => level.Where(table => !taken.Contains(table.Info.Number)).ToImmutableArray())];
        (Smallest, Largest) = RangeOf(Inputs);
        IsBottommost = Enumerable.Range(toLevel + 1, TableSet.LevelCount - toLevel - 1)
            .All(level => Overlapping(tables.Levels[level], Smallest, Largest).IsEmpty);
    }

    public int FromLevel { get; }

    public int ToLevel { get; }

    public ImmutableArray<TableFile> Inputs { get; }

    public byte[] Smallest { get; }

    public byte[] Largest { get; }

    // True if no file below holds keys of the range: a deleted key has nothing left to hide.
    public bool IsBottommost { get; }

    // A single file that meets none below: it can change its level without being rewritten.
    public bool IsMove => Inputs.Length == 1 && FromLevel > 0;

    // The merge that is needed most, or null. Marks is where each level's last merge ended: the next one goes on there.
    public static Compaction? Pick(TableSet tables, EngineOptions options, byte[][] marks)
    {
        int from = -1;
        Int128 most = 999;
        Int128 target = options.Level1Bytes;
        for (int level = 0; level < TableSet.LevelCount - 1; level++)
        {
            // Thousandths of what the level should hold; whole numbers, the same on every machine.
            Int128 score = level == 0
                ? (Int128)tables.Levels[0].Length * 1000 / options.Level0Files
                : (Int128)tables.BytesOf(level) * 1000 / target;
            if (level > 0) { target *= 10; }
            if (score > most)
            {
                from = level;
                most = score;
            }
        }

        if (from < 0) { return null; }
        ImmutableArray<TableFile> upper = tables.Levels[from];
        if (from > 0)
        {
            int at = TableSet.FirstNotBefore(upper, [.. marks[from], 0]);
            upper = [upper[at < upper.Length ? at : 0]];
            marks[from] = upper[0].Info.Largest;
        }

        (byte[] smallest, byte[] largest) = RangeOf(upper);
        var inputs = new ImmutableArray<TableFile>[TableSet.LevelCount];
        Array.Fill(inputs, []);
        inputs[from] = upper;
        inputs[from + 1] = Overlapping(tables.Levels[from + 1], smallest, largest);
        return new(tables, from, from + 1, [.. inputs]);
    }

    // Everything into one level, the lowest in use. Null if there is nothing.
    public static Compaction? PickAll(TableSet tables)
    {
        int last = -1;
        int first = TableSet.LevelCount;
        for (int level = 0; level < TableSet.LevelCount; level++)
        {
            if (tables.Levels[level].IsEmpty) { continue; }
            last = level;
            first = Math.Min(first, level);
        }

        return last < 0 ? null : new(tables, first, Math.Max(1, last), tables.Levels);
    }

    // The first file of a level that is older than a number, to be merged into the next level, or rewritten where it is if there is
    // nothing below. All of level 0 at once. Null if all are newer.
    public static Compaction? PickOld(TableSet tables, int level, ulong before)
    {
        TableFile? old = tables.Levels[level].FirstOrDefault(table => table.Info.Number < before);
        if (old is null) { return null; }
        int toLevel = level == 0 || !tables.IsLowest(level) ? level + 1 : level;
        ImmutableArray<TableFile> upper = level == 0 ? tables.Levels[0] : [old];
        (byte[] smallest, byte[] largest) = RangeOf(upper);
        var inputs = new ImmutableArray<TableFile>[TableSet.LevelCount];
        Array.Fill(inputs, []);
        inputs[level] = upper;
        if (toLevel > level) { inputs[toLevel] = Overlapping(tables.Levels[toLevel], smallest, largest); }
        return new(tables, level, toLevel, [.. inputs]);
    }

    public MergingCursor OpenCursor()
    {
        var sources = new List<SourceCursor>();
        foreach (TableFile table in _inputs[0]) { sources.Add(new TableCursor(keepInCache: false).On(table)); }
        for (int level = 1; level < TableSet.LevelCount; level++)
        {
            if (!_inputs[level].IsEmpty) { sources.Add(new LevelCursor(_inputs[level], keepInCache: false)); }
        }

        return new MergingCursor([.. sources]);
    }

    // True if no file outside of this merge holds an older record that begins with the prefix: one below, or a neighbour that
    // the prefix reaches into.
    public bool HoldsAllOf(ReadOnlySpan<byte> prefix)
    {
        foreach (ImmutableArray<TableFile> level in _others)
        {
            int at = TableSet.FirstNotBefore(level, prefix);
            if (at < level.Length && StartsAtOrBefore(level[at].Info.Smallest, prefix)) { return false; }
        }

        return true;
    }

    // True unless all keys from this one on are behind those with the prefix.
    public static bool StartsAtOrBefore(ReadOnlySpan<byte> key, ReadOnlySpan<byte> prefix) =>
        key[..Math.Min(key.Length, prefix.Length)].SequenceCompareTo(prefix) <= 0;

    // Twice as many files as the input would fill, and some: outputs are seldom larger than what they came from.
    public int ReservedNumbers(EngineOptions options) =>
        (int)Math.Min(1_000_000, 16 + (2 * Inputs.Sum(table => table.Info.Length) / options.FileBytes));

    private static (byte[] Smallest, byte[] Largest) RangeOf(ImmutableArray<TableFile> tables)
    {
        byte[] smallest = tables[0].Info.Smallest;
        byte[] largest = tables[0].Info.Largest;
        foreach (TableFile table in tables)
        {
            if (table.Info.Smallest.AsSpan().SequenceCompareTo(smallest) < 0) { smallest = table.Info.Smallest; }
            if (table.Info.Largest.AsSpan().SequenceCompareTo(largest) > 0) { largest = table.Info.Largest; }
        }

        return (smallest, largest);
    }

    private static ImmutableArray<TableFile> Overlapping(ImmutableArray<TableFile> tables, byte[] smallest, byte[] largest) =>
        [.. tables.Where(table => table.Info.Overlaps(smallest, largest))];
}
