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

    /// <param name="open">Opens a view of the shard as this node has it; null if it has none now.</param>
    public WatchHub(Func<IReadView?> open) => _open = open;

    /// <summary>False: nobody would be told, so nobody need call <see cref="Advance()"/>.</summary>
    public bool HasWatchers => _hasWatchers;

    /// <summary>Tells what is new. To be called whenever the shard may have changed.</summary>
    public void Advance()
    {
        lock (_gate)
        {
            using IReadView? view = _open();
            if (view is not null) { Advance(view); }
            _hasWatchers = _watchers.Count > 0;
        }
    }

    /// <summary>Takes a new watcher: at once if it starts now or later, else it is its session's to bring up. Tells the session first.</summary>
    /// <param name="watcher">The watcher.</param>
    /// <param name="start">First revision it wants; 0: from now on.</param>
    /// <returns>True if it is synced; null: there is no state to watch.</returns>
    public bool? Add(Watcher watcher, long start)
    {
        lock (_gate)
        {
            // Before the view: what is published after it must not go by because nobody seemed to watch.
            _hasWatchers = true;
            Interlocked.MemoryBarrier();
            using IReadView? view = _open();
            if (view is null) { return null; }
            Advance(view);
            bool isNow = start == 0 || start > _revision;
            watcher.Next = start == 0 ? _revision + 1 : start;
            watcher.Session.Created(watcher, _revision);
            if (isNow) { _watchers.Add(watcher); }
            return isNow;
        }
    }

    /// <summary>From its return on the watcher is told nothing more.</summary>
    public void Remove(Watcher watcher)
    {
        lock (_gate)
        {
            watcher.IsGone = true;
            if (watcher.Home == _watchers) { Take(watcher); }
        }
    }

    /// <summary>Takes a session's watchers in, if they are nearly up to date: tells them the rest.</summary>
    /// <param name="behind">They are gone from it if this succeeds.</param>
    /// <param name="from">The least of their next revisions.</param>
    /// <returns>False: there is more to catch up with first, or it is compacted.</returns>
    public bool TryJoin(WatcherSet behind, long from)
    {
        lock (_gate)
        {
            _hasWatchers = true;
            Interlocked.MemoryBarrier();
            using IReadView? view = _open();
            if (view is null) { return false; }
            Advance(view);
            long compacted = KvQueries.CompactedRevision(view);
            if (from <= _revision && (from < compacted || _revision - from >= MostRevisionsToJoin)) { return false; }
            while (from <= _revision)
            {
                long end = _pass.Run(view, behind, from, _revision, compacted);
                foreach (Watcher watcher in _pass.Touched) { watcher.Session.Tell(watcher, end); }
                from = end + 1;
            }

            foreach (Watcher watcher in behind.ToList())
            {
                behind.Remove(watcher);
                watcher.Next = Math.Max(watcher.Next, _revision + 1);
                _watchers.Add(watcher);
            }

            return true;
        }
    }

    /// <summary>Queues a progress notice for all watches of a session together, if all of them are synced and have started.</summary>
    public void TellProgress(WatchSession session)
    {
        lock (_gate)
        {
            using IReadView? view = _open();
            if (view is null) { return; }
            Advance(view);
            if (session.Watchers.Count == 0) { return; }
            foreach (Watcher watcher in session.Watchers)
            {
                if (watcher.Home != _watchers || watcher.Next > _revision + 1) { return; }
            }

            session.Progress(WatchSession.AllWatches, _revision);
        }
    }

    /// <summary>Queues a notice for every watcher that wants some and was told nothing since the last time.</summary>
    public void TellProgress()
    {
        lock (_gate)
        {
            using IReadView? view = _open();
            if (view is null) { return; }
            Advance(view);
            foreach (Watcher watcher in _watchers.ToList())
            {
                if (!watcher.WantsProgress || watcher.Next > _revision + 1) { continue; }
                if (!watcher.WasTold) { watcher.Session.Progress(watcher.Id, _revision); }
                watcher.WasTold = false;
            }
        }
    }

    private void Advance(IReadView view)
    {
        long current = KvQueries.CurrentRevision(view);
        if (current <= _revision) { return; }
        long compacted = KvQueries.CompactedRevision(view);
        if (_revision + 1 < compacted && _watchers.Count > 0)
        {
            // A snapshot or a compaction went past us: what lies between cannot be told. Each session finds out what that means for it.
            foreach (Watcher watcher in _watchers.ToList()) { Demote(watcher, _revision + 1); }
        }

        if (_watchers.Count == 0) { _revision = current; }
        while (_revision < current)
        {
            long from = _revision + 1;
            _revision = _pass.Run(view, _watchers, from, current, compacted);
            foreach (Watcher watcher in _pass.Touched)
            {
                watcher.WasTold = true;
                if (watcher.Session.TryTell(watcher, _revision)) { continue; }
                watcher.Events.Clear();
                watcher.EventBytes = 0;
                Demote(watcher, from);
            }
        }
    }

    private void Demote(Watcher watcher, long from)
    {
        Take(watcher);
        watcher.Next = Math.Max(watcher.Next, from);
        watcher.Session.FellBehind(watcher);
    }

    private void Take(Watcher watcher)
    {
        _watchers.Remove(watcher);
        _hasWatchers = _watchers.Count > 0;
    }
}
