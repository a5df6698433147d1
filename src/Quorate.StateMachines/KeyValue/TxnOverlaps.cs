using System.Collections.Immutable;

namespace Quorate.StateMachines.KeyValue;

/// <summary>
/// etcd's rule that a list of operations must not write a key twice: no key put twice, no put inside a deleted range. Lists of
/// which only one can run do not disturb each other, nor do deletes. A delete within an inner transaction disturbs the puts of
/// the list around it and of later inner transactions, not those of earlier ones.
/// </summary>
/// <remarks>
/// As in etcd, a delete's range_end of "\0" is taken literally here, so that a delete "from key on" never disturbs a put.
/// Smaller sets are merged into larger ones: the work stays near the size of the transaction however it nests.
/// </remarks>
internal static class TxnOverlaps
{
    private static readonly Comparer<ReadOnlyMemory<byte>> ByBytes =
        Comparer<ReadOnlyMemory<byte>>.Create(static (left, right) => left.Span.SequenceCompareTo(right.Span));

    /// <summary>None, or DuplicateKey. The depth was checked before.</summary>
    public static KvRefusal Check(KvCommand.Txn txn) =>
        Collect(txn.Success) is null || Collect(txn.Failure) is null ? KvRefusal.DuplicateKey : KvRefusal.None;

    // Null: the list, or one within, writes a key twice.
    private static Writes? Collect(ImmutableArray<KvCommand.Op> operations)
    {
        var all = new Writes(new SortedSet<ReadOnlyMemory<byte>>(ByBytes), []);
        var deletes = new List<KvCommand.DeleteRange>();
        foreach (KvCommand.Op operation in operations)
        {
            if (operation is KvCommand.DeleteRange delete) { deletes.Add(delete); }
            if (operation is KvCommand.Put put && !all.Puts.Add(put.Key)) { return null; }
        }

        // From the last to the first, so that the puts met before are those that an inner delete disturbs.
        for (int i = operations.Length - 1; i >= 0; i--)
        {
            if (operations[i] is not KvCommand.Txn inner) { continue; }
            if (Collect(inner.Success) is not { } success || Collect(inner.Failure) is not { } failure) { return null; }
            Writes either = Union(success, failure);
            if (Overlap(either.Puts, all.Puts) || AnyInside(either.Deletes, all.Puts)) { return null; }
            all = Union(all, either);
        }

        return AnyInside(deletes, all.Puts) ? null : Union(all, new Writes(new SortedSet<ReadOnlyMemory<byte>>(ByBytes), deletes));
    }

    private static Writes Union(Writes left, Writes right)
    {
        (SortedSet<ReadOnlyMemory<byte>> small, SortedSet<ReadOnlyMemory<byte>> puts) =
            left.Puts.Count < right.Puts.Count ? (left.Puts, right.Puts) : (right.Puts, left.Puts);
        foreach (ReadOnlyMemory<byte> key in small) { puts.Add(key); }

        (List<KvCommand.DeleteRange> few, List<KvCommand.DeleteRange> deletes) =
            left.Deletes.Count < right.Deletes.Count ? (left.Deletes, right.Deletes) : (right.Deletes, left.Deletes);
        deletes.AddRange(few);
        return new Writes(puts, deletes);
    }

    private static bool Overlap(SortedSet<ReadOnlyMemory<byte>> left, SortedSet<ReadOnlyMemory<byte>> right) =>
        left.Count < right.Count ? right.Overlaps(left) : left.Overlaps(right);

    private static bool AnyInside(List<KvCommand.DeleteRange> deletes, SortedSet<ReadOnlyMemory<byte>> puts)
    {
        if (puts.Count == 0) { return false; }
        ReadOnlyMemory<byte> first = puts.Min;
        ReadOnlyMemory<byte> last = puts.Max;
        foreach (KvCommand.DeleteRange delete in deletes)
        {
            if (delete.RangeEnd.IsEmpty)
            {
                if (puts.Contains(delete.Key)) { return true; }
            }
            else if (ByBytes.Compare(delete.Key, last) <= 0
                && ByBytes.Compare(first, delete.RangeEnd) < 0
                && ByBytes.Compare(puts.GetViewBetween(delete.Key, last).Min, delete.RangeEnd) < 0)
            {
                return true;
            }
        }

        return false;
    }

    private sealed record Writes(SortedSet<ReadOnlyMemory<byte>> Puts, List<KvCommand.DeleteRange> Deletes);
}
