using System.Diagnostics;
using Quorate.Node.Logging;

namespace Quorate.FrontDoors.Etcd;

/// <summary>Carries <see cref="AutoCompaction"/> out, by the clock.</summary>
internal sealed class AutoCompactor : IAsyncDisposable
{
    private readonly EtcdService _service;
    private readonly AutoCompaction _rule;
    private readonly INodeLog _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;

    public AutoCompactor(EtcdService service, AutoCompaction rule, INodeLog log)
    {
        _service = service;
        _rule = rule;
        _log = log;
        _running = RunAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        await Task.Yield();
        long start = Stopwatch.GetTimestamp();
        using var looks = new PeriodicTimer(_rule.Interval);
        try
        {
            do
            {
                await Look(start).ConfigureAwait(false);
            }
            while (await looks.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    private async ValueTask Look(long start)
    {
        try
        {
            if (_service.Revisions() is not { } revisions) { return; }
            TimeSpan now = Stopwatch.GetElapsedTime(start);
            if (_rule.Look(now, revisions.Current, _service.IsLeader) is not { } revision) { return; }
            EtcdError? error = await _service.CompactTo(revision, _stop.Token).ConfigureAwait(false);
            if (error is null) { _rule.Done(now, revision); }
            _log.Write(
                error is null ? LogSeverity.Info : LogSeverity.Warning, error is null ? "auto-compacted" : "auto-compaction-failed",
                new("revision", revision), new("reason", error?.Message ?? "-"));
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // A disk that does not read, or a bug: it is in the log, and the next look may go well.
            _service.Failed("auto-compaction", e);
        }
    }
}
