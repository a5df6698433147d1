using System.Collections.Immutable;

namespace Quorate.StateMachines.KeyValue;

/// <summary>Collects records whose bytes it copies into few large arrays: their memory is good beyond the view they came from.</summary>
internal sealed class RecordList
{
    private const int FirstChunkBytes = 512;
    private const int MostChunkBytes = 64 * 1024;

    private readonly ImmutableArray<KeyValueRecord>.Builder _records = ImmutableArray.CreateBuilder<KeyValueRecord>();
    private byte[] _chunk = [];
    private int _used;

    public int Count => _records.Count;

    /// <summary>Bytes of keys and values.</summary>
    public long Bytes { get; private set; }

    public void Add(ReadOnlySpan<byte> storeKey, in VersionValue version, bool withValue)
    {
        ReadOnlySpan<byte> prefix = VersionKeys.Prefix(storeKey);
        ReadOnlySpan<byte> value = withValue ? version.Value : default;
        Grow(prefix.Length + value.Length);
        int keyStart = _used;
        int valueStart = keyStart + VersionKeys.WriteUserKey(prefix, _chunk.AsSpan(keyStart));
        value.CopyTo(_chunk.AsSpan(valueStart));
        _used = valueStart + value.Length;
        Bytes += _used - keyStart;
        _records.Add(new KeyValueRecord(
            Key: _chunk.AsMemory(keyStart..valueStart),
            Value: _chunk.AsMemory(valueStart.._used),
            version.CreateRevision,
            ModRevision: VersionKeys.Revision(storeKey),
            version.Version,
            version.Lease));
    }

    /// <summary>Sorts by the target, ties by key.</summary>
    public void Sort(KvSortTarget target, KvSortOrder order)
    {
        int sign = order == KvSortOrder.Descending ? -1 : 1;
        _records.Sort((left, right) =>
        {
            int result = sign * Compare(left, right, target);
            return result != 0 ? result : left.Key.Span.SequenceCompareTo(right.Key.Span);
        });
    }

    public void Cut(int count)
    {
        if (count < _records.Count) { _records.Count = count; }
    }

    public void DropValues()
    {
        for (int i = 0; i < _records.Count; i++) { _records[i] = _records[i] with { Value = default }; }
    }

    public ImmutableArray<KeyValueRecord> Take() => _records.DrainToImmutable();

    private static int Compare(in KeyValueRecord left, in KeyValueRecord right, KvSortTarget target) => target switch
    {
        KvSortTarget.Version => left.Version.CompareTo(right.Version),
        KvSortTarget.Create => left.CreateRevision.CompareTo(right.CreateRevision),
        KvSortTarget.Mod => left.ModRevision.CompareTo(right.ModRevision),
        KvSortTarget.Value => Math.Sign(left.Value.Span.SequenceCompareTo(right.Value.Span)),
        _ => Math.Sign(left.Key.Span.SequenceCompareTo(right.Key.Span)),
    };

    private void Grow(int bytes)
    {
        if (_chunk.Length - _used >= bytes) { return; }
        _chunk = new byte[Math.Max(bytes, Math.Clamp(_chunk.Length * 2L, FirstChunkBytes, MostChunkBytes))];
        _used = 0;
    }
}
