namespace Quorate.Simulation.Checkers.Etcd;

/// <summary>What a missing revision did to a key, as an answer showed it.</summary>
/// <param name="Kv">The version; null if the key was deleted.</param>
/// <param name="By">The answer.</param>
/// <param name="IsBoth">True if the revision was seen both to set and to delete the key; which came last is not known.</param>
internal sealed record Sighting(EtcdKv? Kv, EtcdOperation By, bool IsBoth = false);

/// <summary>
/// What the missing revisions did, from every version and event that anyone saw, and which unanswered write made each.
/// </summary>
internal sealed class Sightings
{
    private readonly Dictionary<long, SortedDictionary<string, Sighting>> _byRevision = [];
    private readonly Dictionary<long, UnknownWrite> _pinned = [];

    /// <param name="operations">All of the history.</param>
    /// <param name="gaps">The missing revisions.</param>
    public Sightings(EtcdOperation[] operations, List<long> gaps)
    {
        foreach (long gap in gaps) { _byRevision.Add(gap, new(StringComparer.Ordinal)); }
        if (gaps.Count == 0) { return; }
        foreach (EtcdOperation operation in operations)
        {
            if (operation.Response is { } response) { Collect(response, operation); }
        }
    }

    /// <summary>The keys that a missing revision is known to have changed, in order.</summary>
    public IReadOnlyDictionary<string, Sighting> At(long gap) => _byRevision[gap];

    /// <summary>The only write that can have made the missing revision; null if there are several.</summary>
    public UnknownWrite? MadeBy(long gap) => _pinned.GetValueOrDefault(gap);

    /// <summary>Finds the write that made each revision of which something was seen, as far as only one can have.</summary>
    public void Pin(UnknownWrite[] unknown, RevisionOrder order, Findings findings)
    {
        var candidates = new SortedDictionary<long, List<UnknownWrite>>();
        ILookup<(string, string), UnknownWrite> putters = unknown.SelectMany(u => u.Puts().Distinct().Select(p => (p, u))).ToLookup(x => x.p, x => x.u);
        foreach (long gap in order.Gaps)
        {
            SortedDictionary<string, Sighting> seen = _byRevision[gap];
            if (seen.Count == 0) { continue; }
            (string first, Sighting? put) = seen.FirstOrDefault(s => s.Value.Kv?.Value is not null);
            IEnumerable<UnknownWrite> pool = put is null ? unknown : putters[(first, put.Kv!.Value!)];
            long deadline = order.Deadline(gap);
            List<UnknownWrite> able = [.. pool.Where(u => u.Invoked <= deadline && seen.All(s => CanHaveDone(u, s.Key, s.Value)))];
            if (able.Count == 0) { Accuse(gap, seen, findings); }
            candidates.Add(gap, able);
        }

        while (true)
        {
            long[] certain = [.. candidates.Where(c => c.Value.Count == 1).Select(c => c.Key)];
            if (certain.Length == 0) { return; }
            foreach (long gap in certain)
            {
                UnknownWrite maker = candidates[gap][0];
                candidates.Remove(gap);
                if (maker.Revision != 0)
                {
                    Accuse(gap, _byRevision[gap], findings);
                    continue;
                }

                maker.Revision = gap;
                _pinned.Add(gap, maker);
            }

            foreach (List<UnknownWrite> able in candidates.Values) { able.RemoveAll(u => u.Revision != 0); }
            foreach ((long gap, List<UnknownWrite> able) in candidates.Where(c => c.Value.Count == 0)) { Accuse(gap, _byRevision[gap], findings); }
        }
    }

    private static bool CanHaveDone(UnknownWrite write, string key, Sighting seen) =>
        (seen.Kv is null || write.MayPut(key, seen.Kv.Value)) && ((seen.Kv is not null && !seen.IsBoth) || write.MayDelete(key));

    private static void Accuse(long gap, SortedDictionary<string, Sighting> seen, Findings findings) => findings.Add(
        "change nobody asked for",
        $"Revision {gap} was seen to have " + string.Join(" and ", seen.Take(3).Select(s =>
            s.Value.Kv is null ? $"deleted {s.Key}" : $"set {s.Key} to {s.Value.Kv.Value ?? "a value"}"))
        + ", but no answered change has this revision, and no unanswered one (that is not another revision already) can have done it.",
        [.. seen.Values.Take(3).Select(s => s.By)]);

    private void Collect(EtcdResponse response, EtcdOperation by)
    {
        switch (response)
        {
            case EtcdResponse.Put { Prev: { } prev }:
                Collect(prev, by);
                break;
            case EtcdResponse.Delete { Prevs: { } prevs }:
                foreach (EtcdKv kv in prevs) { Collect(kv, by); }
                break;
            case EtcdResponse.Range range:
                foreach (EtcdKv kv in range.Kvs) { Collect(kv, by); }
                break;
            case EtcdResponse.Txn txn:
                foreach (EtcdResponse part in txn.Parts) { Collect(part, by); }
                break;
            case EtcdResponse.WatchNext watch:
                foreach (EtcdEvent e in watch.Events) { Collect(e, by); }
                break;
            default:
                break;
        }
    }

    private void Collect(EtcdEvent e, EtcdOperation by)
    {
        if (e.Prev is not null) { Collect(e.Prev, by); }
        if (e.IsPut) { Collect(e.Kv, by); }
        else if (_byRevision.TryGetValue(e.Kv.Mod, out SortedDictionary<string, Sighting>? seen))
        {
            seen[e.Kv.Key] = seen.TryGetValue(e.Kv.Key, out Sighting? before) && before.Kv is not null
                ? before with { IsBoth = true }
                : new Sighting(null, by);
        }
    }

    private void Collect(EtcdKv kv, EtcdOperation by)
    {
        if (_byRevision.TryGetValue(kv.Mod, out SortedDictionary<string, Sighting>? seen)) { Note(seen, kv, by); }

        // The version that created the key was nowhere shown perhaps, but it must have been there.
        if (kv.Create != kv.Mod && _byRevision.TryGetValue(kv.Create, out SortedDictionary<string, Sighting>? created))
        {
            Note(created, new EtcdKv(kv.Key, null, kv.Create, kv.Create, Version: 1, Lease: -1), by);
        }
    }

    private static void Note(SortedDictionary<string, Sighting> seen, EtcdKv kv, EtcdOperation by)
    {
        if (!seen.TryGetValue(kv.Key, out Sighting? before)) { seen.Add(kv.Key, new Sighting(kv, by)); }
        else if (before.Kv is null) { seen[kv.Key] = new Sighting(kv, by, IsBoth: true); }
        else if (before.Kv.Value is null && kv.Value is not null) { seen[kv.Key] = before with { Kv = kv, By = by }; }
    }
}
