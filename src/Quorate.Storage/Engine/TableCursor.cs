using Quorate.Core;

namespace Quorate.Storage.Engine;

/// <summary>Walks a table file through its index. One object can be pointed at one file after another.</summary>
internal sealed class TableCursor(BlockUse use) : SourceCursor
{
    private readonly List<BlockCursor> _path = []; // The index from its top down, then the data block.
    private TableFile? _table;
    private int _depth;

    public override bool IsValid => _table is not null && _path[_depth].IsValid;

    public override ReadOnlySpan<byte> Key => _path[_depth].Key;

    public override ReadOnlySpan<byte> Value => _path[_depth].Value;

    public override bool IsTombstone => _path[_depth].IsTombstone;

    // Where the value is.
    public Block Block => _path[_depth].Block;

    public TableCursor On(TableFile table)
    {
        if (table == _table) { return this; }
        Release();
        _depth = table.Footer.IndexDepth;
        while (_path.Count <= _depth) { _path.Add(new()); }
        table.Root.Acquire();
        _path[0].Reset(table.Root, table.Path, table.Footer.Index.Offset);
        _table = table;
        return this;
    }

    public override void Release()
    {
        _table = null;
        foreach (BlockCursor cursor in _path) { cursor.Clear(); }
    }

    public override void SeekFirst()
    {
        _path[0].SeekFirst();
        DescendFirst(0);
    }

    public override void SeekLast()
    {
        _path[0].SeekLast();
        DescendLast(0);
    }

    public override void Seek(ReadOnlySpan<byte> key)
    {
        for (int level = 0; level < _depth; level++)
        {
            // An index entry has the last key below it, so only the top can say that there is none.
            _path[level].Seek(key);
            if (!_path[level].IsValid)
            {
                Require(level == 0);
                _path[_depth].Clear();
                return;
            }

            Load(level + 1);
        }

        _path[_depth].Seek(key);
        Require(_path[_depth].IsValid);
    }

    public override void SeekBefore(ReadOnlySpan<byte> key)
    {
        Seek(key);
        if (!IsValid)
        {
            SeekLast();
            return;
        }

        _path[_depth].SeekBefore(key);
        if (!_path[_depth].IsValid) { ToPreviousBlock(); }
    }

    public override void Next()
    {
        _path[_depth].Next();
        if (!_path[_depth].IsValid) { NextBlock(); }
    }

    // To the first record of the next data block.
    public void NextBlock()
    {
        for (int level = _depth - 1; level >= 0; level--)
        {
            _path[level].Next();
            if (_path[level].IsValid)
            {
                DescendFirst(level);
                return;
            }
        }

        _path[_depth].Clear();
    }

    public override void Previous()
    {
        _path[_depth].Previous();
        if (!_path[_depth].IsValid) { ToPreviousBlock(); }
    }

    private void ToPreviousBlock()
    {
        for (int level = _depth - 1; level >= 0; level--)
        {
            _path[level].Previous();
            if (_path[level].IsValid)
            {
                DescendLast(level);
                return;
            }
        }
    }

    private void DescendFirst(int from)
    {
        for (int level = from + 1; level <= _depth; level++)
        {
            Load(level);
            _path[level].SeekFirst();
            Require(_path[level].IsValid);
        }
    }

    private void DescendLast(int from)
    {
        for (int level = from + 1; level <= _depth; level++)
        {
            Load(level);
            _path[level].SeekLast();
            Require(_path[level].IsValid);
        }
    }

    // Points the cursor of a level at the block that the level above names.
    private void Load(int level)
    {
        BlockCursor above = _path[level - 1];
        TableFile table = _table!;
        if (!BlockHandle.TryRead(above.Value, table.Info.Length - TableFooter.Bytes, out BlockHandle handle))
        {
            throw new CorruptFileException(table.Path, above.BlockOffset, "an index entry points outside of the file");
        }

        if (_path[level].BlockOffset == handle.Offset) { return; }
        _path[level].Reset(table.ReadBlock(handle, use), table.Path, handle.Offset);
    }

    private void Require(bool agrees)
    {
        if (!agrees) { throw new CorruptFileException(_table!.Path, _path[0].BlockOffset, "the index and its blocks disagree"); }
    }
}
