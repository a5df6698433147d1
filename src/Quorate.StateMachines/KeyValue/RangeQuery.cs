using System.Collections.Immutable;

namespace Quorate.StateMachines.KeyValue;

/// <summary>What to read, in etcd's terms (RangeRequest). Unset is etcd's default.</summary>
/// <remarks>Equality is that of the memory referred to, not of its bytes.</remarks>
public readonly record struct RangeQuery
{
    /// <summary>The first key, at least 1 byte; "\0" for the first key there is.</summary>
    public ReadOnlyMemory<byte> Key { get; init; }

    /// <summary>Empty: the one key. "\0": all keys from <see cref="Key"/> on. Else the key before which the range ends.</summary>
    public ReadOnlyMemory<byte> RangeEnd { get; init; }

    /// <summary>Most records in the answer; 0 or less for all.</summary>
    public long Limit { get; init; }

    /// <summary>The revision to read at; 0 or less for the current one.</summary>
    public long Revision { get; init; }

    /// <summary>The order of the records.</summary>
    public KvSortOrder SortOrder { get; init; }

    /// <summary>What the records are ordered by; other than the key, it sorts ascending unless an order is given.</summary>
    public KvSortTarget SortTarget { get; init; }

    /// <summary>Leave the values out.</summary>
    public bool KeysOnly { get; init; }

    /// <summary>Answer no records, only how many there are.</summary>
    public bool CountOnly { get; init; }

    /// <summary>Only records last written at this revision or later; 0 for no bound.</summary>
    public long MinModRevision { get; init; }

    /// <summary>Only records last written at this revision or before; 0 for no bound.</summary>
    public long MaxModRevision { get; init; }

    /// <summary>Only records created at this revision or later; 0 for no bound.</summary>
    public long MinCreateRevision { get; init; }

    /// <summary>Only records created at this revision or before; 0 for no bound.</summary>
    public long MaxCreateRevision { get; init; }

    /// <summary>True if only records of some revisions are asked for.</summary>
    public bool HasRevisionFilter =>
        MinModRevision != 0 || MaxModRevision != 0 || MinCreateRevision != 0 || MaxCreateRevision != 0;

    internal bool PassesFilters(long createRevision, long modRevision) =>
        (MinModRevision == 0 || modRevision >= MinModRevision)
        && (MaxModRevision == 0 || modRevision <= MaxModRevision)
        && (MinCreateRevision == 0 || createRevision >= MinCreateRevision)
        && (MaxCreateRevision == 0 || createRevision <= MaxCreateRevision);
}

/// <summary>The order of a range's records; etcd's numbers.</summary>
public enum KvSortOrder
{
    /// <summary>By key, or ascending by a target other than the key.</summary>
    None = 0,

    /// <summary>Least first.</summary>
    Ascending = 1,

    /// <summary>Greatest first.</summary>
    Descending = 2,
}

/// <summary>What a range's records are ordered by; etcd's numbers.</summary>
public enum KvSortTarget
{
    /// <summary>The key.</summary>
    Key = 0,

    /// <summary>Puts since creation.</summary>
    Version = 1,

    /// <summary>The revision of creation.</summary>
    Create = 2,

    /// <summary>The revision of the last put.</summary>
    Mod = 3,

    /// <summary>The value's bytes.</summary>
    Value = 4,
}

/// <summary>The answer to a <see cref="RangeQuery"/>.</summary>
/// <param name="Records">In the order asked for; ties in order of key. Empty if refused or only counted.</param>
/// <param name="More">True if the limit cut off records that passed the filters.</param>
/// <param name="Count">Keys in the range at that revision, whatever the limit and the filters are.</param>
/// <param name="Revision">The store's current revision, not the one asked for.</param>
/// <param name="Refusal">None, Compacted or FutureRevision.</param>
public readonly record struct RangeResult(
    ImmutableArray<KeyValueRecord> Records, bool More, long Count, long Revision, KvRefusal Refusal);
