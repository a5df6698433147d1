using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>
/// One run of a transaction, in three passes over the lists that are taken: decide which they are, by the state before; refuse
/// or not, by the state before; then execute, which cannot fail. So a refused transaction changes nothing, on every replica
/// alike (etcd up to 3.6 lets one member refuse what others apply: etcd-io/etcd#18667).
/// </summary>
internal sealed class TxnRun
{
    private readonly IStoreReader _store;
    private readonly KvMeta _before;
    private readonly VersionWriter? _writer;

    // For each transaction taken, outermost first, in order: did its conditions hold?
    private readonly List<bool> _path = [];
    private int _next;

    /// <param name="store">Where the transaction reads.</param>
    /// <param name="before">The state's revisions.</param>
    /// <param name="writer">Started, and writing to the same store; null for a transaction that only reads.</param>
    public TxnRun(IStoreReader store, KvMeta before, VersionWriter? writer)
    {
        _store = store;
        _before = before;
        _writer = writer;
    }

    private VersionWriter Writer
    {
        get
        {
            Invariant.Holds(_writer is not null, $"a write in a transaction that only reads");
            return _writer;
        }
    }

    private long Revision => _writer?.Revision ?? _before.Current;

    /// <summary>Runs the transaction and appends its reply, which may be a refusal.</summary>
    public void Run(KvCommand.Txn txn, ByteWriter reply)
    {
        KvRefusal refusal = RequestChecks.CheckFields(txn, maxTxnOps: int.MaxValue);
        if (refusal == KvRefusal.None)
        {
            Decide(txn);
            refusal = Check(txn);
        }

        if (refusal != KvRefusal.None)
        {
            KvReply.EncodeRefused(reply, _before.Current, refusal);
            return;
        }

        _next = 0;
        reply.U8(KvReply.Format);
        Execute(txn, reply);
        reply.VarInt(Revision);
    }

    private ImmutableArray<KvCommand.Op> Taken(KvCommand.Txn txn) => _path[_next++] ? txn.Success : txn.Failure;

    private void Decide(KvCommand.Txn txn)
    {
        bool holds = true;
        foreach (KvCompare compare in txn.Compares) { holds = holds && TxnConditions.Holds(_store, _before.Current, compare); }
        _path.Add(holds);
        foreach (KvCommand.Op operation in holds ? txn.Success : txn.Failure)
        {
            if (operation is KvCommand.Txn inner) { Decide(inner); }
        }
    }

    private KvRefusal Check(KvCommand.Txn txn)
    {
        foreach (KvCommand.Op operation in Taken(txn))
        {
            KvRefusal refusal = operation switch
            {
                KvCommand.Range range => CheckRevision(range.Query.Revision),
                KvCommand.Put put => CheckPut(put),
                KvCommand.Txn inner => Check(inner),
                _ => KvRefusal.None,
            };
            if (refusal != KvRefusal.None) { return refusal; }
        }

        return KvRefusal.None;
    }

    // Unlike a range alone, one in a transaction may not name a negative revision below the compacted one (etcd).
    private KvRefusal CheckRevision(long revision)
    {
        if (revision == 0) { return KvRefusal.None; }
        if (revision > _before.Current) { return KvRefusal.FutureRevision; }
        return revision < _before.Compacted ? KvRefusal.Compacted : KvRefusal.None;
    }

    private KvRefusal CheckPut(KvCommand.Put put)
    {
        if (put.Lease != 0 && !LeaseStore.Exists(_store, put.Lease)) { return KvRefusal.LeaseNotFound; }
        if (!put.IgnoreValue && !put.IgnoreLease) { return KvRefusal.None; }
        return RangeReader.Exists(_store, put.Key.Span, _before.Current) ? KvRefusal.None : KvRefusal.KeyNotFound;
    }

    private void Execute(KvCommand.Txn txn, ByteWriter reply)
    {
        reply.U8((byte)KvReply.Kind.Txn);
        reply.Bool(_path[_next]);
        ImmutableArray<KvCommand.Op> operations = Taken(txn);
        reply.VarUInt((ulong)operations.Length);
        foreach (KvCommand.Op operation in operations) { Execute(operation, reply); }
    }

    private void Execute(KvCommand.Op operation, ByteWriter reply)
    {
        switch (operation)
        {
            case KvCommand.Range range:
                KvReply.WriteRange(reply, RangeReader.Read(_store, range.Query, Revision, _before.Compacted));
                break;
            case KvCommand.Put put:
                KvRefusal refusal = Writer.TryPut(new KvCommand.PutFields(put), reply);
                Invariant.Holds(refusal == KvRefusal.None, $"{refusal} after the checks");
                break;
            case KvCommand.DeleteRange delete:
                Writer.DeleteRange(delete, reply);
                break;
            case KvCommand.Txn inner:
                Execute(inner, reply);
                reply.VarInt(0); // etcd's answer to an inner transaction has an empty header.
                break;
            default:
                throw Invariant.Unreachable(operation);
        }
    }
}
