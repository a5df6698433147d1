using System.Runtime.CompilerServices;
using Quorate.Core;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;

namespace Quorate.FrontDoors.Etcd;

// etcdserverpb.KV.
internal sealed partial class EtcdService
{
    // What the fields of a put take besides its key and value.
    private const int PutOverheadBytes = 40;

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<EtcdResult> Range(RangeRequest request, EtcdCall call)
    {
        RangeQuery query = EtcdMessages.ToQuery(request);
        KvRefusal refusal = RequestChecks.Check(query);
        if (refusal != KvRefusal.None) { return EtcdErrors.Of(refusal); }

        ReadLevel level = request.Serializable ? ReadLevel.Local : ReadLevel.Linearizable;
        (IReadView? view, EtcdError? error) = await Read(
            level, call, allowedOnLearner: level == ReadLevel.Local, KvNeeds.Range(query.Key, query.RangeEnd)).ConfigureAwait(false);
        if (view is null) { return error!; }

        RangeResult result;
        var rest = new RangeRest();
        using (view) { result = KvQueries.RangeHead(view, query, WholeAnswerBytes, rest); }
        if (result.Refusal != KvRefusal.None) { return EtcdErrors.Of(result.Refusal); }
        ResponseHeader header = Header(result.Revision);
        return rest.Records == 0
            ? EtcdResult.Of(EtcdMessages.ToMessage(result, header))
            : EtcdResult.Of(InParts(query, result, rest, header, call));
    }

    public ValueTask<EtcdResult> Put(PutRequest request, EtcdCall call)
    {
        ReadOnlySpan<byte> key = request.Key.Span;
        ReadOnlySpan<byte> value = request.Value.Span;
        KvRefusal refusal =
            RequestChecks.CheckPut(key, value, request.Lease, request.IgnoreValue, request.IgnoreLease);
        if (refusal != KvRefusal.None) { return new(EtcdErrors.Of(refusal)); }
        if (ExceedsQuota(CostOfPut(key.Length, value.Length))) { return RefuseForSpace(call, KvNeeds.Txn(new KvCommand.Txn([], [EtcdMessages.ToCommand(request)], []))); }

        // A fresh buffer each time: the node may still hold it after the caller gave up.
        var command = new ByteWriter(key.Length + value.Length + PutOverheadBytes);
        KvCommand.EncodePut(
            command, key, value, request.Lease, request.PrevKv, request.IgnoreValue, request.IgnoreLease);
        return Propose(command.WrittenMemory, call);
    }

    public ValueTask<EtcdResult> DeleteRange(DeleteRangeRequest request, EtcdCall call) =>
        Propose(EtcdMessages.ToCommand(request), call);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<EtcdResult> Txn(TxnRequest request, EtcdCall call)
    {
        KvCommand.Txn txn = EtcdMessages.ToCommand(request);
        KvRefusal refusal = RequestChecks.Check(txn, _options.MaxTxnOps);
        if (refusal != KvRefusal.None) { return EtcdErrors.Of(refusal); }
        if (txn.HasPut && ExceedsQuota(CostOf(txn))) { return await RefuseForSpace(call, KvNeeds.Txn(txn)).ConfigureAwait(false); }
        if (!txn.IsReadOnly) { return await ProposeChecked(txn, call).ConfigureAwait(false); }

        // Nothing to replicate. Linearizable unless all its ranges say that they need not be (etcd).
        ReadLevel level = EtcdMessages.IsSerializable(request) ? ReadLevel.Local : ReadLevel.Linearizable;
        (IReadView? view, EtcdError? error) = await Read(
            level, call, allowedOnLearner: false, KvNeeds.Txn(txn)).ConfigureAwait(false);
        if (view is null) { return error!; }
        using (view) { return Answer(KvQueries.Txn(view, txn)); }
    }

    public async ValueTask<EtcdResult> Compact(CompactionRequest request, EtcdCall call)
    {
        EtcdResult result = await Propose(new KvCommand.Compact(request.Revision, request.Physical), call).ConfigureAwait(false);
        if (request.Physical && result.Error is null) { _node.Reclaim(_shard); }
        return result;
    }

    private ValueTask<EtcdResult> Propose(KvCommand command, EtcdCall call)
    {
        KvRefusal refusal = RequestChecks.Check(command, _options.MaxTxnOps);
        return refusal == KvRefusal.None ? ProposeChecked(command, call) : new(EtcdErrors.Of(refusal));
    }

    private ValueTask<EtcdResult> ProposeChecked(KvCommand command, EtcdCall call)
    {
        var bytes = new ByteWriter();
        command.Encode(bytes);
        return Propose(bytes.WrittenMemory, call);
    }
}
