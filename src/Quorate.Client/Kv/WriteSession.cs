using System.Globalization;
using Proto = Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Client;

/// <summary>A transaction of a session was carried out, once.</summary>
/// <param name="Revision">The revision of the transaction.</param>
/// <param name="Succeeded">Which list of operations ran.</param>
/// <param name="Results">One per operation; null if the first answer was lost: that it happened, and how, was read back, but not what it gave.</param>
public sealed record SessionResult(long Revision, bool Succeeded, IReadOnlyList<OpResult>? Results);

/// <summary>
/// Transactions that may be repeated after an unknown outcome, since they cannot happen twice. Each one counts up a key of the session, and compares it
/// first: a repetition finds it counted up already, and reads which branch ran and at which revision. One at a time; calls queue up.
/// </summary>
/// <remarks>
/// The session's key goes with a lease. If the session is cut off for longer than its lease lives, the outcome of what was under way stays
/// unknown (<see cref="OutcomeUnknownException"/>), and the session is over: it never guesses.
/// </remarks>
public sealed class WriteSession : IAsyncDisposable
{
    private readonly KvClient _kv;
    private readonly Lease _lease;
    private readonly Blob _key;
    private readonly long _created;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private long _version = 1;
    private bool _isOver;

    private WriteSession(KvClient kv, Lease lease, Blob key, long created) => (_kv, _lease, _key, _created) = (kv, lease, key, created);

    /// <summary>Carries out a transaction once, however often it must be sent.</summary>
    /// <param name="txn">At most 126 operations per list, and none of the session's own key.</param>
    /// <param name="cancellationToken">Stops waiting; if it was sent, its outcome stays unknown and the session is over.</param>
    /// <exception cref="OutcomeUnknownException">No server could tell in time.</exception>
    /// <exception cref="UnavailableException">Nothing happened; the session goes on.</exception>
    /// <exception cref="RefusedException">Nothing happened; the session goes on.</exception>
    /// <exception cref="LeaseLostException">The session's key is gone. Nothing happened; the session is over.</exception>
    /// <exception cref="InvalidOperationException">The session is over: an earlier outcome is unknown, or its lease was lost.</exception>
    public async Task<SessionResult> CommitAsync(Txn txn, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(txn);
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_isOver || !_lease.IsAlive) { throw new InvalidOperationException("the write session is over: open another, after a look at what the last write did"); }
            SessionResult result = await SendAsync(txn, cancellationToken).ConfigureAwait(false);
            _version++;
            return result;
        }
        catch (QuorateException e)
        {
            _isOver |= e.Outcome == Outcome.Unknown;
            throw;
        }
        catch (CallCanceledException e)
        {
            _isOver |= e.Outcome == Outcome.Unknown;
            throw;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Puts a key once.</summary>
    /// <inheritdoc cref="CommitAsync" path="/exception"/>
    public Task<SessionResult> PutAsync(Blob key, Blob value, PutOptions? options = null, CancellationToken cancellationToken = default) =>
        CommitAsync(Txn.Do(Op.Put(key, value, options)), cancellationToken);

    /// <summary>Deletes a range once.</summary>
    /// <inheritdoc cref="CommitAsync" path="/exception"/>
    public Task<SessionResult> DeleteAsync(KeyRange keys, CancellationToken cancellationToken = default) =>
        CommitAsync(Txn.Do(Op.Delete(keys)), cancellationToken);

    /// <summary>Ends the session; its key goes.</summary>
    public async ValueTask DisposeAsync()
    {
        await _lease.DisposeAsync().ConfigureAwait(false);
        _turn.Dispose();
    }

    internal static async Task<WriteSession> OpenAsync(QuorateClient client, string prefix, TimeSpan timeToLive, CancellationToken cancellationToken)
    {
        Lease lease = await client.Leases.GrantAsync(timeToLive, cancellationToken).ConfigureAwait(false);
        try
        {
            Blob key = prefix + lease.Id.ToString("x", CultureInfo.InvariantCulture);
            long created = await LeasedKey.CreateAsync(client.Kv, key, "open", lease, cancellationToken).ConfigureAwait(false);
            return new WriteSession(client.Kv, lease, key, created);
        }
        catch
        {
            await lease.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task<SessionResult> SendAsync(Txn txn, CancellationToken cancellationToken)
    {
        var keepLease = new PutOptions { KeepLease = true };
        Txn counted = txn.Then(Op.Put(_key, "then", keepLease)).Else(Op.Put(_key, "else", keepLease));
        Proto.TxnRequest guarded = Txn
            .If(Compare.CreateRevision(_key, Relation.Equal, _created), Compare.Version(_key, Relation.Equal, _version))
            .Then(Op.Nested(counted))
            .Else(Op.Get(_key))
            .ToMessage();
        (Proto.TxnResponse response, bool doubt) = await _kv.CommitWithDoubtAsync(guarded, cancellationToken).ConfigureAwait(false);
        TxnResult answer = TxnResult.Of(response);
        if (answer.Succeeded)
        {
            TxnResult inner = answer.Results[0].Txn!;
            return new(answer.Revision, inner.Succeeded, inner.Results[..^1]);
        }

        KeyValue? found = answer.Results[0].Get!.Items.FirstOrDefault();
        if (found is { } session && session.CreateRevision == _created && session.Version == _version + 1)
        {
            return new(session.ModRevision, session.Value == "then", Results: null);
        }

        _isOver = true;
        throw doubt
            ? new OutcomeUnknownException(
                StatusCode.NotFound, "the session's key is gone (its lease ended while the write was under way), so nobody can tell whether it happened")
            : new LeaseLostException("the session's key is gone: its lease ended, or somebody deleted it; nothing was written");
    }
}
