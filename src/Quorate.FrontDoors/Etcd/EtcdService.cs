using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using Quorate.Core;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Node;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;

namespace Quorate.FrontDoors.Etcd;

/// <summary>
/// The etcd API over one shard: takes a request's message, asks the node, gives the answer's message or an error. Knows
/// nothing of HTTP, so that a simulation can drive it. Any thread.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "A SemaphoreSlim whose wait handle nobody asks for holds nothing to release.")]
internal sealed partial class EtcdService
{
    private readonly EtcdServiceOptions _options;
    private readonly INodeClient _node;
    private readonly ShardId _shard;
    private readonly Action<string, Exception> _reportBug;
    private readonly Func<IWakeSignal> _newSignal;
    private long _pendingProposals;
    private long _failedProposals;

    /// <param name="options">What to serve.</param>
    /// <param name="reportBug">Takes the RPC and the exception of a failure that must not happen.</param>
    /// <param name="newSignal">Makes what a unary call waits on. Default: <see cref="WakeSignal"/>, which goes on on the thread pool.</param>
    public EtcdService(EtcdServiceOptions options, Action<string, Exception> reportBug, Func<IWakeSignal>? newSignal = null)
    {
        _options = options;
        _node = options.Node;
        _shard = options.Shard;
        _reportBug = reportBug;
        _newSignal = newSignal ?? (static () => new WakeSignal());
        Watches = new WatchHub(OpenLocal);
        _tokenUses = new TokenUses(options.Auth.TokenLife);
        _auth = new AuthGate(
            _tokenUses, RenewToken, options.Auth.SignedTokens is { } signed ? token => signed.Verify(_shard, token, DateTimeOffset.UtcNow) : null);
    }

    /// <summary>Writes that callers wait for.</summary>
    public long PendingProposals => Volatile.Read(ref _pendingProposals);

    /// <summary>Writes that were refused for the state of this node, or whose outcome is unknown.</summary>
    public long FailedProposals => Volatile.Read(ref _failedProposals);

    /// <summary>
    /// An exception came out of an RPC: a bug, or a disk that does not read. The client learns only that it failed; of damage the node
    /// is told, so that it heals.
    /// </summary>
    public EtcdError Failed(string rpc, Exception exception)
    {
        _reportBug(rpc, exception);
        if (exception is not CorruptFileException damage) { return EtcdErrors.Internal; }
        _node.Damaged(_shard, damage);
        return EtcdErrors.Corrupt;
    }

    /// <summary>Serves one unary RPC.</summary>
    public ValueTask<EtcdResult> Serve(EtcdRpc rpc, IMessage request, EtcdCall call) =>
        rpc.Access is EtcdAccess.Everyone or EtcdAccess.ByRequest ? rpc.Handler(this, request, call) : ServeIfAllowed(rpc, request, call);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<EtcdResult> ServeIfAllowed(EtcdRpc rpc, IMessage request, EtcdCall call)
    {
        EtcdAccess access = rpc.AccessOf?.Invoke(request) ?? rpc.Access;
        return await Judge(access, call).ConfigureAwait(false) is { } refusal
            ? refusal
            : await rpc.Handler(this, request, call).ConfigureAwait(false);
    }

    /// <summary>Opens a view that the caller may read, or says why not.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<(IReadView? View, EtcdError? Error)> Read(
        ReadLevel level, EtcdCall call, bool allowedOnLearner, KvNeeds needs)
    {
        if (Refusal(call, allowedOnLearner) is { } refusal) { return (null, refusal); }
        (ReadResult read, EtcdError? error) = await Open(level, call, needs).ConfigureAwait(false);
        return (read.View, error);
    }

    /// <summary>Replicates a command that was checked, and translates the machine's reply.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<EtcdResult> Propose(ReadOnlyMemory<byte> command, EtcdCall call)
    {
        (KvReply? reply, EtcdError? error) = await Replicate(command, call).ConfigureAwait(false);
        return reply is null ? error! : Answer(reply);
    }

    /// <summary>Replicates a command with its sender, if users are asked for.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<(KvReply? Reply, EtcdError? Error)> Replicate(ReadOnlyMemory<byte> command, EtcdCall call)
    {
        if (command.Length > _options.MaxRequestBytes) { return (null, EtcdErrors.RequestTooLarge); }
        if (Refusal(call, allowedOnLearner: false) is { } refusal) { return (null, refusal); }
        if (!KvCommand.NeedsSender(command.Span)) { return await ReplicateAsIs(command, call).ConfigureAwait(false); }
        if (_auth.WasOff)
        {
            (KvReply? reply, EtcdError? error) = await ReplicateAsIs(command, call).ConfigureAwait(false);
            if (reply is not KvReply.Refused { Refusal: KvRefusal.UserNameEmpty }) { return (reply, error); }

            // Nothing happened. Perhaps since users are asked for by now: this node has that state, as it has the reply.
        }

        (ReadOnlyMemory<byte> signed, EtcdError? unknown) = await WithSender(command, call).ConfigureAwait(false);
        return unknown is null ? await ReplicateAsIs(signed, call).ConfigureAwait(false) : (null, unknown);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<(KvReply? Reply, EtcdError? Error)> ReplicateAsIs(ReadOnlyMemory<byte> command, EtcdCall call)
    {
        Term term = _node.StatusOf(_shard)?.Term ?? Term.Zero;
        Interlocked.Increment(ref _pendingProposals);
        ProposeResult proposed;
        try { proposed = await _node.ProposeAsync(_shard, command, call.Stop).ConfigureAwait(false); }
        finally { Interlocked.Decrement(ref _pendingProposals); }
        if (proposed.Outcome != RequestOutcome.Done)
        {
            Interlocked.Increment(ref _failedProposals);
            ShardStatus? status = _node.StatusOf(_shard);
            bool leaderFailed = status is not null && (status.Leader.IsNone || status.Term != term);
            return (null, proposed.Outcome == RequestOutcome.Unknown && leaderFailed
                ? EtcdErrors.TimedOutLeaderFailed
                : EtcdErrors.Of(proposed.Outcome));
        }

        bool readable = KvReply.TryDecode(proposed.Reply, out KvReply? reply);
        Invariant.Holds(readable, $"the machine's reply of {proposed.Reply.Length} bytes cannot be read");
        return (reply, null);
    }

    private EtcdResult Answer(KvReply reply) => reply is KvReply.Refused refused
        ? EtcdErrors.Of(refused.Refusal)
        : EtcdResult.Of(EtcdMessages.ToMessage(reply, Header(reply.Revision)));

    // What makes this node refuse at once, whatever is asked.
    private EtcdError? Refusal(EtcdCall call, bool allowedOnLearner)
    {
        if (!call.RequireLeader && allowedOnLearner) { return null; }
        if (_node.StatusOf(_shard) is not { } status) { return null; }
        if (status.IsLearner && !allowedOnLearner) { return EtcdErrors.NotSupportedForLearner; }
        return call.RequireLeader && status.Leader.IsNone ? EtcdErrors.NoLeader : null;
    }

    private ResponseHeader Header(long revision) => new()
    {
        ClusterId = _node.Cluster.Value,
        MemberId = _node.Node.Value,
        Revision = revision,
        RaftTerm = _node.StatusOf(_shard)?.Term.Value ?? 0,
    };
}
