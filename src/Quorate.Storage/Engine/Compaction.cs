using System.Collections.Immutable;

namespace Quorate.Storage.Engine;

/// <summary>Which files are to be merged. All are of one set of tables, which the job holds.</summary>
internal sealed class Compaction
{
    private readonly ImmutableArray<ImmutableArray<TableFile>> _inputs; // By level; level 0 newest first.
    private readonly ImmutableArray<ImmutableArray<TableFile>> _others; // By level, those that take no part.

    public Compaction(TableSet tables, int fromLevel, int toLevel, ImmutableArray<ImmutableArray<TableFile>> inputs)
    {
        FromLevel = fromLevel;
        ToLevel = toLevel;
        _inputs = inputs;
        Inputs = [.. inputs.SelectMany(level => level)];
        var taken = new SortedSet<ulong>(Inputs.Select(table => table.Info.Number));
        _others = [.. tables.Levels.Select(level => level.Where(table => !taken.Contains(table.Info.Number)).ToImmutableArray())];
        (Smallest, Largest) = RangeOf(Inputs);
        IsBottommost = toLevel > 0 && tables.Levels.Skip(toLevel + 1)
            .All(level => level.All(table => !table.Info.Overlaps(Smallest, Largest)));
    }

    public int FromLevel { get; }

    public int ToLevel { get; }

    public ImmutableArray<TableFile> Inputs { get; }

    public byte[] Smallest { get; }

    public byte[] Largest { get; }

    // True if no file below holds keys of the range: a deleted key has nothing left to hide. Of level 0 the older files that hold
    // such keys take part, but in a merge within it.
    public bool IsBottommost { get; }

    // A single file that meets none below: it can change its level without being rewritten.
    public bool IsMove => Inputs.Length == 1;

    public long Bytes => Inputs.Sum(static table => table.Info.Length);

    public ImmutableArray<TableFile> InputsOf(int level) => _inputs[level];

    public MergingCursor OpenCursor()
    {
        var sources = new List<SourceCursor>();
        foreach (TableFile table in _inputs[0]) { sources.Add(new TableCursor(BlockUse.Pass).On(table)); }
        for (int level = 1; level < TableSet.LevelCount; level++)
        {
            if (!_inputs[level].IsEmpty) { sources.Add(new LevelCursor(_inputs[level], BlockUse.Pass)); }
        }

        return new MergingCursor([.. sources]);
    }

    // True if no file outside of this merge holds a record that begins with the prefix. Above, too: keys of one prefix are not all
    // in one file, nor go down together, so that what is older by the machine's own order may lie above what is newer.
    public bool HoldsAllOf(ReadOnlySpan<byte> prefix)
    {
        ulong hash = BloomFilter.Hash(prefix);
        foreach (TableFile table in _others[0])
        {
            if (MayHold(table, prefix, hash)) { return false; }
        }

        foreach (ImmutableArray<TableFile> level in _others.AsSpan()[1..])
        {
            // More than one file of a level may: the prefix's keys may end one and begin the next.
            for (int at = TableSet.FirstNotBefore(level, prefix); at < level.Length && StartsAtOrBefore(level[at].Info.Smallest, prefix); at++)
            {
                if (level[at].MayContain(hash)) { return false; }
            }
        }

        return true;
    }

    private static bool MayHold(TableFile table, ReadOnlySpan<byte> prefix, ulong hash) =>
        StartsAtOrBefore(table.Info.Smallest, prefix) && table.Info.Largest.AsSpan().SequenceCompareTo(prefix) >= 0 && table.MayContain(hash);

    // True unless all keys from this one on are behind those with the prefix.
    public static bool StartsAtOrBefore(ReadOnlySpan<byte> key, ReadOnlySpan<byte> prefix) =>
        key[..Math.Min(key.Length, prefix.Length)].SequenceCompareTo(prefix) <= 0;

    // Twice as many files as the input would fill, and some: outputs are seldom larger than what they came from.
    public static int ReservedNumbers(long inputBytes, EngineOptions options) => (int)Math.Min(1_000_000, 16 + (2 * inputBytes / options.FileBytes));

    public static (byte[] Smallest, byte[] Largest) RangeOf(ImmutableArray<TableFile> tables)
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
}
