using Proto = Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Client;

/// <summary>What a server says of a lease.</summary>
/// <param name="Left">Time left.</param>
/// <param name="Granted">Its whole time to live.</param>
/// <param name="Keys">The keys that go with it.</param>
public sealed record LeaseInfo(TimeSpan Left, TimeSpan Granted, IReadOnlyList<Blob> Keys);

/// <summary>Leases. Any thread.</summary>
public sealed class LeaseClient
{
    private readonly CallPipeline _calls;

    internal LeaseClient(CallPipeline calls) => _calls = calls;

    /// <summary>Makes a lease and keeps it alive until it is disposed of.</summary>
    /// <param name="timeToLive">At least a second, in whole seconds (rounded up); a server may give more (etcd: at least 2 s).</param>
    /// <param name="cancellationToken">Stops waiting; a lease that was made all the same ends by itself.</param>
    /// <exception cref="UnavailableException">No server could be reached in time, or none gave an answer that counts.</exception>
    public async Task<Lease> GrantAsync(TimeSpan timeToLive, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(timeToLive, TimeSpan.FromSeconds(1));
        while (true)
        {
            // The client chooses the id: then the request may be repeated, and never makes a second lease.
            long id = Random.Shared.NextInt64(1, long.MaxValue);
            Moment sent = Moment.Now(_calls.Options.Time);
            var request = new Proto.LeaseGrantRequest { ID = id, TTL = (long)Math.Ceiling(timeToLive.TotalSeconds) };
            try
            {
                Proto.LeaseGrantResponse answer = await _calls.CallAsync(
                    Rpcs.LeaseGrant, request, Repeat.Idempotently, _calls.Options.CallTimeout, cancellationToken).ConfigureAwait(false);
                return new Lease(_calls, id, TimeSpan.FromSeconds(answer.TTL), sent);
            }
            catch (RefusedException e) when (e.Message == FailureJudge.LeaseExists)
            {
                // By an earlier attempt of ours, whose answer was lost; or, once in the age of the universe, somebody else's.
                if (e.Outcome == Outcome.Unknown && await FindAsync(id, cancellationToken).ConfigureAwait(false) is { } ours)
                {
                    return new Lease(_calls, id, ours.Granted, sent);
                }
            }
        }
    }

    /// <summary>What is known of a lease; null if there is none.</summary>
    public async Task<LeaseInfo?> FindAsync(long leaseId, CancellationToken cancellationToken = default)
    {
        Proto.LeaseTimeToLiveResponse answer = await _calls.CallAsync(
            Rpcs.LeaseTimeToLive, new Proto.LeaseTimeToLiveRequest { ID = leaseId, Keys = true }, Repeat.Freely, _calls.Options.CallTimeout,
            cancellationToken).ConfigureAwait(false);
        return answer.TTL < 0 || answer.GrantedTTL == 0
            ? null
            : new(TimeSpan.FromSeconds(answer.TTL), TimeSpan.FromSeconds(answer.GrantedTTL), [.. answer.Keys.Select(static key => new Blob(key))]);
    }

    /// <summary>Ends any lease, and deletes its keys, at one revision. To end one's own, dispose of it.</summary>
    /// <exception cref="LeaseNotFoundException">There is none of that id (any more).</exception>
    public async Task RevokeAsync(long leaseId, CancellationToken cancellationToken = default) =>
        await _calls.CallAsync(
            Rpcs.LeaseRevoke, new Proto.LeaseRevokeRequest { ID = leaseId }, Repeat.Idempotently, _calls.Options.CallTimeout,
            cancellationToken).ConfigureAwait(false);
}
