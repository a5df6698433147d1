using Quorate.Core;

namespace Quorate.Raft;

/// <summary>AppendEntries that were sent and not answered: their last index and bytes, oldest first, in a ring that grows.</summary>
internal sealed class Inflights(int maxMessages, long maxBytes)
{
    private (LogIndex Last, long Bytes)[] _ring = [];
    private int _head;
    private long _bytes;

    /// <summary>Messages in flight.</summary>
    public int Count { get; private set; }

    /// <summary>True if no more may be sent. One message may overshoot the byte limit, else a large entry could never go.</summary>
    public bool IsFull => Count >= maxMessages || _bytes >= maxBytes;

    /// <summary>A message goes out.</summary>
    public void Add(LogIndex last, long bytes)
    {
        if (Count == _ring.Length)
        {
            var larger = new (LogIndex, long)[Math.Max(8, _ring.Length * 2)];
            for (int i = 0; i < Count; i++) { larger[i] = _ring[(_head + i) % _ring.Length]; }
            _ring = larger;
            _head = 0;
        }

        _ring[(_head + Count) % _ring.Length] = (last, bytes);
        Count++;
        _bytes += bytes;
    }

    /// <summary>Everything up to an index has arrived.</summary>
    public void FreeUpTo(LogIndex index)
    {
        while (Count > 0 && _ring[_head].Last <= index)
        {
            _bytes -= _ring[_head].Bytes;
            _head = (_head + 1) % _ring.Length;
            Count--;
        }
    }

    /// <summary>Nothing is in flight any more.</summary>
    public void Clear()
    {
        Count = 0;
        _head = 0;
        _bytes = 0;
    }
}

/// <summary>What a leader knows of one replica (itself included) and what it may send to it.</summary>
internal sealed class Progress(ReplicaId id, LogIndex next, RaftOptions options)
{
    private readonly Inflights _inflights = new(options.MaxInflightMessages, options.MaxInflightBytes);
    private LogIndex _pendingSnapshot;
    private LogIndex _sentCommit;
    private bool _probeSent;
    private bool _knowsNothing;
    private ulong _life;

    /// <summary>The replica.</summary>
    public ReplicaId Id => id;

    /// <summary>Last index for which it counts in a majority: at most <see cref="Match"/>.</summary>
    public LogIndex Counted { get; private set; }

    /// <summary>Last index it holds durably, as far as we know.</summary>
    public LogIndex Match { get; private set; }

    /// <summary>First index to send next.</summary>
    public LogIndex Next { get; private set; } = next;

    /// <summary>How entries are sent.</summary>
    public ProgressState State { get; private set; }

    /// <summary>Heard from since the last quorum check.</summary>
    public bool IsActive { get; set; }

    /// <summary>
    /// 0 for a member. A replica that was removed is sent the log for one or two election timeouts more, so that it learns of its
    /// removal; this counts the quorum checks since.
    /// </summary>
    public int Leaving { get; set; }

    /// <summary>Newest round of reads it has confirmed.</summary>
    public ulong ReadRound { get; set; }

    /// <summary>An answer showed that something may have been lost: send once more, be it empty, to find out.</summary>
    public bool IsNudged { get; set; }

    /// <summary>Messages with entries on their way.</summary>
    public int InflightMessages => _inflights.Count;

    /// <summary>True if no entries may be sent now.</summary>
    public bool IsPaused => State switch
    {
        ProgressState.Probe => _probeSent,
        ProgressState.Replicate => _inflights.IsFull,
        _ => true,
    };

    /// <summary>True if there is a reason to send AppendEntries and nothing against it.</summary>
    public bool IsAppendDue(RaftLog log, LogIndex commit)
    {
        if (State == ProgressState.Snapshot || NeedsSnapshot(log)) { return false; }
        if (State == ProgressState.Probe) { return !_probeSent; }
        if (Next <= log.LastIndex && !_inflights.IsFull) { return true; }

        // The window is full or all is sent: an empty message, only to tell of a commit index or to probe for a loss.
        return IsNudged || _sentCommit < LogIndex.Min(commit, Next.Previous);
    }

    /// <summary>
    /// True if a snapshot is to be begun. Not for a follower that does not answer; nor, while a probe or the report of a failed
    /// snapshot waits for a sign of life, at once again: each attempt costs the host a snapshot.
    /// </summary>
    public bool WantsSnapshot(RaftLog log) =>
        IsActive && NeedsSnapshot(log) && State switch
        {
            ProgressState.Probe => !_probeSent,
            ProgressState.Replicate => true,
            _ => false,
        };

    /// <summary>True if only a snapshot helps: the entry before the next one is gone, or the first membership is missing there.</summary>
    public bool NeedsSnapshot(RaftLog log) => _knowsNothing || Next.Previous < log.Compacted.Index;

    /// <summary>AppendEntries with this many entries, after <see cref="Next"/> - 1, goes out.</summary>
    public void Sent(int entries, long bytes, LogIndex commit)
    {
        IsNudged = false;
        if (State == ProgressState.Probe)
        {
            _probeSent = true;
        }
        else if (entries > 0)
        {
            Next += entries;
            _inflights.Add(Next.Previous, bytes);
        }

        _sentCommit = LogIndex.Max(_sentCommit, commit);
    }

    /// <summary>The replica holds the log up to an index. True if that is news.</summary>
    /// <param name="index">What it holds.</param>
    /// <param name="counts">False while it cannot promise to keep it: it has not found out what else it had promised.</param>
    public bool Accept(LogIndex index, bool counts)
    {
        Next = LogIndex.Max(Next, index.Next);
        bool isCountedAnew = counts && index > Counted;
        if (isCountedAnew) { Counted = index; }
        if (index <= Match) { return isCountedAnew; }
        Match = index;
        _probeSent = false;
        _knowsNothing = false;
        return true;
    }

    /// <summary>The replica refused entries after <paramref name="refused"/>. False if that is old news.</summary>
    /// <param name="refused">Index that did not match.</param>
    /// <param name="hint">Where it may match.</param>
    public bool Refuse(LogIndex refused, LogIndex hint)
    {
        // What it confirmed before it was started again, its disk does not hold any more.
        if (_life != 0 && refused <= Match && State != ProgressState.Snapshot)
        {
            Probes.ForgotWhatItConfirmed.Hit();
            Counted = LogIndex.Zero;
            Match = LogIndex.Zero; // What the hint names was not compared yet, and may not be counted.
            Next = LogIndex.Max(Match.Next, LogIndex.Min(refused, hint.Next));
            _knowsNothing = refused == LogIndex.Zero;
            Enter(ProgressState.Probe);
            return true;
        }

        if (State == ProgressState.Replicate)
        {
            if (refused <= Match) { return false; }
            BecomeProbe(pause: false);
            return true;
        }

        if (State == ProgressState.Snapshot || Next.Previous != refused) { return false; }

        // All logs agree before their first entry. Who refuses even there has no membership to build on.
        _knowsNothing = refused == LogIndex.Zero;
        Next = LogIndex.Max(Match.Next, LogIndex.Min(refused, hint.Next));
        _probeSent = false;
        return true;
    }

    /// <summary>An accepted answer that brought news, or that answers a probe: stream from here.</summary>
    public void AfterAccept(LogIndex index, RaftLog log)
    {
        switch (State)
        {
            case ProgressState.Probe: BecomeReplicate(); break;
            case ProgressState.Replicate: _inflights.FreeUpTo(index); break;

            // Any snapshot will do that lets the log continue, not only the one we know of.
            case ProgressState.Snapshot when Match >= log.Compacted.Index: BecomeReplicate(); break;
            default: break;
        }
    }

    /// <summary>The replica answered a heartbeat: an unanswered probe was lost.</summary>
    public void HeardHeartbeat(LogIndex last)
    {
        IsActive = true;
        _probeSent = false;
        if (State == ProgressState.Replicate && Match < last) { IsNudged = true; }
    }

    /// <summary>Looks for the last shared entry, one message at a time.</summary>
    /// <param name="pause">Wait for a sign of life first.</param>
    public void BecomeProbe(bool pause)
    {
        Next = State == ProgressState.Snapshot ? LogIndex.Max(Match, _pendingSnapshot).Next : Match.Next;
        Enter(ProgressState.Probe);
        _probeSent = pause;
    }

    /// <summary>The replica was started again while we lead: it may hold less than it has confirmed, so ask once more.</summary>
    /// <param name="life">Names its run. One that is known changes nothing.</param>
    public void Restarted(ulong life)
    {
        if (_life == life) { return; }
        _life = life;
        if (State == ProgressState.Replicate) { BecomeProbe(pause: false); }
    }

    /// <summary>Streams right after what is known to match.</summary>
    public void BecomeReplicate()
    {
        Next = Match.Next;
        Enter(ProgressState.Replicate);
    }

    /// <summary>Waits for a snapshot to be received.</summary>
    public void BecomeSnapshot(LogIndex snapshot)
    {
        Enter(ProgressState.Snapshot);
        _pendingSnapshot = snapshot;
    }

    /// <summary>The snapshot arrived; whoever knew nothing knows the members now. (If not, the next probe is refused and says so.)</summary>
    public void SnapshotArrived() => _knowsNothing = false;

    /// <summary>The snapshot did not arrive.</summary>
    public void SnapshotFailed() => _pendingSnapshot = LogIndex.Zero;

    /// <summary>As seen from outside.</summary>
    public FollowerProgress View() => new(Id, Match, Next, State, InflightMessages, IsPaused);

    private void Enter(ProgressState state)
    {
        State = state;
        _probeSent = false;
        IsNudged = false;
        _pendingSnapshot = LogIndex.Zero;
        _inflights.Clear();
        _sentCommit = LogIndex.Min(_sentCommit, Next.Previous);
    }
}
