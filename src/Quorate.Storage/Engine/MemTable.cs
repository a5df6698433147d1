using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Quorate.Storage.Engine;

/// <summary>
/// Records that are not in a file yet: a skip list in native memory (Pugh, "Skip lists", 1990). One thread writes; any
/// thread reads without a lock. Several versions of a key stand side by side, the newest first.
/// </summary>
/// <remarks>
/// A node is complete before the pointer to it is published, and it never changes or moves afterwards except for its links;
/// so a reader sees a whole node or none. Readers follow only versions up to their own sequence number.
/// Node: links (8 bytes each, lowest level nearest) | header | key | value. Node pointers point to the header.
/// </remarks>
internal sealed unsafe class MemTable : Shared
{
    private const int MaxHeight = 12; // Four million nodes at one in four; more only become slower.
    private const int FirstSlabBytes = 16 * 1024;
    private const int LargestSlabBytes = 1024 * 1024;

    private readonly List<nint> _slabs = [];
    private readonly nint[] _before = new nint[MaxHeight]; // Where the last insert was linked in: ascending keys need no search.
    private readonly byte* _head;
    private byte* _free;
    private int _freeBytes;
    private int _nextSlabBytes = FirstSlabBytes;
    private ulong _random = 0x9E3779B97F4A7C15;

    public MemTable()
    {
        _head = Allocate(0, MaxHeight);
        *(Header*)_head = default;
        NativeMemory.Clear(_head - (MaxHeight * sizeof(nint)), MaxHeight * (nuint)sizeof(nint));
        _before.AsSpan().Fill((nint)_head);
        Bytes = 0;
    }

    // An engine that is dropped without Dispose, as after a simulated crash, must not leak.
    ~MemTable() => FreeSlabs();

    // Bytes of all records with their headers and links.
    public long Bytes { get; private set; }

    public int Count { get; private set; }

    public static ReadOnlySpan<byte> Key(byte* node) => new(node + sizeof(Header), ((Header*)node)->KeyLength);

    public static ReadOnlySpan<byte> Value(byte* node) =>
        new(node + sizeof(Header) + ((Header*)node)->KeyLength, Math.Max(0, ((Header*)node)->ValueLength));

    public static bool IsTombstone(byte* node) => ((Header*)node)->ValueLength < 0;

    // The sequence number is greater than all before it.
    public void Add(ulong sequence, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, bool isTombstone)
    {
        unchecked
        {
            int height = RandomHeight();
            byte* node = Allocate(key.Length + value.Length, height);
            var header = (Header*)node;
            header->Sequence = sequence;
            header->Prefix = PrefixOf(key);
            header->KeyLength = key.Length;
            header->ValueLength = isTombstone ? -1 : value.Length;
            key.CopyTo(new Span<byte>(node + sizeof(Header), key.Length));
            value.CopyTo(new Span<byte>(node + sizeof(Header) + key.Length, value.Length));

            FindBefore(key);
            for (int level = 0; level < height; level++)
            {
                nint* link = Link((byte*)_before[level], level);
                *Link(node, level) = *link;
                Published.Write(link, node);
                _before[level] = (nint)node;
            }

            Count++;
        }
    }

    // The newest version of the first key at or after the given one, as of a sequence number; null if there is none.
    public byte* FirstFrom(ReadOnlySpan<byte> key, ulong sequence)
    {
        byte* node = FirstNotBefore(key, sequence);
        while (node != null && ((Header*)node)->Sequence > sequence) { node = FirstNotBefore(Key(node), sequence); }
        return node;
    }

    // The newest version of the last key before the given one; of the last key at all if it is null-like (hasKey is false).
    public byte* LastBefore(ReadOnlySpan<byte> key, bool hasKey, ulong sequence)
    {
        while (true)
        {
            byte* node = LastNodeBefore(key, hasKey);
            if (node == null) { return null; }
            ReadOnlySpan<byte> found = Key(node);
            byte* newest = FirstNotBefore(found, sequence);
            if (newest != null && Key(newest).SequenceEqual(found)) { return newest; }
            key = found;
            hasKey = true;
        }
    }

    // The newest version of the first key after that of a node.
    public byte* FirstAfter(byte* node, ulong sequence)
    {
        ReadOnlySpan<byte> key = Key(node);
        byte* next = Published.Read(Link(node, 0));
        for (int steps = 0; next != null && Key(next).SequenceEqual(key); steps++)
        {
            // A key that is written again and again has many versions: go round them.
            next = steps < 4 ? Published.Read(Link(next, 0)) : FirstNotBefore(key, 0);
        }

        return next == null || ((Header*)next)->Sequence <= sequence ? next : FirstFrom(Key(next), sequence);
    }

    public byte* First(ulong sequence)
    {
        byte* node = Published.Read(Link(_head, 0));
        return node == null ? null : FirstFrom(Key(node), sequence);
    }

    protected override void Free() => FreeSlabs();

    // The first bytes of a key as a number: most comparisons end here. Shorter keys are filled with zeros.
    private static ulong PrefixOf(ReadOnlySpan<byte> key)
    {
        if (key.Length >= 8) { return BinaryPrimitives.ReadUInt64BigEndian(key); }
        ulong prefix = 0;
        for (int i = 0; i < key.Length; i++) { prefix |= (ulong)key[i] << (56 - (8 * i)); }
        return prefix;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Compare(byte* node, ReadOnlySpan<byte> key, ulong prefix)
    {
        ulong own = ((Header*)node)->Prefix;
        return own != prefix ? (own < prefix ? -1 : 1) : Key(node).SequenceCompareTo(key);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static nint* Link(byte* node, int level) => unchecked((nint*)node - 1 - level);

    // Fills _before with the last node before the key on every level.
    private void FindBefore(ReadOnlySpan<byte> key)
    {
        ulong prefix = PrefixOf(key);

        // If the key falls right behind the last insert, it does so on every level.
        byte* last = (byte*)_before[0];
        if (last == _head || Compare(last, key, prefix) < 0)
        {
            byte* next = (byte*)*Link(last, 0);
            if (next == null || Compare(next, key, prefix) >= 0) { return; }
        }

        byte* node = _head;
        byte* bound = null;
        for (int level = MaxHeight - 1; level >= 0; level--)
        {
            byte* next = (byte*)*Link(node, level);
            while (next != bound && next != null && Compare(next, key, prefix) < 0)
            {
                node = next;
                next = (byte*)*Link(node, level);
            }

            _before[level] = (nint)node;
            bound = next;
        }
    }

    // The first node with a greater key, or with this key and a sequence number up to the given one.
    private byte* FirstNotBefore(ReadOnlySpan<byte> key, ulong sequence)
    {
        unchecked
        {
            ulong prefix = PrefixOf(key);
            byte* node = _head;
            byte* next = null;
            byte* bound = null; // Known to be at or behind the place: no need to compare with it again.
            for (int level = MaxHeight - 1; level >= 0; level--)
            {
                next = Published.Read(Link(node, level));
                while (next != null && next != bound)
                {
                    int order = Compare(next, key, prefix);
                    if (order > 0 || (order == 0 && ((Header*)next)->Sequence <= sequence)) { break; }
                    node = next;
                    next = Published.Read(Link(node, level));
                }

                bound = next;
            }

            return next;
        }
    }

    private byte* LastNodeBefore(ReadOnlySpan<byte> key, bool hasKey)
    {
        unchecked
        {
            ulong prefix = PrefixOf(key);
            byte* node = _head;
            for (int level = MaxHeight - 1; level >= 0; level--)
            {
                byte* next = Published.Read(Link(node, level));
                while (next != null && (!hasKey || Compare(next, key, prefix) < 0))
                {
                    node = next;
                    next = Published.Read(Link(node, level));
                }
            }

            return node == _head ? null : node;
        }
    }

    private byte* Allocate(int payload, int height)
    {
        int bytes = checked((height * sizeof(nint)) + sizeof(Header) + payload + 7) & ~7;
        if (bytes > _freeBytes) { AddSlab(bytes); }
        byte* node = _free + (height * sizeof(nint));
        _free += bytes;
        _freeBytes -= bytes;
        Bytes += bytes;
        return node;
    }

    private void AddSlab(int atLeast)
    {
        int bytes = Math.Max(atLeast, _nextSlabBytes);
        _free = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, 8);
        _freeBytes = bytes;
        _slabs.Add((nint)_free);
        _nextSlabBytes = Math.Min(_nextSlabBytes * 2, LargestSlabBytes); // A shard with little data takes little memory.
    }

    private void FreeSlabs()
    {
        foreach (nint slab in _slabs) { NativeMemory.AlignedFree((void*)slab); }
        _slabs.Clear();
    }

    // One more level with a chance of one in four. Its own generator: the shape of the list is no one's secret or input.
    private int RandomHeight()
    {
        unchecked
        {
            _random ^= _random << 13;
            _random ^= _random >> 7;
            _random ^= _random << 17;
            ulong bits = _random >> 32;
            int height = 1;
            while (height < MaxHeight && (bits & 3) == 0)
            {
                height++;
                bits >>= 2;
            }

            return height;
        }
    }

    private struct Header
    {
        public ulong Sequence;
        public ulong Prefix;
        public int KeyLength;
        public int ValueLength; // -1: the key was deleted.
    }
}

/// <summary>Walks a memtable as of a sequence number.</summary>
internal sealed unsafe class MemTableCursor(MemTable table, ulong sequence) : SourceCursor
{
    private byte* _node;

    public override bool IsValid => _node != null;

    public override ReadOnlySpan<byte> Key => MemTable.Key(_node);

    public override ReadOnlySpan<byte> Value => MemTable.Value(_node);

    public override bool IsTombstone => MemTable.IsTombstone(_node);

    public override void SeekFirst() => _node = table.First(sequence);

    public override void SeekLast() => _node = table.LastBefore(default, hasKey: false, sequence);

    public override void Seek(ReadOnlySpan<byte> key) => _node = table.FirstFrom(key, sequence);

    public override void SeekBefore(ReadOnlySpan<byte> key) => _node = table.LastBefore(key, hasKey: true, sequence);

    public override void Next() => _node = table.FirstAfter(_node, sequence);

    public override void Previous() => _node = table.LastBefore(MemTable.Key(_node), hasKey: true, sequence);
}
