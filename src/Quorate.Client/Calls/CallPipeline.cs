using Google.Protobuf;

namespace Quorate.Client;

/// <summary>Which requests may be sent again.</summary>
internal enum Repeat
{
    /// <summary>A write: only after failures that are certain to have done nothing.</summary>
    IfNothingHappened,

    /// <summary>A write that has the same effect once or twice: after any failure that may pass.</summary>
    Idempotently,

    /// <summary>A read.</summary>
    Freely,
}

/// <summary>One call from request to answer or exception: token, endpoint, attempts, time, telemetry. Any thread.</summary>
internal sealed class CallPipeline(ITransport transport, EndpointSet endpoints, TokenKeeper tokens, QuorateClientOptions options)
{
    // A new token may not have reached the member that is asked next, so a rejection may repeat; but not for ever.
    public const int MostRejections = 5;

    public EndpointSet Endpoints => endpoints;

    public TokenKeeper Tokens => tokens;

    public ITransport Transport => transport;

    public QuorateClientOptions Options => options;

    /// <exception cref="QuorateException">It failed.</exception>
    /// <exception cref="CallCanceledException">The caller's token was cancelled.</exception>
    public async Task<TResponse> CallAsync<TRequest, TResponse>(
        Rpc<TRequest, TResponse> rpc, TRequest request, Repeat repeat, TimeSpan timeout, CancellationToken cancellationToken,
        TimeSpan? attemptTimeout = null)
        where TRequest : IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        (await CallWithDoubtAsync(rpc, request, repeat, timeout, cancellationToken, attemptTimeout).ConfigureAwait(false)).Answer;

    /// <summary>As <see cref="CallAsync"/>; tells too whether an attempt before the one that was answered may have been carried out.</summary>
    public async Task<(TResponse Answer, bool Doubt)> CallWithDoubtAsync<TRequest, TResponse>(
        Rpc<TRequest, TResponse> rpc, TRequest request, Repeat repeat, TimeSpan timeout, CancellationToken cancellationToken,
        TimeSpan? attemptTimeout = null)
        where TRequest : IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        using var record = new CallRecord(rpc.Service, rpc.Method);
        using var deadline = new CancellationTokenSource(timeout, options.Time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        long start = options.Time.GetTimestamp();
        var backoff = new Backoff();
        int rejections = 0;
        bool mayHaveHappened = false;
        RpcFailure? last = null;
        try
        {
            while (true)
            {
                Uri endpoint = endpoints.Choose();
                record.Attempt(endpoint);
                Verdict verdict;
                try
                {
                    TimeSpan left = timeout - options.Time.GetElapsedTime(start);

                    // What cannot be repeated gets all the time there is: to give up early would only make its outcome unknown.
                    TimeSpan most = repeat == Repeat.IfNothingHappened ? left : attemptTimeout ?? options.AttemptTimeout;
                    TResponse answer = await AttemptAsync(endpoint, rpc, request, most < left ? most : left, stop.Token).ConfigureAwait(false);
                    endpoints.Succeeded(endpoint);
                    record.Succeeded();
                    return (answer, mayHaveHappened);
                }
                catch (RpcFailure failure)
                {
                    last = failure;
                    verdict = FailureJudge.Of(failure);
                }
                catch (AttemptCanceledException canceled)
                {
                    mayHaveHappened |= canceled.WasSent && repeat != Repeat.Freely;
                    if (!cancellationToken.IsCancellationRequested) { endpoints.Failed(endpoint); }
                    last = new RpcFailure(StatusCode.DeadlineExceeded, $"{endpoint} did not answer in time", canceled.WasSent, canceled);
                    throw;
                }

                mayHaveHappened |= verdict is Verdict.Unknown or Verdict.FinalButUnknown && repeat != Repeat.Freely;
                if (verdict is Verdict.NotSent or Verdict.NotNow or Verdict.Unknown) { endpoints.Failed(endpoint); }
                if (!MayRepeat(verdict, repeat, ref rejections)) { throw record.Failed(FailureJudge.ToException(last, mayHaveHappened)); }
                record.Retried();

                // Whoever cannot be reached costs no pause while there is somebody else to ask.
                if (verdict != Verdict.NotSent || !endpoints.HasHealthy())
                {
                    await Task.Delay(backoff.Next(), options.Time, stop.Token).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            record.Canceled();
            throw new CallCanceledException(mayHaveHappened ? Outcome.Unknown : Outcome.NothingHappened, cancellationToken);
        }
        catch (OperationCanceledException e)
        {
            string reason = $"no success within {timeout.TotalSeconds:0.###} s; last: {last?.Message ?? "nothing was tried"}";
            throw record.Failed(mayHaveHappened
                ? new OutcomeUnknownException(StatusCode.DeadlineExceeded, reason, e)
                : new UnavailableException(StatusCode.DeadlineExceeded, reason, e));
        }
    }

    private async Task<TResponse> AttemptAsync<TRequest, TResponse>(
        Uri endpoint, Rpc<TRequest, TResponse> rpc, TRequest request, TimeSpan time, CancellationToken stop)
        where TRequest : IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        string? token = await tokens.GetAsync(endpoint, stop).ConfigureAwait(false);
        using var attempt = new CancellationTokenSource(time > TimeSpan.Zero ? time : TimeSpan.Zero, options.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, attempt.Token);
        try
        {
            return await transport.CallAsync(endpoint, rpc, request, new(token, time), either.Token).ConfigureAwait(false);
        }
        catch (RpcFailure failure) when (FailureJudge.Of(failure) == Verdict.BadToken)
        {
            tokens.Reject(token);
            throw;
        }
        catch (AttemptCanceledException e) when (!stop.IsCancellationRequested)
        {
            throw new RpcFailure(StatusCode.DeadlineExceeded, $"{endpoint} did not answer within {time.TotalSeconds:0.###} s", e.WasSent, e);
        }
    }

    private bool MayRepeat(Verdict verdict, Repeat repeat, ref int rejections) => verdict switch
    {
        Verdict.NotSent or Verdict.NotNow => true,
        Verdict.BadToken => tokens.HasUser && ++rejections <= MostRejections,
        Verdict.Unknown => repeat != Repeat.IfNothingHappened,
        _ => false,
    };
}
