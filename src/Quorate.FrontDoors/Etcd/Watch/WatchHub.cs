using Quorate.Core;
using Quorate.StateMachines.KeyValue;

namespace Quorate.FrontDoors.Etcd;

/// <summary>
/// Tells the watchers of one shard what happens: reads new changes from a view once, whoever watches them. Passive: it works
/// when it is called. Any thread.
/// </summary>
/// <remarks>
/// Its watchers are those that have been told all up to its revision. One that starts in the past, or whose stream does not take
/// what it is told, is its session's business until it has caught up, and then comes (back) in one step, so that nothing is
/// missed, doubled or overtaken. Locks: the hub's, then a session's; never the other way round.
/// </remarks>
internal sealed class WatchHub
{
    // Behind by no more than this, a session's watchers are brought up within the lock: somebody must not run for ever after a store that is written to.
    private const int MostRevisionsToJoin = 100;

    private readonly Lock _gate = new();
    private readonly Func<IReadView?> _open;
    private readonly WatcherSet _watchers = new();
    private readonly WatchPass _pass = new();
    private long _revision;
    private volatile bool _hasWatchers;
    private int _all;

    /// <param name="open">Opens a view of the shard as this node has it; null if it has none now.</param>
    public WatchHub(Func<IReadView?> open) => _open = open;

    /// <summary>False: nobody would be told, so nobody need call <see cref="Advance()"/>.</summary>
    public bool HasWatchers => _hasWatchers;

    /// <summary>Watches there are, and how many of them have been told all so far; the others are behind.</summary>
    public (int All, int Synced) Counts
    {
        get { lock (_gate) { return (_all, _watchers.Count); } }
    }

    /// <summary>Tells what is new. To be called whenever the shard may have changed.</summary>
    /// <exception cref="IOException">The state could not be opened: call again soon, nothing is lost.</exception>
    public void Advance()
    {
        // A pass at a time: others wait for the lock.
        while (!AdvanceOnePass()) { }
    }

    /// <summary>Takes a new watcher: at once if it starts now or later, else it is its session's to bring up. Tells the session first.</summary>
    /// <param name="watcher">The watcher.</param>
    /// <param name="start">First revision it wants; 0: from now on.</param>
    /// <returns>True if it is synced; null: there is no state to watch.</returns>
    public bool? Add(Watcher watcher, long start)
    {
        lock (_gate)
        {
            AnnounceWatcher();
            using IReadView? view = _open();
            if (view is null) { return null; }
            bool isUpToDate = Advance(view);
            long current = isUpToDate ? _revision : KvQueries.CurrentRevision(view);
            bool isSynced = isUpToDate && (start == 0 || start > current);
            watcher.Start = start;
            watcher.Next = start == 0 ? current + 1 : start;
            watcher.Session.Created(watcher, current);
            _all++;
            if (isSynced) { Join(watcher); }
            return isSynced;
        }
    }

    /// <summary>From its return on the watcher is told nothing more.</summary>
    public void Remove(Watcher watcher)
    {
        lock (_gate)
        {
            if (!watcher.IsGone) { _all--; }
            watcher.IsGone = true;
            if (watcher.Home != _watchers) { return; }
            _watchers.Remove(watcher);
            _hasWatchers = _watchers.Count > 0;
        }
    }

    /// <summary>Takes a session's watchers in, if they are nearly up to date: tells them the rest, a bounded piece of it.</summary>
    /// <param name="behind">They are gone from it if this succeeds. If not, they may have come nearer.</param>
    /// <param name="from">The least of their next revisions.</param>
    /// <returns>False: there is more to catch up with first, or it is compacted.</returns>
    public bool TryJoin(WatcherSet behind, long from)
    {
        lock (_gate)
        {
            AnnounceWatcher();
            using IReadView? view = _open();
            if (view is null || !Advance(view)) { return false; }
            long dropped = KvQueries.DroppedBelow(view);
            if (from <= _revision && (from < dropped || _revision - from >= MostRevisionsToJoin)) { return false; }
            if (from <= _revision && _pass.RunBehind(view, behind, from, _revision, dropped) < _revision) { return false; }
            foreach (Watcher watcher in behind.ToList())
            {
                behind.Remove(watcher);
                Join(watcher);
            }

            return true;
        }
    }

    /// <summary>Queues a progress notice for all watches of a session together, if all of them are synced and have started.</summary>
    /// <returns>False: not now.</returns>
    public bool TellProgress(WatchSession session)
    {
        Advance();
        lock (_gate)
        {
            foreach (Watcher watcher in session.Watchers)
            {
                if (watcher.Home != _watchers || watcher.Start > _revision) { return false; }
            }

            return session.Watchers.Count > 0 && session.Progress(WatchSession.AllWatches, _revision);
        }
    }

    /// <summary>Queues a notice for every watcher that wants some and was told nothing since the last time.</summary>
    public void TellProgress()
    {
        Advance();
        lock (_gate)
        {
            foreach (Watcher watcher in _watchers.ToList())
            {
                if (!watcher.WantsProgress || watcher.Start > _revision) { continue; }
                if (!watcher.WasTold) { watcher.Session.Progress(watcher.Id, _revision); }
                watcher.WasTold = false;
            }
        }
    }

    private bool AdvanceOnePass()
    {
        lock (_gate)
        {
            using IReadView? view = _open();
            bool isUpToDate = view is null || Advance(view);
            _hasWatchers = _watchers.Count > 0;
            return isUpToDate;
        }
    }

    // Before a view is opened from which a watcher starts. Whoever publishes does it in the other order: first the state, then a
    // look at the flag, with a barrier between (WatchDriver.Published). So either the view has what was published, or the flag was
    // seen (Dekker). From here on the flag stays up until, under the lock, there is no watcher: if it fell before the watcher
    // is in the set, what is published meanwhile would wake nobody.
    private void AnnounceWatcher()
    {
        _hasWatchers = true;
        Interlocked.MemoryBarrier();
    }

    // One bounded pass. False: there is more in the view.
    private bool Advance(IReadView view)
    {
        long current = KvQueries.CurrentRevision(view);
        if (current <= _revision) { return true; }
        long dropped = KvQueries.DroppedBelow(view);
        long from = _revision + 1;

        // A snapshot or a compaction of files went past us: what lies between cannot be told. Each session finds out what that means
        // for it. A compaction that was only decided drops nothing yet: who is told all so far does not notice it (as in etcd).
        if (from < dropped) { DemoteAll(from); }
        if (_watchers.Count == 0)
        {
            _revision = current;
            return true;
        }

        try
        {
            long end = _pass.Run(view, _watchers, from, current, dropped);
            foreach (Watcher watcher in _pass.Touched)
            {
                watcher.WasTold = true;
                if (watcher.Session.TryTell(watcher, end)) { watcher.Next = end + 1; }
                else { Demote(watcher, from); }
            }

            _revision = end;
        }
        catch (Exception e)
        {
            // Not again and again the same block, with all watches silent: each session reads for itself, and goes on or ends.
            DemoteAll(from);
            _revision = current;
            if (e is not (DiskException or CorruptFileException)) { throw; }
        }
        finally
        {
            _pass.Forget();
        }

        return _revision == current;
    }

    private void Join(Watcher watcher)
    {
        watcher.WasSynced = true;
        _watchers.Add(watcher);
    }

    private void DemoteAll(long from)
    {
        foreach (Watcher watcher in _watchers.ToList()) { Demote(watcher, from); }
    }

    private void Demote(Watcher watcher, long from)
    {
        _watchers.Remove(watcher);
        watcher.Next = Math.Max(watcher.Next, from);
        watcher.Session.FellBehind(watcher);
    }
}
