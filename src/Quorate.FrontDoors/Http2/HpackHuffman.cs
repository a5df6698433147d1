namespace Quorate.FrontDoors.Http2;

/// <summary>HPACK's Huffman code (RFC 7541, appendix B). It is canonical, so the lengths of its codes say all.</summary>
internal static class HpackHuffman
{
    private const int EndOfString = 256;
    private const int RootBits = 9;

    // Bits of the code of each byte, and of the end of the string.
    private static ReadOnlySpan<byte> Lengths =>
    [
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
        6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
        13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
        15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
        20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
        22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
        26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
        20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
        30,
    ];

    // By length: the first code of it, and where its symbols begin in the row of all, sorted by length and then by value.
    private static readonly uint[] FirstCode = new uint[32];
    private static readonly int[] FirstSymbol = new int[32];
    private static readonly ushort[] Symbols = new ushort[257];

    // The next nine bits of input, if they begin with a whole code: its length << 8 | its byte; else 0.
    private static readonly ushort[] Root = new ushort[1 << RootBits];

    static HpackHuffman()
    {
        uint code = 0;
        int next = 0;
        for (int length = 1; length < 32; length++)
        {
            code <<= 1;
            FirstCode[length] = code;
            FirstSymbol[length] = next;
            for (int symbol = 0; symbol < Symbols.Length; symbol++)
            {
                if (Lengths[symbol] != length) { continue; }
                Symbols[next++] = (ushort)symbol;
                if (length <= RootBits) { Root.AsSpan((int)code << (RootBits - length), 1 << (RootBits - length)).Fill((ushort)((length << 8) | symbol)); }
                code++;
            }
        }
    }

    /// <summary>Bytes that a text of this many can have at most: no code is shorter than five bits.</summary>
    public static int MaxDecoded(int length) => length * 8 / 5;

    /// <summary>Decodes a string.</summary>
    /// <returns>Bytes written; -1 if it is not the code of any text (RFC 7541, 5.2: padding is at most seven ones; the end is never spelled out).</returns>
    public static int Decode(ReadOnlySpan<byte> coded, Span<byte> text)
    {
        int written = 0;
        ulong bits = 0; // The next bits, at the top.
        int count = 0;
        int at = 0;
        while (true)
        {
            while (count <= 56 && at < coded.Length)
            {
                bits |= (ulong)coded[at++] << (56 - count);
                count += 8;
            }

            if (count == 0) { return written; }
            int found = Root[bits >> (64 - RootBits)];
            int length = found >> 8;
            int symbol = found & 0xFF;
            if (found == 0)
            {
                length = RootBits + 1;
                while (length <= 30 && !IsOfLength(bits, length)) { length++; }
                symbol = length > 30 ? EndOfString : Symbols[FirstSymbol[length] + (int)((uint)(bits >> (64 - length)) - FirstCode[length])];
            }

            if (length > count) { return count < 8 && bits >> (64 - count) == (1UL << count) - 1 ? written : -1; }
            if (symbol == EndOfString) { return -1; }
            text[written++] = (byte)symbol;
            bits <<= length;
            count -= length;
        }
    }

    private static bool IsOfLength(ulong bits, int length)
    {
        int symbols = (length < 31 ? FirstSymbol[length + 1] : Symbols.Length) - FirstSymbol[length];
        uint offset = (uint)(bits >> (64 - length)) - FirstCode[length];
        return offset < symbols;
    }
}
