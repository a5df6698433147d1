using System.Collections.Immutable;
using Proto = Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Client;

/// <summary>
/// One watch, on one stream at a time. When a stream ends for a reason that may pass, the next one starts at the first revision that was
/// not handed out: nothing is lost, and nothing comes twice.
/// </summary>
internal sealed class WatchCursor(CallPipeline calls, KeyRange keys, WatchOptions options, CancellationToken cancellationToken) : IAsyncDisposable
{
    private readonly List<Proto.Event> _fragments = [];
    private IResponses<Proto.WatchResponse>? _stream;
    private Uri? _endpoint;
    private string? _token;
    private Backoff _backoff;
    private int _rejections;
    private long _next = options.StartRevision; // 0: not known yet, the server's "now".
    private bool _wasAnnounced;

    /// <exception cref="CompactedException">Events that were not told are gone.</exception>
    /// <exception cref="RefusedException">The server will not serve this watch.</exception>
    /// <exception cref="OperationCanceledException">The caller stops.</exception>
    public async ValueTask<WatchBatch> NextAsync()
    {
        while (true)
        {
            RpcFailure failure;
            try
            {
                _stream ??= await OpenAsync().ConfigureAwait(false);
                Proto.WatchResponse response = await _stream.ReadAsync().ConfigureAwait(false)
                    ?? throw new RpcFailure(StatusCode.Unavailable, "the server ended the watch", wasSent: true);
                if (Take(response) is { } batch) { return batch; }
                continue;
            }
            catch (RpcFailure e)
            {
                failure = e;
            }

            await CloseAsync().ConfigureAwait(false);
            await RecoverAsync(failure).ConfigureAwait(false);
        }
    }

    public ValueTask DisposeAsync() => CloseAsync();

    private async Task<IResponses<Proto.WatchResponse>> OpenAsync()
    {
        cancellationToken.ThrowIfCancellationRequested();
        _endpoint = calls.Endpoints.Choose();
        _token = await calls.Tokens.GetAsync(_endpoint, cancellationToken).ConfigureAwait(false);
        var create = new Proto.WatchCreateRequest
        {
            Key = keys.Start.Bytes,
            RangeEnd = keys.End.Bytes,
            StartRevision = _next,
            PrevKv = options.Previous,
            ProgressNotify = options.Progress,
            Fragment = true, // A revision with very many changes then needs no message of that size.
        };
        if (options.WithoutPuts) { create.Filters.Add(Proto.WatchCreateRequest.Types.FilterType.Noput); }
        if (options.WithoutDeletes) { create.Filters.Add(Proto.WatchCreateRequest.Types.FilterType.Nodelete); }

        // A member that is cut off from the others would be silent for ever: it is asked to end the stream instead.
        return calls.Transport.Open(
            _endpoint, Rpcs.Watch, new Proto.WatchRequest { CreateRequest = create }, new(_token, RequireLeader: true), cancellationToken);
    }

    private WatchBatch? Take(Proto.WatchResponse response)
    {
        if (response.Canceled) { throw Ended(response); }
        calls.Endpoints.Succeeded(_endpoint!);
        _backoff.Reset();
        _rejections = 0;
        long revision = response.Header.Revision;
        if (response.Created)
        {
            if (_next == 0) { _next = revision + 1; }
            if (!options.Announce || _wasAnnounced) { return null; }
            _wasAnnounced = true;
            return new(_next - 1, []);
        }

        _fragments.AddRange(response.Events);
        if (response.Fragment) { return null; }
        if (_fragments.Count == 0)
        {
            // Only a notice for this very watch: etcd's answers for whole streams could overtake events (etcd-io/etcd #15220).
            if (response.WatchId < 0 || revision < _next) { return null; }
            _next = revision + 1;
            return options.Progress ? new(revision, []) : null;
        }

        ImmutableArray<WatchEvent> events = [.. _fragments.Where(change => change.Kv.ModRevision >= _next).Select(WatchEvent.Of)];
        _fragments.Clear();
        if (events.IsEmpty) { return null; }
        long last = events[^1].Item.ModRevision;
        _next = last + 1;
        QuorateTelemetry.WatchLag.Record(Math.Max(0, revision - last));
        return new(last, events);
    }

    private static Exception Ended(Proto.WatchResponse response)
    {
        if (response.CompactRevision > 0)
        {
            return new CompactedException(
                response.CompactRevision, $"events before revision {response.CompactRevision} are compacted: read the keys anew, and watch from there");
        }

        // A refusal comes as the text of a status: "rpc error: code = PermissionDenied desc = etcdserver: permission denied".
        const string Description = " desc = ";
        string reason = response.CancelReason;
        int at = reason.IndexOf(Description, StringComparison.Ordinal);
        StatusCode status = reason.Contains("PermissionDenied", StringComparison.Ordinal) ? StatusCode.PermissionDenied
            : at >= 0 ? StatusCode.Unavailable
            : StatusCode.InvalidArgument;
        return new RpcFailure(status, at < 0 ? reason : reason[(at + Description.Length)..], wasSent: true);
    }

    private async ValueTask RecoverAsync(RpcFailure failure)
    {
        Verdict verdict = FailureJudge.Of(failure);
        if (verdict == Verdict.BadToken)
        {
            calls.Tokens.Reject(_token);
            if (!calls.Tokens.HasUser || ++_rejections > CallPipeline.MostRejections) { verdict = Verdict.Final; }
        }
        else
        {
            calls.Endpoints.Failed(_endpoint!);
        }

        // A damaged member is left for another one; a message that is too large would be so there too.
        bool isTooLarge = verdict == Verdict.FinalButUnknown && failure.Status == StatusCode.ResourceExhausted;
        if (verdict == Verdict.Final || isTooLarge) { throw FailureJudge.ToException(failure, mayHaveHappened: false); }
        QuorateTelemetry.WatchReconnects.Add(1);
        if (verdict != Verdict.NotSent || !calls.Endpoints.HasHealthy())
        {
            await Task.Delay(_backoff.Next(), calls.Options.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask CloseAsync()
    {
        _fragments.Clear();
        if (_stream is not { } stream) { return; }
        _stream = null;
        await stream.DisposeAsync().ConfigureAwait(false);
    }
}
