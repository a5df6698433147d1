using Google.Protobuf;
using Quorate.Core;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.StateMachines.KeyValue;

namespace Quorate.FrontDoors.Etcd;

/// <summary>
/// One pass over new changes for a set of watchers: each change is read, and its event encoded, once, and only if somebody wants it.
/// </summary>
internal sealed class WatchPass
{
    private const int MostRevisionsTold = 1000; // As etcd's watchBatchMaxRevs.
    private const int MostRevisionsScanned = 20_000; // Some milliseconds.
    private const long MostBytes = 1024 * 1024;

    private readonly List<Watcher> _found = [];

    /// <summary>Watchers with events, after a pass, until <see cref="Forget"/>.</summary>
    public List<Watcher> Touched { get; } = [];

    /// <summary>Reads whole revisions into the watchers' lists, a bounded piece.</summary>
    /// <param name="view">The state.</param>
    /// <param name="watchers">Who is told; each of them from its <see cref="Watcher.Next"/> on.</param>
    /// <param name="from">First revision; not below <paramref name="dropped"/>.</param>
    /// <param name="current">The view's newest revision.</param>
    /// <param name="dropped">The view's <see cref="KvQueries.DroppedBelow"/>.</param>
    /// <returns>The last revision that was read whole.</returns>
    public long Run(IReadView view, WatcherSet watchers, long from, long current, long dropped)
    {
        if (watchers.Count == 0) { return current; }
        using var changes = new KvChangeReader(view, from);
        long revision = from - 1;
        (int told, int scanned) = (0, 0);
        long bytes = 0;
        bool isTold = false;
        while (changes.MoveNext())
        {
            if (changes.Revision != revision)
            {
                if (isTold) { told++; }
                if (told == MostRevisionsTold || scanned++ == MostRevisionsScanned || bytes > MostBytes) { return changes.Revision - 1; }
                isTold = false;
                revision = changes.Revision;
            }

            long added = Tell(changes, watchers, dropped);
            bytes += added;
            isTold |= added > 0;
        }

        return current;
    }

    /// <summary>Runs a pass for watchers that are no hub's, and tells them. Parameters and return value: <see cref="Run"/>'s.</summary>
    public long RunBehind(IReadView view, WatcherSet behind, long from, long current, long dropped)
    {
        try
        {
            long end = Run(view, behind, from, current, dropped);
            foreach (Watcher watcher in Touched) { watcher.Session.Tell(watcher, end); }
            foreach (Watcher watcher in behind.ToList()) { watcher.Next = Math.Max(watcher.Next, end + 1); }
            return end;
        }
        finally
        {
            Forget();
        }
    }

    /// <summary>To be called after a pass, also one that failed: events that were not handed over are dropped, and no watcher is kept alive.</summary>
    public void Forget()
    {
        foreach (Watcher watcher in Touched) { watcher.TakeEvents(); }
        Touched.Clear();
        _found.Clear();
    }

    private long Tell(KvChangeReader changes, WatcherSet watchers, long dropped)
    {
        _found.Clear();
        watchers.Find(changes.Key, _found);
        Event? change = null;
        ByteString? plain = null;
        ByteString? withPrevious = null;
        long bytes = 0;
        foreach (Watcher watcher in _found)
        {
            if (changes.Revision < watcher.Next) { continue; }
            change ??= ToMessage(changes);
            if (!watcher.Wants(change.Type == Event.Types.EventType.Delete)) { continue; }
            ByteString encoded;
            if (watcher.WantsPrevious)
            {
                withPrevious ??= WithPrevious(change, changes, dropped);
                encoded = withPrevious;
            }
            else
            {
                plain ??= change.ToByteString();
                encoded = plain;
            }

            if (watcher.Events.Count == 0) { Touched.Add(watcher); }
            watcher.Add(encoded);
            bytes = encoded.Length;
        }

        return bytes;
    }

    private static ByteString WithPrevious(Event change, KvChangeReader changes, long dropped)
    {
        Event copy = change.Clone();
        if (changes.ReadPrevious(dropped) is { } previous) { copy.PrevKv = EtcdMessages.ToMessage(previous); }
        return copy.ToByteString();
    }

    // Of a key that was deleted an event tells the key and the revision, no more (etcd).
    private static Event ToMessage(KvChangeReader changes) => changes.Read() is { } record
        ? new Event { Kv = EtcdMessages.ToMessage(record) }
        : new Event
        {
            Type = Event.Types.EventType.Delete,
            Kv = new KeyValue { Key = ByteString.CopyFrom(changes.Key), ModRevision = changes.Revision },
        };
}
