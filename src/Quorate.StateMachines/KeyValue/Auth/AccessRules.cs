using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>
/// Who may do what: etcd 3.7's rules, decided by the state alone, so that all replicas decide alike and a view decides for what is read
/// from it. Everything here is for <see cref="KvAuthState.IsEnabled"/>; otherwise anybody may do anything.
/// </summary>
public static class AccessRules
{
    /// <summary>Judges a read of a view.</summary>
    /// <param name="store">The view.</param>
    /// <param name="state">Of the view.</param>
    /// <param name="caller">Who reads.</param>
    /// <param name="user">The caller's user as of the view; null if there is none of that name.</param>
    /// <param name="needs">What is read.</param>
    /// <returns>None if it is allowed.</returns>
    public static KvRefusal Check(IStoreReader store, in KvAuthState state, in KvCaller caller, KvUserAccess? user, in KvNeeds needs)
    {
        if (!state.IsEnabled || needs.What == KvNeeds.Kind.Nothing || caller.Credential == KvCredential.Member) { return KvRefusal.None; }
        KvRefusal refusal = CheckCredential(state, caller, user);
        if (refusal != KvRefusal.None || needs.What == KvNeeds.Kind.User) { return refusal; }
        return needs.What switch
        {
            KvNeeds.Kind.Root => CheckRoot(user),
            KvNeeds.Kind.Range => Denied(user is null || !user.MayRead(needs.Key.Span, needs.RangeEnd.Span)),
            KvNeeds.Kind.Txn => Denied(user is null || !new Judge(store, user).Allows(needs.Transaction!)),
            KvNeeds.Kind.LeaseKeys => Denied(user is null || !LeaseKeys.All(store, needs.Lease, user.MayRead)),
            KvNeeds.Kind.AllLeaseKeys => Denied(user is null || !LeaseKeys.All(store, user.MayRead)),
            _ => throw Invariant.Unreachable(needs.What),
        };
    }

    /// <summary>Judges a command where it is applied.</summary>
    internal static KvRefusal Check(IStoreReader store, in KvAuthState state, in KvCaller caller, KvUserAccess? user, KvCommand command)
    {
        if (IsOfMembers(command) || caller.Credential == KvCredential.Member) { return KvRefusal.None; }
        KvRefusal refusal = CheckCredential(state, caller, user);
        if (refusal != KvRefusal.None) { return refusal; }
        return command switch
        {
            KvCommand.LeaseGrant => KvRefusal.None,
            KvCommand.Compact or KvCommand.Auth or KvCommand.MemberUpdate or KvCommand.Alarm
                or KvCommand.KeyspaceCreate or KvCommand.KeyspaceUpdate or KvCommand.KeyspaceDelete => CheckRoot(user),
            _ => Denied(user is null || !new Judge(store, user).Allows(command)),
        };
    }

    /// <summary>The same for a put that was not decoded.</summary>
    internal static KvRefusal Check(
        IStoreReader store, in KvAuthState state, in KvCaller caller, KvUserAccess? user, scoped in KvCommand.PutFields put)
    {
        if (caller.Credential == KvCredential.Member) { return KvRefusal.None; }
        KvRefusal refusal = CheckCredential(state, caller, user);
        return refusal != KvRefusal.None ? refusal : Denied(user is null || !new Judge(store, user).Allows(put));
    }

    // The leader that judged a change of members has judged who may send it; the rest no client can send.
    private static bool IsOfMembers(KvCommand command) => command is KvCommand.TokenAdd or KvCommand.TokenRenew or KvCommand.MemberAdd
        or KvCommand.MemberPromote or KvCommand.MemberRemove or KvCommand.MemberPublish or KvCommand.MemberSeed
        or KvCommand.CheckBegin or KvCommand.CheckReport;

    private static KvRefusal CheckCredential(in KvAuthState state, in KvCaller caller, KvUserAccess? user) => caller.Credential switch
    {
        KvCredential.None => KvRefusal.UserNameEmpty,
        KvCredential.Certificate => KvRefusal.None,
        KvCredential.SignedToken => caller.Revision == state.Revision ? KvRefusal.None : KvRefusal.OldAuthRevision,
        KvCredential.Token => user is not null && caller.Revision >= Math.Max(user.PasswordRevision, state.TokensSince)
            ? KvRefusal.None
            : KvRefusal.InvalidAuthToken,
        _ => KvRefusal.InvalidAuthToken,
    };

    private static KvRefusal CheckRoot(KvUserAccess? user) =>
        user is null ? KvRefusal.UserNotFound : Denied(!user.IsRoot);

    private static KvRefusal Denied(bool isDenied) => isDenied ? KvRefusal.PermissionDenied : KvRefusal.None;

    /// <summary>Judges one command; a lease that it names many times is looked at once.</summary>
    private sealed class Judge(IStoreReader store, KvUserAccess user)
    {
        private HashSet<long>? _writableLeases;

        public bool Allows(KvCommand command) => command switch
        {
            KvCommand.Range range => user.MayRead(range.Query.Key.Span, range.Query.RangeEnd.Span),
            KvCommand.Put put => Allows(new KvCommand.PutFields(put)),
            KvCommand.DeleteRange delete => user.MayWrite(delete.Key.Span, delete.RangeEnd.Span)
                && (!delete.PrevKv || user.MayRead(delete.Key.Span, delete.RangeEnd.Span)),
            KvCommand.Txn txn => Allows(txn),
            KvCommand.LeaseRevoke revoke => MayWriteKeysOf(revoke.Id),
            KvCommand.LeaseRenew renew => MayWriteKeysOf(renew.Id),
            _ => false,
        };

        // Whoever hangs a key on a lease ends the lease's other keys by that, or keeps them alive.
        public bool Allows(scoped in KvCommand.PutFields put) =>
            user.MayWrite(put.Key, [])
            && (put.Lease == 0 || MayWriteKeysOf(put.Lease))
            && (!put.PrevKv || user.MayRead(put.Key, []));

        private bool Allows(KvCommand.Txn txn)
        {
            foreach (KvCompare compare in txn.Compares)
            {
                if (!user.MayRead(compare.Key.Span, compare.RangeEnd.Span)) { return false; }
            }

            return Allow(txn.Success) && Allow(txn.Failure);
        }

        private bool Allow(ImmutableArray<KvCommand.Op> operations)
        {
            foreach (KvCommand.Op operation in operations)
            {
                if (!Allows(operation)) { return false; }
            }

            return true;
        }

        private bool MayWriteKeysOf(long lease)
        {
            if (user.IsRoot || _writableLeases?.Contains(lease) == true) { return true; }
            if (!LeaseKeys.All(store, lease, user.MayWrite)) { return false; }
            (_writableLeases ??= []).Add(lease);
            return true;
        }
    }
}
