using System.Runtime.CompilerServices;
using Proto = Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Client;

/// <summary>Keys: reads, writes, transactions. Any thread.</summary>
/// <remarks>
/// Every method throws <see cref="QuorateException"/> if it does not succeed, whose <see cref="QuorateException.Outcome"/> says whether
/// it may have happened. Reads are asked again within the call's time; writes only after failures that are certain to have done nothing.
/// To repeat a write of unknown outcome safely, use <see cref="QuorateClient.OpenWriteSessionAsync"/>.
/// </remarks>
public sealed class KvClient
{
    private readonly CallPipeline _calls;
    private readonly TimeSpan _timeout;

    internal KvClient(CallPipeline calls, TimeSpan timeout) => (_calls, _timeout) = (calls, timeout);

    /// <summary>The same, with another time for each call, all its attempts together.</summary>
    public KvClient WithTimeout(TimeSpan timeout)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero);
        return new(_calls, timeout);
    }

    /// <summary>Reads one key, linearizable unless told otherwise. Null: there is none.</summary>
    public async Task<KeyValue?> GetAsync(Blob key, RangeOptions? options = null, CancellationToken cancellationToken = default)
    {
        RangeResult result = await RangeAsync(key, options, cancellationToken).ConfigureAwait(false);
        return result.Items.Length == 0 ? null : result.Items[0];
    }

    /// <summary>Reads a range in one answer. For ranges of unknown size use <see cref="ScanAsync"/>.</summary>
    public async Task<RangeResult> RangeAsync(KeyRange keys, RangeOptions? options = null, CancellationToken cancellationToken = default) =>
        RangeResult.Of(await _calls.CallAsync(
            Rpcs.Range, KvMessages.Range(keys, options), Repeat.Freely, _timeout, cancellationToken).ConfigureAwait(false));

    /// <summary>Reads a range page by page, all at one revision: at most two pages are in memory, whatever the range's size.</summary>
    /// <param name="keys">Which keys; they come in their order.</param>
    /// <param name="pageSize">Keys per request.</param>
    /// <param name="options">Only <see cref="RangeOptions.Revision"/>, <see cref="RangeOptions.Serializable"/> and
    /// <see cref="RangeOptions.KeysOnly"/> may be set: a page ends where the next begins.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="CompactedException">The revision was compacted while it was read; begin again.</exception>
    public async IAsyncEnumerable<KeyValue> ScanAsync(
        KeyRange keys, int pageSize = 1000, RangeOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pageSize, 1);
        RangeOptions how = options ?? new();
        if (how != new RangeOptions { Revision = how.Revision, Serializable = how.Serializable, KeysOnly = how.KeysOnly })
        {
            throw new ArgumentException("a scan takes only Revision, Serializable and KeysOnly; read a sorted or filtered range with RangeAsync", nameof(options));
        }

        how = how with { Limit = pageSize };
        while (true)
        {
            RangeResult page = await RangeAsync(keys, how, cancellationToken).ConfigureAwait(false);
            foreach (KeyValue item in page.Items) { yield return item; }
            if (!page.More) { yield break; }
            keys = keys.Behind(page.Items[^1].Key);
            if (how.Revision == 0) { how = how with { Revision = page.Revision }; }
        }
    }

    /// <summary>Puts a key.</summary>
    /// <exception cref="OutcomeUnknownException">No answer came after it was sent: it may have happened, or may happen yet.</exception>
    /// <exception cref="UnavailableException">Nothing happened.</exception>
    /// <exception cref="RefusedException">Nothing happened; e.g. <see cref="LeaseNotFoundException"/>.</exception>
    public async Task<PutResult> PutAsync(Blob key, Blob value, PutOptions? options = null, CancellationToken cancellationToken = default) =>
        PutResult.Of(await _calls.CallAsync(
            Rpcs.Put, KvMessages.Put(key, value, options), Repeat.IfNothingHappened, _timeout, cancellationToken).ConfigureAwait(false));

    /// <summary>Deletes a key or a range, at one revision.</summary>
    /// <inheritdoc cref="PutAsync" path="/exception"/>
    public async Task<DeleteResult> DeleteAsync(KeyRange keys, bool previous = false, CancellationToken cancellationToken = default) =>
        DeleteResult.Of(await _calls.CallAsync(
            Rpcs.DeleteRange, KvMessages.Delete(keys, previous), Repeat.IfNothingHappened, _timeout, cancellationToken).ConfigureAwait(false));

    /// <summary>Carries out a transaction. One that only reads is asked again like a read.</summary>
    /// <inheritdoc cref="PutAsync" path="/exception"/>
    public async Task<TxnResult> CommitAsync(Txn txn, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(txn);
        Repeat repeat = txn.IsReadOnly ? Repeat.Freely : Repeat.IfNothingHappened;
        return TxnResult.Of(await CommitAsync(txn.ToMessage(), repeat, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Gives up all history before a revision: it can be neither read nor watched any more.</summary>
    /// <param name="revision">The oldest that stays readable.</param>
    /// <param name="physical">Answer only when the space is given back.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="CompactedException">It is compacted already, up to there or further.</exception>
    public async Task CompactAsync(long revision, bool physical = false, CancellationToken cancellationToken = default) =>
        await _calls.CallAsync(
            Rpcs.Compact, new Proto.CompactionRequest { Revision = revision, Physical = physical }, Repeat.IfNothingHappened, _timeout,
            cancellationToken).ConfigureAwait(false);

    internal Task<Proto.TxnResponse> CommitAsync(Proto.TxnRequest txn, Repeat repeat, CancellationToken cancellationToken) =>
        _calls.CallAsync(Rpcs.Txn, txn, repeat, _timeout, cancellationToken);

    internal Task<(Proto.TxnResponse Answer, bool Doubt)> CommitWithDoubtAsync(Proto.TxnRequest txn, CancellationToken cancellationToken) =>
        _calls.CallWithDoubtAsync(Rpcs.Txn, txn, Repeat.Idempotently, _timeout, cancellationToken);
}
