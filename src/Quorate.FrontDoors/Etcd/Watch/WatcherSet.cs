using System.Diagnostics.CodeAnalysis;

namespace Quorate.FrontDoors.Etcd;

/// <summary>Watchers by what they watch: finds those of a key at the cost of those found, however many there are.</summary>
internal sealed class WatcherSet
{
    private readonly Dictionary<byte[], List<Watcher>> _keys = new(ByBytes.Instance);
    private readonly IntervalTree _ranges = new();

    public int Count { get; private set; }

    public void Add(Watcher watcher)
    {
        Count++;
        watcher.Home = this;
        if (watcher.End is not null)
        {
            _ranges.Add(watcher);
            return;
        }

        if (!_keys.TryGetValue(watcher.Key, out List<Watcher>? list)) { _keys[watcher.Key] = list = []; }
        AddTo(list, watcher);
    }

    public void Remove(Watcher watcher)
    {
        Count--;
        watcher.Home = null;
        if (watcher.End is not null)
        {
            _ranges.Remove(watcher);
            return;
        }

        List<Watcher> list = _keys[watcher.Key];
        RemoveFrom(list, watcher);
        if (list.Count == 0) { _keys.Remove(watcher.Key); }
    }

    /// <summary>Adds the watchers of a key to a list.</summary>
    public void Find(ReadOnlySpan<byte> key, List<Watcher> found)
    {
        if (_keys.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(key, out List<Watcher>? list)) { found.AddRange(list); }
        _ranges.Find(key, found);
    }

    // However many watch the same, one comes and goes at once.
    internal static void AddTo(List<Watcher> list, Watcher watcher)
    {
        watcher.Slot = list.Count;
        list.Add(watcher);
    }

    internal static void RemoveFrom(List<Watcher> list, Watcher watcher)
    {
        Watcher last = list[^1];
        list[watcher.Slot] = last;
        last.Slot = watcher.Slot;
        list.RemoveAt(list.Count - 1);
    }

    /// <summary>All of them, in no promised order.</summary>
    public List<Watcher> ToList()
    {
        var all = new List<Watcher>(Count);
        foreach (List<Watcher> list in _keys.Values) { all.AddRange(list); }
        _ranges.AddAll(all);
        return all;
    }

    private sealed class ByBytes : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static readonly ByBytes Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode([DisallowNull] byte[] obj) => GetHashCode(obj.AsSpan());

        // Seeded anew in each process, so that nobody can choose keys that collide. Nothing depends on the dictionary's order.
        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            var hash = new HashCode();
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
