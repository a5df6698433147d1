namespace Quorate.StateMachines.KeyValue;

/// <summary>What a caller must be allowed to do so that a view may be read for it.</summary>
public readonly record struct KvNeeds
{
    internal enum Kind
    {
        Nothing,
        User,
        Root,
        Range,
        Txn,
        LeaseKeys,
        AllLeaseKeys,
    }

    /// <summary>Nothing: the read is the server's own, or the caller was judged already.</summary>
    public static KvNeeds Nothing => default;

    /// <summary>To be somebody.</summary>
    public static KvNeeds User => new() { What = Kind.User };

    /// <summary>To have the role root.</summary>
    public static KvNeeds Root => new() { What = Kind.Root };

    /// <summary>To read the keys of all leases.</summary>
    public static KvNeeds AllLeaseKeys => new() { What = Kind.AllLeaseKeys };

    /// <summary>True of <see cref="Nothing"/>.</summary>
    public bool IsNothing => What == Kind.Nothing;

    internal Kind What { get; private init; }

    internal ReadOnlyMemory<byte> Key { get; private init; }

    internal ReadOnlyMemory<byte> RangeEnd { get; private init; }

    internal long Lease { get; private init; }

    internal KvCommand.Txn? Transaction { get; private init; }

    /// <summary>To read some keys.</summary>
    /// <param name="key">The first.</param>
    /// <param name="rangeEnd">As <see cref="RangeQuery.RangeEnd"/>.</param>
    public static KvNeeds Range(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> rangeEnd) =>
        new() { What = Kind.Range, Key = key, RangeEnd = rangeEnd };

    /// <summary>To run a transaction, whichever of its lists is taken.</summary>
    public static KvNeeds Txn(KvCommand.Txn txn) => new() { What = Kind.Txn, Transaction = txn };

    /// <summary>To read the keys that hang on a lease.</summary>
    public static KvNeeds LeaseKeys(long lease) => new() { What = Kind.LeaseKeys, Lease = lease };
}
