using System.Buffers.Binary;
using System.Numerics;
using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>
/// The hash of what can be read: revisions, of each key the versions from its newest at or below the compacted revision on,
/// the index of changes from the compacted revision on, leases, users, alarms, keyspaces and members.
/// What a compaction filter may drop does not count, whether it did or not.
/// </summary>
internal static class KvStateHash
{
    public static ulong Compute(IStoreReader store)
    {
        KvMeta meta = KvMeta.Read(store);
        ulong hash = Add(Add(0, unchecked((ulong)meta.Current)), unchecked((ulong)meta.Compacted));
        var visible = new KvCompactionFilter(meta.Compacted);
        using ICursor cursor = store.OpenCursor([VersionKeys.Kind], VersionKeys.AfterAll);
        for (bool isValid = cursor.SeekFirst(); isValid; isValid = cursor.Next())
        {
            if (visible.Keep(cursor.Key, cursor.Value, isBottommost: true))
            {
                hash = Add(Add(hash, cursor.Key), cursor.Value);
            }
        }

        using ICursor changes = store.OpenCursor([ChangeKeys.Kind], ChangeKeys.AfterAll);
        for (bool isValid = changes.SeekFirst(); isValid; isValid = changes.Next())
        {
            if (visible.Keep(changes.Key, changes.Value, isBottommost: true))
            {
                hash = Add(Add(hash, changes.Key), changes.Value);
            }
        }

        hash = AddAll(hash, store, LeaseStore.Lower, LeaseStore.Upper);
        hash = AddAll(hash, store, AuthStore.Lower, AuthStore.Upper);
        hash = AddAll(hash, store, [AlarmStore.Kind], AlarmStore.AfterAll);
        hash = AddAll(hash, store, KeyspaceBook.Lower, KeyspaceBook.Upper);
        return AddAll(hash, store, MemberStore.Lower, MemberStore.Upper);
    }

    private static ulong AddAll(ulong hash, IStoreReader store, ReadOnlySpan<byte> lower, ReadOnlySpan<byte> upper)
    {
        using ICursor records = store.OpenCursor(lower, upper);
        for (bool isValid = records.SeekFirst(); isValid; isValid = records.Next())
        {
            hash = Add(Add(hash, records.Key), records.Value);
        }

        return hash;
    }

    private static ulong Add(ulong hash, ReadOnlySpan<byte> bytes)
    {
        hash = Add(hash, (ulong)bytes.Length);
        for (; bytes.Length >= 8; bytes = bytes[8..]) { hash = Add(hash, BinaryPrimitives.ReadUInt64LittleEndian(bytes)); }
        ulong rest = 0;
        foreach (byte b in bytes) { rest = (rest << 8) | b; }
        return Add(hash, rest);
    }

    // One round of a multiply-and-rotate hash; the odd constant is 2^64 divided by the golden ratio.
    private static ulong Add(ulong hash, ulong word) =>
        unchecked(BitOperations.RotateLeft((hash ^ word) * 0x9E3779B97F4A7C15, 29) + 0x2545F4914F6CDD1D);
}
