namespace Quorate.FrontDoors.Etcd;

/// <summary>Calls a hub when there is something to tell: on the thread pool, woken by the node's loop.</summary>
internal sealed class WatchDriver : IAsyncDisposable
{
    private readonly EtcdService _service;
    private readonly WakeSignal _signal = new();
    private readonly IDisposable _subscription;
    private readonly Timer _progress;
    private readonly Task _running;
    private volatile bool _isStopping;

    public WatchDriver(EtcdService service, EtcdServiceOptions options)
    {
        _service = service;
        _subscription = options.Node.Subscribe(options.Shard, Published);
        TimeSpan interval = options.WatchProgressInterval;
        _progress = new Timer(_ => Guarded(service.Watches.TellProgress), null, interval, interval);
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
            Guarded(_service.Watches.Advance);
        }
    }

    private void Guarded(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e)
        {
            // A disk that does not read, or a bug: it is in the log, and the next change is another try.
            _service.Failed("/etcdserverpb.Watch/Watch", e);
        }
    }
}
