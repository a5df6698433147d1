using System.Threading.Tasks.Sources;
using Quorate.Core;
using Quorate.Node;
using Quorate.Replication;

namespace Quorate.Simulation.Etcd;

/// <summary>
/// What a door waits for. Ended once, by the node or by the caller's cancellation; what follows runs inside
/// <see cref="End"/>, on the thread that calls it, never on the thread pool.
/// </summary>
internal sealed class SimAnswer<T> : IValueTaskSource<T>
{
    private readonly T _canceled;
    private ManualResetValueTaskSourceCore<T> _source = new() { RunContinuationsAsynchronously = false };
    private CancellationTokenRegistration _cancellation;

    /// <param name="call">Who waits.</param>
    /// <param name="canceled">What a caller hears that waits no more.</param>
    public SimAnswer(SimEtcdCall call, T canceled)
    {
        Call = call;
        _canceled = canceled;
        call.Waiting++;
    }

    public SimEtcdCall Call { get; }

    public bool IsEnded { get; private set; }

    public ValueTask<T> Task => new(this, _source.Version);

    public void CancelWith(CancellationToken token) => _cancellation = token.UnsafeRegister(static self => ((SimAnswer<T>)self!).Cancel(), this);

    /// <summary>Ends it, unless it has ended. Runs the continuation.</summary>
    public void End(T result)
    {
        if (IsEnded) { return; }
        IsEnded = true;
        Call.Waiting--;
        _cancellation.Unregister();
        _source.SetResult(result);
    }

    T IValueTaskSource<T>.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<T>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<T>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    private void Cancel() => End(_canceled);
}

internal sealed class SimProposal(SimNodeClient client, SimEtcdCall call) : ProposeRequest
{
    public SimAnswer<ProposeResult> Answer { get; } = new(call, new(RequestOutcome.Unknown, default));

    public override void Complete(RequestOutcome outcome, ReadOnlySpan<byte> reply)
    {
        var result = new ProposeResult(outcome, outcome == RequestOutcome.Done ? reply.ToArray() : default);
        client.Resume(call, () => Answer.End(result));
    }
}

/// <summary>As <see cref="SimProposal"/>. A view that nobody waits for any more is disposed here.</summary>
internal sealed class SimRead(SimNodeClient client, SimEtcdCall call) : ReadRequest
{
    public SimAnswer<ReadResult> Answer { get; } = new(call, new(RequestOutcome.Unknown, null));

    public override void Complete(RequestOutcome outcome, IReadView? view) => client.Resume(call, () =>
    {
        if (Answer.IsEnded) { view?.Dispose(); }
        else { Answer.End(new(outcome, view, Clock)); }
    });
}

internal sealed class SimHandOver(SimNodeClient client, SimEtcdCall call) : HandOverRequest
{
    public SimAnswer<bool> Answer { get; } = new(call, false);

    public override void Complete(bool isDone) => client.Resume(call, () => Answer.End(isDone));
}
