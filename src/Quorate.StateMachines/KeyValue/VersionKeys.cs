using System.Buffers.Binary;
using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>
/// Store keys of versions: kind u8 (2) | user key, 00 written as 00 FF | 00 01 | ~main revision u64 | ~sub-revision u32, big-endian.
/// They sort by user key, and the versions of a key from the newest to the oldest.
/// </summary>
/// <remarks>The prefix is all but the last 12 bytes: no prefix starts another, since 00 01 stands at the end of one and nowhere else.</remarks>
internal static class VersionKeys
{
    public const byte Kind = 2;
    public const int SuffixBytes = 12;

    /// <summary>Within a revision, the version before which no other can stand.</summary>
    public const uint LastSub = uint.MaxValue;

    private const byte EscapedZero = 0xFF;
    private const byte EndOfKey = 1;

    /// <summary>Every version lies before this key.</summary>
    public static ReadOnlySpan<byte> AfterAll => [Kind + 1];

    /// <summary>Most bytes of a version's key.</summary>
    public static int MaxLength(int userKeyBytes) => 1 + (2 * userKeyBytes) + 2 + SuffixBytes;

    public static bool IsVersion(ReadOnlySpan<byte> key) => key.Length >= 1 + 2 + SuffixBytes && key[0] == Kind;

    public static ReadOnlySpan<byte> Prefix(ReadOnlySpan<byte> key) => key[..^SuffixBytes];

    public static long Revision(ReadOnlySpan<byte> key) =>
        unchecked((long)~BinaryPrimitives.ReadUInt64BigEndian(key[^SuffixBytes..]));

    public static uint Sub(ReadOnlySpan<byte> key) => ~BinaryPrimitives.ReadUInt32BigEndian(key[^4..]);

    /// <summary>Writes the prefix of a user key's versions; returns its length, at most MaxLength - SuffixBytes.</summary>
    public static int WritePrefix(ReadOnlySpan<byte> userKey, Span<byte> destination)
    {
        destination[0] = Kind;
        int length = 1;
        while (userKey.IndexOf((byte)0) is var zero and >= 0)
        {
            userKey[..zero].CopyTo(destination[length..]);
            length += zero;
            destination[length++] = 0;
            destination[length++] = EscapedZero;
            userKey = userKey[(zero + 1)..];
        }

        userKey.CopyTo(destination[length..]);
        length += userKey.Length;
        destination[length++] = 0;
        destination[length++] = EndOfKey;
        return length;
    }

    public static void WriteSuffix(long revision, uint sub, Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, ~unchecked((ulong)revision));
        BinaryPrimitives.WriteUInt32BigEndian(destination[8..], ~sub);
    }

    /// <summary>The prefix of a user key's versions: the first store key at or after all of them, and before those of a greater user key.</summary>
    /// <param name="userKey">The key.</param>
    /// <param name="room">Bytes to leave free after the prefix.</param>
    public static Span<byte> PrefixOf(ReadOnlySpan<byte> userKey, int room = 0)
    {
        byte[] buffer = new byte[MaxLength(userKey.Length)];
        return buffer.AsSpan(0, WritePrefix(userKey, buffer) + room);
    }

    /// <summary>Makes a prefix the least key after all versions under it.</summary>
    public static void MoveAfterVersions(Span<byte> prefix) => prefix[^1] = EndOfKey + 1;

    /// <summary>The escaped user key within a prefix.</summary>
    public static ReadOnlySpan<byte> Escaped(ReadOnlySpan<byte> prefix) => prefix[1..^2];

    /// <summary>Bytes of a version's key whose escaped user key fits a buffer.</summary>
    public static int LengthOf(ReadOnlySpan<byte> escaped) => 1 + escaped.Length + 2 + SuffixBytes;

    /// <summary>Writes the prefix of an escaped user key; returns its length.</summary>
    public static int WritePrefixOf(ReadOnlySpan<byte> escaped, Span<byte> destination)
    {
        destination[0] = Kind;
        escaped.CopyTo(destination[1..]);
        destination[1 + escaped.Length] = 0;
        destination[2 + escaped.Length] = EndOfKey;
        return escaped.Length + 3;
    }

    /// <summary>The length of a prefix's user key.</summary>
    public static int UserKeyLength(ReadOnlySpan<byte> prefix) => Escaped(prefix).Length - Escaped(prefix).Count((byte)0);

    /// <summary>Writes a prefix's user key; returns its length, at most the prefix's.</summary>
    public static int WriteUserKey(ReadOnlySpan<byte> prefix, Span<byte> destination) => WriteUserKeyOf(Escaped(prefix), destination);

    /// <summary>Undoes the escape; returns the user key's length, at most the escaped one's.</summary>
    public static int WriteUserKeyOf(ReadOnlySpan<byte> escaped, Span<byte> destination)
    {
        int length = 0;
        while (escaped.IndexOf((byte)0) is var zero and >= 0)
        {
            Invariant.Holds(zero + 1 < escaped.Length && escaped[zero + 1] == EscapedZero, $"no escape at {zero}");
            escaped[..(zero + 1)].CopyTo(destination[length..]);
            length += zero + 1;
            escaped = escaped[(zero + 2)..];
        }

        escaped.CopyTo(destination[length..]);
        return length + escaped.Length;
    }
}
