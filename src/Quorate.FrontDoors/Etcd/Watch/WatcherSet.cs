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
        list.Add(watcher);
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
        list.Remove(watcher);
        if (list.Count == 0) { _keys.Remove(watcher.Key); }
    }

    /// <summary>Adds the watchers of a key to a list.</summary>
    public void Find(ReadOnlySpan<byte> key, List<Watcher> found)
    {
        if (_keys.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(key, out List<Watcher>? list)) { found.AddRange(list); }
        _ranges.Find(key, found);
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

        public int GetHashCode(ReadOnlySpan<byte> alternate) => (int)Core.Crc32C.Compute(alternate);

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
