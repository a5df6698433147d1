namespace Quorate.Client;

/// <summary>An instance that is known. Dispose of it before the process ends, so that nobody is sent to it any more.</summary>
public sealed class ServiceRegistration : IAsyncDisposable
{
    private static readonly TimeSpan PauseBetweenAttempts = TimeSpan.FromSeconds(1);

    private readonly QuorateClient _client;
    private readonly Blob _key;
    private readonly Blob _value;
    private readonly TimeSpan _timeToLive;
    private readonly CancellationTokenSource _stop = new();
    private Task _keeping = Task.CompletedTask;
    private volatile Lease? _lease;

    internal ServiceRegistration(QuorateClient client, Blob key, Blob value, TimeSpan timeToLive) =>
        (_client, _key, _value, _timeToLive) = (client, key, value, timeToLive);

    /// <summary>Whether it is surely listed at this moment. False while the cluster is out of reach for longer than the lease lives.</summary>
    public bool IsRegistered => _lease is { IsAlive: true };

    /// <summary>Takes it off the list.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _keeping.ConfigureAwait(false);
        if (_lease is { } lease) { await lease.DisposeAsync().ConfigureAwait(false); }
        _stop.Dispose();
    }

    internal async Task StartAsync(CancellationToken cancellationToken)
    {
        await RegisterAsync(cancellationToken).ConfigureAwait(false);
        _keeping = Task.Run(KeepAsync, CancellationToken.None);
    }

    private async Task RegisterAsync(CancellationToken cancellationToken)
    {
        Lease lease = await _client.Leases.GrantAsync(_timeToLive, cancellationToken).ConfigureAwait(false);
        _lease = lease;
        try
        {
            // To put the same value with the same lease twice is the same as once: nobody else uses this id.
            await _client.Kv.CommitAsync(
                Txn.Do(Op.Put(_key, _value, new PutOptions { LeaseId = lease.Id })).ToMessage(), Repeat.Idempotently, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            _lease = null;
            await lease.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task KeepAsync()
    {
        CancellationToken stop = _stop.Token;
        while (!stop.IsCancellationRequested)
        {
            if (_lease is { } lease)
            {
                using var end = CancellationTokenSource.CreateLinkedTokenSource(stop, lease.Lost);
                await Task.Delay(Timeout.InfiniteTimeSpan, end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (stop.IsCancellationRequested) { return; }
                _lease = null;
                await lease.DisposeAsync().ConfigureAwait(false);
            }

            try
            {
                await RegisterAsync(stop).ConfigureAwait(false);
            }
            catch (Exception e) when (e is QuorateException or OperationCanceledException)
            {
                await Task.Delay(PauseBetweenAttempts, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
