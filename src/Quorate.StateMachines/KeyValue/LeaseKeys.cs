using System.Buffers.Binary;
using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>Which keys hang on which lease: kind u8 (6) | lease id u64 big-endian | user key, without a value.</summary>
internal sealed class LeaseKeys
{
    public const byte Kind = 6;
    private const int PrefixBytes = 9;

    private byte[] _key = new byte[128];

    /// <summary>Says whether a key, or a range of keys, passes.</summary>
    public delegate bool KeyTest(ReadOnlySpan<byte> key, ReadOnlySpan<byte> rangeEnd);

    public void Add(IStoreWriter store, long lease, ReadOnlySpan<byte> userKey) => store.Put(Key(lease, userKey), []);

    public void Remove(IStoreWriter store, long lease, ReadOnlySpan<byte> userKey) => store.Delete(Key(lease, userKey));

    /// <summary>Appends a lease's keys in order, each with its length before it, until there are enough bytes.</summary>
    /// <param name="store">The store.</param>
    /// <param name="lease">The lease.</param>
    /// <param name="from">The first user key that counts; empty: all do.</param>
    /// <param name="enoughBytes">No key is appended to as many.</param>
    /// <param name="keys">Appended to.</param>
    public static void Collect(IStoreReader store, long lease, ReadOnlySpan<byte> from, int enoughBytes, ByteWriter keys)
    {
        byte[] lower = new byte[PrefixBytes + from.Length];
        Span<byte> upper = stackalloc byte[PrefixBytes];
        WritePrefix(lease, lower);
        from.CopyTo(lower.AsSpan(PrefixBytes));
        bool isLast = unchecked((ulong)lease) == ulong.MaxValue;
        if (isLast) { upper[0] = Kind + 1; }
        else { WritePrefix(unchecked(lease + 1), upper); }
        using ICursor cursor = store.OpenCursor(lower, isLast ? upper[..1] : upper);
        for (bool isValid = cursor.SeekFirst(); isValid && keys.Length < enoughBytes; isValid = cursor.Next())
        {
            keys.Bytes(cursor.Key[PrefixBytes..]);
        }
    }

    /// <summary>True if all keys of a lease pass; true too if there is no such lease.</summary>
    public static bool All(IStoreReader store, long lease, KeyTest test)
    {
        Span<byte> lower = stackalloc byte[PrefixBytes];
        Span<byte> upper = stackalloc byte[PrefixBytes];
        WritePrefix(lease, lower);
        bool isLast = unchecked((ulong)lease) == ulong.MaxValue;
        if (isLast) { upper[0] = Kind + 1; }
        else { WritePrefix(unchecked(lease + 1), upper); }
        return All(store, lower, isLast ? upper[..1] : upper, test);
    }

    /// <summary>True if all keys of all leases pass.</summary>
    public static bool All(IStoreReader store, KeyTest test) => All(store, [Kind], [Kind + 1], test);

    private static bool All(IStoreReader store, ReadOnlySpan<byte> lower, ReadOnlySpan<byte> upper, KeyTest test)
    {
        using ICursor cursor = store.OpenCursor(lower, upper);
        for (bool isValid = cursor.SeekFirst(); isValid; isValid = cursor.Next())
        {
            if (!test(cursor.Key[PrefixBytes..], [])) { return false; }
        }

        return true;
    }

    private static void WritePrefix(long lease, Span<byte> destination)
    {
        destination[0] = Kind;
        BinaryPrimitives.WriteUInt64BigEndian(destination[1..], unchecked((ulong)lease));
    }

    private ReadOnlySpan<byte> Key(long lease, ReadOnlySpan<byte> userKey)
    {
        int length = PrefixBytes + userKey.Length;
        if (_key.Length < length) { _key = new byte[length * 2L]; }
        WritePrefix(lease, _key);
        userKey.CopyTo(_key.AsSpan(PrefixBytes));
        return _key.AsSpan(0, length);
    }
}
