using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>Tells whether a transaction's condition holds; see <see cref="KvCompare"/> for the rules.</summary>
internal static class TxnConditions
{
    /// <summary>True if every key of the condition's range satisfies it at the revision.</summary>
    public static bool Holds(IStoreReader store, long revision, in KvCompare compare)
    {
        if (compare.RangeEnd.IsEmpty)
        {
            Span<byte> prefix = VersionKeys.PrefixOf(compare.Key.Span, VersionKeys.SuffixBytes);
            return RangeReader.TryFind(store, prefix, revision, out long modRevision, out VersionValue version)
                ? Holds(compare, modRevision, version)
                : HoldsWithoutKeys(compare);
        }

        bool hasKeys = false;
        using var scan = new VersionScan(store, compare.Key.Span, compare.RangeEnd.Span, revision);
        while (scan.MoveNext())
        {
            hasKeys = true;
            if (!Holds(compare, VersionKeys.Revision(scan.StoreKey), VersionValue.Read(scan.StoreValue))) { return false; }
        }

        return hasKeys || HoldsWithoutKeys(compare);
    }

    private static bool HoldsWithoutKeys(in KvCompare compare) =>
        compare.Target != KvCompareTarget.Value && Holds(compare, modRevision: 0, default);

    private static bool Holds(in KvCompare compare, long modRevision, scoped in VersionValue version)
    {
        int order = compare.Target switch
        {
            KvCompareTarget.Version => version.Version.CompareTo(compare.Number),
            KvCompareTarget.Create => version.CreateRevision.CompareTo(compare.Number),
            KvCompareTarget.Mod => modRevision.CompareTo(compare.Number),
            KvCompareTarget.Value => version.Value.SequenceCompareTo(compare.Value.Span),
            KvCompareTarget.Lease => version.Lease.CompareTo(compare.Number),
            _ => 0,
        };
        return compare.Result switch
        {
            KvCompareResult.Equal => order == 0,
            KvCompareResult.NotEqual => order != 0,
            KvCompareResult.Greater => order > 0,
            KvCompareResult.Less => order < 0,
            _ => true,
        };
    }
}
