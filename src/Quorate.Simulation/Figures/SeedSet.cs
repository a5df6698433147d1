using System.Globalization;

namespace Quorate.Simulation.Figures;

/// <summary>A set of seeds, kept and written as ranges: <c>1..200</c>.</summary>
public sealed class SeedSet
{
    private readonly List<(ulong First, ulong Last)> _ranges = []; // Rising, with a gap between any two.

    /// <summary>The ranges, rising: <c>7</c> or <c>1..200</c>.</summary>
    public IEnumerable<string> Ranges => _ranges.Select(range => range.First == range.Last
        ? range.First.ToString(CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{range.First}..{range.Last}"));

    /// <summary>Reads what <see cref="Ranges"/> wrote.</summary>
    /// <exception cref="FormatException">A range is none.</exception>
    public static SeedSet Parse(IEnumerable<string> ranges)
    {
        var set = new SeedSet();
        foreach (string range in ranges)
        {
            string[] ends = range.Split("..");
            ulong first = ulong.Parse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture);
            ulong last = ulong.Parse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture);
            if (ends.Length > 2 || last < first) { throw new FormatException($"'{range}' is no range of seeds"); }
            set._ranges.Add((first, last));
        }

        set._ranges.Sort();
        return set;
    }

    /// <summary>Adds a seed; false if it is there already.</summary>
    public bool Add(ulong seed)
    {
        int at = _ranges.FindLastIndex(range => range.First <= seed);
        if (at >= 0 && seed <= _ranges[at].Last) { return false; }
        bool joinsLower = at >= 0 && _ranges[at].Last + 1 == seed;
        bool joinsUpper = at + 1 < _ranges.Count && _ranges[at + 1].First - 1 == seed;
        if (joinsLower && joinsUpper)
        {
            _ranges[at] = (_ranges[at].First, _ranges[at + 1].Last);
            _ranges.RemoveAt(at + 1);
        }
        else if (joinsLower) { _ranges[at] = (_ranges[at].First, seed); }
        else if (joinsUpper) { _ranges[at + 1] = (seed, _ranges[at + 1].Last); }
        else { _ranges.Insert(at + 1, (seed, seed)); }
        return true;
    }
}
