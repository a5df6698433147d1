using System.Buffers.Binary;

namespace Quorate.StateMachines.KeyValue;

/// <summary>
/// Store keys of the index of changes, which a watch reads: kind u8 (3) | revision u64 | sub-revision u32, big-endian. The value is
/// the changed key as it stands in its version's key (<see cref="VersionKeys"/>), so that writing it costs no encoding.
/// </summary>
internal static class ChangeKeys
{
    public const byte Kind = 3;
    public const int Length = 13;

    /// <summary>Every change lies before this key.</summary>
    public static ReadOnlySpan<byte> AfterAll => [Kind + 1];

    public static bool IsChange(ReadOnlySpan<byte> key) => key.Length == Length && key[0] == Kind;

    public static void Write(long revision, uint sub, Span<byte> destination)
    {
        destination[0] = Kind;
        BinaryPrimitives.WriteInt64BigEndian(destination[1..], revision);
        BinaryPrimitives.WriteUInt32BigEndian(destination[9..], sub);
    }

    public static long Revision(ReadOnlySpan<byte> key) => BinaryPrimitives.ReadInt64BigEndian(key[1..]);

    public static uint Sub(ReadOnlySpan<byte> key) => BinaryPrimitives.ReadUInt32BigEndian(key[9..]);
}
