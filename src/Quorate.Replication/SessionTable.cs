using Quorate.Core;

namespace Quorate.Replication;

/// <summary>
/// Which commands the last entries have already applied, so that a retried command takes effect once (Raft thesis, 6.3).
/// </summary>
/// <remarks>
/// A command names the index its node had applied when it first sent it. If an entry comes more than a window of entries after
/// that, the command is refused; if it comes earlier, every entry that could hold the original is still in this table. So the
/// answer depends on the log alone, although each replica may also remember older commands. A session numbers its commands
/// one by one, so what it applied is a few runs of numbers, mostly one.
/// </remarks>
internal sealed class SessionTable
{
    private readonly SortedDictionary<ulong, List<Run>> _sessions = [];
    private ulong _lastSession;
    private List<Run>? _lastRuns;

    /// <summary>True if the command is among those recorded.</summary>
    public bool Contains(ulong session, ulong sequence)
    {
        if (RunsOf(session) is not { } runs) { return false; }
        for (int i = runs.Count - 1; i >= 0; i--)
        {
            if (sequence >= runs[i].First) { return sequence <= runs[i].Last; }
        }

        return false;
    }

    /// <summary>Records that the entry at this index applied the command.</summary>
    public void Add(ulong session, ulong sequence, LogIndex index)
    {
        if (RunsOf(session) is not { } runs)
        {
            runs = [];
            _sessions.Add(session, runs);
            _lastSession = session;
            _lastRuns = runs;
        }

        int i = runs.Count - 1;
        while (i >= 0 && sequence < runs[i].First) { i--; }
        Invariant.Holds(i < 0 || sequence > runs[i].Last, $"command {sequence} of session {session} is recorded twice");

        bool joinsLeft = i >= 0 && runs[i].Last + 1 == sequence;
        bool joinsRight = i + 1 < runs.Count && runs[i + 1].First == sequence + 1;
        switch (joinsLeft, joinsRight)
        {
            case (true, true):
                runs[i] = new(runs[i].First, runs[i + 1].Last, index);
                runs.RemoveAt(i + 1);
                break;
            case (true, false): runs[i] = new(runs[i].First, sequence, index); break;
            case (false, true): runs[i + 1] = new(sequence, runs[i + 1].Last, index); break;
            default: runs.Insert(i + 1, new(sequence, sequence, index)); break;
        }
    }

    /// <summary>Forgets runs that no entry after <paramref name="index"/> has touched.</summary>
    public void ForgetThrough(LogIndex index)
    {
        List<ulong>? emptied = null;
        foreach ((ulong session, List<Run> runs) in _sessions)
        {
            runs.RemoveAll(run => run.LastIndex <= index);
            if (runs.Count == 0) { (emptied ??= []).Add(session); }
        }

        foreach (ulong session in emptied ?? []) { _sessions.Remove(session); }
        _lastRuns = null;
    }

    /// <summary>Forgets all.</summary>
    public void Clear()
    {
        _sessions.Clear();
        _lastRuns = null;
    }

    private List<Run>? RunsOf(ulong session)
    {
        if (_lastRuns is not null && _lastSession == session) { return _lastRuns; }
        if (!_sessions.TryGetValue(session, out List<Run>? runs)) { return null; }
        _lastSession = session;
        _lastRuns = runs;
        return runs;
    }

    private readonly record struct Run(ulong First, ulong Last, LogIndex LastIndex);
}
