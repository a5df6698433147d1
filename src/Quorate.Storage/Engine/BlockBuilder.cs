using Quorate.Core;

namespace Quorate.Storage.Engine;

/// <summary>
/// Builds a block: sorted records, each without the bytes its key shares with the key before; every sixteenth stands whole
/// (a restart), and the restarts' offsets at the end allow a binary search.
/// </summary>
/// <remarks>
/// Record: shared varint | rest varint | value length + 1 varint, 0 for a deleted key | rest of the key | value.
/// Then the restarts' offsets, u32 each, and their count, u32.
/// </remarks>
internal sealed class BlockBuilder
{
    internal const int RestartInterval = 16; // As in LevelDB: about one byte of key saved for each byte of index.

    private readonly ByteWriter _bytes = new(4096);
    private readonly ByteWriter _lastKey = new();
    private readonly List<int> _restarts = [];

    public int Count { get; private set; }

    // Bytes of the block if it were finished now.
    public int Bytes => _bytes.Length + ((_restarts.Count + 1) * sizeof(uint));

    public ReadOnlySpan<byte> LastKey => _lastKey.Written;

    public void Add(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, bool isTombstone)
    {
        int shared = 0;
        if (Count % RestartInterval == 0) { _restarts.Add(_bytes.Length); }
        else { shared = key.CommonPrefixLength(_lastKey.Written); }

        _bytes.VarUInt((ulong)shared);
        _bytes.VarUInt((ulong)(key.Length - shared));
        _bytes.VarUInt(isTombstone ? 0 : (ulong)value.Length + 1);
        _bytes.Raw(key[shared..]);
        _bytes.Raw(value);
        _lastKey.Truncate(shared);
        _lastKey.Raw(key[shared..]);
        Count++;
    }

    // The finished block; valid until the next Clear.
    public ReadOnlySpan<byte> Finish()
    {
        foreach (int restart in _restarts) { _bytes.U32((uint)restart); }
        _bytes.U32((uint)_restarts.Count);
        return _bytes.Written;
    }

    public void Clear()
    {
        _bytes.Clear();
        _lastKey.Clear();
        _restarts.Clear();
        Count = 0;
    }
}
