namespace Quorate.Simulation.Checkers.Etcd;

/// <summary>Compares what each watch told with the changes that the replay found. etcd's promises, and two of its details.</summary>
/// <remarks>
/// Filter: only keys and kinds that were asked for. Ordered: by revision. Unique: nothing twice. Atomic: a revision within one
/// response. Resumable: the first is the first since the start. Reliable: none is left out between two that were told. Bookmarkable: a
/// progress notice comes after everything up to its revision. isCreate and prevKV: what an event says of its key, before and after.
/// </remarks>
internal sealed class WatchRules
{
    private readonly IReadOnlyList<Change> _changes;
    private readonly ILookup<string, Change> _byKey;
    private readonly long _compacted;
    private readonly Findings _findings;

    /// <param name="table">After the replay.</param>
    /// <param name="compacted">The greatest revision that may have been compacted; 0 if none.</param>
    /// <param name="findings">Where to say what is wrong.</param>
    public WatchRules(StoreTable table, long compacted, Findings findings)
    {
        _changes = table.Changes;
        _byKey = table.Changes.ToLookup(c => c.Key);
        _compacted = compacted;
        _findings = findings;
    }

    /// <summary>Checks all watches.</summary>
    /// <returns>How many there were.</returns>
    /// <exception cref="HistoryException">A process waits for a watch that it did not open.</exception>
    public int Check(EtcdOperation[] operations)
    {
        int count = 0;
        foreach (IGrouping<int, EtcdOperation> process in operations
            .Where(o => o.Request is EtcdRequest.Watch or EtcdRequest.WatchNext).GroupBy(o => o.Source.Process))
        {
            OneWatch? watch = null;
            foreach (EtcdOperation operation in process)
            {
                if (operation.Request is EtcdRequest.Watch request)
                {
                    count++;
                    watch?.Check();
                    IEnumerable<Change> changes = request.Span.IsSingle ? _byKey[request.Span.Key] : _changes.Where(c => request.Span.Contains(c.Key));
                    watch = new OneWatch(operation, request, [.. changes.Where(c => c.IsPut ? !request.NoPut : !request.NoDelete)], _compacted, _findings);
                }
                else if (watch is null)
                {
                    throw new HistoryException(
                        operation.Source.Invoke.Line, $"process {process.Key} waits for a watch, but opened none: \"watch\" comes before \"watch-next\".");
                }
                else if (operation.Response is EtcdResponse.WatchNext response)
                {
                    watch.Take(operation, response);
                }
            }

            watch?.Check();
        }

        return count;
    }

    // changes: those that the watch should tell, in order of revision.
    private sealed class OneWatch(EtcdOperation opened, EtcdRequest.Watch request, Change[] changes, long compacted, Findings findings)
    {
        private readonly List<(EtcdOperation By, long Notice, EtcdEvent[] Events)> _told = [];
        private int _next;
        private long _last;

        // 0 while nobody knows where the watch began: it asked for "from now", and the recorder did not hear when that was.
        private long _from = request.Start > 0 ? request.Start : opened.Revision > 0 ? opened.Revision + 1 : 0;

        /// <summary>Notes a response: a notice, or events in one part per revision.</summary>
        public void Take(EtcdOperation operation, EtcdResponse.WatchNext response)
        {
            if (response.IsProgress) { _told.Add((operation, response.Revision, [])); }
            int next = 0;
            while (next < response.Events.Length)
            {
                int end = next + 1;
                while (end < response.Events.Length && response.Events[end].Kv.Mod == response.Events[next].Kv.Mod) { end++; }
                _told.Add((operation, 0, response.Events[next..end]));
                next = end;
            }
        }

        /// <summary>First what the responses show by themselves, then what they should have told: what is out of order would seem to be missing.</summary>
        public void Check()
        {
            if (!CheckStream()) { return; }
            foreach ((EtcdOperation by, long notice, EtcdEvent[] events) in _told)
            {
                if (!(notice > 0 ? CheckNotice(by, notice) : CheckRevision(by, events[0].Kv.Mod, events))) { return; }
            }
        }

        private bool CheckStream()
        {
            var seen = new HashSet<(string, long, bool)>();
            (EtcdOperation? previous, EtcdOperation? notice) = (null, null);
            (long last, long noticed) = (0, 0);
            foreach ((EtcdOperation by, long revision, EtcdEvent[] events) in _told)
            {
                if (revision > 0)
                {
                    if (revision < last)
                    {
                        return Accuse("bookmarkable", $"a progress notice names revision {revision} after the event of revision {last} was told", previous, by);
                    }

                    if (revision > noticed) { (noticed, notice) = (revision, by); }
                    continue;
                }

                if (!CheckEvents(by, previous, events, seen)) { return false; }
                long told = events[0].Kv.Mod;
                if (told < last) { return Accuse("ordered", $"revision {told} was told after revision {last}", previous, by); }
                if (told == last) { return Accuse("atomic", $"the events of revision {told} came in more than one response", previous, by); }
                if (told <= noticed) { return Accuse("bookmarkable", $"revision {told} was told after a progress notice for revision {noticed}", notice, by); }
                (last, previous) = (told, by);
            }

            return true;
        }

        private bool CheckEvents(EtcdOperation by, EtcdOperation? previous, EtcdEvent[] events, HashSet<(string, long, bool)> seen)
        {
            foreach (EtcdEvent e in events)
            {
                if (!request.Span.Contains(e.Kv.Key) || (e.IsPut ? request.NoPut : request.NoDelete))
                {
                    return Accuse("filter", $"it was told \"{e}\", which it did not ask for", by);
                }

                if (!seen.Add((e.Kv.Key, e.Kv.Mod, e.IsPut)) && changes.Count(c => c.Revision == e.Kv.Mod && c.Key == e.Kv.Key && c.IsPut == e.IsPut) < 2)
                {
                    return Accuse("unique", $"it was told twice: {e}", previous, by);
                }
            }

            return true;
        }

        private bool CheckNotice(EtcdOperation by, long revision)
        {
            if (!Skip(revision + 1, "bookmarkable", "A progress notice for a later revision came before it", by)) { return false; }
            if (_from == 0) { _from = revision + 1; }
            return true;
        }

        private bool CheckRevision(EtcdOperation by, long revision, EtcdEvent[] events)
        {
            if (revision < _from) { return Accuse("resumable", $"it begins at revision {_from}, and revision {revision} was told", by); }
            if (_from == 0) { _from = revision; }
            if (!Skip(revision, _last == 0 ? "resumable" : "reliable", "A later event came", by)) { return false; }
            _last = revision;
            return Compare(by, revision, events);
        }

        // All changes below a revision should have been told by now.
        private bool Skip(long revision, string rule, string what, EtcdOperation operation)
        {
            for (; _next < changes.Length && changes[_next].Revision < revision; _next++)
            {
                Change change = changes[_next];
                if (_from > 0 && change.Revision >= _from && change.IsCertain)
                {
                    return Accuse(rule, $"{Name(change)} was not told. {what}", change.After.By, operation);
                }
            }

            return true;
        }

        private bool Compare(EtcdOperation operation, long revision, EtcdEvent[] events)
        {
            int end = _next;
            while (end < changes.Length && changes[end].Revision == revision) { end++; }
            Change[] made = changes[_next..end];
            _next = end;
            foreach (EtcdEvent e in events)
            {
                Change? change = Array.Find(made, c => c.Key == e.Kv.Key && c.IsPut == e.IsPut);
                if (change is null) { return Accuse("event nobody made", $"it was told \"{e}\", but revision {revision} did not do that", operation); }
                if (e.IsPut && change.After.Differs(e.Kv) is { } difference)
                {
                    string rule = (e.Kv.Version == 1) != (e.Kv.Create == e.Kv.Mod) ? "isCreate" : "wrong version";
                    return Accuse(rule, $"an event of revision {revision} shows {e.Kv.Key} with {difference}", change.After.By, operation);
                }

                if (request.PrevKv && !ComparePrevious(operation, change, e)) { return false; }
            }

            Change? left = Array.Find(made, c => c.IsCertain && !events.Any(e => e.Kv.Key == c.Key && e.IsPut == c.IsPut));
            return left is null || Accuse("atomic", $"{Name(left)} was not told with the other changes of its revision", left.After.By, operation);
        }

        private bool ComparePrevious(EtcdOperation operation, Change change, EtcdEvent e)
        {
            if (change.Before is not { } before) { return true; }
            if (e.Prev is null)
            {
                return !before.IsPresent || compacted >= change.Revision
                    || Accuse("prevKV", $"{e} came without the version before, which was of revision {before.Since}", before.By, operation);
            }

            string? problem = !before.IsPresent ? "although there was none"
                : e.Prev.Key != e.Kv.Key ? "which is another key"
                : e.Prev.Mod != before.Since ? $"but it was that of revision {before.Since}"
                : before.Differs(e.Prev) is { } difference ? $"which has {difference}"
                : null;
            return problem is null || Accuse("prevKV", $"{e} came with {e.Prev} as the version before, {problem}", before.By, change.After.By, operation);
        }

        private static string Name(Change change) => $"revision {change.Revision}, {(change.IsPut ? "a put" : "the deletion")} of {change.Key},";

        private bool Accuse(string rule, string what, params ReadOnlySpan<EtcdOperation?> operations)
        {
            findings.Add($"watch: {rule}", $"A watch of {request.Span} broke the rule \"{rule}\": {what}.", [opened, .. operations]);
            return false;
        }
    }
}
