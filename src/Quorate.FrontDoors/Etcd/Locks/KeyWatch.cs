using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.FrontDoors.Etcd;

/// <summary>Watches of a handler of this service: what a client's stream would be told, without the stream.</summary>
internal sealed class KeyWatch : IDisposable
{
    private readonly WatchSession _session;
    private readonly IWakeSignal _signal;

    /// <param name="session">Wakes the signal; nobody else uses it.</param>
    /// <param name="signal">Woken from elsewhere too, when the call is to stop.</param>
    public KeyWatch(WatchSession session, IWakeSignal signal)
    {
        _session = session;
        _signal = signal;
    }

    /// <summary>Watches a key, or a range, from a revision on.</summary>
    public void Add(ByteString key, ByteString rangeEnd, long start, bool deletesOnly)
    {
        var request = new WatchCreateRequest { Key = key, RangeEnd = rangeEnd, StartRevision = start };
        if (deletesOnly) { request.Filters.Add(WatchCreateRequest.Types.FilterType.Noput); }
        _session.Take(new WatchRequest { CreateRequest = request });
    }

    /// <summary>Waits for the next events of any of the watches.</summary>
    /// <returns>Null if there will be none: the changes are compacted, or this node does not have the shard. Read again, then.</returns>
    /// <exception cref="OperationCanceledException">The call is to stop.</exception>
    public async ValueTask<EncodedWatchResponse?> NextAsync(CancellationToken stop)
    {
        while (true)
        {
            stop.ThrowIfCancellationRequested();
            bool hasMore = _session.CatchUp();
            if (_session.Failure is not null) { return null; }
            while (_session.TryTake(out EncodedWatchResponse response))
            {
                if (response.Canceled) { return null; }
                if (response.Events.Count > 0) { return response; }
            }

            if (!hasMore) { await _signal.WaitAsync().ConfigureAwait(false); }
        }
    }

    /// <summary>Ends the watches.</summary>
    public void Dispose() => _session.Close();
}
