using System.Threading.Tasks.Sources;
using Quorate.Core;
using Quorate.Replication;

namespace Quorate.Node.Loop;

// A request that the loop has taken and NodeCore not completed yet. Kept in a list of the loop, so that a node that fails
// can still tell its callers that the outcome is unknown, without asking a NodeCore that is broken.
internal interface IPendingRequest
{
    IPendingRequest? Next { get; set; }

    IPendingRequest? Previous { get; set; }

    void Abandon(RequestOutcome outcome);
}

// The list's links are in the requests themselves. Loop only.
internal sealed class PendingList
{
    private IPendingRequest? _first;

    public void Add(IPendingRequest request)
    {
        request.Next = _first;
        if (_first is not null) { _first.Previous = request; }
        _first = request;
    }

    public void Remove(IPendingRequest request)
    {
        if (request.Previous is null && _first != request) { return; } // Was never added: refused before the loop saw it.
        if (request.Previous is { } previous) { previous.Next = request.Next; }
        else { _first = request.Next; }
        if (request.Next is { } next) { next.Previous = request.Previous; }
        request.Next = null;
        request.Previous = null;
    }

    public void AbandonAll(RequestOutcome outcome)
    {
        while (_first is { } request) { request.Abandon(outcome); }
    }
}

/*
 * Requests are their own value-task sources: one object per request and no Task. They are not pooled: a request that was
 * given to somebody else while NodeCore, or a caller that cancelled, still held it would be a wrong answer, and the object
 * is small beside the command it carries.
 *
 * Two sides may end one: the loop, and a caller's cancellation. The first one wins. Continuations never run on the loop.
 */
internal sealed class PendingProposal : ProposeRequest, IPendingRequest, IValueTaskSource<ProposeResult>
{
    private readonly LoopGuard _guard;
    private ManualResetValueTaskSourceCore<ProposeResult> _source = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _cancellation;
    private int _isEnded;

    public PendingProposal(LoopGuard guard) => _guard = guard;

    public IPendingRequest? Next { get; set; }

    public IPendingRequest? Previous { get; set; }

    public ValueTask<ProposeResult> Task => new(this, _source.Version);

    public void CancelWith(CancellationToken token) =>
        _cancellation = token.UnsafeRegister(static self => ((PendingProposal)self!).Cancel(), this);

    public override void Complete(RequestOutcome outcome, ReadOnlySpan<byte> reply)
    {
        _guard.Pending.Remove(this);
        // A node that has failed acknowledges nothing, not even what it finished in the same moment.
        if (_guard.HasFailed && outcome == RequestOutcome.Done) { outcome = RequestOutcome.Unknown; }
        if (Interlocked.Exchange(ref _isEnded, 1) != 0) { return; }
        _cancellation.Unregister();
        _source.SetResult(new ProposeResult(outcome, outcome == RequestOutcome.Done ? reply.ToArray() : default));
    }

    public void Abandon(RequestOutcome outcome) => Complete(outcome, default);

    // Refused before the loop saw it; on the caller's thread.
    public void Refuse(RequestOutcome outcome)
    {
        _cancellation.Unregister();
        if (Interlocked.Exchange(ref _isEnded, 1) == 0) { _source.SetResult(new ProposeResult(outcome, default)); }
    }

    private void Cancel()
    {
        if (Interlocked.Exchange(ref _isEnded, 1) == 0) { _source.SetResult(new(RequestOutcome.Unknown, default)); }
    }

    ProposeResult IValueTaskSource<ProposeResult>.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<ProposeResult>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<ProposeResult>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}

// As PendingProposal, for reads. A view that nobody waits for any more is disposed here.
internal sealed class PendingRead : ReadRequest, IPendingRequest, IValueTaskSource<ReadResult>
{
    private readonly LoopGuard _guard;
    private ManualResetValueTaskSourceCore<ReadResult> _source = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _cancellation;
    private int _isEnded;

    public PendingRead(LoopGuard guard) => _guard = guard;

    public IPendingRequest? Next { get; set; }

    public IPendingRequest? Previous { get; set; }

    public ValueTask<ReadResult> Task => new(this, _source.Version);

    public void CancelWith(CancellationToken token) =>
        _cancellation = token.UnsafeRegister(static self => ((PendingRead)self!).Cancel(), this);

    public override void Complete(RequestOutcome outcome, IReadView? view)
    {
        _guard.Pending.Remove(this);
        if (_guard.HasFailed && outcome == RequestOutcome.Done) { outcome = RequestOutcome.Unknown; }
        bool isLate = Interlocked.Exchange(ref _isEnded, 1) != 0;
        if (isLate || outcome != RequestOutcome.Done)
        {
            view?.Dispose();
            view = null;
        }

        if (isLate) { return; }
        _cancellation.Unregister();
        _source.SetResult(new ReadResult(outcome, view, Clock));
    }

    public void Abandon(RequestOutcome outcome) => Complete(outcome, null);

    // Refused before the loop saw it; on the caller's thread.
    public void Refuse(RequestOutcome outcome)
    {
        _cancellation.Unregister();
        if (Interlocked.Exchange(ref _isEnded, 1) == 0) { _source.SetResult(new ReadResult(outcome, null)); }
    }

    private void Cancel()
    {
        if (Interlocked.Exchange(ref _isEnded, 1) == 0) { _source.SetResult(new(RequestOutcome.Unknown, null)); }
    }

    ReadResult IValueTaskSource<ReadResult>.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<ReadResult>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}

// NodeCore completes it, at its end at the latest; a process whose loop has failed exits.
internal sealed class PendingHandOver : HandOverRequest
{
    private readonly TaskCompletionSource<bool> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<bool> Task => _done.Task;

    public override void Complete(bool isDone) => _done.TrySetResult(isDone);
}

// What requests must know of their node.
internal sealed class LoopGuard
{
    private volatile bool _hasFailed;

    // Requests that NodeCore has. Loop only.
    public PendingList Pending { get; } = new();

    // Set once, from any thread.
    public bool HasFailed
    {
        get => _hasFailed;
        set => _hasFailed = value;
    }
}
