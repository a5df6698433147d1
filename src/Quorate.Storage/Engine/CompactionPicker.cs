using System.Collections.Immutable;

namespace Quorate.Storage.Engine;

/// <summary>Decides which files are merged next. Depends on nothing but the files and the sizes, so the plan can be tested without a disk.</summary>
internal static class CompactionPicker
{
    private const int DearFactor = 4; // Bytes of the base rewritten for each of level 0 above which it waits and is merged within itself.

    // The merge that is needed most, or null.
    public static Compaction? Pick(TableSet tables, EngineOptions options)
    {
        LevelShape shape = ShapeOf(tables, options);
        int from = -1;
        Int128 most = 999;
        for (int level = 0; level < TableSet.Bottom; level++)
        {
            Int128 score = ScoreOf(tables, level, shape, options);
            if (score > most)
            {
                from = level;
                most = score;
            }
        }

        return from switch
        {
            < 0 => null,
            0 => PickLevel0(tables, options, shape),
            _ => PickFile(tables, from, NextUsed(tables, from, shape.Base)),
        };
    }

    public static LevelShape ShapeOf(TableSet tables, EngineOptions options)
    {
        long largest = 0;
        for (int level = 1; level < TableSet.LevelCount; level++) { largest = Math.Max(largest, tables.BytesOf(level)); }
        return new(largest, options.Level1Bytes);
    }

    // Bytes that the levels hold beyond what they should: they will be merged though nothing more is written.
    public static long DebtOf(TableSet tables, EngineOptions options)
    {
        LevelShape shape = ShapeOf(tables, options);
        Int128 debt = ScoreOf(tables, 0, shape, options) > 999 ? tables.BytesOf(0) : 0;
        for (int level = 1; level < TableSet.Bottom; level++) { debt += Int128.Max(0, tables.BytesOf(level) - shape.TargetOf(level)); }
        return (long)debt;
    }

    // Everything into one level, the lowest in use. Null if there is nothing.
    public static Compaction? PickAll(TableSet tables)
    {
        int first = NextUsed(tables, -1, TableSet.LevelCount);
        return first == TableSet.LevelCount ? null : new(tables, first, LowestOf(tables), tables.Levels);
    }

    // The first file of a level that is older than a number, to be merged into the next level that has files, or rewritten where it
    // is if there is none. All of level 0 at once. Null if all are newer.
    public static Compaction? PickOld(TableSet tables, int level, ulong before)
    {
        TableFile? old = tables.Levels[level].FirstOrDefault(table => table.Info.Number < before);
        if (old is null) { return null; }
        int toLevel = tables.IsLowest(level) && level > 0 ? level : NextUsed(tables, level, TableSet.Bottom);
        return Merge(tables, level, level == 0 ? tables.Levels[0] : [old], toLevel);
    }

    // Thousandths of what the level should hold. Level 0 counts by its runs, for the sake of readers; by its files, which cost memory
    // though they may be one run; and by its bytes.
    private static Int128 ScoreOf(TableSet tables, int level, LevelShape shape, EngineOptions options)
    {
        Int128 bytes = tables.BytesOf(level);
        if (level == 0)
        {
            Int128 count = Int128.Max(tables.Level0Runs, tables.Levels[0].Length / 4);
            return Int128.Max(count * 1000 / options.Level0Files, bytes * 1000 / options.Level1Bytes);
        }

        // Files above the base are from when there was more data: they go when nothing else is to do.
        return bytes == 0 ? 0 : level < shape.Base ? Int128.Max(1000, bytes * 1000 / options.Level1Bytes) : bytes * 1000 / shape.TargetOf(level);
    }

    private static Compaction PickLevel0(TableSet tables, EngineOptions options, LevelShape shape)
    {
        int toLevel = NextUsed(tables, 0, shape.Base);
        if (tables.Level0Runs < options.Level0Files)
        {
            return LoneFile(tables, options, toLevel) ?? Merge(tables, 0, tables.Levels[0], toLevel);
        }

        Compaction down = Merge(tables, 0, Deepest(tables), toLevel);
        bool isDear = BytesOf(down.InputsOf(toLevel)) > DearFactor * BytesOf(down.InputsOf(0));
        return isDear && tables.Level0Runs > 1 ? Merge(tables, 0, NewestRuns(tables), 0) : down;
    }

    // A file of good size that no other meets, as ascending keys give them, goes down alone: it need not be rewritten.
    private static Compaction? LoneFile(TableSet tables, EngineOptions options, int toLevel)
    {
        foreach (TableFile table in tables.Levels[0])
        {
            if (table.Info.Length < options.FileBytes / 2 || tables.Levels[0].Count(other => Meet(table, other)) > 1) { continue; }
            Compaction alone = Merge(tables, 0, [table], toLevel);
            if (alone.IsMove) { return alone; }
        }

        return null;
    }

    // The file that most others lie under, and whatever is connected with it.
    private static ImmutableArray<TableFile> Deepest(TableSet tables)
    {
        ImmutableArray<TableFile> connected = [tables.Runs[0][0]];
        while (true)
        {
            ImmutableArray<TableFile> more = Overlapping(tables.Levels[0], connected);
            if (more.Length == connected.Length) { return more; }
            connected = more;
        }
    }

    // The newest runs, at least two, as long as the next is not much larger than those before it together: so each byte is rewritten
    // only a few times, while the run grows to be worth its merge with the base.
    private static ImmutableArray<TableFile> NewestRuns(TableSet tables)
    {
        int count = 0;
        for (long bytes = 0; count < tables.Level0Runs; count++)
        {
            long next = BytesOf(tables.Runs[count]);
            if (count >= 2 && next > 2 * bytes) { break; }
            bytes += next;
        }

        var chosen = new SortedSet<ulong>(tables.Runs[..count].SelectMany(run => run).Select(table => table.Info.Number));
        return [.. tables.Levels[0].Where(table => chosen.Contains(table.Info.Number))];
    }

    // The file that costs least for what it brings down.
    private static Compaction PickFile(TableSet tables, int from, int to)
    {
        TableFile? best = null;
        Int128 least = Int128.MaxValue;
        foreach (TableFile table in tables.Levels[from])
        {
            Int128 cost = 0;
            ImmutableArray<TableFile> lower = tables.Levels[to];
            for (int at = TableSet.FirstNotBefore(lower, table.Info.Smallest); at < lower.Length && Meet(table, lower[at]); at++)
            {
                cost += lower[at].Info.Length;
            }

            cost = cost * 1000 / table.Info.Length;
            if (cost >= least) { continue; }
            least = cost;
            best = table;
        }

        return Merge(tables, from, [best!], to);
    }

    private static Compaction Merge(TableSet tables, int from, ImmutableArray<TableFile> upper, int to)
    {
        var inputs = new ImmutableArray<TableFile>[TableSet.LevelCount];
        Array.Fill(inputs, []);
        inputs[from] = upper;
        if (to > from) { inputs[to] = Overlapping(tables.Levels[to], upper); }
        return new(tables, from, to, [.. inputs]);
    }

    // The first level below that has files or, empty or not, is this one.
    private static int NextUsed(TableSet tables, int level, int atMost)
    {
        do { level++; }
        while (level < atMost && tables.Levels[level].IsEmpty);
        return level;
    }

    private static int LowestOf(TableSet tables)
    {
        int level = TableSet.Bottom;
        while (level > 0 && tables.Levels[level].IsEmpty) { level--; }
        return level == 0 ? TableSet.Bottom : level;
    }

    // Those that meet the range from the least key of some files to the greatest.
    private static ImmutableArray<TableFile> Overlapping(ImmutableArray<TableFile> tables, ImmutableArray<TableFile> others)
    {
        (byte[] smallest, byte[] largest) = Compaction.RangeOf(others);
        return [.. tables.Where(table => table.Info.Overlaps(smallest, largest))];
    }

    private static bool Meet(TableFile one, TableFile other) => one.Info.Overlaps(other.Info.Smallest, other.Info.Largest);

    private static long BytesOf(ImmutableArray<TableFile> tables) => tables.Sum(static table => table.Info.Length);
}
