namespace Quorate.Storage.Wal;

/// <summary>A place in the log: a segment, and a byte in it. Places are ordered as they were written, over all restarts.</summary>
/// <param name="Sequence">The segment's number; 0 is before the first segment.</param>
/// <param name="Offset">Byte in the segment's file.</param>
public readonly record struct WalPosition(ulong Sequence, uint Offset) : IComparable<WalPosition>
{
    /// <summary>Before everything.</summary>
    public static readonly WalPosition Zero;

    /// <inheritdoc/>
    public int CompareTo(WalPosition other) =>
        Sequence != other.Sequence ? Sequence.CompareTo(other.Sequence) : Offset.CompareTo(other.Offset);

    /// <summary>Orders by place.</summary>
    public static bool operator <(WalPosition left, WalPosition right) => left.CompareTo(right) < 0;

    /// <summary>Orders by place.</summary>
    public static bool operator >(WalPosition left, WalPosition right) => left.CompareTo(right) > 0;

    /// <summary>Orders by place.</summary>
    public static bool operator <=(WalPosition left, WalPosition right) => left.CompareTo(right) <= 0;

    /// <summary>Orders by place.</summary>
    public static bool operator >=(WalPosition left, WalPosition right) => left.CompareTo(right) >= 0;

    /// <summary>The later of two places.</summary>
    public static WalPosition Max(WalPosition left, WalPosition right) => left > right ? left : right;

    /// <inheritdoc/>
    public override string ToString() => $"{Sequence}:{Offset}";
}
