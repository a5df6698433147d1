using Google.Protobuf;
using Quorate.Core;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;

namespace Quorate.FrontDoors.Etcd;

// The queue that locks and elections are made of, from ordinary transactions, reads and watches: nothing is kept in this node.
internal sealed partial class EtcdService
{
    // As etcd's concurrency package.
    private const long OwnLeaseSeconds = 60;

    /// <summary>Takes a place at the end of a queue, or finds the one that the lease has already.</summary>
    private async ValueTask<(QueuePlace? Place, EtcdError? Error)> Enqueue(ByteString name, long lease, ByteString value, EtcdCall call)
    {
        bool isOwn = lease == 0;
        (lease, EtcdError? error) = await LeaseOf(lease, call).ConfigureAwait(false);
        if (error is not null) { return (null, error); }
        ByteString key = QueuePlace.KeyOf(name, lease);
        var first = new RequestOp { RequestRange = QueuePlace.First(name) };
        TxnRequest txn = QueuePlace.IfCreatedAt(
            key, 0, new RequestOp { RequestPut = new PutRequest { Key = key, Value = value, Lease = lease } }, first);
        txn.Failure.Add(new RequestOp { RequestRange = new RangeRequest { Key = key } });
        txn.Failure.Add(first);
        EtcdResult result = await Txn(txn, call).ConfigureAwait(false);
        if (result.Error is not null)
        {
            // Of an outcome that is unknown only this undoes the rest. A lease of the caller's may have had the place before.
            if (isOwn) { await LeaseRevoke(new LeaseRevokeRequest { ID = lease }, WithoutCaller(call)).ConfigureAwait(false); }
            return (null, result.Error);
        }

        var answer = (TxnResponse)result.Response!;
        KeyValue? old = answer.Succeeded ? null : answer.Responses[0].ResponseRange.Kvs[0];
        long revision = old?.CreateRevision ?? answer.Header.Revision;
        return (new QueuePlace(name, key, revision, lease)
        {
            HasOwnLease = isOwn,
            IsFirst = answer.Responses[1].ResponseRange.Kvs[0].CreateRevision == revision,
            Header = answer.Header,
            OldValue = old?.Value,
        }, null);
    }

    /// <summary>Waits until the place is the first; if that fails, for whatever reason, the place is given up.</summary>
    /// <returns>The header of the read that has found it first, or what went wrong.</returns>
    /// <exception cref="OperationCanceledException">The call is to stop.</exception>
    private async ValueTask<(ResponseHeader? Header, EtcdError? Error)> WaitToBeFirst(QueuePlace place, EtcdError ifLost, EtcdCall call)
    {
        ResponseHeader? header = null;
        try
        {
            IWakeSignal signal = _newSignal();
            using CancellationTokenRegistration stopped = WakeOnStop(signal, call);
            while (true)
            {
                // One view for both questions: at its revision the place was held, and nobody was before it.
                (IReadView? view, EtcdError? error) = await Read(
                    ReadLevel.Linearizable, call, allowedOnLearner: false, NeedsOf(place.Name)).ConfigureAwait(false);
                if (view is null) { return (null, error); }
                long revision;
                KeyValue? own;
                KeyValue? before;
                using (view)
                {
                    revision = KvQueries.CurrentRevision(view);
                    own = Single(view, new RangeRequest { Key = place.Key });
                    before = Single(view, QueuePlace.LastBefore(place.Name, place.Revision));
                }

                if (own?.CreateRevision != place.Revision) { return (null, ifLost); }
                if (before is null)
                {
                    header = Header(revision);
                    return (header, null);
                }

                using KeyWatch watch = NewWatch(signal);
                watch.Add(before.Key, ByteString.Empty, revision + 1, deletesOnly: true);
                watch.Add(place.Key, ByteString.Empty, revision + 1, deletesOnly: true);
                await watch.NextAsync(call.Stop).ConfigureAwait(false);
            }
        }
        finally
        {
            if (header is null) { await Leave(place, call).ConfigureAwait(false); }
        }
    }

    // If it fails, the place stays as long as its lease: that is what leases are for.
    private async ValueTask Leave(QueuePlace place, EtcdCall call)
    {
        EtcdCall withoutCaller = WithoutCaller(call);
        if (place.HasOwnLease)
        {
            await LeaseRevoke(new LeaseRevokeRequest { ID = place.Lease }, withoutCaller).ConfigureAwait(false);
            return;
        }

        var delete = new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = place.Key } };
        await Txn(QueuePlace.IfCreatedAt(place.Key, place.Revision, delete), withoutCaller).ConfigureAwait(false);
    }

    /// <summary>The caller's lease, or, if it has none, a new one.</summary>
    private async ValueTask<(long Lease, EtcdError? Error)> LeaseOf(long lease, EtcdCall call)
    {
        if (lease != 0) { return (lease, null); }
        EtcdResult granted = await LeaseGrant(new LeaseGrantRequest { TTL = OwnLeaseSeconds }, call).ConfigureAwait(false);
        return granted.Response is LeaseGrantResponse response ? (response.ID, null) : (0, granted.Error);
    }

    // To read the whole queue, its own place in it too.
    private static KvNeeds NeedsOf(ByteString name)
    {
        (ByteString key, ByteString end) = QueuePlace.KeysOf(name);
        return KvNeeds.Range(key.Memory, end.Memory);
    }

    private KeyWatch NewWatch(IWakeSignal signal) => new(
        new WatchSession(Watches, OpenLocal, Header, signal.Wake, _options.MaxRequestBytes, _options.MaxWatchQueueBytes), signal);

    private static KeyValue? Single(IReadView view, RangeRequest request)
    {
        RangeResult result = KvQueries.Range(view, EtcdMessages.ToQuery(request));
        return result.Records.Length == 0 ? null : EtcdMessages.ToMessage(result.Records[0]);
    }

    // What is undone when the caller has gone must not stop because it has.
    private static EtcdCall WithoutCaller(EtcdCall call) => call with { Stop = CancellationToken.None };

    private static CancellationTokenRegistration WakeOnStop(IWakeSignal signal, EtcdCall call) =>
        call.Stop.UnsafeRegister(static waiting => ((IWakeSignal)waiting!).Wake(), signal);
}
