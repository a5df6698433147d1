namespace Quorate.Core;

/// <summary>
/// The time stamped on an entry by the leader that made it: milliseconds of its wall clock above, a counter below, and
/// never less than its predecessor's stamp in the same log (Kulkarni et al., "Logical Physical Clocks", 2014).
/// </summary>
/// <param name="Value">Unix milliseconds shifted left by 16, plus a counter.</param>
public readonly record struct HybridTime(ulong Value) : IComparable<HybridTime>
{
    /// <summary>Milliseconds since the Unix epoch.</summary>
    public long UnixMilliseconds => (long)(Value >> 16);

    /// <summary>The least stamp of a millisecond.</summary>
    public static HybridTime FromUnixMilliseconds(long milliseconds) => new((ulong)milliseconds << 16);

    /// <summary>A stamp greater than this one, and not before <paramref name="unixMilliseconds"/>.</summary>
    public HybridTime Advance(long unixMilliseconds)
    {
        HybridTime wall = FromUnixMilliseconds(Math.Max(0, unixMilliseconds));
        return wall.Value > Value ? wall : new(checked(Value + 1));
    }

    /// <inheritdoc/>
    public int CompareTo(HybridTime other) => Value.CompareTo(other.Value);
}
