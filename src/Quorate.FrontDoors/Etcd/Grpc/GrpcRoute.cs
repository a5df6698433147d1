using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.FrontDoors.Http;
using Quorate.FrontDoors.Http2;
using Quorate.FrontDoors.Metrics;
using Quorate.Node;

namespace Quorate.FrontDoors.Etcd;

/// <summary>One RPC of one door, as its calls come over gRPC.</summary>
internal abstract class GrpcRoute(EtcdService service, int maxMessageBytes, DoorMeters meters, RpcMeter meter) : IHttp2Call
{
    protected EtcdService Service { get; } = service;

    protected int MaxMessageBytes { get; } = maxMessageBytes;

    protected DoorMeters Meters { get; } = meters;

    protected RpcMeter Meter { get; } = meter;

    /// <inheritdoc/>
    public abstract bool IsStreaming { get; }

    /// <inheritdoc/>
    public bool MayBegin(Http2Stream stream, ReadOnlySpan<byte> prefix, out int length)
    {
        EtcdError? refusal = GrpcMessages.ReadPrefix(prefix, MaxMessageBytes, out length);
        if (refusal is null) { return true; }
        long start = Meter.Start();
        Meter.End(GrpcAdaptor.Refuse(stream, refusal), start);
        return false;
    }

    /// <inheritdoc/>
    public abstract void Start(Http2Stream stream, in ReadOnlySequence<byte> message, bool isWhole, bool othersWait);

    /// <summary>What comes with the request besides its message. Starts the caller's deadline.</summary>
    protected static EtcdCall CallOf(Http2Stream stream)
    {
        if (GrpcTimeout.Parse(stream.Timeout) is { } timeout) { stream.CancelAfter(timeout); }
        return new EtcdCall(
            stream.RequiresLeader, stream.Stop, stream.Connection.User, stream.Token ?? TokenHeader.WithoutBearer(stream.Authorization));
    }

    // The caller's own deadline explains all that fails after it (etcd answers with the context's error, too).
    protected static EtcdError Explained(EtcdError error, Http2Stream stream) =>
        !stream.Stop.IsCancellationRequested ? error
        : stream.IsAborted ? EtcdErrors.Canceled
        : EtcdErrors.DeadlineExceeded;
}

/// <summary>A unary RPC.</summary>
internal sealed class UnaryRoute(EtcdService service, EtcdRpc rpc, int maxMessageBytes, DoorMeters meters, RpcMeter meter)
    : GrpcRoute(service, maxMessageBytes, meters, meter)
{
    /// <inheritdoc/>
    public override bool IsStreaming => false;

    /// <inheritdoc/>
    public override void Start(Http2Stream stream, in ReadOnlySequence<byte> message, bool isWhole, bool othersWait)
    {
        StreamRead read = isWhole ? GrpcMessages.Parse(message, rpc.Parser) : new(null, EtcdErrors.CutShort);
        if (read.Request is not null) { Meters.CountReceived(Meter, (int)message.Length); }
        if (!IsBrief(read.Request))
        {
            ThreadPool.UnsafeQueueUserWorkItem(
                static call => _ = call.Route.ServeAsync(call.Stream, call.Read), (Route: this, Stream: stream, Read: read), preferLocal: false);
            return;
        }

        RequestBatch.HasMore = othersWait;
        try { _ = ServeAsync(stream, read); }
        finally { RequestBatch.HasMore = false; }
    }

    // What is served on the connection's own thread: it waits for others, or takes some microseconds.
    private static bool IsBrief(IMessage? request) => request switch
    {
        PutRequest or null => true,
        RangeRequest range => range.RangeEnd.IsEmpty,
        TxnRequest txn => txn.Compare.Count + txn.Success.Count + txn.Failure.Count <= 4,
        _ => false,
    };

    [SuppressMessage("Design", "CA1031", Justification = "Whatever goes wrong, the call must be answered and released.")]
    private async Task ServeAsync(Http2Stream stream, StreamRead read)
    {
        long start = Meter.Start();
        GrpcStatus status = GrpcStatus.Canceled;
        EtcdResult result;
        try
        {
            try
            {
                result = read.Request is null ? read.Error! : await Service.Serve(rpc, read.Request, CallOf(stream)).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                result = EtcdErrors.Canceled;
            }
            catch (Exception e)
            {
                result = Service.Failed(rpc.Path, e);
            }

            status = result.Error is { } error
                ? GrpcAdaptor.Refuse(stream, Explained(error, stream))
                : await AnswerAsync(stream, result).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // Nobody reads the answer any more, or the rest of it is gone: a part of it must not be taken for the whole.
            if (e is not (OperationCanceledException or AnswerCutException or TimeoutException)) { Service.Failed(rpc.Path, e); }
            stream.Connection.Break(stream);
        }
        finally
        {
            Meter.End(status, start);
            stream.Connection.Release(stream);
        }
    }

    private async ValueTask<GrpcStatus> AnswerAsync(Http2Stream stream, EtcdResult result)
    {
        // A size that does not fit overflows into a negative one.
        long size = result.Parts?.Size ?? result.Response!.CalculateSize();
        if (size is < 0 or > int.MaxValue) { return GrpcAdaptor.Refuse(stream, EtcdErrors.AnswerTooLarge); }
        if (result.Parts is { } parts)
        {
            await GrpcMessages.SendAsync(stream, parts).ConfigureAwait(false);
            stream.Connection.Finish(stream, (int)GrpcStatus.OK, null);
        }
        else
        {
            ValueTask sending = stream.Connection.AnswerAsync(stream, result.Response!, (int)size);
            if (!sending.IsCompletedSuccessfully) { await sending.ConfigureAwait(false); }
        }

        Meters.CountSent(Meter, size);
        return GrpcStatus.OK;
    }
}

/// <summary>A streaming RPC.</summary>
internal sealed class StreamRoute(EtcdService service, EtcdStreamRpc rpc, int maxMessageBytes, DoorMeters meters, RpcMeter meter)
    : GrpcRoute(service, maxMessageBytes, meters, meter)
{
    /// <inheritdoc/>
    public override bool IsStreaming => true;

    /// <inheritdoc/>
    public override void Start(Http2Stream stream, in ReadOnlySequence<byte> message, bool isWhole, bool othersWait) =>
        ThreadPool.UnsafeQueueUserWorkItem(static call => _ = call.Route.ServeAsync(call.Stream), (Route: this, Stream: stream), preferLocal: false);

    [SuppressMessage("Design", "CA1031", Justification = "Whatever goes wrong, the call must be answered and released.")]
    private async Task ServeAsync(Http2Stream stream)
    {
        long start = Meter.Start();
        GrpcStatus status = GrpcStatus.Canceled;
        var requests = new GrpcStream(stream, rpc.Parser, MaxMessageBytes, Meters, Meter);
        try
        {
            EtcdError? error;
            try
            {
                error = await Service.Serve(rpc, requests, CallOf(stream)).ConfigureAwait(false);
            }
            finally
            {
                await requests.CloseAsync().ConfigureAwait(false);
            }

            if (error is null)
            {
                await requests.FlushAsync(stream.Stop).ConfigureAwait(false);
                stream.Connection.Finish(stream, (int)GrpcStatus.OK, null);
                status = GrpcStatus.OK;
            }
            else
            {
                await requests.FlushWrittenAsync().ConfigureAwait(false);
                status = GrpcAdaptor.Refuse(stream, Explained(error, stream));
            }
        }
        catch (Exception e)
        {
            if (e is not OperationCanceledException && !BrokenConnection.IsCauseOf(e)) { Service.Failed(rpc.Path, e); }
            stream.Connection.Break(stream);
        }
        finally
        {
            Meter.End(status, start);
            stream.Connection.Release(stream);
        }
    }
}
