using Quorate.Core;
using Quorate.StateMachines.KeyValue;

namespace Quorate.FrontDoors.Etcd;

/// <summary>
/// What this door knows of users: finds out who sends a request, and judges reads against the view they are made of. Any thread.
/// </summary>
/// <remarks>
/// Nothing here is believed longer than a view: what is remembered is the state of one index, and what is derived from one revision of users
/// and roles.
/// </remarks>
internal sealed class AuthGate
{
    private readonly Lock _gate = new();
    private readonly KvAccessCache _access = new();
    private readonly TokenUses _uses;
    private readonly Action<byte[]> _renew;
    private readonly Func<string, (string User, long Revision)?>? _verify;
    private volatile Known? _known;

    /// <param name="uses">The tokens that are in use.</param>
    /// <param name="renew">Renews the token of a hash; must not wait.</param>
    /// <param name="verify">Reads signed tokens, which are the only ones then; null: there are none.</param>
    public AuthGate(TokenUses uses, Action<byte[]> renew, Func<string, (string User, long Revision)?>? verify = null)
    {
        _verify = verify;
        _uses = uses;
        _renew = renew;
    }

    /// <summary>
    /// True if users were not asked for in the last state seen. Good enough for a write: where it is applied, one without a sender
    /// is refused if they are.
    /// </summary>
    public bool WasOff => _known is { State.IsEnabled: false };

    /// <summary>Whether users are asked for, as of a view.</summary>
    public KvAuthState StateOf(IReadView view)
    {
        Known? known = _known;
        if (known is not null && known.Index == view.AppliedIndex) { return known.State; }
        KvAuthState state = AuthQueries.State(view);
        if (known is null || known.Index < view.AppliedIndex) { _known = new Known(view.AppliedIndex, state); }
        return state;
    }

    /// <summary>Who sends a request, as of a view in which users are asked for.</summary>
    /// <returns>Nobody if the request does not say; an error if what it says is not true.</returns>
    public (KvCaller Caller, KvRefusal Refusal) Identify(EtcdCall call, IReadView view)
    {
        if (call.IsMember) { return (KvCaller.Member, KvRefusal.None); }
        if (call.Token is { } token)
        {
            if (_verify is not null)
            {
                return _verify(token) is { } signed
                    ? (new KvCaller(KvCredential.SignedToken, signed.User, signed.Revision), KvRefusal.None)
                    : (KvCaller.Nobody, KvRefusal.InvalidAuthToken);
            }

            byte[] hash = TokenUses.HashOf(token);
            if (AuthQueries.Token(view, hash) is not { } found) { return (KvCaller.Nobody, KvRefusal.InvalidAuthToken); }
            if (_uses.IsRenewalDue(hash, Environment.TickCount64)) { _renew(hash); }
            return (new KvCaller(KvCredential.Token, found.User, found.Revision), KvRefusal.None);
        }

        return call.CertificateUser is { } user
            ? (new KvCaller(KvCredential.Certificate, user, 0), KvRefusal.None)
            : (KvCaller.Nobody, KvRefusal.None);
    }

    /// <summary>Judges a read of a view.</summary>
    public KvRefusal Check(IReadView view, EtcdCall call, in KvNeeds needs)
    {
        KvAuthState state = StateOf(view);
        if (!state.IsEnabled || needs.IsNothing) { return KvRefusal.None; }
        (KvCaller caller, KvRefusal refusal) = Identify(call, view);
        return refusal == KvRefusal.None
            ? AccessRules.Check(view, state, caller, AccessOf(view, state, caller), needs)
            : refusal;
    }

    /// <summary>True of what only tells that the request's credential is not good, as of a state that may be an old one.</summary>
    public static bool IsAboutCredential(KvRefusal refusal) =>
        refusal is KvRefusal.UserNameEmpty or KvRefusal.InvalidAuthToken or KvRefusal.OldAuthRevision;

    private KvUserAccess? AccessOf(IReadView view, in KvAuthState state, in KvCaller caller)
    {
        if (caller.User.Length == 0) { return null; }
        lock (_gate) { return _access.Find(view, state.Revision, caller.User); }
    }

    private sealed record Known(LogIndex Index, KvAuthState State);
}
