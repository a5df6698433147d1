namespace Quorate.FrontDoors.Etcd;

// What all RPCs that last share: they end when the server stops, and streams, if their callers want a leader, when there is none.
internal sealed partial class EtcdService
{
    // As etcd's maxNoLeaderCnt.
    private const int MostChecksWithoutLeader = 3;

    private readonly Lock _streamsGate = new();
    private readonly HashSet<ServedStream> _streams = [];
    private int _checksWithoutLeader;
    private bool _streamsEnded;

    /// <summary>Streaming RPCs, and unary ones that may wait, that are being served.</summary>
    public int OpenStreams
    {
        get { lock (_streamsGate) { return _streams.Count; } }
    }

    /// <summary>Serves one streaming RPC to its end. The read that may be under way then has been cancelled.</summary>
    /// <returns>Why it failed; null if it did not.</returns>
    /// <exception cref="IOException">The connection broke.</exception>
    public async ValueTask<EtcdError?> Serve(EtcdStreamRpc rpc, IEtcdStream stream, EtcdCall call)
    {
        if (Refusal(call, rpc.AllowedOnLearner) is { } refusal) { return refusal; }
        if (await Judge(rpc.Access, call).ConfigureAwait(false) is { } denied) { return denied; }
        using var open = new ServedStream(call);
        lock (_streamsGate)
        {
            if (_streamsEnded) { return EtcdErrors.Stopped; }
            _streams.Add(open);
        }

        EtcdError? error;
        try
        {
            error = await rpc.Handler(this, stream, call with { Stop = open.Stop }).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            error = EtcdErrors.Canceled;
        }
        catch (Exception e) when (!Http.BrokenConnection.IsCauseOf(e))
        {
            error = Failed(rpc.Path, e);
        }
        finally
        {
            lock (_streamsGate) { _streams.Remove(open); }
            open.End(null);
        }

        return open.Reason ?? error;
    }

    /// <summary>
    /// Serves a unary RPC of a recipe, which is made of other requests and may wait for long. Whatever goes wrong with those has
    /// the code Unknown, as in etcd, where the recipe is a client of the server that it runs in.
    /// </summary>
    private async ValueTask<EtcdResult> ServeRecipe(EtcdCall call, Func<EtcdCall, ValueTask<EtcdResult>> recipe)
    {
        if (Refusal(call, allowedOnLearner: false) is { } refusal) { return refusal; }
        EtcdCall inner = call with { RequireLeader = false };
        using var open = new ServedStream(inner);
        lock (_streamsGate)
        {
            if (_streamsEnded) { return EtcdErrors.Stopped; }
            _streams.Add(open);
        }

        EtcdError error;
        try
        {
            EtcdResult result = await recipe(inner with { Stop = open.Stop }).ConfigureAwait(false);
            if (result.Error is null) { return result; }
            error = result.Error with { Status = GrpcStatus.Unknown };
        }
        catch (OperationCanceledException)
        {
            error = EtcdErrors.Canceled;
        }
        finally
        {
            lock (_streamsGate) { _streams.Remove(open); }
            open.End(null);
        }

        return open.Reason ?? error;
    }

    /// <summary>Ends all streams, and refuses new ones: the server is about to stop.</summary>
    public void EndStreams() => EndStreams(EtcdErrors.Stopped);

    /// <summary>Ends all streams for that reason, and refuses new ones.</summary>
    public void EndStreams(EtcdError reason) => EndStreams(reason, isLast: true, static _ => true);

    /// <summary>To be called every election timeout: ends the streams that want a leader if there has been none for three of them.</summary>
    public void CheckLeader()
    {
        bool hasLeader = _node.StatusOf(_shard) is { Leader.IsNone: false };
        _checksWithoutLeader = hasLeader ? 0 : _checksWithoutLeader + 1;
        if (_checksWithoutLeader < MostChecksWithoutLeader) { return; }
        EndStreams(EtcdErrors.NoLeader, isLast: false, static stream => stream.RequiresLeader);
    }

    private void EndStreams(EtcdError reason, bool isLast, Func<ServedStream, bool> which)
    {
        ServedStream[] ended;
        lock (_streamsGate)
        {
            _streamsEnded |= isLast;
            ended = [.. _streams.Where(which)];
        }

        foreach (ServedStream stream in ended) { stream.End(reason); }
    }

    private sealed class ServedStream : IDisposable
    {
        private readonly Lock _gate = new();
        private readonly CancellationTokenSource _stop;
        private bool _hasEnded;

        public ServedStream(EtcdCall call)
        {
            _stop = CancellationTokenSource.CreateLinkedTokenSource(call.Stop);
            Stop = _stop.Token;
            RequiresLeader = call.RequireLeader;
        }

        public CancellationToken Stop { get; }

        public bool RequiresLeader { get; }

        /// <summary>Why the server ended it; null if it did not.</summary>
        public EtcdError? Reason { get; private set; }

        public void End(EtcdError? reason)
        {
            lock (_gate)
            {
                if (_hasEnded) { return; }
                _hasEnded = true;
                Reason = reason;

                // Within the lock, so that it is not disposed of meanwhile.
                _stop.Cancel();
            }
        }

        public void Dispose()
        {
            lock (_gate) { _stop.Dispose(); }
        }
    }
}
