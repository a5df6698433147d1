using System.Collections.Immutable;

namespace Quorate.StateMachines.KeyValue;

/// <summary>
/// What a request must satisfy whatever the state is, in etcd's order, so that the first fault found is the one etcd names. A
/// door asks before it proposes or reads; the machine asks again for what it depends on.
/// </summary>
public static class RequestChecks
{
    /// <summary>Most conditions, and most operations on either side, of a transaction: etcd's default for --max-txn-ops.</summary>
    public const int DefaultMaxTxnOps = 128;

    /// <summary>Longest time to live of a lease: some 285 years, as in etcd.</summary>
    public const long MaxLeaseSeconds = 9_000_000_000;

    /// <summary>Checks any command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="maxTxnOps">Longest list of a transaction; transactions within share what the outer lists leave. At least 0.</param>
    /// <returns>None if etcd would take it; else the first fault.</returns>
    public static KvRefusal Check(KvCommand command, int maxTxnOps = DefaultMaxTxnOps)
    {
        KvRefusal refusal = CheckFields(command, maxTxnOps);
        return refusal == KvRefusal.None && command is KvCommand.Txn txn ? TxnOverlaps.Check(txn) : refusal;
    }

    /// <summary>Checks a range: key and sort.</summary>
    public static KvRefusal Check(in RangeQuery query)
    {
        if (query.Key.IsEmpty) { return KvRefusal.EmptyKey; }
        return query.SortOrder is >= KvSortOrder.None and <= KvSortOrder.Descending
            && query.SortTarget is >= KvSortTarget.Key and <= KvSortTarget.Value
            ? KvRefusal.None
            : KvRefusal.InvalidSortOption;
    }

    /// <summary>Checks a put before it is encoded.</summary>
    /// <param name="key">See <see cref="KvCommand.Put"/>.</param>
    /// <param name="value">See <see cref="KvCommand.Put"/>.</param>
    /// <param name="lease">See <see cref="KvCommand.Put.Lease"/>.</param>
    /// <param name="ignoreValue">See <see cref="KvCommand.Put.IgnoreValue"/>.</param>
    /// <param name="ignoreLease">See <see cref="KvCommand.Put.IgnoreLease"/>.</param>
    public static KvRefusal CheckPut(
        ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long lease, bool ignoreValue, bool ignoreLease)
    {
        if (key.IsEmpty) { return KvRefusal.EmptyKey; }
        if (ignoreValue && !value.IsEmpty) { return KvRefusal.ValueProvided; }
        return ignoreLease && lease != 0 ? KvRefusal.LeaseProvided : KvRefusal.None;
    }

    /// <summary>All but duplicate writes of a transaction, which the machine gives a meaning: the order of the list.</summary>
    internal static KvRefusal CheckFields(KvCommand command, int maxTxnOps) => CheckFields(command, maxTxnOps, depth: 1);

    internal static KvRefusal Check(scoped in KvCommand.PutFields put) =>
        CheckPut(put.Key, put.Value, put.Lease, put.IgnoreValue, put.IgnoreLease);

    private static KvRefusal CheckFields(KvCommand command, int maxTxnOps, int depth) => command switch
    {
        KvCommand.Put put => Check(new KvCommand.PutFields(put)),
        KvCommand.DeleteRange delete => delete.Key.IsEmpty ? KvRefusal.EmptyKey : KvRefusal.None,
        KvCommand.Range range => Check(range.Query),
        KvCommand.Txn txn => depth > KvCommand.MaxTxnDepth ? KvRefusal.TooDeep : CheckTxn(txn, maxTxnOps, depth),
        KvCommand.NoRequest => KvRefusal.KeyNotFound,
        KvCommand.LeaseGrant grant => grant.Seconds > MaxLeaseSeconds ? KvRefusal.LeaseTooLong : KvRefusal.None,
        _ => KvRefusal.None,
    };

    private static KvRefusal CheckTxn(KvCommand.Txn txn, int maxTxnOps, int depth)
    {
        int widest = Math.Max(txn.Compares.Length, Math.Max(txn.Success.Length, txn.Failure.Length));
        if (widest > maxTxnOps) { return KvRefusal.TooManyOperations; }

        foreach (KvCompare compare in txn.Compares)
        {
            if (compare.Key.IsEmpty) { return KvRefusal.EmptyKey; }
        }

        KvRefusal refusal = CheckList(txn.Success, maxTxnOps - widest, depth);
        return refusal == KvRefusal.None ? CheckList(txn.Failure, maxTxnOps - widest, depth) : refusal;
    }

    private static KvRefusal CheckList(ImmutableArray<KvCommand.Op> operations, int maxTxnOps, int depth)
    {
        foreach (KvCommand.Op operation in operations)
        {
            KvRefusal refusal = CheckFields(operation, maxTxnOps, depth + 1);
            if (refusal != KvRefusal.None) { return refusal; }
        }

        return KvRefusal.None;
    }
}
