using System.Globalization;

namespace Quorate.Client;

/// <summary>
/// A place in a queue of keys, by the recipe of etcd's concurrency package, so that its users and ours wait in the same queue: the key is
/// NAME/lease-id in hex; whoever has the smallest create revision is first.
/// </summary>
internal sealed class QueuePlace : IAsyncDisposable
{
    private readonly QuorateClient _client;
    private readonly KeyRange _queue;

    private QueuePlace(QuorateClient client, KeyRange queue, Lease lease, Blob key, long created) =>
        (_client, _queue, Lease, Key, Created) = (client, queue, lease, key, created);

    public Lease Lease { get; }

    public Blob Key { get; }

    public long Created { get; }

    public static KeyRange RangeOf(string name) => KeyRange.Prefix(name + "/");

    /// <summary>Enters behind all that are in it.</summary>
    public static async Task<QueuePlace> EnterAsync(QuorateClient client, string name, Blob value, TimeSpan timeToLive, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Lease lease = await client.Leases.GrantAsync(timeToLive, cancellationToken).ConfigureAwait(false);
        try
        {
            Blob key = $"{name}/{lease.Id.ToString("x", CultureInfo.InvariantCulture)}";
            long created = await LeasedKey.CreateAsync(client.Kv, key, value, lease, cancellationToken).ConfigureAwait(false);
            return new QueuePlace(client, RangeOf(name), lease, key, created);
        }
        catch
        {
            await lease.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Whether it is the first: there is a moment between request and answer at which it is.</summary>
    /// <exception cref="LeaseLostException">The place is gone.</exception>
    public async Task<bool> IsFirstAsync(CancellationToken cancellationToken) =>
        (await LookAsync(cancellationToken).ConfigureAwait(false)).Before is null;

    /// <summary>Waits until it is the first. Only the one before it is watched, so one departure wakes one.</summary>
    /// <exception cref="LeaseLostException">The place was lost while waiting.</exception>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, Lease.Lost);
        try
        {
            while (!await WaitForOneAsync(stop.Token).ConfigureAwait(false))
            {
                // One that was before it has left, or nobody could be asked: look again.
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested && !Lease.IsAlive)
        {
            throw new LeaseLostException("the lease could not be renewed while waiting; the place in the queue is lost");
        }
    }

    public ValueTask DisposeAsync() => Lease.DisposeAsync();

    // True if it is the first. While the cluster is out of reach the place is kept, for as long as the lease lives.
    private async Task<bool> WaitForOneAsync(CancellationToken cancellationToken)
    {
        try
        {
            (Blob? before, long revision) = await LookAsync(cancellationToken).ConfigureAwait(false);
            if (before is not { } key) { return true; }
            await WaitForDeletionAsync(key, revision + 1, cancellationToken).ConfigureAwait(false);
            return false;
        }
        catch (UnavailableException)
        {
            return false;
        }
    }

    // One transaction, so that both answers are of one moment: one's own key, and the last one before it.
    private async Task<(Blob? Before, long Revision)> LookAsync(CancellationToken cancellationToken)
    {
        var last = new RangeOptions { MaxCreateRevision = Created - 1, SortBy = SortBy.CreateRevision, Descending = true, Limit = 1, KeysOnly = true };
        TxnResult seen = await _client.Kv.CommitAsync(Txn.Do(Op.Get(Key), Op.Get(_queue, last)), cancellationToken).ConfigureAwait(false);
        if (seen.Results[0].Get!.Items.FirstOrDefault()?.CreateRevision != Created)
        {
            throw new LeaseLostException("the key in the queue is gone: its lease ended, or somebody deleted it");
        }

        return (seen.Results[1].Get!.Items.FirstOrDefault()?.Key, seen.Revision);
    }

    private async Task WaitForDeletionAsync(Blob key, long from, CancellationToken cancellationToken)
    {
        try
        {
            var deletions = new WatchOptions { StartRevision = from, WithoutPuts = true };
            await foreach (WatchBatch batch in _client.WatchAsync(key, deletions, cancellationToken).ConfigureAwait(false))
            {
                if (!batch.Events.IsEmpty) { return; }
            }
        }
        catch (CompactedException)
        {
            // Look again.
        }
    }
}
