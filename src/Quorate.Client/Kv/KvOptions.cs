namespace Quorate.Client;

/// <summary>What a range is sorted by.</summary>
public enum SortBy
{
    /// <summary>The key.</summary>
    Key = 0,

    /// <summary>Changes since creation.</summary>
    Version = 1,

    /// <summary>Revision of creation.</summary>
    CreateRevision = 2,

    /// <summary>Revision of the last change.</summary>
    ModRevision = 3,

    /// <summary>The value.</summary>
    Value = 4,
}

/// <summary>How a range is read. The default: all of it, now, linearizable, by key.</summary>
public sealed record RangeOptions
{
    /// <summary>Most keys; 0: all.</summary>
    public long Limit { get; init; }

    /// <summary>As of this revision; 0: now. A compacted one is refused with <see cref="CompactedException"/>.</summary>
    public long Revision { get; init; }

    /// <summary>Sorted by this.</summary>
    public SortBy SortBy { get; init; }

    /// <summary>Largest first.</summary>
    public bool Descending { get; init; }

    /// <summary>One member answers by itself, without asking the others: faster, and may be stale.</summary>
    public bool Serializable { get; init; }

    /// <summary>Without values.</summary>
    public bool KeysOnly { get; init; }

    /// <summary>Only how many; no keys.</summary>
    public bool CountOnly { get; init; }

    /// <summary>Only keys last changed at or after this revision; 0: any.</summary>
    public long MinModRevision { get; init; }

    /// <summary>Only keys last changed at or before this revision; 0: any.</summary>
    public long MaxModRevision { get; init; }

    /// <summary>Only keys created at or after this revision; 0: any.</summary>
    public long MinCreateRevision { get; init; }

    /// <summary>Only keys created at or before this revision; 0: any.</summary>
    public long MaxCreateRevision { get; init; }
}

/// <summary>How a key is put.</summary>
public sealed record PutOptions
{
    /// <summary>The lease it goes with; 0: none, and a lease it had is detached.</summary>
    public long LeaseId { get; init; }

    /// <summary>Give back what was there before.</summary>
    public bool Previous { get; init; }

    /// <summary>Keep the value that is there, and change only the lease. The key must exist; give an empty value.</summary>
    public bool KeepValue { get; init; }

    /// <summary>Keep the lease that is there. The key must exist.</summary>
    public bool KeepLease { get; init; }
}
