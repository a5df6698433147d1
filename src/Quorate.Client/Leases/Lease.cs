using System.Diagnostics.CodeAnalysis;
using Proto = Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Client;

/// <summary>A lease that is renewed until it is disposed of. Keys put with its id vanish together when it ends.</summary>
[SuppressMessage("Reliability", "CA2213", Justification = "Lost stays usable after the lease's end.")]
public sealed class Lease : IAsyncDisposable
{
    private readonly CallPipeline _calls;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _lost = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly ITimer _timer;
    private readonly Task _renewing;
    private Moment _sent;
    private TimeSpan _life;
    private bool _isLost;
    private bool _isDisposed;

    internal Lease(CallPipeline calls, long id, TimeSpan ttl, Moment sent)
    {
        (_calls, Id, TimeToLive, _sent, _life) = (calls, id, ttl, sent, LeaseMath.SafeLife(ttl));
        _time = calls.Options.Time;
        _timer = _time.CreateTimer(_ => Check(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Check();
        _renewing = Task.Run(RenewAsync);
    }

    /// <summary>Its id; <see cref="PutOptions.LeaseId"/> ties a key to it.</summary>
    public long Id { get; }

    /// <summary>How long it lives without renewals. The server may give more than was asked for.</summary>
    public TimeSpan TimeToLive { get; }

    /// <summary>
    /// Cancelled before any server can have ended the lease, as long as clocks run at the same speed within 10 %; and when it is disposed of.
    /// What only the lease's owner may do must stop then. A process that stands still cannot be told: see "What a lock does not guarantee".
    /// </summary>
    public CancellationToken Lost => _lost.Token;

    /// <summary>How long it surely lives yet, if no renewal comes through.</summary>
    public TimeSpan Remaining
    {
        get
        {
            lock (_gate)
            {
                TimeSpan left = _life - _sent.Elapsed(_time);
                return left > TimeSpan.Zero && !_lost.IsCancellationRequested ? left : TimeSpan.Zero;
            }
        }
    }

    /// <summary>Whether it surely lives at this moment: looks at the clocks anew, also if no timer could run.</summary>
    public bool IsAlive
    {
        get
        {
            Check();
            return !_lost.IsCancellationRequested;
        }
    }

    /// <summary>Stops renewing, cancels <see cref="Lost"/>, then revokes it. If no server can be reached it ends by itself.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_isDisposed) { return; }
            _isDisposed = true;
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        try
        {
            await _lost.CancelAsync().ConfigureAwait(false);
        }
        finally
        {
            // What a callback of Lost threw goes to the caller; the lease is given back all the same.
            await GiveBackAsync().ConfigureAwait(false);
        }
    }

    private async ValueTask GiveBackAsync()
    {
        await _renewing.ConfigureAwait(false);
        await _timer.DisposeAsync().ConfigureAwait(false);
        _stop.Dispose();
        try
        {
            TimeSpan most = TimeToLive < _calls.Options.AttemptTimeout ? TimeToLive : _calls.Options.AttemptTimeout;
            await _calls.CallAsync(
                Rpcs.LeaseRevoke, new Proto.LeaseRevokeRequest { ID = Id }, Repeat.Idempotently, most, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e) when (e is QuorateException or ObjectDisposedException)
        {
            // Gone already, or it will be when its time is up; the client may be disposed of too.
        }
    }

    // Fires Lost if it is time, else comes back when it will be.
    private void Check()
    {
        lock (_gate)
        {
            if (_isDisposed || _isLost) { return; }
            TimeSpan left = _life - _sent.Elapsed(_time);
            if (left > TimeSpan.Zero)
            {
                // A timer counts in milliseconds and may fire a fraction early; then it would be set again.
                _timer.Change(left + TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
                return;
            }
        }

        Lose();
    }

    private void Lose()
    {
        lock (_gate)
        {
            if (_isDisposed || _isLost) { return; }
            _isLost = true;
        }

        QuorateTelemetry.LeasesLost.Add(1);
        _ = _lost.CancelAsync(); // Callbacks run elsewhere: they may wait for locks, or throw.
    }

    private async Task RenewAsync()
    {
        TimeSpan interval = LeaseMath.RenewalInterval(TimeToLive);
        TimeSpan pause = interval;
        try
        {
            while (!_lost.IsCancellationRequested)
            {
                await Task.Delay(pause, _time, _stop.Token).ConfigureAwait(false);
                if (!IsAlive) { return; }
                pause = await RenewOnceAsync(interval).ConfigureAwait(false) ? interval : interval / 4;
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed of.
        }
    }

    private async Task<bool> RenewOnceAsync(TimeSpan interval)
    {
        Moment sent = Moment.Now(_time);
        try
        {
            // Several attempts fit into one interval, at different endpoints if need be.
            Proto.LeaseKeepAliveResponse answer = await _calls.CallAsync(
                Rpcs.LeaseKeepAlive, new Proto.LeaseKeepAliveRequest { ID = Id }, Repeat.Freely, interval, _stop.Token, interval / 2).ConfigureAwait(false);
            if (answer.TTL <= 0)
            {
                Lose();
                return false;
            }

            lock (_gate) { (_sent, _life) = (sent, LeaseMath.SafeLife(TimeSpan.FromSeconds(answer.TTL))); }
            Check();
            return true;
        }
        catch (Exception e) when (e is QuorateException or ObjectDisposedException)
        {
            // Tried again until its time is up, whatever the reason: a refusal may pass too (a token, a permission).
            return false;
        }
    }
}
