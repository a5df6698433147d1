using System.Runtime.InteropServices;
using Quorate.Core;

namespace Quorate.Storage.Engine;

/// <summary>
/// Verified blocks in memory, up to a budget of bytes; shared by all engines of a node and by all threads. What was used since
/// the clock's hand last came by stays (the CLOCK algorithm: nearly LRU, but a hit changes one bit).
/// </summary>
/// <remarks>An evicted block stays valid for whoever still reads it: the garbage collector owns the bytes.</remarks>
public sealed class BlockCache
{
    private const int ShardCount = 16; // So that readers seldom wait for each other.

    private readonly Shard[] _shards = new Shard[ShardCount];
    private readonly object _gate = new();
    private ulong _files;

    /// <summary>Creates an empty cache.</summary>
    /// <param name="bytes">Most bytes of blocks it keeps; 0 keeps none.</param>
    public BlockCache(long bytes)
    {
        Invariant.Holds(bytes >= 0, $"a cache of {bytes} bytes");
        for (int i = 0; i < ShardCount; i++) { _shards[i] = new Shard(bytes / ShardCount); }
    }

    /// <summary>Bytes of all blocks in it.</summary>
    public long Bytes
    {
        get
        {
            long sum = 0;
            foreach (Shard shard in _shards) { sum += shard.Bytes; }
            return sum;
        }
    }

    /// <summary>Blocks found in it since it was created.</summary>
    public long Hits
    {
        get
        {
            long sum = 0;
            foreach (Shard shard in _shards) { sum += shard.Hits; }
            return sum;
        }
    }

    /// <summary>Blocks asked for but not found since it was created.</summary>
    public long Misses
    {
        get
        {
            long sum = 0;
            foreach (Shard shard in _shards) { sum += shard.Misses; }
            return sum;
        }
    }

    // A number for one opened file; file numbers alone are not unique among engines.
    internal ulong NewFile()
    {
        using (Exclusive.Enter(_gate)) { return ++_files; }
    }

    internal byte[]? Find(ulong file, long offset)
    {
        var key = new BlockKey(file, offset);
        return ShardOf(key).Find(key);
    }

    internal void Add(ulong file, long offset, byte[] block)
    {
        var key = new BlockKey(file, offset);
        ShardOf(key).Add(key, block);
    }

    private Shard ShardOf(BlockKey key) => _shards[key.Mixed >> 60];

    private readonly record struct BlockKey(ulong File, long Offset)
    {
        public ulong Mixed => unchecked(((File * 0x9E3779B97F4A7C15) ^ (ulong)Offset) * 0xD1B54A32D192ED03);
    }

    private sealed class KeyComparer : IEqualityComparer<BlockKey>
    {
        public bool Equals(BlockKey x, BlockKey y) => x.File == y.File && x.Offset == y.Offset;

        public int GetHashCode(BlockKey obj) => unchecked((int)(obj.Mixed >> 20));
    }

    private sealed class Shard(long budget)
    {
        private readonly Dictionary<BlockKey, int> _slotOf = new(new KeyComparer());
        private readonly List<Slot> _slots = [];
        private readonly Stack<int> _empty = [];
        private readonly object _gate = new();
        private int _hand;

        public long Bytes { get; private set; }

        public long Hits { get; private set; }

        public long Misses { get; private set; }

        public byte[]? Find(BlockKey key)
        {
            using (Exclusive.Enter(_gate))
            {
                if (!_slotOf.TryGetValue(key, out int at))
                {
                    Misses++;
                    return null;
                }

                Hits++;
                ref Slot slot = ref CollectionsMarshal.AsSpan(_slots)[at];
                slot.WasUsed = true;
                return slot.Block;
            }
        }

        public void Add(BlockKey key, byte[] block)
        {
            if (block.Length > budget) { return; }
            using (Exclusive.Enter(_gate))
            {
                if (_slotOf.ContainsKey(key)) { return; } // Two readers missed it at once.
                while (Bytes + block.Length > budget) { EvictOne(); }
                Bytes += block.Length;
                var slot = new Slot { Key = key, Block = block };
                if (_empty.TryPop(out int at)) { _slots[at] = slot; }
                else
                {
                    at = _slots.Count;
                    _slots.Add(slot);
                }

                _slotOf.Add(key, at);
            }
        }

        private void EvictOne()
        {
            Span<Slot> slots = CollectionsMarshal.AsSpan(_slots);
            while (true)
            {
                _hand = _hand + 1 < slots.Length ? _hand + 1 : 0;
                ref Slot slot = ref slots[_hand];
                if (slot.Block is null) { continue; }
                if (slot.WasUsed)
                {
                    slot.WasUsed = false;
                    continue;
                }

                Bytes -= slot.Block.Length;
                _slotOf.Remove(slot.Key);
                slot = default;
                _empty.Push(_hand);
                return;
            }
        }
    }

    private struct Slot
    {
        public BlockKey Key;
        public byte[]? Block;
        public bool WasUsed;
    }
}
