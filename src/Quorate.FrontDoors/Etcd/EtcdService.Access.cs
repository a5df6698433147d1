using System.Runtime.CompilerServices;
using Quorate.Core;
using Quorate.Node;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;

namespace Quorate.FrontDoors.Etcd;

// Who asks, and whether they may. A write is judged where it is applied, a read against its view.
internal sealed partial class EtcdService
{
    private readonly TokenUses _tokenUses;
    private readonly AuthGate _auth;

    /// <summary>Judges what does not depend on the request.</summary>
    private async ValueTask<EtcdError?> Judge(EtcdAccess access, EtcdCall call)
    {
        if (access is EtcdAccess.Everyone or EtcdAccess.ByRequest) { return null; }
        KvNeeds needs = access == EtcdAccess.AnyUser ? KvNeeds.User : KvNeeds.Root;
        (ReadResult read, EtcdError? error) = await Open(ReadLevel.Local, call, needs).ConfigureAwait(false);
        read.View?.Dispose();

        // Without the shard nobody knows the users; the little that any user may ask of such a node tells nothing.
        return read.Outcome == RequestOutcome.Done || access != EtcdAccess.AnyUser ? error : null;
    }

    /// <summary>Opens a view if the caller may read it. What the caller shows is not refused by an old state: then the view is a fresh one.</summary>
    /// <returns>A result that is Done has a view, or the error is the caller's.</returns>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<(ReadResult Read, EtcdError? Error)> Open(ReadLevel level, EtcdCall call, KvNeeds needs)
    {
        ReadResult read = await _node.ReadAsync(_shard, level, call.Stop).ConfigureAwait(false);
        if (read.View is null) { return (read, EtcdErrors.Of(read.Outcome)); }
        KvRefusal refusal = Judge(read.View, call, needs);
        if (refusal == KvRefusal.None) { return (read, null); }
        read.View.Dispose();
        if (level == ReadLevel.Local && AuthGate.IsAboutCredential(refusal))
        {
            ReadResult fresh = await _node.ReadAsync(_shard, ReadLevel.Linearizable, call.Stop).ConfigureAwait(false);
            if (fresh.View is not null)
            {
                refusal = Judge(fresh.View, call, needs);
                if (refusal == KvRefusal.None) { return (fresh, null); }
                fresh.View.Dispose();
            }
        }

        return (read with { View = null }, EtcdErrors.Of(refusal));
    }

    // A view is disposed of, whatever happens.
    private KvRefusal Judge(IReadView view, EtcdCall call, in KvNeeds needs)
    {
        try
        {
            return _auth.Check(view, call, needs);
        }
        catch
        {
            view.Dispose();
            throw;
        }
    }

    /// <summary>Puts the sender around a command, if users are asked for.</summary>
    private async ValueTask<(ReadOnlyMemory<byte> Command, EtcdError? Error)> WithSender(ReadOnlyMemory<byte> command, EtcdCall call)
    {
        ReadResult read = await _node.ReadAsync(_shard, ReadLevel.Local, call.Stop).ConfigureAwait(false);
        if (read.View is null) { return (default, EtcdErrors.Of(read.Outcome)); }
        (KvCaller? caller, KvRefusal refusal) = SenderOf(read.View, call);
        if (refusal != KvRefusal.None)
        {
            // The token may be younger than this node's state.
            read = await _node.ReadAsync(_shard, ReadLevel.Linearizable, call.Stop).ConfigureAwait(false);
            if (read.View is null) { return (default, EtcdErrors.Of(read.Outcome)); }
            (caller, refusal) = SenderOf(read.View, call);
            if (refusal != KvRefusal.None) { return (default, EtcdErrors.Of(refusal)); }
        }

        if (caller is not { } sender) { return (command, null); }
        var signed = new ByteWriter(command.Length + sender.User.Length + 32);
        KvCommand.EncodeFrom(signed, sender, command.Span);
        return (signed.WrittenMemory, null);
    }

    // Null: users are not asked for.
    private (KvCaller? Caller, KvRefusal Refusal) SenderOf(IReadView view, EtcdCall call)
    {
        using (view)
        {
            if (!_auth.StateOf(view).IsEnabled) { return (null, KvRefusal.None); }
            (KvCaller caller, KvRefusal refusal) = _auth.Identify(call, view);
            return (caller, refusal);
        }
    }

    // In the background: whoever uses the token need not wait.
    private void RenewToken(byte[] hash) => _ = RenewTokenAsync(hash);

    private async Task RenewTokenAsync(byte[] hash)
    {
        var command = new ByteWriter();
        new KvCommand.TokenRenew(hash, _tokenUses.LifeMilliseconds).Encode(command);
        try
        {
            ProposeResult proposed = await _node.ProposeAsync(_shard, command.WrittenMemory).ConfigureAwait(false);
            if (proposed.Outcome != RequestOutcome.Done) { _tokenUses.Failed(hash, Environment.TickCount64); }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Failed("renewal of a token", e);
        }
    }
}
