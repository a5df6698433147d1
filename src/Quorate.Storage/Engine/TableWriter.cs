using Quorate.Core;

namespace Quorate.Storage.Engine;

/// <summary>Writes a table file: keys in ascending order, each once. The file counts only after <see cref="Finish"/>.</summary>
internal sealed class TableWriter : IDisposable
{
    private const int WriteBytes = 256 * 1024; // Bytes handed to the file system at a time.

    private readonly IFile _file;
    private readonly ulong _number;
    private readonly EngineOptions _options;
    private readonly FilterPrefixLength _prefixLength;
    private readonly Lz4Encoder? _encoder; // Null: nothing is compressed.
    private readonly uint _version;
    private readonly ByteWriter _pending = new(WriteBytes + (WriteBytes / 4));
    private readonly BlockBuilder _data = new();
    private readonly List<BlockBuilder> _index = [new()]; // One per level of the index, the lowest first.
    private readonly ByteWriter _handle = new();
    private readonly List<ulong> _hashes = [];
    private long _written;
    private byte[]? _smallest;
    private byte[] _largest = [];
    private ulong _records;
    private ulong _tombstones;
    private ulong _blocks;
    private ulong _keyBytes;
    private ulong _valueBytes;

    public TableWriter(IFileSystem files, string directory, ulong number, EngineOptions options, FilterPrefixLength prefixLength, int level)
    {
        _number = number;
        _options = options;
        _prefixLength = prefixLength;
        _encoder = level >= options.CompressFromLevel ? new() : null;
        _version = _encoder is null ? TableFormat.PlainVersion : TableFormat.MarkedVersion;
        _file = files.Open(EngineFiles.PathOf(directory, TableFormat.NameOf(number)), OpenMode.Create);
    }

    // Bytes of the blocks that are complete.
    public long Bytes => _written + _pending.Length;

    public ReadOnlySpan<byte> LastKey => _data.Count > 0 ? _data.LastKey : _largest;

    public void Add(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, bool isTombstone)
    {
        _smallest ??= key.ToArray();
        _data.Add(key, value, isTombstone);
        _records++;
        _keyBytes += (ulong)key.Length;
        _valueBytes += (ulong)value.Length;
        if (isTombstone) { _tombstones++; }

        ulong hash = BloomFilter.Hash(EngineFiles.FilterPrefix(_prefixLength, key));
        if (_hashes.Count == 0 || _hashes[^1] != hash) { _hashes.Add(hash); }
        if (_data.Bytes >= _options.BlockBytes) { EndDataBlock(); }
    }

    // Writes the rest and syncs the file; its name is durable only after a sync of the directory.
    public TableInfo Finish()
    {
        Invariant.Holds(_records > 0, $"table {_number} is empty");
        if (_data.Count > 0) { EndDataBlock(); }
        for (int level = 0; level < _index.Count - 1; level++)
        {
            if (_index[level].Count > 0) { EndIndexBlock(level); }
        }

        BlockHandle index = WriteBlock(_index[^1].Finish());
        var block = new ByteWriter();
        BloomFilter.Build(_hashes, _options.BloomBitsPerKey, block);
        BlockHandle filter = WriteBlock(block.Written);
        block.Clear();
        new TableProperties(_records, _tombstones, _blocks, _keyBytes, _valueBytes, _smallest!, _largest).Write(block);
        BlockHandle properties = WriteBlock(block.Written);
        new TableFooter(filter, properties, index, _index.Count, _version).Write(_pending, _number);
        WritePending();
        _file.Sync();
        return new TableInfo(_number, _written, _records, _smallest!, _largest);
    }

    public void Dispose() => _file.Dispose();

    private void EndDataBlock()
    {
        _blocks++;
        _largest = _data.LastKey.ToArray();
        BlockHandle handle = WriteBlock(_data.Finish(), _encoder);
        _data.Clear();
        AddToIndex(0, _largest, handle);
    }

    private void AddToIndex(int level, ReadOnlySpan<byte> lastKey, BlockHandle handle)
    {
        _handle.Clear();
        handle.Write(_handle);
        _index[level].Add(lastKey, _handle.Written, isTombstone: false);

        // At least two to a block, or the index would have no top.
        if (_index[level].Bytes >= _options.BlockBytes && _index[level].Count >= 2) { EndIndexBlock(level); }
    }

    private void EndIndexBlock(int level)
    {
        if (level + 1 == _index.Count) { _index.Add(new()); }
        byte[] lastKey = _index[level].LastKey.ToArray();
        BlockHandle handle = WriteBlock(_index[level].Finish());
        _index[level].Clear();
        AddToIndex(level + 1, lastKey, handle);
    }

    // Only data is compressed: of the rest there is little, and it is read all the time.
    private BlockHandle WriteBlock(ReadOnlySpan<byte> block, Lz4Encoder? encoder = null)
    {
        BlockHandle handle = StoredBlock.Write(_pending, _number, Bytes, block, _version, encoder);
        if (_pending.Length >= WriteBytes) { WritePending(); }
        return handle;
    }

    private void WritePending()
    {
        _file.Write(_written, _pending.Written);
        _written += _pending.Length;
        _pending.Clear();
    }
}
