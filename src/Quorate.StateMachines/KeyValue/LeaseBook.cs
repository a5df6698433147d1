using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>
/// Grants, renews and ends leases. Time is the shard's clock, in milliseconds. A renewal writes the lease's record alone: its
/// place on the agenda is moved when that time comes, once in a life of the lease, and not with each renewal.
/// </summary>
internal sealed class LeaseBook
{
    // What one timer does at most, so that it does not hold up the commands behind it; part of the format, as all must do alike.
    private const int MostLeasesAtOnce = 1000;
    private const long MostKeysAtOnce = 10_000;

    private LogIndex _choseIn;
    private uint _chosen;

    /// <summary>Nothing is on the agenda before this; null if nothing is. A lease that was revoked may still count.</summary>
    public long? NextDeadline { get; private set; }

    /// <summary>Reads what it keeps in memory.</summary>
    public void Open(IStoreReader store)
    {
        LookAhead(store, time: 0, id: 0);
        (_choseIn, _chosen) = (LogIndex.Zero, 0);
    }

    /// <summary>Creates a lease.</summary>
    /// <param name="grant">Checked by <see cref="RequestChecks"/>.</param>
    /// <param name="command">The same, as it was committed.</param>
    /// <param name="store">Written to unless refused.</param>
    /// <param name="lease">The new lease.</param>
    public KvRefusal Grant(KvCommand.LeaseGrant grant, in CommittedCommand command, IStoreWriter store, out LeaseRecord lease)
    {
        long seconds = Math.Max(1, grant.Seconds);
        long deadline = command.Clock + (seconds * 1000);
        lease = new LeaseRecord(grant.Id == 0 ? Choose(command.Index, store) : grant.Id, seconds, deadline, deadline);
        if (grant.Id != 0 && LeaseStore.Exists(store, grant.Id)) { return KvRefusal.LeaseExists; }
        LeaseStore.Write(store, lease);
        LeaseStore.AddToAgenda(store, deadline, lease.Id);
        NextDeadline = Math.Min(NextDeadline ?? deadline, deadline);
        return KvRefusal.None;
    }

    /// <summary>Moves a lease's deadline. Until a timer has ended it, a lease can be renewed.</summary>
    /// <returns>How many seconds it has now; 0 if there is no such lease.</returns>
    public static long Renew(long id, long clock, IStoreWriter store)
    {
        if (!LeaseStore.TryRead(store, id, out LeaseRecord lease)) { return 0; }
        LeaseStore.Write(store, lease with { Deadline = clock + (lease.Seconds * 1000) });
        return lease.Seconds;
    }

    /// <summary>Deletes a lease and its keys.</summary>
    /// <param name="id">The lease.</param>
    /// <param name="writer">Started.</param>
    /// <param name="store">What the writer writes to.</param>
    /// <returns>False if there is no such lease; nothing was done then.</returns>
    public static bool Revoke(long id, VersionWriter writer, IStoreWriter store)
    {
        if (!LeaseStore.TryRead(store, id, out LeaseRecord lease)) { return false; }
        writer.DeleteKeysOf(id);
        LeaseStore.TakeFromAgenda(store, lease.LookAt, id);
        LeaseStore.Delete(store, id);
        return true;
    }

    /// <summary>Ends the leases whose deadline has come, or the first of them.</summary>
    /// <param name="due">The time.</param>
    /// <param name="store">The store.</param>
    /// <param name="revoke">Ends one lease, in a revision of its own; returns how many keys that deleted.</param>
    public void EndDue(long due, IStoreWriter store, Func<long, long> revoke)
    {
        if (NextDeadline is not { } first || first > due) { return; }
        long keys = 0;
        (long Time, long Id) last = (first, 0);
        foreach ((long time, long id) in LeaseStore.ReadAgenda(store, first, id: 0, until: due, MostLeasesAtOnce))
        {
            if (keys >= MostKeysAtOnce) { break; }
            last = (time, id);
            bool exists = LeaseStore.TryRead(store, id, out LeaseRecord lease);
            Invariant.Holds(exists && lease.LookAt == time, $"lease {id} stands on the agenda at {time}, but is {lease}");
            if (lease.Deadline <= due)
            {
                keys += revoke(id);
                continue;
            }

            LeaseStore.TakeFromAgenda(store, time, id);
            LeaseStore.AddToAgenda(store, lease.Deadline, id);
            LeaseStore.Write(store, lease with { LookAt = lease.Deadline });
        }

        LookAhead(store, last.Time, last.Id);
    }

    // From a place before which the agenda is empty: what was taken from it would have to be stepped over.
    private void LookAhead(IStoreReader store, long time, long id)
    {
        List<(long Time, long Id)> next = LeaseStore.ReadAgenda(store, time, id, until: long.MaxValue - 1, most: 1);
        NextDeadline = next.Count > 0 ? next[0].Time : null;
    }

    // Alike on every replica: from the entry, and the place among those chosen in it. A number that is taken is passed over; one
    // that was given back comes again only by a chance of 1 in 2^63.
    private long Choose(LogIndex index, IStoreReader store)
    {
        if (index != _choseIn) { (_choseIn, _chosen) = (index, 0); }
        long id;
        do
        {
            id = (long)(Scramble((index.Value << 16) + _chosen) >> 1);
            _chosen++;
        }
        while (id == 0 || LeaseStore.Exists(store, id));
        return id;
    }

    // The finalizer of MurmurHash3 (Appleby, 2011): every bit of the result depends on every bit of the number.
    private static ulong Scramble(ulong number)
    {
        unchecked
        {
            number = (number ^ (number >> 33)) * 0xFF51AFD7ED558CCD;
            number = (number ^ (number >> 33)) * 0xC4CEB9FE1A85EC53;
            return number ^ (number >> 33);
        }
    }
}
