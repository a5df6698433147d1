using Quorate.Core;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Node;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;

namespace Quorate.FrontDoors.Etcd;

// etcdserverpb.Lease. Time passes by the shard's clock, which the log carries: this node's clock decides nothing.
internal sealed partial class EtcdService
{
    // Renewals of one stream that are under way at once: a client with thousands of leases sends all on one stream.
    private const int MostRenewalsAtOnce = 256;

    // As etcd: whoever loses its leader must find the next one before its lease ends.
    private long LeastLeaseSeconds => (long)Math.Ceiling(1.5 * _options.ElectionTimeout.TotalSeconds);

    public ValueTask<EtcdResult> LeaseGrant(LeaseGrantRequest request, EtcdCall call) => ExceedsQuota(CostOfLease)
        ? RefuseForSpace(call, KvNeeds.User)
        : Propose(new KvCommand.LeaseGrant(request.ID, Math.Max(request.TTL, LeastLeaseSeconds)), call);

    public ValueTask<EtcdResult> LeaseRevoke(LeaseRevokeRequest request, EtcdCall call) =>
        Propose(new KvCommand.LeaseRevoke(request.ID), call);

    /// <summary>One renewal; a lease that does not exist is answered with a TTL of 0.</summary>
    public async ValueTask<EtcdResult> LeaseRenew(LeaseKeepAliveRequest request, EtcdCall call)
    {
        EtcdResult result = await Propose(new KvCommand.LeaseRenew(request.ID), call).ConfigureAwait(false);
        if (result.Response is LeaseKeepAliveResponse response) { response.ID = request.ID; }
        return result;
    }

    /// <summary>Renews as often as asked, and answers in that order, until the caller has half-closed or a renewal fails.</summary>
    public async ValueTask<EtcdError?> LeaseKeepAlive(IEtcdStream stream, EtcdCall call)
    {
        var renewals = new Queue<Task<EtcdResult>>();
        Task<StreamRead>? read = stream.ReadAsync(call.Stop).AsTask();
        while (read is not null || renewals.Count > 0)
        {
            if (read is not null && renewals.Count < MostRenewalsAtOnce)
            {
                if (renewals.Count > 0) { await Task.WhenAny(read, renewals.Peek()).ConfigureAwait(false); }
                if (renewals.Count == 0 || read.IsCompleted)
                {
                    StreamRead next = await read.ConfigureAwait(false);
                    if (next.Error is { } unreadable) { return unreadable; }
                    if (next.Request is LeaseKeepAliveRequest request) { renewals.Enqueue(LeaseRenew(request, call).AsTask()); }
                    read = next.IsEnd ? null : stream.ReadAsync(call.Stop).AsTask();
                    continue;
                }
            }

            EtcdResult result = await renewals.Dequeue().ConfigureAwait(false);
            if (result.Error is { } error) { return error; }
            await stream.WriteAsync(result.Response!, call.Stop).ConfigureAwait(false);
            if (renewals.Count == 0 || !renewals.Peek().IsCompleted) { await stream.FlushAsync(call.Stop).ConfigureAwait(false); }
        }

        return null;
    }

    public async ValueTask<EtcdResult> LeaseTimeToLive(LeaseTimeToLiveRequest request, EtcdCall call)
    {
        if (Refusal(call, allowedOnLearner: false) is { } refusal) { return refusal; }
        (ReadResult read, EtcdError? error) = await Open(
            ReadLevel.Linearizable, call, request.Keys ? KvNeeds.LeaseKeys(request.ID) : KvNeeds.User).ConfigureAwait(false);
        if (read.View is not { } view) { return error!; }
        using (view)
        {
            var response = new LeaseTimeToLiveResponse { Header = Header(KvQueries.CurrentRevision(view)), ID = request.ID, TTL = -1 };
            if (LeaseQueries.Find(view, request.ID) is { } lease)
            {
                response.TTL = Math.Max(0, lease.Deadline - read.Clock) / 1000;
                response.GrantedTTL = lease.Seconds;
                if (request.Keys) { response.Keys.AddRange(LeaseQueries.KeysOf(view, lease.Id).Select(EtcdMessages.Wrap)); }
            }

            return EtcdResult.Of(response);
        }
    }

    public async ValueTask<EtcdResult> LeaseLeases(LeaseLeasesRequest request, EtcdCall call)
    {
        (IReadView? view, EtcdError? error) = await Read(
            ReadLevel.Linearizable, call, allowedOnLearner: false, KvNeeds.AllLeaseKeys).ConfigureAwait(false);
        if (view is null) { return error!; }
        using (view)
        {
            var response = new LeaseLeasesResponse { Header = Header(KvQueries.CurrentRevision(view)) };
            foreach (KvLease lease in LeaseQueries.All(view)) { response.Leases.Add(new LeaseStatus { ID = lease.Id }); }
            return EtcdResult.Of(response);
        }
    }
}
