namespace Quorate.FrontDoors.Etcd;

/// <summary>Calls a hub when there is something to tell: on the thread pool, woken by the node's loop.</summary>
internal sealed class WatchDriver : IAsyncDisposable
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(100);

    private readonly EtcdService _service;
    private readonly WakeSignal _signal = new();
    private readonly IDisposable _subscription;
    private readonly Timer _progress;
    private readonly Timer _retry;
    private readonly Task _running;
    private volatile bool _isStopping;

    public WatchDriver(EtcdService service, EtcdServiceOptions options)
    {
        _service = service;
        _subscription = options.Node.Subscribe(options.Shard, Published);
        TimeSpan interval = options.WatchProgressInterval;
        _progress = new Timer(_ => Guarded(service.Watches.TellProgress), null, interval, interval);
        _retry = new Timer(_ => _signal.Wake());
        _running = RunAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _subscription.Dispose();
        await _progress.DisposeAsync().ConfigureAwait(false);
        _isStopping = true;
        _signal.Wake();
        await _running.ConfigureAwait(false);
        await _retry.DisposeAsync().ConfigureAwait(false);
    }

    // On the node's loop.
    private void Published()
    {
        // Against WatchHub.Add: either it sees what was published, or we see that somebody watches.
        Interlocked.MemoryBarrier();
        if (_service.Watches.HasWatchers) { _signal.Wake(); }
    }

    private async Task RunAsync()
    {
        while (true)
        {
            await _signal.WaitAsync().ConfigureAwait(false);
            if (_isStopping) { return; }

            // Nothing else may be published for long: what was not told must not wait for it.
            if (!Guarded(_service.Watches.Advance)) { _retry.Change(RetryDelay, Timeout.InfiniteTimeSpan); }
        }
    }

    private bool Guarded(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (Exception e)
        {
            // A disk that does not read, or a bug: it is in the log.
            _service.Failed("/etcdserverpb.Watch/Watch", e);
            return false;
        }
    }
}
