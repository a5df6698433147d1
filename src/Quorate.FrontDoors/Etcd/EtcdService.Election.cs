using Google.Protobuf;
using Quorate.Core;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;

namespace Quorate.FrontDoors.Etcd;

// v3electionpb.Election.
internal sealed partial class EtcdService
{
    public ValueTask<EtcdResult> Campaign(CampaignRequest request, EtcdCall call) => ServeRecipe(call, async inner =>
    {
        (QueuePlace? place, EtcdError? error) = await Enqueue(request.Name, request.Lease, request.Value, inner).ConfigureAwait(false);
        if (place is null) { return error!; }
        var leader = new LeaderKey { Name = request.Name, Key = place.Key, Rev = place.Revision, Lease = place.Lease };
        if (place.OldValue is { } old && old != request.Value)
        {
            EtcdResult proclaimed = await Proclaim(leader, request.Value, inner).ConfigureAwait(false);
            if (proclaimed.Error is not null)
            {
                await Leave(place, inner).ConfigureAwait(false);
                return proclaimed;
            }
        }

        if (!place.IsFirst)
        {
            (_, error) = await WaitToBeFirst(place, EtcdErrors.ElectionNotLeader, inner).ConfigureAwait(false);
            if (error is not null) { return error; }
        }

        return EtcdResult.Of(new CampaignResponse { Header = place.Header, Leader = leader });
    });

    public ValueTask<EtcdResult> Proclaim(ProclaimRequest request, EtcdCall call) => ServeRecipe(
        call, inner => request.Leader is { } leader ? Proclaim(leader, request.Value, inner) : new(EtcdErrors.MissingLeaderKey));

    public ValueTask<EtcdResult> Leader(LeaderRequest request, EtcdCall call) => ServeRecipe(call, async inner =>
    {
        EtcdResult read = await Range(QueuePlace.First(request.Name), inner).ConfigureAwait(false);
        if (read.Response is not RangeResponse response) { return read; }
        return response.Kvs.Count == 0
            ? EtcdErrors.ElectionNoLeader
            : EtcdResult.Of(new LeaderResponse { Header = response.Header, Kv = response.Kvs[0] });
    });

    public ValueTask<EtcdResult> Resign(ResignRequest request, EtcdCall call) => ServeRecipe(call, async inner =>
    {
        if (request.Leader is not { } leader) { return EtcdErrors.MissingLeaderKey; }
        var delete = new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = leader.Key } };
        EtcdResult result = await Txn(QueuePlace.IfCreatedAt(leader.Key, leader.Rev, delete), inner).ConfigureAwait(false);

        // Whoever does not lead any more need not resign.
        return result.Response is TxnResponse txn ? EtcdResult.Of(new ResignResponse { Header = txn.Header }) : result;
    });

    /// <summary>Tells the leader and what it proclaims, then each value that it proclaims, then the next leader; until the caller goes.</summary>
    public async ValueTask<EtcdError?> Observe(IEtcdStream stream, EtcdCall call)
    {
        StreamRead read = await stream.ReadAsync(call.Stop).ConfigureAwait(false);
        if (read.Request is not LeaderRequest request) { return read.Error ?? EtcdErrors.CutShort; }
        using CancellationTokenRegistration stopped = WakeOnStop(stream, call);
        KeyValue? told = null;
        while (true)
        {
            (IReadView? view, EtcdError? error) = await Read(
                ReadLevel.Linearizable, call, allowedOnLearner: false, NeedsOf(request.Name)).ConfigureAwait(false);
            if (view is null) { return error! with { Status = GrpcStatus.Unknown }; }
            long revision;
            KeyValue? leader;
            using (view)
            {
                revision = KvQueries.CurrentRevision(view);
                leader = Single(view, QueuePlace.First(request.Name));
            }

            if (leader is not null && !leader.Equals(told)) { await Tell(stream, Header(revision), leader, call).ConfigureAwait(false); }
            told = leader ?? told;
            if (leader is null)
            {
                leader = await FirstToCome(stream, request.Name, revision + 1, call).ConfigureAwait(false);
                if (leader is null) { continue; }
                revision = leader.ModRevision;
                told = leader;
                await Tell(stream, Header(revision), leader, call).ConfigureAwait(false);
            }

            told = await Follow(stream, told!, revision + 1, call).ConfigureAwait(false);
        }
    }

    private async ValueTask<EtcdResult> Proclaim(LeaderKey leader, ByteString value, EtcdCall call)
    {
        (long lease, EtcdError? error) = await LeaseOf(leader.Lease, call).ConfigureAwait(false);
        if (error is not null) { return error; }
        var put = new RequestOp { RequestPut = new PutRequest { Key = leader.Key, Value = value, Lease = lease } };
        EtcdResult result = await Txn(QueuePlace.IfCreatedAt(leader.Key, leader.Rev, put), call).ConfigureAwait(false);
        if (result.Response is not TxnResponse txn) { return result; }
        return txn.Succeeded ? EtcdResult.Of(new ProclaimResponse { Header = txn.Header }) : EtcdErrors.ElectionNotLeader;
    }

    // Whoever comes first into an empty queue leads. Null: the watch is lost.
    private async ValueTask<KeyValue?> FirstToCome(IEtcdStream stream, ByteString name, long start, EtcdCall call)
    {
        using KeyWatch watch = NewWatch(stream);
        (ByteString key, ByteString end) = QueuePlace.KeysOf(name);
        watch.Add(key, end, start, deletesOnly: false);
        while (await watch.NextAsync(call.Stop).ConfigureAwait(false) is { } response)
        {
            foreach (Event change in response.Events.Select(Event.Parser.ParseFrom))
            {
                if (change.Type == Event.Types.EventType.Put) { return change.Kv; }
            }
        }

        return null;
    }

    // Tells what the leader proclaims, until its key is deleted or the watch is lost. Returns what was told last.
    private async ValueTask<KeyValue> Follow(IEtcdStream stream, KeyValue leader, long start, EtcdCall call)
    {
        using KeyWatch watch = NewWatch(stream);
        watch.Add(leader.Key, ByteString.Empty, start, deletesOnly: false);
        while (await watch.NextAsync(call.Stop).ConfigureAwait(false) is { } response)
        {
            foreach (Event change in response.Events.Select(Event.Parser.ParseFrom))
            {
                if (change.Type == Event.Types.EventType.Delete) { return leader; }
                leader = change.Kv;
                await Tell(stream, response.Header, leader, call).ConfigureAwait(false);
            }
        }

        return leader;
    }

    private static async ValueTask Tell(IEtcdStream stream, ResponseHeader header, KeyValue leader, EtcdCall call)
    {
        await stream.WriteAsync(new LeaderResponse { Header = header, Kv = leader }, call.Stop).ConfigureAwait(false);
        await stream.FlushAsync(call.Stop).ConfigureAwait(false);
    }
}
