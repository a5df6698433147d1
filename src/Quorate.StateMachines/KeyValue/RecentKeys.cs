using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>
/// What the last written keys look like now, so that a put of a key that was written lately need not look it up in the store.
/// A bounded, direct-mapped cache: it changes no answer, only how it is found.
/// </summary>
internal sealed class RecentKeys
{
    private const int FirstSlots = 1024;
    private const int MostSlots = 64 * 1024; // Some megabytes when full of short keys.
    private const int MaxKeyBytes = 256;

    private Slot[] _slots = new Slot[FirstSlots];
    private int _evictions;

    /// <summary>Finds a key.</summary>
    /// <param name="prefix">The key's part of a store key, without the revision.</param>
    /// <param name="state">What it looks like now; version 0 if it does not exist.</param>
    /// <returns>False if it is not known here.</returns>
    public bool TryGet(ReadOnlySpan<byte> prefix, out (long CreateRevision, long Version, long Lease) state)
    {
        ref readonly Slot slot = ref _slots[IndexOf(prefix)];
        state = (slot.CreateRevision, slot.Version, slot.Lease);
        return slot.Key is not null && prefix.SequenceEqual(slot.Key.AsSpan(0, slot.KeyBytes));
    }

    /// <summary>Notes how a key looks after a write; version 0: it was deleted.</summary>
    public void Set(ReadOnlySpan<byte> prefix, long createRevision, long version, long lease)
    {
        ref Slot slot = ref _slots[IndexOf(prefix)];
        bool isSame = slot.Key is not null && prefix.SequenceEqual(slot.Key.AsSpan(0, slot.KeyBytes));
        if (!isSame)
        {
            if (slot.Key is not null && ++_evictions > _slots.Length && _slots.Length < MostSlots)
            {
                Grow();
                slot = ref _slots[IndexOf(prefix)];
            }

            if (prefix.Length > MaxKeyBytes)
            {
                slot.Key = null;
                return;
            }

            if (slot.Key is null || slot.Key.Length < prefix.Length) { slot.Key = new byte[prefix.Length]; }
            prefix.CopyTo(slot.Key);
            slot.KeyBytes = prefix.Length;
        }

        slot.CreateRevision = createRevision;
        slot.Version = version;
        slot.Lease = lease;
    }

    /// <summary>Forgets all: the store was replaced.</summary>
    public void Clear() => Array.Clear(_slots);

    private int IndexOf(ReadOnlySpan<byte> prefix) => (int)(Crc32C.Compute(prefix) & (uint)(_slots.Length - 1));

    private void Grow()
    {
        Slot[] old = _slots;
        _slots = new Slot[old.Length * 4];
        _evictions = 0;
        foreach (Slot slot in old)
        {
            if (slot.Key is not null) { _slots[IndexOf(slot.Key.AsSpan(0, slot.KeyBytes))] = slot; }
        }
    }

    private struct Slot
    {
        public byte[]? Key;
        public int KeyBytes;
        public long CreateRevision;
        public long Version;
        public long Lease;
    }
}
