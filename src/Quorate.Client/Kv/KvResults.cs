using System.Collections.Immutable;
using Proto = Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Client;

/// <summary>What a range holds.</summary>
/// <param name="Revision">The store's revision when it was read.</param>
/// <param name="Items">The keys, in the order asked for.</param>
/// <param name="More">There are more than the limit.</param>
/// <param name="Count">Keys in the range, whatever the limit.</param>
public sealed record RangeResult(long Revision, ImmutableArray<KeyValue> Items, bool More, long Count)
{
    internal static RangeResult Of(Proto.RangeResponse response) =>
        new(response.Header?.Revision ?? 0, [.. response.Kvs.Select(KeyValue.Of)], response.More, response.Count);
}

/// <summary>A key was put.</summary>
/// <param name="Revision">The store's revision with this change.</param>
/// <param name="Previous">The key before, if asked for and if there was one.</param>
public sealed record PutResult(long Revision, KeyValue? Previous)
{
    internal static PutResult Of(Proto.PutResponse response) =>
        new(response.Header?.Revision ?? 0, KeyValue.OfOptional(response.PrevKv));
}

/// <summary>Keys were deleted.</summary>
/// <param name="Revision">The store's revision after it; unchanged if nothing was deleted.</param>
/// <param name="Deleted">How many.</param>
/// <param name="Previous">The keys before, if asked for.</param>
public sealed record DeleteResult(long Revision, long Deleted, ImmutableArray<KeyValue> Previous)
{
    internal static DeleteResult Of(Proto.DeleteRangeResponse response) =>
        new(response.Header?.Revision ?? 0, response.Deleted, [.. response.PrevKvs.Select(KeyValue.Of)]);
}

/// <summary>A transaction was carried out.</summary>
/// <param name="Revision">The store's revision after it.</param>
/// <param name="Succeeded">All comparisons held, and the first list of operations ran; else the second.</param>
/// <param name="Results">One per operation that ran.</param>
public sealed record TxnResult(long Revision, bool Succeeded, ImmutableArray<OpResult> Results)
{
    internal static TxnResult Of(Proto.TxnResponse response) =>
        new(response.Header?.Revision ?? 0, response.Succeeded, [.. response.Responses.Select(OpResult.Of)]);
}

/// <summary>What one operation of a transaction gave: one of the four is not null.</summary>
/// <param name="Get">Of <see cref="Op.Get"/>.</param>
/// <param name="Put">Of <see cref="Op.Put"/>.</param>
/// <param name="Delete">Of <see cref="Op.Delete"/>.</param>
/// <param name="Txn">Of <see cref="Op.Nested"/>.</param>
public sealed record OpResult(RangeResult? Get = null, PutResult? Put = null, DeleteResult? Delete = null, TxnResult? Txn = null)
{
    internal static OpResult Of(Proto.ResponseOp op) => op.ResponseCase switch
    {
        Proto.ResponseOp.ResponseOneofCase.ResponseRange => new(Get: RangeResult.Of(op.ResponseRange)),
        Proto.ResponseOp.ResponseOneofCase.ResponsePut => new(Put: PutResult.Of(op.ResponsePut)),
        Proto.ResponseOp.ResponseOneofCase.ResponseDeleteRange => new(Delete: DeleteResult.Of(op.ResponseDeleteRange)),
        Proto.ResponseOp.ResponseOneofCase.ResponseTxn => new(Txn: TxnResult.Of(op.ResponseTxn)),
        _ => new(),
    };
}
