using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace Quorate.Client;

/// <summary>All keys of a range, as they were at one revision.</summary>
/// <param name="Revision">The revision.</param>
/// <param name="Items">By key.</param>
public sealed record MirrorState(long Revision, ImmutableSortedDictionary<Blob, KeyValue> Items);

/// <summary>Reads a range, then follows it.</summary>
internal static class Mirror
{
    private const int PageSize = 1000;

    public static async IAsyncEnumerable<MirrorState> RunAsync(
        QuorateClient client, KeyRange keys, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        MirrorState state = await LoadAsync(client, keys, cancellationToken).ConfigureAwait(false);
        while (true)
        {
            yield return state;
            IAsyncEnumerator<WatchBatch> changes = client
                .WatchAsync(keys, new WatchOptions { StartRevision = state.Revision + 1 }, cancellationToken).GetAsyncEnumerator(cancellationToken);
            await using (changes.ConfigureAwait(false))
            {
                while (await NextAsync(changes).ConfigureAwait(false) is { } batch)
                {
                    state = Apply(state, batch);
                    yield return state;
                }
            }

            // It was cut off for so long that what happened meanwhile is compacted; what is there now is all that counts.
            state = await ReloadAsync(client, keys, cancellationToken).ConfigureAwait(false);
        }
    }

    private static async ValueTask<WatchBatch?> NextAsync(IAsyncEnumerator<WatchBatch> changes)
    {
        try
        {
            return await changes.MoveNextAsync().ConfigureAwait(false) ? changes.Current : null;
        }
        catch (CompactedException)
        {
            return null;
        }
    }

    private static MirrorState Apply(MirrorState state, WatchBatch batch)
    {
        ImmutableSortedDictionary<Blob, KeyValue>.Builder items = state.Items.ToBuilder();
        foreach (WatchEvent change in batch.Events)
        {
            if (change.Kind == WatchEventKind.Put) { items[change.Item.Key] = change.Item; }
            else { items.Remove(change.Item.Key); }
        }

        return new(batch.Revision, items.ToImmutable());
    }

    private static async Task<MirrorState> ReloadAsync(QuorateClient client, KeyRange keys, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await LoadAsync(client, keys, cancellationToken).ConfigureAwait(false);
            }
            catch (UnavailableException)
            {
                // It has run before, so it waits until the cluster is back, as a watch does.
            }
        }
    }

    private static async Task<MirrorState> LoadAsync(QuorateClient client, KeyRange keys, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await ReadAsync(client, keys, cancellationToken).ConfigureAwait(false);
            }
            catch (CompactedException)
            {
                // Between two pages; a new reading has a newer revision.
            }
        }
    }

    private static async Task<MirrorState> ReadAsync(QuorateClient client, KeyRange keys, CancellationToken cancellationToken)
    {
        RangeResult first = await client.Kv.RangeAsync(keys, new RangeOptions { Limit = PageSize }, cancellationToken).ConfigureAwait(false);
        ImmutableSortedDictionary<Blob, KeyValue>.Builder items = ImmutableSortedDictionary.CreateBuilder<Blob, KeyValue>();
        foreach (KeyValue item in first.Items) { items.Add(item.Key, item); }
        if (first.More)
        {
            IAsyncEnumerable<KeyValue> rest = client.Kv.ScanAsync(
                keys.Behind(first.Items[^1].Key), PageSize, new RangeOptions { Revision = first.Revision }, cancellationToken);
            await foreach (KeyValue item in rest.ConfigureAwait(false)) { items.Add(item.Key, item); }
        }

        return new(first.Revision, items.ToImmutable());
    }
}
