namespace Quorate.Storage.Engine;

/// <summary>
/// What each level should hold. The bottom has most of the data, whatever it is, and decides the others: they grow from the
/// base, the level that takes over from level 0, by equal factors of at most ten. Levels between 0 and the base are not used.
/// </summary>
/// <remarks>
/// With fixed sizes a bottom that is just begun may be smaller than the level above it, and then most of what is deleted or
/// overwritten stays on the disk (Dong et al., "Optimizing Space Amplification in RocksDB", CIDR 2017).
/// </remarks>
internal sealed class LevelShape
{
    private const int MaxFactor = 10;

    private readonly Int128[] _targets = new Int128[TableSet.LevelCount];

    /// <summary>Works out the shape.</summary>
    /// <param name="largestBytes">Bytes of the level that has most.</param>
    /// <param name="baseBytes">Bytes that the base should hold; with less data than that it is the bottom itself.</param>
    public LevelShape(long largestBytes, long baseBytes)
    {
        Base = TableSet.Bottom;
        for (Int128 size = largestBytes; size > baseBytes && Base > 1; size /= MaxFactor) { Base--; }
        Int128 factor = FactorOf(largestBytes, baseBytes, TableSet.Bottom - Base);
        Int128 target = baseBytes;
        for (int level = Base; level < TableSet.Bottom; level++)
        {
            _targets[level] = target;
            target = target * factor / 1000;
        }
    }

    // Where merges of level 0 go if nothing above it has files.
    public int Base { get; }

    // Bytes that a level above the bottom should hold; 0 if it should not be used.
    public Int128 TargetOf(int level) => _targets[level];

    // Thousandths by which each level is greater than the one above it. Whole numbers: the same on every machine.
    private static Int128 FactorOf(long largest, long least, int steps)
    {
        Int128 low = 1000;
        Int128 high = MaxFactor * 1000;
        while (low < high)
        {
            Int128 middle = (low + high + 1) / 2;
            Int128 size = least;
            for (int i = 0; i < steps; i++) { size = size * middle / 1000; }
            if (size <= largest) { low = middle; }
            else { high = middle - 1; }
        }

        return low;
    }
}
