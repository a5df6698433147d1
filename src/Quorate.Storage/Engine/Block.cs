using System.Runtime.InteropServices;
using Quorate.Core;

namespace Quorate.Storage.Engine;

/// <summary>
/// The bytes of one block, outside of the collector's heap: neither their number nor their coming and going is its work. Whoever
/// reads them holds a reference; with the last one they go back to where they came from.
/// </summary>
internal sealed unsafe class Block : Shared
{
    private const int Grain = 1024; // So that blocks of nearly one size use each other's memory.

    private readonly BlockPool? _home;
    private byte* _bytes;

    // Its bytes are not cleared.
    public Block(int length, BlockPool? home = null)
    {
        _home = home;
        Resize(length);
    }

    // One that is dropped without its Release, as by a simulated crash, must not leak.
    ~Block() => FreeMemory();

    public int Length { get; private set; }

    // Bytes it has in its file, as its handle says.
    public int StoredLength { get; set; }

    // Bytes of memory it takes.
    public int Capacity { get; private set; }

    // The bytes; valid while a reference is held.
    public byte* Start => _bytes;

    public Span<byte> Span => new(_bytes, Length);

    public static int CapacityFor(int length) => checked((length + Grain - 1) / Grain * Grain);

    // For its pool only, when nobody holds it.
    public void Reuse(int length)
    {
        Renew();
        Resize(length);
    }

    // Forgets the checksum behind the bytes, once it was checked.
    public void Truncate(int length)
    {
        Invariant.Holds(length <= Length, $"{length} of {Length}");
        Length = length;
    }

    public void FreeMemory()
    {
        NativeMemory.Free(_bytes);
        _bytes = null;
        Capacity = 0;
        Length = 0;
    }

    protected override void Free()
    {
        if (_home is not null) { _home.Return(this); }
        else { FreeMemory(); }
    }

    // What was in it is lost.
    private void Resize(int length)
    {
        Invariant.Holds(length >= 0, $"a block of {length} bytes");
        int capacity = CapacityFor(length);
        if (Capacity != capacity)
        {
            FreeMemory();
            _bytes = (byte*)NativeMemory.Alloc((nuint)capacity);
            Capacity = capacity;
        }

        Length = length;
    }
}

/// <summary>Blocks that nobody holds, to be used again: a reader that misses the cache takes the memory of what was evicted.</summary>
internal sealed class BlockPool
{
    private const int MostKept = 8;              // As many as may be out at once for a while, on a few threads.
    private const int MostBytesKept = 64 * 1024; // In one block: those of single large values are freed.

    private readonly Block?[] _kept = new Block?[MostKept];
    private readonly object _gate = new();
    private int _count;

    // A block with one reference, the caller's.
    public Block Rent(int length)
    {
        Block? block = null;
        using (Exclusive.Enter(_gate))
        {
            if (_count > 0)
            {
                int capacity = Block.CapacityFor(length);
                int at = _count - 1;
                while (at > 0 && _kept[at]!.Capacity != capacity) { at--; }
                block = _kept[at];
                _kept[at] = _kept[--_count];
                _kept[_count] = null;
            }
        }

        if (block is null) { return new Block(length, this); }
        block.Reuse(length);
        return block;
    }

    public void Return(Block block)
    {
        if (block.Capacity > MostBytesKept) { block.FreeMemory(); }
        using (Exclusive.Enter(_gate))
        {
            if (_count < MostKept)
            {
                _kept[_count++] = block;
                return;
            }
        }

        block.FreeMemory();
    }
}
