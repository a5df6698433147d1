namespace Quorate.Simulation.Checkers.Etcd;

/// <summary>Compares one answer with the store as the table has it now. Where the table is unsure, every answer that could be is right.</summary>
internal sealed class AnswerRules(StoreTable table, Findings findings)
{
    /// <summary>A range may not be answered from a revision that does not exist yet.</summary>
    public bool CheckNotFuture(EtcdOperation by, EtcdRequest.Range range, long newest)
    {
        if (range.Revision <= newest) { return true; }
        findings.Add("read of the future", $"Revision {range.Revision} was read when the newest was {newest}; such a read is refused.", by);
        return false;
    }

    /// <summary>The keys and versions of a range, its count and whether there is more.</summary>
    public void CheckRange(EtcdOperation by, EtcdRequest.Range range, EtcdResponse.Range answer, long revision)
    {
        (long least, long most) = (0, 0);
        if (range.CountOnly)
        {
            if (answer.Kvs.Length > 0) { findings.Add("wrong keys", "A range that asked for a count only was answered with keys.", by); }
            (int from, int to) = range.Span.Among(table.Keys);
            Count(from, to, ref least, ref most);
        }
        else
        {
            if (range.Limit > 0 && answer.Kvs.Length > range.Limit)
            {
                findings.Add("limit ignored", $"A range asked for at most {range.Limit} keys and got {answer.Kvs.Length}.", by);
                return;
            }

            if (!CheckKeys(by, range.Span, answer.Kvs, range.Limit, revision, out int rest, out int end)) { return; }
            (least, most) = (answer.Kvs.Length, answer.Kvs.Length);
            Count(rest, end, ref least, ref most);
        }

        if (answer.Count >= 0 && (answer.Count < least || answer.Count > most))
        {
            findings.Add(
                "wrong count",
                $"A range at revision {revision} counted {answer.Count} keys; there were {(least == most ? $"{least}" : $"{least} to {most}")}.",
                by);
        }
        else if (answer.More is { } more && !range.CountOnly && (more ? most <= answer.Kvs.Length : least > answer.Kvs.Length))
        {
            findings.Add(
                "wrong more",
                $"A range at revision {revision} gave {answer.Kvs.Length} keys and said that there are {(more ? "" : "no ")}more; there were {least} in all.",
                by);
        }
    }

    /// <summary>What a delete says that it deleted.</summary>
    public void CheckDelete(EtcdOperation by, EtcdRequest.Delete delete, EtcdResponse.Delete answer)
    {
        (long least, long most) = (0, 0);
        (int from, int to) = delete.Span.Among(table.Keys);
        Count(from, to, ref least, ref most);
        if (answer.Deleted < least || answer.Deleted > most)
        {
            findings.Add(
                "wrong delete count",
                $"A delete says that it deleted {answer.Deleted} keys; there were {(least == most ? $"{least}" : $"{least} to {most}")}.",
                [by, .. Makers(from, to)]);
        }
        else if (delete.PrevKv && answer.Prevs is { } prevs && CheckKeys(by, delete.Span, prevs, limit: 0, by.Revision, out _, out _)
            && prevs.Length != answer.Deleted)
        {
            findings.Add("wrong delete count", $"A delete says that it deleted {answer.Deleted} keys, and lists {prevs.Length}.", by);
        }
    }

    /// <summary>What a put says that was there before.</summary>
    public void CheckPrevious(EtcdOperation by, int key, EtcdKv? prev)
    {
        if (prev is not null && prev.Key != table.Keys[key])
        {
            findings.Add("wrong keys", $"A put of {table.Keys[key]} was told of {prev.Key} as the version before.", by);
        }
        else if (prev is not null) { CheckVersion(by, key, prev, by.Revision); }
        else if (table.IsThere(key)) { AccuseMissing(by, key, by.Revision - 1); }
    }

    /// <summary>The list that a transaction took, and those within it, which are decided by the same state.</summary>
    public void CheckConditions(EtcdOperation by, EtcdRequest.Txn txn, EtcdResponse.Txn answer)
    {
        if (Holds(txn) is { } holds && holds != answer.Succeeded)
        {
            List<EtcdOperation?> makers = [by];
            foreach (EtcdRequest.Compare compare in txn.Compares)
            {
                (int from, int to) = compare.Span.Among(table.Keys);
                makers.AddRange(Makers(from, to));
            }

            findings.Add(
                "wrong branch",
                $"The conditions of a transaction {(holds ? "held" : "did not hold")} in the store just before it, and it ran the list for the other case.",
                [.. makers.Take(4)]);
        }

        EtcdRequest[] taken = answer.Succeeded ? txn.Success : txn.Failure;
        for (int i = 0; i < taken.Length; i++)
        {
            if (taken[i] is EtcdRequest.Txn inner) { CheckConditions(by, inner, (EtcdResponse.Txn)answer.Parts[i]); }
        }
    }

    /// <summary>True if all conditions hold now; null if nobody knows.</summary>
    public bool? Holds(EtcdRequest.Txn txn)
    {
        bool isKnown = true;
        foreach (EtcdRequest.Compare compare in txn.Compares)
        {
            bool? holds = Holds(compare);
            if (holds == false) { return false; }
            isKnown &= holds is not null;
        }

        return isKnown ? true : null;
    }

    /// <summary>Says that an unanswered transaction was seen to have run the wrong list.</summary>
    public void AccuseBranch(EtcdOperation by, long revision, bool holds, EtcdOperation seenBy) => findings.Add(
        "wrong branch",
        $"A transaction without an answer was seen to have made revision {revision}. Its conditions {(holds ? "held" : "did not hold")} in the "
        + "store just before, but what was seen is of the list for the other case.",
        by,
        seenBy);

    // Goes through the span's keys and the answer's side by side. With a limit, the keys after the last one are left to the caller.
    private bool CheckKeys(EtcdOperation by, KeySpan span, EtcdKv[] kvs, long limit, long revision, out int rest, out int end)
    {
        (rest, end) = span.Among(table.Keys);
        int next = 0;
        for (; rest < end; rest++)
        {
            if (limit > 0 && next == limit) { break; }
            if (next < kvs.Length && kvs[next].Key == table.Keys[rest])
            {
                if (!CheckVersion(by, rest, kvs[next], revision)) { return false; }
                next++;
            }
            else if (table.IsThere(rest))
            {
                if (next < kvs.Length && !IsInOrder(by, span, kvs)) { return false; }
                AccuseMissing(by, rest, revision);
                return false;
            }
        }

        return next == kvs.Length || IsInOrder(by, span, kvs);
    }

    private bool IsInOrder(EtcdOperation by, KeySpan span, EtcdKv[] kvs)
    {
        for (int i = 0; i < kvs.Length; i++)
        {
            if (!span.Contains(kvs[i].Key))
            {
                findings.Add("wrong keys", $"{kvs[i].Key} was answered, which is not among the keys that were asked for ({span}).", by);
                return false;
            }

            if (i > 0 && string.CompareOrdinal(kvs[i - 1].Key, kvs[i].Key) >= 0)
            {
                findings.Add("wrong keys", $"{kvs[i - 1].Key} comes before {kvs[i].Key} in an answer that must be in order of keys, each once.", by);
                return false;
            }
        }

        return true;
    }

    private bool CheckVersion(EtcdOperation by, int key, EtcdKv seen, long revision)
    {
        KeyVersion known = table[key];
        if (seen.Mod > revision)
        {
            findings.Add("version of the future", $"{seen} was in the store at revision {revision}, before it was made.", by);
            return false;
        }

        if (seen.Mod == known.Since && known.IsPresent)
        {
            if (known.Differs(seen) is not { } difference) { return true; }
            findings.Add("wrong version", $"{table.Keys[key]} of revision {seen.Mod} was seen with {difference}.", known.By, by);
            return false;
        }

        if (seen.Mod < known.Since)
        {
            findings.Add(
                known.IsPresent ? "old version" : "deleted key",
                $"{seen} was in the store at revision {revision}, but revision {known.Since} {(known.IsPresent ? "set" : "deleted")} {table.Keys[key]}.",
                known.By,
                by);
            return false;
        }

        if (table.WasUnsureSince(key, seen.Mod)) { return true; }
        findings.Add("version nobody made", $"{seen} was in the store at revision {revision}, but revision {seen.Mod} did not set {seen.Key}.", by);
        return false;
    }

    private void AccuseMissing(EtcdOperation by, int key, long revision) => findings.Add(
        "missing key",
        $"{table.Keys[key]} was not in the store at revision {revision}, but revision {table[key].Since} had set it and nothing had deleted it.",
        table[key].By,
        by);

    private void Count(int from, int to, ref long least, ref long most)
    {
        for (int key = from; key < to; key++)
        {
            if (table.IsThere(key)) { least++; }
            if (table.MayBeThere(key)) { most++; }
        }
    }

    private IEnumerable<EtcdOperation?> Makers(int from, int to) => Enumerable.Range(from, to - from).Select(k => table[k].By).Where(b => b is not null).Take(3);

    private bool? Holds(EtcdRequest.Compare compare)
    {
        (int from, int to) = compare.Span.Among(table.Keys);
        bool isKnown = true;
        bool hasKeys = false;
        for (int key = from; key < to; key++)
        {
            if (table.Certain(key) is not { } version)
            {
                isKnown = false;
                continue;
            }

            if (!version.IsPresent) { continue; }
            hasKeys = true;
            bool? holds = Holds(compare, version);
            if (holds == false) { return false; }
            isKnown &= holds is not null;
        }

        if (!isKnown) { return null; }
        return hasKeys || (compare.Target != "value" && compare.Holds(0L.CompareTo(compare.Number)));
    }

    private static bool? Holds(EtcdRequest.Compare compare, KeyVersion version) => compare.Target switch
    {
        "value" => version.Value is null ? null : compare.Holds(string.CompareOrdinal(version.Value, compare.Value)),
        "mod" => compare.Holds(version.Since.CompareTo(compare.Number)),
        "create" => version.Create == 0 ? null : compare.Holds(version.Create.CompareTo(compare.Number)),
        "version" => version.Version == 0 ? null : compare.Holds(version.Version.CompareTo(compare.Number)),
        _ => version.Lease < 0 ? null : compare.Holds(version.Lease.CompareTo(compare.Number)),
    };
}
