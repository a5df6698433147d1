using System.Buffers.Binary;
using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>
/// Store records of leases, integers in keys big-endian. Record: kind u8 (4) | id u64, its value below. Agenda: kind u8 (5) |
/// time u64 | id u64, without a value: a lease is looked at when its time on the agenda has come, which is its deadline or earlier.
/// </summary>
internal static class LeaseStore
{
    public const int AgendaKeyBytes = 17;

    private const byte RecordKind = 4;
    private const byte AgendaKind = 5;
    private const byte Format = 1;
    private const int RecordKeyBytes = 9;

    /// <summary>All records about leases, the keys that hang on them too, lie from here...</summary>
    public static ReadOnlySpan<byte> Lower => [RecordKind];

    /// <summary>...to before here.</summary>
    public static ReadOnlySpan<byte> Upper => [LeaseKeys.Kind + 1];

    /// <summary>True for the key of a lease's record.</summary>
    public static bool IsRecord(ReadOnlySpan<byte> key, out long id)
    {
        bool isRecord = key.Length == RecordKeyBytes && key[0] == RecordKind;
        id = isRecord ? unchecked((long)BinaryPrimitives.ReadUInt64BigEndian(key[1..])) : 0;
        return isRecord;
    }

    public static bool Exists(IStoreReader store, long id)
    {
        Span<byte> key = stackalloc byte[RecordKeyBytes];
        return store.TryGet(RecordKey(id, key), out _);
    }

    public static bool TryRead(IStoreReader store, long id, out LeaseRecord record)
    {
        Span<byte> key = stackalloc byte[RecordKeyBytes];
        bool exists = store.TryGet(RecordKey(id, key), out ReadOnlySpan<byte> value);
        record = exists ? ReadValue(id, value) : default;
        return exists;
    }

    public static void Write(IStoreWriter store, in LeaseRecord record)
    {
        Span<byte> key = stackalloc byte[RecordKeyBytes];
        var value = new ByteWriter(32);
        value.U8(Format);
        value.VarUInt((ulong)record.Seconds);
        value.VarUInt((ulong)record.Deadline);
        value.VarUInt((ulong)record.LookAt);
        store.Put(RecordKey(record.Id, key), value.Written);
    }

    public static void Delete(IStoreWriter store, long id)
    {
        Span<byte> key = stackalloc byte[RecordKeyBytes];
        store.Delete(RecordKey(id, key));
    }

    /// <summary>All leases, in order of id as an unsigned number.</summary>
    public static List<LeaseRecord> ReadAll(IStoreReader store)
    {
        var records = new List<LeaseRecord>();
        using ICursor cursor = store.OpenCursor([RecordKind], [RecordKind + 1]);
        for (bool isValid = cursor.SeekFirst(); isValid; isValid = cursor.Next())
        {
            records.Add(ReadValue(unchecked((long)BinaryPrimitives.ReadUInt64BigEndian(cursor.Key[1..])), cursor.Value));
        }

        return records;
    }

    public static void AddToAgenda(IStoreWriter store, long time, long id)
    {
        Span<byte> key = stackalloc byte[AgendaKeyBytes];
        store.Put(AgendaKey(time, id, key), []);
    }

    public static void TakeFromAgenda(IStoreWriter store, long time, long id)
    {
        Span<byte> key = stackalloc byte[AgendaKeyBytes];
        store.Delete(AgendaKey(time, id, key));
    }

    /// <summary>The first entries of the agenda at or after a place, in order of time.</summary>
    /// <param name="store">The store.</param>
    /// <param name="time">Time of the place.</param>
    /// <param name="id">Lease of the place; 0 is before all leases of that time.</param>
    /// <param name="until">None of a later time.</param>
    /// <param name="most">How many at most.</param>
    public static List<(long Time, long Id)> ReadAgenda(IStoreReader store, long time, long id, long until, int most)
    {
        var entries = new List<(long, long)>();
        Span<byte> from = stackalloc byte[AgendaKeyBytes];
        Span<byte> end = stackalloc byte[AgendaKeyBytes];
        using ICursor cursor = store.OpenCursor(AgendaKey(time, id, from), AgendaKey(until + 1, id: 0, end));
        for (bool isValid = cursor.SeekFirst(); isValid && entries.Count < most; isValid = cursor.Next())
        {
            entries.Add((
                (long)BinaryPrimitives.ReadUInt64BigEndian(cursor.Key[1..]),
                unchecked((long)BinaryPrimitives.ReadUInt64BigEndian(cursor.Key[9..]))));
        }

        return entries;
    }

    // Format u8 (1) | seconds varuint | deadline varuint | time on the agenda varuint.
    private static LeaseRecord ReadValue(long id, ReadOnlySpan<byte> value)
    {
        var reader = new ByteReader(value);
        byte format = reader.U8();
        var record = new LeaseRecord(id, (long)reader.VarUInt(), (long)reader.VarUInt(), (long)reader.VarUInt());
        Invariant.Holds(reader.AtEnd && format == Format, $"a lease of {value.Length} bytes, format {format}");
        return record;
    }

    private static ReadOnlySpan<byte> RecordKey(long id, Span<byte> key)
    {
        key[0] = RecordKind;
        BinaryPrimitives.WriteUInt64BigEndian(key[1..], unchecked((ulong)id));
        return key;
    }

    private static ReadOnlySpan<byte> AgendaKey(long time, long id, Span<byte> key)
    {
        key[0] = AgendaKind;
        BinaryPrimitives.WriteUInt64BigEndian(key[1..], (ulong)time);
        BinaryPrimitives.WriteUInt64BigEndian(key[9..], unchecked((ulong)id));
        return key;
    }
}

/// <summary>A lease as it is stored.</summary>
/// <param name="Id">Not 0.</param>
/// <param name="Seconds">How long it lives without a renewal.</param>
/// <param name="Deadline">When it ends, in milliseconds of the shard's clock.</param>
/// <param name="LookAt">Its time on the agenda; at most the deadline, which only moves on.</param>
internal readonly record struct LeaseRecord(long Id, long Seconds, long Deadline, long LookAt);
