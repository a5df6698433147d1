using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Migrate;

/// <summary>
/// Leases of keys that are copied: the same ids at the destination, renewed there for as long as the source has them. A lease that ends at
/// the source ends here after its keys were deleted, so that its end changes nothing.
/// </summary>
internal sealed class MigrationLeases(MigrationSide from, MigrationSide to) : IDisposable
{
    // Changes are followed and leases renewed side by side.
    private readonly SemaphoreSlim _gate = new(1);
    private readonly Dictionary<long, (long Seconds, long RenewAt)> _held = [];
    private readonly Dictionary<long, long> _ended = [];

    /// <summary>How many live.</summary>
    public int Count => _held.Count;

    /// <summary>Makes sure that the destination has a lease.</summary>
    /// <returns>False: the source has it no more; what hangs on it is deleted there, and the change that says so is on its way.</returns>
    public async Task<bool> Ensure(long id, CancellationToken stop)
    {
        if (id == 0) { return true; }
        await _gate.WaitAsync(stop);
        try
        {
            return _held.ContainsKey(id) || await Take(id, stop);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Renews what is due, and ends what has ended at the source. To be called about once a second.</summary>
    /// <param name="applied">The source's revision up to which the destination has everything.</param>
    /// <param name="stop">Gives up.</param>
    public async Task Keep(long applied, CancellationToken stop)
    {
        await _gate.WaitAsync(stop);
        try
        {
            await RenewDue(stop);
            await EndEnded(applied, stop);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _gate.Dispose();

    private async Task<bool> Take(long id, CancellationToken stop)
    {
        LeaseTimeToLiveResponse lease = await from.Call(EtcdMethods.LeaseTimeToLive, new LeaseTimeToLiveRequest { ID = id }, stop);
        if (lease.TTL < 0) { return false; }
        try
        {
            await to.Call(EtcdMethods.LeaseGrant, new LeaseGrantRequest { ID = id, TTL = lease.GrantedTTL }, stop);
        }
        catch (EtcdRpcException e) when (e.Status == GrpcStatus.FailedPrecondition && e.Message.Contains("lease already exists", StringComparison.Ordinal))
        {
            // Imported, or granted by a call whose answer was lost.
        }

        _held[id] = (lease.GrantedTTL, 0);
        return true;
    }

    private async Task RenewDue(CancellationToken stop)
    {
        long now = Environment.TickCount64;
        foreach ((long id, (long seconds, long renewAt)) in _held.Where(lease => lease.Value.RenewAt <= now).ToArray())
        {
            LeaseTimeToLiveResponse lease = await from.Call(EtcdMethods.LeaseTimeToLive, new LeaseTimeToLiveRequest { ID = id }, stop);
            if (lease.TTL < 0)
            {
                _held.Remove(id);
                _ended[id] = lease.Header.Revision;
                continue;
            }

            await Renew(id, stop);
            _held[id] = (seconds, now + (seconds * 1000 / 3));
        }
    }

    private async Task EndEnded(long applied, CancellationToken stop)
    {
        foreach ((long id, long revision) in _ended.Where(lease => lease.Value <= applied).ToArray())
        {
            try
            {
                await to.Call(EtcdMethods.LeaseRevoke, new LeaseRevokeRequest { ID = id }, stop);
            }
            catch (EtcdRpcException e) when (e.Status == GrpcStatus.NotFound)
            {
                // It ended by itself.
            }

            _ended.Remove(id);
        }
    }

    private async Task Renew(long id, CancellationToken stop)
    {
        for (int endpoint = 0; endpoint < to.Client.Endpoints; endpoint++)
        {
            try
            {
                await using EtcdGrpcStream<LeaseKeepAliveRequest, LeaseKeepAliveResponse> stream =
                    to.Client.OpenStream(EtcdMethods.LeaseKeepAlive, endpoint, requireLeader: false, stop);
                await stream.WriteAsync(new LeaseKeepAliveRequest { ID = id });
                if (await stream.ReadAsync() is not null) { return; }
            }
            catch (EtcdRpcException e) when (e.Status is GrpcStatus.Unavailable or GrpcStatus.Internal)
            {
                // The next endpoint, or the next third of its time.
            }
        }
    }
}
