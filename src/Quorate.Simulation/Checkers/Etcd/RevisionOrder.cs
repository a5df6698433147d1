namespace Quorate.Simulation.Checkers.Etcd;

/// <summary>
/// The order of revisions: every change has one of its own, none is skipped unless an unanswered change may have taken it, and
/// the numbers agree with the clock.
/// </summary>
/// <remarks>
/// A revision that somebody was told of existed when he was told. So each revision has a deadline: the first answer that names it or
/// a greater one. An unanswered write can have made a missing revision exactly if it was asked by that deadline; deadlines do
/// not fall as revisions rise, so counting both in order decides whether each missing revision can have a write of its own.
/// </remarks>
internal sealed class RevisionOrder
{
    /// <summary>The revision of an empty store.</summary>
    public const long Empty = 1;

    private readonly Findings _findings;
    private readonly EtcdOperation[] _byRevision;
    private readonly EtcdOperation[] _firstToTell;

    /// <param name="operations">All of the history.</param>
    /// <param name="findings">Where to say what is wrong.</param>
    public RevisionOrder(EtcdOperation[] operations, Findings findings)
    {
        _findings = findings;
        if (operations.FirstOrDefault(o => o is { Response: not null, Revision: < Empty, Request: not (EtcdRequest.Watch or EtcdRequest.WatchNext) }) is { } early)
        {
            findings.Add("revision too small", $"An answer names revision {early.Revision}; an empty store is at {Empty}, and nothing is before it.", early);
        }

        Writes = [.. operations.Where(o => o.Wrote).OrderBy(o => o.Revision).ThenBy(o => o.Invoked)];
        _byRevision = [.. operations.Where(o => o.Revision > 0).OrderBy(o => o.Revision)];
        _firstToTell = new EtcdOperation[_byRevision.Length];
        for (int i = _byRevision.Length - 1; i >= 0; i--)
        {
            EtcdOperation? later = i + 1 < _byRevision.Length ? _firstToTell[i + 1] : null;
            _firstToTell[i] = later is null || _byRevision[i].Returned < later.Returned ? _byRevision[i] : later;
        }
    }

    /// <summary>The changes whose revision is known, in its order.</summary>
    public EtcdOperation[] Writes { get; }

    /// <summary>The missing revisions, in order.</summary>
    public List<long> Gaps { get; } = [];

    /// <summary>When somebody first heard of a revision, or of a greater one; <see cref="long.MaxValue"/> if nobody did.</summary>
    public long Deadline(long revision) => FirstToTell(revision)?.Returned ?? long.MaxValue;

    /// <summary>Checks, and finds the gaps.</summary>
    /// <param name="unanswered">When each change of unknown outcome was asked for.</param>
    public void Check(IEnumerable<long> unanswered)
    {
        CheckUnique();
        if (_findings.All.Count > 0) { return; }
        CheckGaps([.. unanswered.Order()]);
        CheckClock();
    }

    private void CheckUnique()
    {
        for (int i = 0; i < Writes.Length; i++)
        {
            EtcdOperation write = Writes[i];
            if (write.Revision == Empty)
            {
                _findings.Add("revision too small", $"A change is said to be revision {write.Revision}, which is the empty store; the first is {Empty + 1}.", write);
            }

            if (i > 0 && Writes[i - 1].Revision == write.Revision)
            {
                _findings.Add(
                    "revision used twice",
                    $"Two changes were both answered with revision {write.Revision}; every change makes a revision of its own.",
                    Writes[i - 1],
                    write);
            }
        }
    }

    private void CheckGaps(long[] unanswered)
    {
        long known = Empty;
        int eligible = 0;
        foreach (EtcdOperation told in Writes.Concat(_byRevision.TakeLast(1)))
        {
            for (long gap = known + 1; gap < told.Revision || (gap == told.Revision && !told.Wrote); gap++)
            {
                long deadline = Deadline(gap);
                while (eligible < unanswered.Length && unanswered[eligible] <= deadline) { eligible++; }
                Gaps.Add(gap);
                if (Gaps.Count > eligible)
                {
                    _findings.Add(
                        "revision nobody made",
                        $"Revision {gap} or a greater one was heard of at {deadline}, but by then no change had been asked for that could be "
                        + $"number {gap}: {Gaps.Count} revisions up to it have no answered change, and {eligible} unanswered changes had been asked.",
                        FirstToTell(gap));
                    return;
                }
            }

            known = Math.Max(known, told.Revision);
        }
    }

    // An answer names at least the newest revision that anyone had heard of before the question; a change names a greater one.
    private void CheckClock()
    {
        EtcdOperation[] byAnswer = [.. _byRevision.OrderBy(o => o.Returned)];
        EtcdOperation? newest = null;
        int next = 0;
        foreach (EtcdOperation operation in _byRevision.Where(o => o.IsLinearizable).OrderBy(o => o.Invoked))
        {
            for (; next < byAnswer.Length && byAnswer[next].Returned < operation.Invoked; next++)
            {
                if (newest is null || byAnswer[next].Revision > newest.Revision) { newest = byAnswer[next]; }
            }

            if (newest is null) { continue; }
            if (operation.Wrote && operation.Revision <= newest.Revision)
            {
                _findings.Add(
                    "revision goes back",
                    $"A change was asked for after revision {newest.Revision} had been heard of, and became revision {operation.Revision}; "
                    + "a later change has a greater revision.",
                    newest,
                    operation);
            }
            else if (operation.Revision < newest.Revision)
            {
                _findings.Add(
                    "stale answer",
                    $"An operation was asked after revision {newest.Revision} had been heard of, and was answered from revision {operation.Revision}; "
                    + "only a serializable read may be that old.",
                    newest,
                    operation);
            }
        }
    }

    private EtcdOperation? FirstToTell(long revision)
    {
        int low = 0;
        int high = _byRevision.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_byRevision[middle].Revision < revision) { low = middle + 1; } else { high = middle; }
        }

        return low < _firstToTell.Length ? _firstToTell[low] : null;
    }
}
