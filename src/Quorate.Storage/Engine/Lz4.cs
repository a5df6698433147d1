using System.Buffers.Binary;

namespace Quorate.Storage.Engine;

/// <summary>
/// The LZ4 block format: literals, and copies of what stands up to 65,535 bytes before. Chosen because it is read at the speed of
/// memory; it finds no more than repeated strings.
/// </summary>
/// <remarks>
/// Sequence: token u8 (high half: literals, low half: length of the copy - 4; 15: more follows, bytes that are added up to the first
/// below 255) | more of the literals' count | literals | distance u16 | more of the length. The last sequence has literals only, and a
/// writer leaves the last five bytes as literals and begins no copy in the last twelve (LZ4 block format, "End of block conditions").
/// </remarks>
internal static class Lz4
{
    internal const int LeastCopy = 4;
    internal const int LastLiterals = 5;
    internal const int LastCopyStart = 12;
    internal const int MostDistance = ushort.MaxValue;

    private const int Chunk = 16; // Most literals and copies are shorter; so many bytes are moved without a loop.

    // A byte of input stands for at most 255 of output; so much can be promised before it is looked at.
    public static bool IsPossible(int encoded, long decoded) => decoded <= 255L * encoded;

    /// <summary>Decodes a block whose length is known. Trusts nothing: no byte outside of either span is touched.</summary>
    /// <returns>False if the source is not a block of exactly so many bytes; the destination then holds anything.</returns>
    public static bool TryDecode(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        int from = 0;
        int to = 0;
        while (from < source.Length)
        {
            int token = source[from++];
            int literals = token >> 4;
            if (literals == 15 && !TryAddMore(source, ref from, ref literals, destination.Length)) { return false; }
            if (literals > source.Length - from || literals > destination.Length - to) { return false; }
            if (literals <= Chunk && source.Length - from >= Chunk && destination.Length - to >= Chunk)
            {
                source.Slice(from, Chunk).CopyTo(destination[to..]); // What is too much is overwritten by what follows.
            }
            else { source.Slice(from, literals).CopyTo(destination[to..]); }

            from += literals;
            to += literals;
            if (from == source.Length) { return to == destination.Length; }

            if (source.Length - from < sizeof(ushort)) { return false; }
            int distance = BinaryPrimitives.ReadUInt16LittleEndian(source[from..]);
            from += sizeof(ushort);
            int length = token & 15;
            if (length == 15 && !TryAddMore(source, ref from, ref length, destination.Length)) { return false; }
            length += LeastCopy;
            if (distance == 0 || distance > to || length > destination.Length - to) { return false; }
            if (length <= Chunk && distance >= Chunk && destination.Length - to >= Chunk)
            {
                destination.Slice(to - distance, Chunk).CopyTo(destination[to..]);
            }
            else { Copy(destination, to, distance, length); }

            to += length;
        }

        return false; // It ends with a copy, or is empty.
    }

    private static bool TryAddMore(ReadOnlySpan<byte> source, ref int from, ref int count, int most)
    {
        while (from < source.Length)
        {
            byte more = source[from++];
            count += more;
            if (count > most) { return false; }
            if (more < byte.MaxValue) { return true; }
        }

        return false;
    }

    // What is copied may overlap what is written: then it repeats itself.
    private static void Copy(Span<byte> bytes, int to, int distance, int length)
    {
        int start = to - distance;
        for (int known = distance; length > 0; known += known)
        {
            int part = Math.Min(known, length);
            bytes.Slice(start, part).CopyTo(bytes[to..]);
            to += part;
            length -= part;
        }
    }
}

/// <summary>Encodes blocks as <see cref="Lz4"/> has them. Equal input gives equal output. For one thread at a time.</summary>
internal sealed class Lz4Encoder
{
    private const int HashBits = 13;    // 32 KiB: the table stays in the processor's cache beside a block.
    private const int MissesToSkip = 6; // After 64 misses in a row two bytes are skipped at a time, and so on: random bytes cost little.

    private readonly int[] _lastSeen = new int[1 << HashBits]; // Position + 1 of the last four bytes with a hash.

    /// <summary>Encodes a block.</summary>
    /// <returns>Bytes written; 0 if they do not fit into the destination.</returns>
    public int Encode(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        unchecked
        {
            Array.Clear(_lastSeen);
            int written = 0;
            int anchor = 0; // All before it is written.
            int at = 0;
            int misses = 0;
            while (at < source.Length - Lz4.LastCopyStart)
            {
                uint four = BinaryPrimitives.ReadUInt32LittleEndian(source[at..]);
                ref int seen = ref _lastSeen[Hash(four)];
                int match = seen - 1;
                seen = at + 1;
                if (match < 0 || at - match > Lz4.MostDistance || BinaryPrimitives.ReadUInt32LittleEndian(source[match..]) != four)
                {
                    at += 1 + (misses++ >> MissesToSkip);
                    continue;
                }

                while (at > anchor && match > 0 && source[at - 1] == source[match - 1])
                {
                    at--;
                    match--;
                }

                ReadOnlySpan<byte> rest = source[at..^Lz4.LastLiterals];
                int length = rest.CommonPrefixLength(source[match..]);
                if (!TryWrite(destination, ref written, source[anchor..at], at - match, length)) { return 0; }
                at += length;
                anchor = at;
                misses = 0;
            }

            return TryWrite(destination, ref written, source[anchor..], distance: 0, length: 0) ? written : 0;
        }
    }

    // One sequence; the last one has no distance.
    private static bool TryWrite(Span<byte> destination, ref int written, ReadOnlySpan<byte> literals, int distance, int length)
    {
        int copy = distance == 0 ? 0 : length - Lz4.LeastCopy;
        long most = 1L + (literals.Length / 255) + 1 + literals.Length + (distance == 0 ? 0 : sizeof(ushort) + (copy / 255) + 1);
        if (most > destination.Length - written) { return false; }
        destination[written++] = (byte)((Math.Min(literals.Length, 15) << 4) | Math.Min(copy, 15));
        WriteMore(destination, ref written, literals.Length);
        literals.CopyTo(destination[written..]);
        written += literals.Length;
        if (distance == 0) { return true; }
        BinaryPrimitives.WriteUInt16LittleEndian(destination[written..], (ushort)distance);
        written += sizeof(ushort);
        WriteMore(destination, ref written, copy);
        return true;
    }

    private static void WriteMore(Span<byte> destination, ref int written, int count)
    {
        for (count -= 15; count >= 0; count -= byte.MaxValue) { destination[written++] = (byte)Math.Min(count, byte.MaxValue); }
    }

    // Multiplicative hashing (Knuth, volume 3, 6.4).
    private static int Hash(uint four) => (int)(unchecked(four * 2654435761) >> (32 - HashBits));
}
