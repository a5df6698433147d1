using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>
/// Keeps tokens until their time is up, as <see cref="LeaseBook"/> keeps leases: a renewal writes the token's record alone, and its place on
/// the agenda is moved when that time comes.
/// </summary>
internal sealed class TokenBook
{
    // What one timer does at most; part of the format, as all must do alike.
    private const int MostAtOnce = 1000;

    /// <summary>No token ends before this; null if there is none. It may be too early.</summary>
    public long? NextDeadline { get; private set; }

    public void Open(IStoreReader store) => LookAhead(store, from: 0);

    public void Add(KvCommand.TokenAdd add, long revision, long clock, IStoreWriter store)
    {
        long deadline = clock + Math.Max(0, add.LifeMilliseconds);
        AuthStore.WriteToken(store, add.Hash.Span, new KvToken(add.User, revision, deadline, deadline));
        AuthStore.AddToAgenda(store, deadline, add.Hash.Span);
        NextDeadline = Math.Min(NextDeadline ?? deadline, deadline);
    }

    public static void Renew(KvCommand.TokenRenew renew, long clock, IStoreWriter store)
    {
        if (AuthStore.FindToken(store, renew.Hash.Span) is not { } token) { return; }
        long deadline = Math.Max(token.Deadline, clock + Math.Max(0, renew.LifeMilliseconds));
        AuthStore.WriteToken(store, renew.Hash.Span, token with { Deadline = deadline });
    }

    /// <summary>Removes the tokens whose time is up, or the first of them.</summary>
    public void EndDue(long due, IStoreWriter store)
    {
        if (NextDeadline is not { } first || first > due) { return; }
        foreach ((long time, byte[] hash) in AuthStore.ReadAgenda(store, first, due, MostAtOnce))
        {
            KvToken? token = AuthStore.FindToken(store, hash);
            Invariant.Holds(token is not null && token.LookAt == time, $"a token stands on the agenda at {time}, but is {token}");
            AuthStore.TakeFromAgenda(store, time, hash);
            if (token.Deadline <= due)
            {
                AuthStore.DeleteToken(store, hash);
                continue;
            }

            AuthStore.AddToAgenda(store, token.Deadline, hash);
            AuthStore.WriteToken(store, hash, token with { LookAt = token.Deadline });
        }

        LookAhead(store, first);
    }

    private void LookAhead(IStoreReader store, long from)
    {
        List<(long Time, byte[] Hash)> next = AuthStore.ReadAgenda(store, from, until: long.MaxValue - 1, most: 1);
        NextDeadline = next.Count > 0 ? next[0].Time : null;
    }
}
