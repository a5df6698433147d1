using System.Runtime.InteropServices;
using Quorate.Core;

namespace Quorate.Storage.Engine;

/// <summary>
/// Verified blocks in native memory, up to a budget of bytes; shared by all engines of a node and by all threads. A clock's hand
/// goes round them and evicts who has no chance left: each use gives one, up to three, each passing of the hand takes one.
/// What a scan reads comes in without a chance and what a point read asks for with one, so that a scan drives out other scans first.
/// </summary>
/// <remarks>
/// Generalized CLOCK (Smith, "Sequentiality and prefetching in database systems", 1978): nearly LRU, but a hit changes one number.
/// A block that is evicted while somebody reads it stays until it is let go; it does not count as part of the budget then.
/// </remarks>
public sealed class BlockCache
{
    private const int ShardCount = 16; // So that readers seldom wait for each other.
    private const int MostChances = 3;

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

    // A block with a reference for the caller, or null.
    internal Block? Find(ulong file, long offset)
    {
        var key = new BlockKey(file, offset);
        return ShardOf(key).Find(key);
    }

    // Memory for a block that is to be read.
    internal BlockPool PoolFor(ulong file, long offset) => ShardOf(new BlockKey(file, offset)).Pool;

    // Keeps a block, with a reference of its own.
    internal void Add(ulong file, long offset, Block block, bool isScanned)
    {
        var key = new BlockKey(file, offset);
        ShardOf(key).Add(key, block, isScanned ? 0 : 1);
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

        public BlockPool Pool { get; } = new();

        public long Bytes { get; private set; }

        public long Hits { get; private set; }

        public long Misses { get; private set; }

        public Block? Find(BlockKey key)
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
                slot.Chances = Math.Min(slot.Chances + 1, MostChances);
                slot.Block!.Acquire();
                return slot.Block;
            }
        }

        public void Add(BlockKey key, Block block, int chances)
        {
            if (block.Capacity > budget) { return; }
            using (Exclusive.Enter(_gate))
            {
                if (_slotOf.ContainsKey(key)) { return; } // Two readers missed it at once.
                while (Bytes + block.Capacity > budget) { EvictOne(); }
                Bytes += block.Capacity;
                block.Acquire();
                var slot = new Slot { Key = key, Block = block, Chances = chances };
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
                if (slot.Chances > 0)
                {
                    slot.Chances--;
                    continue;
                }

                Bytes -= slot.Block.Capacity;
                _slotOf.Remove(slot.Key);
                _empty.Push(_hand);
                slot.Block.Release();
                slot = default;
                return;
            }
        }
    }

    private struct Slot
    {
        public BlockKey Key;
        public Block? Block;
        public int Chances;
    }
}
