using System.Buffers.Binary;
using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>Store records of alarms: kind u8 (0B) | type u8 | member u64, big-endian. The value is a format u8 (1).</summary>
internal static class AlarmStore
{
    public const byte Kind = 0x0B;
    private const byte Format = 1;
    private const int KeyBytes = 10;

    /// <summary>Every alarm lies before this key.</summary>
    public static ReadOnlySpan<byte> AfterAll => [Kind + 1];

    public static bool IsRaised(IStoreReader store, KvAlarm alarm)
    {
        Span<byte> key = stackalloc byte[KeyBytes];
        return store.TryGet(Key(alarm, key), out _);
    }

    public static void Raise(IStoreWriter store, KvAlarm alarm)
    {
        Span<byte> key = stackalloc byte[KeyBytes];
        store.Put(Key(alarm, key), [Format]);
    }

    public static void Clear(IStoreWriter store, KvAlarm alarm)
    {
        Span<byte> key = stackalloc byte[KeyBytes];
        store.Delete(Key(alarm, key));
    }

    /// <summary>All alarms, by type and then by member.</summary>
    public static ImmutableArray<KvAlarm> ReadAll(IStoreReader store)
    {
        ImmutableArray<KvAlarm>.Builder alarms = ImmutableArray.CreateBuilder<KvAlarm>();
        using ICursor cursor = store.OpenCursor([Kind], AfterAll);
        for (bool isValid = cursor.SeekFirst(); isValid; isValid = cursor.Next())
        {
            Invariant.Holds(cursor.Key.Length == KeyBytes && cursor.Value is [Format], $"an alarm of {cursor.Key.Length} bytes");
            alarms.Add(new KvAlarm(BinaryPrimitives.ReadUInt64BigEndian(cursor.Key[2..]), (KvAlarmType)cursor.Key[1]));
        }

        return alarms.DrainToImmutable();
    }

    private static ReadOnlySpan<byte> Key(KvAlarm alarm, Span<byte> key)
    {
        key[0] = Kind;
        key[1] = (byte)alarm.Type;
        BinaryPrimitives.WriteUInt64BigEndian(key[2..], alarm.Member);
        return key;
    }
}
