using Microsoft.Extensions.Configuration;

namespace Quorate.Client;

/// <summary>Holds the settings of one prefix, and follows it.</summary>
internal sealed class QuorateConfigurationProvider(QuorateConfigurationSource source) : ConfigurationProvider, IDisposable
{
    private static readonly TimeSpan PauseBetweenLoads = TimeSpan.FromSeconds(1);

    private readonly QuorateClient _client = new(source.Client);
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _loaded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task? _following;

    /// <summary>Waits for the first reading; the configuration system has no asynchronous way.</summary>
    public override void Load()
    {
        _following ??= Task.Run(FollowAsync);
        bool isLoaded = Task.WaitAny([_loaded.Task], source.LoadTimeout) == 0 && _loaded.Task.IsCompletedSuccessfully;
        if (isLoaded || source.IsOptional) { return; }
        Dispose(); // Nobody else will: a configuration that could not be built has no owner.
        throw new UnavailableException(
            StatusCode.Unavailable, $"the settings under '{source.Prefix}' could not be read within {source.LoadTimeout}", _loaded.Task.Exception?.InnerException);
    }

    public void Dispose()
    {
        _stop.Cancel();
        _following?.ContinueWith(
            _ =>
            {
                _client.Dispose();
                _stop.Dispose();
            },
            TaskScheduler.Default);
    }

    private async Task FollowAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await foreach (MirrorState state in _client.MirrorAsync(KeyRange.Prefix(source.Prefix), _stop.Token).ConfigureAwait(false))
                {
                    Take(state);
                    if (!_loaded.TrySetResult()) { OnReload(); }
                }
            }
            catch (QuorateException e)
            {
                // Before the first reading the start fails with it, unless that is allowed; after it, settings stay as they were.
                if (!source.IsOptional) { _loaded.TrySetException(e); }
                await Task.Delay(PauseBetweenLoads, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private void Take(MirrorState state)
    {
        var settings = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        foreach (KeyValue item in state.Items.Values)
        {
            string name = item.Key.ToString()[source.Prefix.Length..].Trim('/').Replace('/', ':');
            if (name.Length > 0) { settings[name] = item.Value.ToString(); }
        }

        Data = settings;
    }
}
