using Proto = Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Client;

/// <summary>One operation of a transaction. Later ones see what earlier ones of the same transaction wrote.</summary>
public sealed class Op
{
    private Op(Proto.RequestOp message) => Message = message;

    internal Proto.RequestOp Message { get; }

    internal bool IsRead => Message.RequestCase switch
    {
        Proto.RequestOp.RequestOneofCase.RequestRange => true,
        Proto.RequestOp.RequestOneofCase.RequestTxn => IsReadOnly(Message.RequestTxn),
        _ => false,
    };

    /// <summary>Reads a range.</summary>
    public static Op Get(KeyRange keys, RangeOptions? options = null) => new(new() { RequestRange = KvMessages.Range(keys, options) });

    /// <summary>Puts a key. One transaction may put a key only once.</summary>
    public static Op Put(Blob key, Blob value, PutOptions? options = null) => new(new() { RequestPut = KvMessages.Put(key, value, options) });

    /// <summary>Deletes a range.</summary>
    public static Op Delete(KeyRange keys, bool previous = false) => new(new() { RequestDeleteRange = KvMessages.Delete(keys, previous) });

    /// <summary>A transaction within this one. Its comparisons are against the state before the outermost one.</summary>
    public static Op Nested(Txn txn)
    {
        ArgumentNullException.ThrowIfNull(txn);
        return new(new() { RequestTxn = txn.ToMessage() });
    }

    private static bool IsReadOnly(Proto.TxnRequest txn) =>
        txn.Success.Concat(txn.Failure).All(static op => new Op(op).IsRead);
}
