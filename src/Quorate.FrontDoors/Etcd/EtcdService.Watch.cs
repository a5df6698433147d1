using Google.Protobuf;
using Quorate.Core;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Node;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;

namespace Quorate.FrontDoors.Etcd;

// etcdserverpb.Watch. What it is about is in Watch/: this is a stream's loop around its session.
internal sealed partial class EtcdService
{
    // Streams that read the store for their watches at one moment. The rest of the thread pool is for those who ask and for the hub.
    private readonly SemaphoreSlim _catchingUp = new(Math.Max(1, Environment.ProcessorCount / 2));

    /// <summary>Tells this node's watchers. Whoever owns the service calls it when the shard has changed.</summary>
    public WatchHub Watches { get; }

    public async ValueTask<EtcdError?> Watch(IEtcdStream stream, EtcdCall call)
    {
        var session = new WatchSession(
            Watches, OpenLocal, Header, stream.Wake, _options.MaxRequestBytes, _options.MaxWatchQueueBytes);
        using CancellationTokenRegistration stopped = call.Stop.UnsafeRegister(static waiting => ((IEtcdStream)waiting!).Wake(), stream);
        try
        {
            Task<StreamRead>? reading = NextRequest(stream, call.Stop);
            while (!call.Stop.IsCancellationRequested)
            {
                bool hasMore = await CatchUp(session, call.Stop).ConfigureAwait(false);
                if (reading is { IsCompleted: true })
                {
                    StreamRead read = await reading.ConfigureAwait(false);
                    if (read.Error is { } error) { return error; }

                    if (read.Request is WatchRequest request)
                    {
                        (string? reason, EtcdError? unjudged) = await Denied(request, call).ConfigureAwait(false);
                        if (unjudged is not null) { return unjudged; }
                        if (reason is not null) { session.Refuse(reason); }
                        else { session.Take(request); }
                    }

                    reading = read.IsEnd ? null : NextRequest(stream, call.Stop);
                    hasMore = true;
                }

                if (session.Failure is { } failure) { return failure; }
                bool hasWritten = false;
                while (session.TryTake(out EncodedWatchResponse response))
                {
                    await stream.WriteAsync(response, call.Stop).ConfigureAwait(false);
                    hasWritten = true;

                    // A cancellation must not wait until a busy range falls silent.
                    if (reading is { IsCompleted: true }) { break; }
                }

                if (hasWritten) { await stream.FlushAsync(call.Stop).ConfigureAwait(false); }
                if (hasMore) { await stream.YieldAsync().ConfigureAwait(false); }
                else if (!hasWritten) { await stream.WaitAsync().ConfigureAwait(false); }
            }

            return EtcdErrors.Canceled;
        }
        finally
        {
            session.Close();
        }
    }

    // Why a watch is refused to its caller, in etcd's form; or why nobody can tell, which ends the stream. Whoever may begin one keeps it, as in etcd.
    private async ValueTask<(string? Reason, EtcdError? Unjudged)> Denied(WatchRequest request, EtcdCall call)
    {
        if (request.CreateRequest is not { StartRevision: >= 0 } create) { return default; }
        ByteString key = create.Key.IsEmpty ? ByteString.CopyFrom(0) : create.Key;
        (ReadResult read, EtcdError? error) = await Open(ReadLevel.Local, call, KvNeeds.Range(key.Memory, create.RangeEnd.Memory)).ConfigureAwait(false);
        read.View?.Dispose();
        if (error is null) { return default; }
        return read.Outcome == RequestOutcome.Done ? ($"rpc error: code = {error.Status} desc = {error.Message}", null) : (null, error);
    }

    private async ValueTask<bool> CatchUp(WatchSession session, CancellationToken stop)
    {
        if (!session.IsBehind) { return session.CatchUp(); }
        await _catchingUp.WaitAsync(stop).ConfigureAwait(false);
        try
        {
            return session.CatchUp();
        }
        finally
        {
            _catchingUp.Release();
        }
    }

    private static Task<StreamRead> NextRequest(IEtcdStream stream, CancellationToken stop)
    {
        Task<StreamRead> reading = stream.ReadAsync(stop).AsTask();
        if (reading.IsCompleted) { stream.Wake(); }
        else { reading.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(stream.Wake); }
        return reading;
    }

    private IReadView? OpenLocal()
    {
        ValueTask<ReadResult> read = _node.ReadAsync(_shard, ReadLevel.Local);
        return read.IsCompletedSuccessfully ? read.Result.View : throw new InvariantException("a local read waits");
    }
}
