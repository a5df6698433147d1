using System.Runtime.CompilerServices;

namespace Quorate.Client;

/// <summary>Who leads.</summary>
/// <param name="Value">What the leader proclaims.</param>
/// <param name="Key">The leader's key.</param>
/// <param name="FencingToken">The revision of the leader's election; a later leader's is larger.</param>
public sealed record LeaderInfo(Blob Value, Blob Key, long FencingToken);

/// <summary>An election: at most one leads at any revision of the store, and the next is the one that has waited longest. Any thread.</summary>
public sealed class LeaderElection
{
    private readonly QuorateClient _client;
    private readonly string _name;

    internal LeaderElection(QuorateClient client, string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        (_client, _name) = (client, name);
    }

    /// <summary>Waits until elected.</summary>
    /// <param name="value">What the leader proclaims, e.g. its address.</param>
    /// <param name="timeToLive">How long after the death of a leader the next one takes over; default 15 s.</param>
    /// <param name="cancellationToken">Gives up; the place in the queue is left.</param>
    /// <exception cref="LeaseLostException">The cluster was out of reach for too long while waiting: campaign again.</exception>
    public async Task<Leadership> CampaignAsync(Blob value, TimeSpan? timeToLive = null, CancellationToken cancellationToken = default)
    {
        QueuePlace place = await QueuePlace
            .EnterAsync(_client, _name, value, timeToLive ?? QuorateClient.DefaultTimeToLive, cancellationToken).ConfigureAwait(false);
        try
        {
            await place.WaitAsync(cancellationToken).ConfigureAwait(false);
            return new Leadership(_client, place);
        }
        catch
        {
            await place.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Who leads now; null: nobody.</summary>
    public async Task<LeaderInfo?> GetLeaderAsync(CancellationToken cancellationToken = default)
    {
        var first = new RangeOptions { SortBy = SortBy.CreateRevision, Limit = 1 };
        RangeResult found = await _client.Kv.RangeAsync(QueuePlace.RangeOf(_name), first, cancellationToken).ConfigureAwait(false);
        return found.Items.IsEmpty ? null : InfoOf(found.Items[0]);
    }

    /// <summary>Who leads, then each change of leader or of what it proclaims, for as long as it is read. Null: nobody.</summary>
    public async IAsyncEnumerable<LeaderInfo?> ObserveAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        KeyValue? told = null;
        bool isFirst = true;
        await foreach (MirrorState state in _client.MirrorAsync(QueuePlace.RangeOf(_name), cancellationToken).ConfigureAwait(false))
        {
            KeyValue? leader = state.Items.Values.MinBy(static item => item.CreateRevision);
            if (!isFirst && leader == told) { continue; }
            (told, isFirst) = (leader, false);
            yield return leader is null ? null : InfoOf(leader);
        }
    }

    private static LeaderInfo InfoOf(KeyValue leader) => new(leader.Value, leader.Key, leader.CreateRevision);
}

/// <summary>Being the leader. Dispose of it to resign; the next in the queue is elected at once. What is said of <see cref="LockHandle"/> holds here too.</summary>
public sealed class Leadership : IAsyncDisposable
{
    private readonly QuorateClient _client;
    private readonly QueuePlace _place;

    internal Leadership(QuorateClient client, QueuePlace place) => (_client, _place) = (client, place);

    /// <summary>The leader's key.</summary>
    public Blob Key => _place.Key;

    /// <summary>The revision of this election: each later leader's is larger.</summary>
    public long FencingToken => _place.Created;

    /// <summary>Cancelled before another can be elected, and when resigned: see <see cref="Lease.Lost"/>.</summary>
    public CancellationToken Lost => _place.Lease.Lost;

    /// <summary>Whether one surely leads at this moment, by the clocks.</summary>
    public bool IsLeader => _place.Lease.IsAlive;

    /// <summary>True as long as one leads, judged in the same step as the transaction that contains it.</summary>
    public Compare StillLeading => Compare.CreateRevision(_place.Key, Relation.Equal, _place.Created);

    /// <summary>Proclaims another value, if still the leader.</summary>
    /// <exception cref="LeaseLostException">Not the leader any more; nothing happened.</exception>
    /// <exception cref="OutcomeUnknownException">It may have happened.</exception>
    public async Task ProclaimAsync(Blob value, CancellationToken cancellationToken = default)
    {
        Txn proclaim = Txn.If(StillLeading).Then(Op.Put(_place.Key, value, new PutOptions { LeaseId = _place.Lease.Id }));
        TxnResult answer = await _client.Kv.CommitAsync(proclaim, cancellationToken).ConfigureAwait(false);
        if (!answer.Succeeded) { throw new LeaseLostException("this election is over: another one leads, or nobody"); }
    }

    /// <summary>Resigns.</summary>
    public ValueTask DisposeAsync() => _place.DisposeAsync();
}
