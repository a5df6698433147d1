using System.Collections.Immutable;
using System.Text;
using Quorate.StateMachines.KeyValue;

namespace Quorate.Tests.StateMachines;

/// <summary>etcd's rules in the plainest form: the whole state of every revision is kept, and a transaction works on a copy.</summary>
internal sealed class KeyValueModel
{
    // Index = revision. Revision 0 never was; revision 1 is the empty store.
    private readonly List<SortedDictionary<string, Rec>> _states = [NewState(), NewState()];

    private readonly SortedDictionary<long, Lease> _leases = [];

    public long Compacted { get; private set; } = -1;

    /// <summary>The shard's clock, in milliseconds.</summary>
    public long Clock { get; set; }

    /// <summary>Each lease, and its keys.</summary>
    public IEnumerable<string> Leases => _leases.OrderBy(static lease => lease.Value.Deadline).ThenBy(static lease => (ulong)lease.Key)
        .Select(lease => $"{lease.Key} of {lease.Value.Seconds} s until {lease.Value.Deadline}: {string.Join(' ', KeysOf(lease.Key))}");

    public long Current => _states.Count - 1;

    private SortedDictionary<string, Rec> Now => _states[^1];

    public KvReply Do(KvCommand command)
    {
        try
        {
            return command switch
            {
                KvCommand.Compact compact => Compact(compact.Revision),
                KvCommand.Op operation => Run(operation),
                KvCommand.LeaseGrant grant => Grant(grant),
                KvCommand.LeaseRevoke revoke => Revoke(revoke.Id),
                KvCommand.LeaseRenew renew => Renew(renew.Id),
                _ => throw new InvalidOperationException(),
            };
        }
        catch (RefusedException refused)
        {
            return new KvReply.Refused(Current, refused.Refusal);
        }
    }

    public RangeResult Ask(RangeQuery query)
    {
        try
        {
            if (query.Revision > Current) { throw new RefusedException(KvRefusal.FutureRevision); }
            if (query.Revision > 0 && query.Revision < Compacted) { throw new RefusedException(KvRefusal.Compacted); }
            return Range(query, Now, Current);
        }
        catch (RefusedException refused)
        {
            return new RangeResult([], false, 0, Current, refused.Refusal);
        }
    }

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.Latin1.GetString(bytes.Span);

    private static SortedDictionary<string, Rec> NewState() => new(StringComparer.Ordinal);

    private static bool InRange(string key, string from, string end) => end switch
    {
        "" => key == from,
        "\0" => string.CompareOrdinal(key, from) >= 0,
        _ => string.CompareOrdinal(key, from) >= 0 && string.CompareOrdinal(key, end) < 0,
    };

    private static KeyValueRecord Record(string key, Rec rec) =>
        new(KeyValueHarness.Bytes(key), KeyValueHarness.Bytes(rec.Value), rec.Create, rec.Mod, rec.Version, rec.Lease);

    /// <summary>
    /// Each lease has a time to be looked at: its deadline as of when it was granted or last looked at. In that order, leases whose
    /// time has come end, each in a revision of its own, or are given another time.
    /// </summary>
    public void Timer(long due)
    {
        foreach ((long id, Lease lease) in _leases.OrderBy(static l => l.Value.LookAt).ThenBy(static l => (ulong)l.Key).ToArray())
        {
            if (lease.LookAt > due) { continue; }
            if (lease.Deadline <= due) { Revoke(id); }
            else { _leases[id] = lease with { LookAt = lease.Deadline }; }
        }
    }

    private string[] KeysOf(long lease) => [.. Now.Where(p => p.Value.Lease == lease).Select(static p => p.Key)];

    private KvReply.LeaseGrant Grant(KvCommand.LeaseGrant grant)
    {
        if (grant.Seconds > 9_000_000_000) { throw new RefusedException(KvRefusal.LeaseTooLong); }
        long seconds = Math.Max(1, grant.Seconds);
        long deadline = Clock + (1000 * seconds);
        if (!_leases.TryAdd(grant.Id, new Lease(seconds, deadline, deadline))) { throw new RefusedException(KvRefusal.LeaseExists); }
        return new KvReply.LeaseGrant(Current, grant.Id, seconds);
    }

    private KvReply.LeaseRevoke Revoke(long id)
    {
        if (!_leases.ContainsKey(id)) { throw new RefusedException(KvRefusal.LeaseNotFound); }
        string[] keys = KeysOf(id);
        _leases.Remove(id);
        if (keys.Length > 0)
        {
            _states.Add(new SortedDictionary<string, Rec>(Now, StringComparer.Ordinal));
            foreach (string key in keys) { Now.Remove(key); }
        }

        return new KvReply.LeaseRevoke(Current);
    }

    private KvReply.LeaseRenew Renew(long id)
    {
        if (!_leases.TryGetValue(id, out Lease? lease)) { return new KvReply.LeaseRenew(Current, 0); }
        _leases[id] = lease with { Deadline = Clock + (1000 * lease.Seconds) };
        return new KvReply.LeaseRenew(Current, lease.Seconds);
    }

    private KvReply.Compact Compact(long revision)
    {
        if (revision <= Compacted) { throw new RefusedException(KvRefusal.Compacted); }
        if (revision > Current) { throw new RefusedException(KvRefusal.FutureRevision); }
        Compacted = revision;
        return new KvReply.Compact(Current);
    }

    private KvReply Run(KvCommand.Op operation)
    {
        var work = new Work(new SortedDictionary<string, Rec>(Now, StringComparer.Ordinal));
        KvReply reply = operation is KvCommand.Range range && Ask(range.Query) is var result
            ? result.Refusal == KvRefusal.None ? new KvReply.Range(result) : throw new RefusedException(result.Refusal)
            : Run(operation, work);
        if (work.Changed) { _states.Add(work.State); }
        return reply is KvReply.Txn ? reply with { Revision = Current } : reply;
    }

    private KvReply Run(KvCommand.Op operation, Work work) => operation switch
    {
        KvCommand.Put put => Put(put, work),
        KvCommand.DeleteRange delete => Delete(delete, work),
        KvCommand.Range range => new KvReply.Range(RangeInTxn(range.Query, work)),
        KvCommand.Txn txn => Txn(txn, work),
        _ => throw new InvalidOperationException(),
    };

    private KvReply.Put Put(KvCommand.Put put, Work work)
    {
        string key = Text(put.Key);
        if (put.Lease != 0 && !_leases.ContainsKey(put.Lease)) { throw new RefusedException(KvRefusal.LeaseNotFound); }
        if ((put.IgnoreValue || put.IgnoreLease) && !Now.ContainsKey(key)) { throw new RefusedException(KvRefusal.KeyNotFound); }
        Rec? old = work.State.GetValueOrDefault(key);
        string value = put.IgnoreValue ? (old ?? Now[key]).Value : Text(put.Value);
        long lease = put.IgnoreLease ? (old ?? Now[key]).Lease : put.Lease;
        long next = Current + 1;
        work.State[key] = new Rec(value, old?.Create ?? next, next, (old?.Version ?? 0) + 1, lease);
        work.Changed = true;
        return new KvReply.Put(next, put.PrevKv && old is not null ? Record(key, old) : null);
    }

    private KvReply.DeleteRange Delete(KvCommand.DeleteRange delete, Work work)
    {
        string[] keys = [.. work.State.Keys.Where(k => InRange(k, Text(delete.Key), Text(delete.RangeEnd)))];
        ImmutableArray<KeyValueRecord> previous = delete.PrevKv ? [.. keys.Select(k => Record(k, work.State[k]))] : [];
        foreach (string key in keys) { work.State.Remove(key); }
        work.Changed |= keys.Length > 0;
        return new KvReply.DeleteRange(work.Changed ? Current + 1 : Current, keys.Length, previous);
    }

    private KvReply.Txn Txn(KvCommand.Txn txn, Work work)
    {
        bool holds = txn.Compares.All(Holds);
        ImmutableArray<KvReply> replies = [.. (holds ? txn.Success : txn.Failure).Select(o => Run(o, work))];
        return new KvReply.Txn(0, holds, replies);
    }

    private bool Holds(KvCompare compare)
    {
        Rec[] recs = [.. Now.Where(p => InRange(p.Key, Text(compare.Key), Text(compare.RangeEnd))).Select(static p => p.Value)];
        if (recs.Length == 0)
        {
            if (compare.Target == KvCompareTarget.Value) { return false; }
            recs = [new Rec("", 0, 0, 0, 0)];
        }

        return recs.All(rec =>
        {
            int order = Math.Sign(compare.Target switch
            {
                KvCompareTarget.Version => rec.Version.CompareTo(compare.Number),
                KvCompareTarget.Create => rec.Create.CompareTo(compare.Number),
                KvCompareTarget.Mod => rec.Mod.CompareTo(compare.Number),
                KvCompareTarget.Lease => rec.Lease.CompareTo(compare.Number),
                _ => string.CompareOrdinal(rec.Value, Text(compare.Value)),
            });
            return compare.Result switch
            {
                KvCompareResult.Equal => order == 0,
                KvCompareResult.Greater => order == 1,
                KvCompareResult.Less => order == -1,
                _ => order != 0,
            };
        });
    }

    private RangeResult RangeInTxn(RangeQuery query, Work work)
    {
        if (query.Revision > Current) { throw new RefusedException(KvRefusal.FutureRevision); }
        if (query.Revision != 0 && query.Revision < Compacted) { throw new RefusedException(KvRefusal.Compacted); }
        return Range(query, work.State, work.Changed ? Current + 1 : Current);
    }

    private RangeResult Range(RangeQuery query, SortedDictionary<string, Rec> now, long header)
    {
        SortedDictionary<string, Rec> state = query.Revision <= 0 ? now : _states[(int)query.Revision];
        KeyValuePair<string, Rec>[] all = [.. state.Where(p => InRange(p.Key, Text(query.Key), Text(query.RangeEnd)))];
        if (query.CountOnly) { return new RangeResult([], false, all.Length, header, KvRefusal.None); }

        KeyValuePair<string, Rec>[] found =
        [
            .. all.Where(p =>
                (query.MinModRevision == 0 || p.Value.Mod >= query.MinModRevision)
                && (query.MaxModRevision == 0 || p.Value.Mod <= query.MaxModRevision)
                && (query.MinCreateRevision == 0 || p.Value.Create >= query.MinCreateRevision)
                && (query.MaxCreateRevision == 0 || p.Value.Create <= query.MaxCreateRevision))
        ];
        int limit = query.Limit <= 0 ? int.MaxValue : (int)query.Limit;
        bool hasFilter = (query.MinModRevision, query.MaxModRevision, query.MinCreateRevision, query.MaxCreateRevision) != (0, 0, 0, 0);
        if (query.SortOrder == KvSortOrder.None && !hasFilter && limit < int.MaxValue) { found = [.. found.Take(limit + 1)]; }

        Comparison<KeyValuePair<string, Rec>> order = query.SortTarget switch
        {
            KvSortTarget.Version => static (l, r) => l.Value.Version.CompareTo(r.Value.Version),
            KvSortTarget.Create => static (l, r) => l.Value.Create.CompareTo(r.Value.Create),
            KvSortTarget.Mod => static (l, r) => l.Value.Mod.CompareTo(r.Value.Mod),
            KvSortTarget.Value => static (l, r) => string.CompareOrdinal(l.Value.Value, r.Value.Value),
            _ => static (l, r) => string.CompareOrdinal(l.Key, r.Key),
        };
        var comparer = Comparer<KeyValuePair<string, Rec>>.Create(order);
        found = query.SortOrder == KvSortOrder.Descending
            ? [.. found.OrderDescending(comparer)]
            : [.. found.Order(comparer)];
        return new RangeResult(
            [.. found.Take(limit).Select(p => Record(p.Key, query.KeysOnly ? p.Value with { Value = "" } : p.Value))],
            found.Length > limit,
            all.Length,
            header,
            KvRefusal.None);
    }

    private sealed record Rec(string Value, long Create, long Mod, long Version, long Lease);

    private sealed record Lease(long Seconds, long Deadline, long LookAt);

    private sealed class Work(SortedDictionary<string, Rec> state)
    {
        public SortedDictionary<string, Rec> State { get; } = state;

        public bool Changed { get; set; }
    }

    private sealed class RefusedException(KvRefusal refusal) : Exception
    {
        public KvRefusal Refusal { get; } = refusal;
    }
}
