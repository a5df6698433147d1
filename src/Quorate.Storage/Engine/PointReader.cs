using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Storage.Engine;

/// <summary>Looks up single keys, newest source first, ruling out files by range and filter. For one thread; allocates only at first.</summary>
/// <remarks>
/// A value is a view of its block, which is held until <see cref="Release"/>. Of a reader that finds very much the later values are
/// copies: it must not keep more memory than the cache has.
/// </remarks>
internal sealed class PointReader(FilterPrefixLength prefixLength)
{
    private const int MostHeld = 32; // Half a MiB of blocks.

    private readonly TableCursor _cursor = new(BlockUse.Point);
    private readonly ByteWriter _best = new();
    private readonly ByteWriter _from = new();
    private readonly Block[] _held = new Block[MostHeld];
    private int _heldCount;

    // Nobody looks any more at what was found.
    public void Release()
    {
        _cursor.Release();
        foreach (Block block in _held.AsSpan(0, _heldCount)) { block.Release(); }
        _held.AsSpan(0, _heldCount).Clear();
        _heldCount = 0;
    }

    public bool TryGet(ReadState state, ulong sequence, ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        if (TryFindInMemory(state, sequence, key, out value, out bool isTombstone)) { return !isTombstone; }
        ulong hash = BloomFilter.Hash(EngineFiles.FilterPrefix(prefixLength, key));
        foreach (ImmutableArray<TableFile> run in state.Tables.Runs)
        {
            int at = TableSet.FirstNotBefore(run, key);
            if (at < run.Length && TryFindInTable(run[at], hash, key, out value, out isTombstone)) { return !isTombstone; }
        }

        return false;
    }

    public bool TryGetFirst(
        ReadState state, ulong sequence, ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> from,
        out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        Invariant.Holds(from.StartsWith(prefix), $"from is {from.Length} bytes and does not start with the prefix of {prefix.Length}");
        while (TryFindFirst(state, sequence, prefix, from, out key, out value, out bool isTombstone))
        {
            if (!isTombstone) { return true; }

            // The least key behind a deleted one.
            _from.Clear();
            _from.Raw(key);
            _from.U8(0);
            from = _from.Written;
        }

        return false;
    }

    private static unsafe bool TryFindInMemory(
        ReadState state, ulong sequence, ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value, out bool isTombstone)
    {
        foreach (MemTable table in state.MemTables)
        {
            byte* node = table.FirstFrom(key, sequence);
            if (node != null && MemTable.Key(node).SequenceEqual(key))
            {
                value = MemTable.Value(node);
                isTombstone = MemTable.IsTombstone(node);
                return true;
            }
        }

        value = default;
        isTombstone = false;
        return false;
    }

    private bool TryFindInTable(TableFile table, ulong hash, ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value, out bool isTombstone)
    {
        if (table.Info.Overlaps(key, key) && table.MayContain(hash))
        {
            _cursor.On(table).Seek(key);
            if (_cursor.IsValid && _cursor.Key.SequenceEqual(key))
            {
                value = HeldValue();
                isTombstone = _cursor.IsTombstone;
                return true;
            }
        }

        value = default;
        isTombstone = false;
        return false;
    }

    // The value under the cursor, for as long as the reader is not released.
    private ReadOnlySpan<byte> HeldValue()
    {
        ReadOnlySpan<byte> value = _cursor.Value;
        Block block = _cursor.Block;
        if (value.IsEmpty || _held.AsSpan(0, _heldCount).Contains(block)) { return value; }
        if (_heldCount == MostHeld) { return value.ToArray(); }
        block.Acquire();
        _held[_heldCount++] = block;
        return value;
    }

    // The first record at or after a key, deleted or not. Of equal keys the newest, which is the one met first.
    private unsafe bool TryFindFirst(
        ReadState state, ulong sequence, ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> from,
        out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value, out bool isTombstone)
    {
        bool found = false;
        key = default;
        value = default;
        isTombstone = false;
        foreach (MemTable table in state.MemTables)
        {
            byte* node = table.FirstFrom(from, sequence);
            if (node == null || !MemTable.Key(node).StartsWith(prefix)) { continue; }
            if (found && MemTable.Key(node).SequenceCompareTo(key) >= 0) { continue; }
            found = true;
            key = MemTable.Key(node);
            value = MemTable.Value(node);
            isTombstone = MemTable.IsTombstone(node);
            if (key.Length == from.Length && key.SequenceEqual(from)) { return true; } // Nothing is nearer, nothing newer.
        }

        ulong hash = BloomFilter.Hash(prefix);
        foreach (ImmutableArray<TableFile> run in state.Tables.Runs)
        {
            for (int at = TableSet.FirstNotBefore(run, from); at < run.Length; at++)
            {
                TableFile table = run[at];
                ReadOnlySpan<byte> smallest = table.Info.Smallest;
                bool mayHoldIt = Compaction.StartsAtOrBefore(smallest, prefix) && (!found || smallest.SequenceCompareTo(key) < 0);
                if (!mayHoldIt) { break; }
                if (!table.MayContain(hash)) { continue; }
                _cursor.On(table).Seek(from);
                if (!_cursor.IsValid || !_cursor.Key.StartsWith(prefix)) { continue; }
                if (!found || _cursor.Key.SequenceCompareTo(key) < 0)
                {
                    found = true;
                    _best.Clear();
                    _best.Raw(_cursor.Key);
                    key = _best.Written;
                    value = HeldValue();
                    isTombstone = _cursor.IsTombstone;
                    if (key.SequenceEqual(from)) { return true; }
                }

                break;
            }
        }

        return found;
    }
}

/// <summary>Point readers that no view uses now: a view for one read makes no garbage.</summary>
internal sealed class PointReaders(FilterPrefixLength prefixLength)
{
    private const int MostKept = 32; // More than threads read at once.

    private readonly Stack<PointReader> _free = new();
    private readonly object _gate = new();

    public PointReader Take()
    {
        using (Exclusive.Enter(_gate))
        {
            if (_free.TryPop(out PointReader? reader)) { return reader; }
        }

        return new(prefixLength);
    }

    public void Return(PointReader reader)
    {
        reader.Release();
        using (Exclusive.Enter(_gate))
        {
            if (_free.Count < MostKept) { _free.Push(reader); }
        }
    }
}
