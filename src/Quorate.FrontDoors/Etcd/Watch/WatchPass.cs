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

    /// <summary>Watchers with events, after a pass.</summary>
    public List<Watcher> Touched { get; } = [];

    /// <summary>Reads whole revisions into the watchers' lists, a bounded piece.</summary>
    /// <param name="view">The state.</param>
    /// <param name="watchers">Who is told; each of them from its <see cref="Watcher.Next"/> on.</param>
    /// <param name="from">First revision; not below <paramref name="compacted"/>.</param>
    /// <param name="current">The view's newest revision.</param>
    /// <param name="compacted">The view's compacted revision.</param>
    /// <returns>The last revision that was read whole.</returns>
    public long Run(IReadView view, WatcherSet watchers, long from, long current, long compacted)
    {
        Touched.Clear();
        if (watchers.Count == 0) { return current; }
        try
        {
            return Read(view, watchers, from, current, compacted);
        }
        catch
        {
            // A disk that does not read: the next pass begins anew.
            foreach (Watcher watcher in Touched)
            {
                watcher.Events.Clear();
                watcher.EventBytes = 0;
            }

            throw;
        }
    }

    private long Read(IReadView view, WatcherSet watchers, long from, long current, long compacted)
    {
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

            long added = Tell(changes, watchers, compacted);
            bytes += added;
            isTold |= added > 0;
        }

        return current;
    }

    private long Tell(KvChangeReader changes, WatcherSet watchers, long compacted)
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
                withPrevious ??= WithPrevious(change, changes, compacted);
                encoded = withPrevious;
            }
            else
            {
                plain ??= change.ToByteString();
                encoded = plain;
            }

            if (watcher.Events.Count == 0) { Touched.Add(watcher); }
            watcher.Events.Add(encoded);
            watcher.EventBytes += encoded.Length;
            bytes = encoded.Length;
        }

        return bytes;
    }

    private static ByteString WithPrevious(Event change, KvChangeReader changes, long compacted)
    {
        Event copy = change.Clone();
        if (changes.ReadPrevious(compacted) is { } previous) { copy.PrevKv = EtcdMessages.ToMessage(previous); }
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
