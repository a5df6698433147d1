using Quorate.Core;
using Xunit;

namespace Quorate.Tests.StateMachines;

/// <summary>
/// A sorted list that holds a machine to the store's contract: spans it handed out turn to garbage when they stop being valid,
/// cursors break when the store is written to, and prefixes must be those that the machine cuts.
/// </summary>
internal sealed class CheckedStore : IStoreWriter
{
    private readonly IStateMachine _machine;
    private readonly SortedList<byte[], (byte[] Value, long Age)> _records;
    private readonly List<byte[]> _handedOut = [];
    private int _writes;
    private long _age;

    public CheckedStore(IStateMachine machine)
        : this(machine, new SortedList<byte[], (byte[] Value, long Age)>(ByBytes))
    {
    }

    private CheckedStore(IStateMachine machine, SortedList<byte[], (byte[] Value, long Age)> records)
    {
        _machine = machine;
        _records = records;
    }

    public static Comparer<byte[]> ByBytes { get; } =
        Comparer<byte[]>.Create(static (left, right) => left.AsSpan().SequenceCompareTo(right));

    /// <summary>Keys and values, in order.</summary>
    public IEnumerable<(byte[] Key, byte[] Value)> Records => _records.Select(static r => (r.Key, r.Value.Value));

    public int Count => _records.Count;

    /// <summary>The store as of now, on its own.</summary>
    public CheckedStore Clone() => new(_machine, new SortedList<byte[], (byte[] Value, long Age)>(_records, ByBytes)) { _age = _age };

    /// <summary>Runs the machine's filter over everything, as a compaction into the last level does.</summary>
    public void CompactAll()
    {
        if (_machine.CreateCompactionFilter(this) is { } filter) { RunFilter(filter, [.. _records.Keys], isBottommost: true); }
    }

    /// <summary>Runs the filter over the youngest records of some prefixes, as a compaction between upper levels does.</summary>
    public void CompactSome(Prng prng)
    {
        if (_machine.CreateCompactionFilter(this) is not { } filter || _records.Count == 0) { return; }
        long oldest = prng.Between(0, _age);
        byte[] from = Prefix(_records.Keys[prng.Below(_records.Count)]);
        RunFilter(
            filter,
            [.. _records.Where(r => r.Value.Age >= oldest && ByBytes.Compare(Prefix(r.Key), from) >= 0).Select(static r => r.Key)],
            isBottommost: false);
    }

    public bool TryGet(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        Assert.False(key.IsEmpty);
        bool found = _records.TryGetValue(key.ToArray(), out (byte[] Value, long Age) record);
        value = found ? HandOut(record.Value) : default;
        return found;
    }

    public bool TryGetFirst(
        ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> from, out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        Assert.True(from.StartsWith(prefix), "from does not start with the prefix");
        int index = LowerBound(from);
        bool found = index < _records.Count && _records.Keys[index].AsSpan().StartsWith(prefix);
        if (found) { Assert.Equal(prefix.Length, _machine.FilterPrefixLength(_records.Keys[index])); }
        key = found ? HandOut(_records.Keys[index]) : default;
        value = found ? HandOut(_records.Values[index].Value) : default;
        return found;
    }

    public ICursor OpenCursor(ReadOnlySpan<byte> lower, ReadOnlySpan<byte> upper) =>
        new Cursor(this, LowerBound(lower), upper.IsEmpty ? _records.Count : LowerBound(upper));

    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        Assert.True(key.Length > 0 && key[0] != 0, "the key is the host's");
        byte[] keyCopy = key.ToArray();
        byte[] valueCopy = value.ToArray();
        Invalidate();
        _records[keyCopy] = (valueCopy, ++_age);
    }

    public void Delete(ReadOnlySpan<byte> key)
    {
        byte[] copy = key.ToArray();
        Invalidate();
        _records.Remove(copy);
    }

    private byte[] Prefix(byte[] key) => key[.._machine.FilterPrefixLength(key)];

    private void RunFilter(ICompactionFilter filter, byte[][] keys, bool isBottommost)
    {
        foreach (byte[] key in keys)
        {
            if (!filter.Keep(key, _records[key].Value, isBottommost)) { _records.Remove(key); }
        }
    }

    private byte[] HandOut(byte[] bytes)
    {
        byte[] copy = [.. bytes];
        _handedOut.Add(copy);
        return copy;
    }

    private void Invalidate()
    {
        _writes++;
        foreach (byte[] bytes in _handedOut) { Array.Fill(bytes, (byte)0xDD); }
        _handedOut.Clear();
    }

    private int LowerBound(ReadOnlySpan<byte> key)
    {
        int low = 0;
        for (int high = _records.Count; low < high;)
        {
            int middle = (low + high) / 2;
            if (_records.Keys[middle].AsSpan().SequenceCompareTo(key) < 0) { low = middle + 1; }
            else { high = middle; }
        }

        return low;
    }

    private sealed class Cursor(CheckedStore store, int start, int end) : ICursor
    {
        private readonly int _writes = store._writes;
        private int _index = -1;
        private byte[] _key = [];
        private byte[] _value = [];
        private bool _isDisposed;

        public bool IsValid => _index >= start && _index < end;

        public ReadOnlySpan<byte> Key => IsValid ? _key : throw new InvalidOperationException("not on a key");

        public ReadOnlySpan<byte> Value => IsValid ? _value : throw new InvalidOperationException("not on a key");

        public bool SeekFirst() => MoveTo(start);

        public bool SeekLast() => MoveTo(end - 1);

        public bool Seek(ReadOnlySpan<byte> key) => MoveTo(Math.Max(start, store.LowerBound(key)));

        public bool SeekBefore(ReadOnlySpan<byte> key) => MoveTo(Math.Min(end, store.LowerBound(key)) - 1);

        public bool Next() => MoveTo(_index + 1);

        public bool Previous() => MoveTo(_index - 1);

        public void Dispose() => _isDisposed = true;

        private bool MoveTo(int index)
        {
            Assert.False(_isDisposed, "the cursor is disposed");
            Assert.Equal(_writes, store._writes);
            Array.Fill(_key, (byte)0xDD);
            Array.Fill(_value, (byte)0xDD);
            _index = index;
            if (IsValid) { (_key, _value) = ([.. store._records.Keys[index]], [.. store._records.Values[index].Value]); }
            return IsValid;
        }
    }
}
