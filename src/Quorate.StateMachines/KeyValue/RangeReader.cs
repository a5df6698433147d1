using System.Runtime.InteropServices;
using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>Answers ranges from the versions in a store.</summary>
internal static class RangeReader
{
    // User keys up to here are looked up without an allocation; larger ones take an array.
    private const int StackKeyBytes = 256;

    // What is sorted must be in memory whole: it may be so many times what is copied of an unsorted range.
    private const long SortFactor = 64;

    /// <param name="store">The versions.</param>
    /// <param name="query">Checked by <see cref="RequestChecks"/>.</param>
    /// <param name="current">The newest revision to be seen.</param>
    /// <param name="compacted">The oldest revision to be seen.</param>
    /// <param name="maxBytes">Most bytes of keys and values to copy; what is beyond is measured, or refused if it must be sorted.</param>
    /// <param name="beyond">Measures; null if all is to be copied.</param>
    public static RangeResult Read(
        IStoreReader store, in RangeQuery query, long current, long compacted, long maxBytes = long.MaxValue, IRecordMeter? beyond = null)
    {
        long revision = query.Revision <= 0 ? current : query.Revision;
        if (revision > current) { return Refused(current, KvRefusal.FutureRevision); }
        if (revision < compacted) { return Refused(current, KvRefusal.Compacted); }
        return query.RangeEnd.IsEmpty
            ? ReadOne(store, query, revision, current)
            : ReadMany(store, query, revision, current, maxBytes, beyond);
    }

    /// <summary>As <see cref="Read"/>, but only the first part; see <see cref="KvQueries.Page"/>.</summary>
    public static RangeResult ReadPage(IStoreReader store, in RangeQuery query, long current, long compacted, long maxBytes)
    {
        long revision = query.Revision <= 0 ? current : query.Revision;
        if (query.RangeEnd.IsEmpty || query.CountOnly) { return Read(store, query, current, compacted) with { Revision = revision }; }
        if (revision > current) { return Refused(current, KvRefusal.FutureRevision); }
        if (revision < compacted) { return Refused(current, KvRefusal.Compacted); }

        var records = new RecordList();
        long limit = query.Limit <= 0 ? long.MaxValue : query.Limit;
        long bytes = 0;
        bool more = false;
        using var scan = new VersionScan(store, query.Key.Span, query.RangeEnd.Span, revision);
        while (scan.MoveNext())
        {
            var version = VersionValue.Read(scan.StoreValue);
            if (!query.PassesFilters(version.CreateRevision, VersionKeys.Revision(scan.StoreKey))) { continue; }
            bytes += scan.StoreKey.Length + (query.KeysOnly ? 0 : version.Value.Length);
            more = records.Count == limit || (records.Count > 0 && bytes > maxBytes);
            if (more) { break; }
            records.Add(scan.StoreKey, version, withValue: !query.KeysOnly);
        }

        int count = records.Count;
        return new RangeResult(records.Take(), more, count, revision, KvRefusal.None);
    }

    /// <summary>Finds a key's newest version at or below a revision. False also if that is a tombstone.</summary>
    /// <param name="store">The versions.</param>
    /// <param name="prefix">The key's prefix, and room for the suffix, which is written here. What is found may refer to it.</param>
    /// <param name="revision">The revision.</param>
    /// <param name="modRevision">The version's revision.</param>
    /// <param name="version">Valid as long as the store's answers.</param>
    public static bool TryFind(
        IStoreReader store, Span<byte> prefix, long revision, out long modRevision, out VersionValue version)
    {
        VersionKeys.WriteSuffix(revision, VersionKeys.LastSub, prefix[^VersionKeys.SuffixBytes..]);
        bool found = store.TryGetFirst(
            VersionKeys.Prefix(prefix), prefix, out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value);
        modRevision = found ? VersionKeys.Revision(key) : 0;
        version = found ? VersionValue.Read(value) : default;
        return found && !version.IsTombstone;
    }

    /// <summary>True if a key exists at a revision.</summary>
    public static bool Exists(IStoreReader store, ReadOnlySpan<byte> userKey, long revision) =>
        TryFind(store, VersionKeys.PrefixOf(userKey, VersionKeys.SuffixBytes), revision, out _, out _);

    private static RangeResult Refused(long current, KvRefusal refusal) => new([], More: false, Count: 0, current, refusal);

    private static RangeResult ReadOne(IStoreReader store, in RangeQuery query, long revision, long current)
    {
        int most = VersionKeys.MaxLength(query.Key.Length);
        Span<byte> buffer = query.Key.Length <= StackKeyBytes ? stackalloc byte[most] : new byte[most];
        buffer = buffer[..(VersionKeys.WritePrefix(query.Key.Span, buffer) + VersionKeys.SuffixBytes)];
        if (!TryFind(store, buffer, revision, out long modRevision, out VersionValue version))
        {
            return new RangeResult([], More: false, Count: 0, current, KvRefusal.None);
        }

        if (query.CountOnly || !query.PassesFilters(version.CreateRevision, modRevision))
        {
            return new RangeResult([], More: false, Count: 1, current, KvRefusal.None);
        }

        KeyValueRecord[] records =
        [
            new(
                query.Key,
                query.KeysOnly ? default : version.Value.ToArray(),
                version.CreateRevision,
                modRevision,
                version.Version,
                version.Lease),
        ];
        return new RangeResult(
            ImmutableCollectionsMarshal.AsImmutableArray(records), More: false, Count: 1, current, KvRefusal.None);
    }

    private static RangeResult ReadMany(
        IStoreReader store, in RangeQuery query, long revision, long current, long maxBytes, IRecordMeter? beyond)
    {
        bool isSorted = query.SortTarget != KvSortTarget.Key || query.SortOrder == KvSortOrder.Descending;
        bool sortsByValue = isSorted && query.SortTarget == KvSortTarget.Value;
        long limit = query.Limit <= 0 ? long.MaxValue : query.Limit;

        // With a target but no order, etcd cuts to one more than the limit by key first, and sorts what is left.
        bool cutsFirst = query.SortOrder == KvSortOrder.None && !query.HasRevisionFilter && limit < long.MaxValue;
        long most = query.CountOnly ? 0 : !isSorted ? limit : cutsFirst ? limit + 1 : long.MaxValue;

        var records = new RecordList();
        long count = 0;
        long measured = 0;
        bool more = false;
        using var scan = new VersionScan(store, query.Key.Span, query.RangeEnd.Span, revision);
        while (scan.MoveNext())
        {
            count++;
            if (query.CountOnly || (more && !isSorted)) { continue; }
            var version = VersionValue.Read(scan.StoreValue);
            if (!query.PassesFilters(version.CreateRevision, VersionKeys.Revision(scan.StoreKey))) { continue; }
            more = records.Count + measured >= most;
            if (more) { continue; }
            bool withValue = !query.KeysOnly || sortsByValue;
            if (beyond is not null && records.Bytes >= (isSorted ? SortFactor * maxBytes : maxBytes))
            {
                if (isSorted) { return Refused(current, KvRefusal.TooLargeToSort); }
                measured++;
                Measure(beyond, scan, version, withValue);
                continue;
            }

            records.Add(scan.StoreKey, version, withValue);
        }

        if (isSorted)
        {
            records.Sort(query.SortTarget, query.SortOrder);
            more = records.Count > limit;
            if (more) { records.Cut((int)limit); }
            if (query.KeysOnly) { records.DropValues(); }
        }

        return new RangeResult(records.Take(), more, count, current, KvRefusal.None);
    }

    private static void Measure(IRecordMeter meter, in VersionScan scan, in VersionValue version, bool withValue) => meter.Add(
        VersionKeys.UserKeyLength(VersionKeys.Prefix(scan.StoreKey)),
        withValue ? version.Value.Length : 0,
        new KeyValueRecord(
            default, default, version.CreateRevision, VersionKeys.Revision(scan.StoreKey), version.Version, version.Lease));
}
