using System.Buffers.Binary;
using System.Text;

namespace Quorate.Bench;

/// <summary>
/// As much of HTTP/2 (RFC 9113) and HPACK (RFC 7541) as a load generator needs that sends a few requests over and over:
/// a general client spends more on a call than our server does, and both share the cores.
/// </summary>
internal static class Http2Frames
{
    public const int HeaderBytes = 9;
    public const int MaxFrameBytes = 16_384; // What each side must take; we ask for no more and send no more.
    public const byte Data = 0;
    public const byte Headers = 1;
    public const byte RstStream = 3;
    public const byte Settings = 4;
    public const byte Ping = 6;
    public const byte GoAway = 7;
    public const byte WindowUpdate = 8;
    public const byte EndStream = 1;
    public const byte Ack = 1;
    public const byte EndHeaders = 4;
    public const byte Padded = 8;

    /// <summary>What the windows of a connection and of its streams start with.</summary>
    public const int InitialWindow = 65_535;

    // "grpc-status" as Huffman code, as Go's servers send it; compared instead of decoded.
    private static ReadOnlySpan<byte> GrpcStatusHuffman => [0x9a, 0xca, 0xc8, 0xb2, 0x12, 0x34, 0xda, 0x8f];

    /// <summary>Writes the 9 bytes in front of a frame.</summary>
    public static void WriteHeader(Span<byte> to, int length, byte type, byte flags, int stream)
    {
        to[0] = (byte)(length >> 16);
        to[1] = (byte)(length >> 8);
        to[2] = (byte)length;
        to[3] = type;
        to[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(to[5..], stream);
    }

    /// <summary>Preface, settings and window: no dynamic table for answers, no pushes, answers of any size.</summary>
    public static byte[] Preface()
    {
        var bytes = new List<byte>();
        bytes.AddRange("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8);
        byte[] frame = new byte[HeaderBytes + 18];
        WriteHeader(frame, 18, Settings, 0, 0);
        Setting(frame.AsSpan(9), 1, 0); // HEADER_TABLE_SIZE: nothing to remember, so blocks can be read on their own.
        Setting(frame.AsSpan(15), 2, 0); // ENABLE_PUSH
        Setting(frame.AsSpan(21), 4, int.MaxValue); // INITIAL_WINDOW_SIZE
        bytes.AddRange(frame);
        bytes.AddRange(WindowUpdateFrame(int.MaxValue - InitialWindow));
        return [.. bytes];
    }

    /// <summary>Opens a stream's window further, or the connection's.</summary>
    public static byte[] WindowUpdateFrame(int more, int stream = 0)
    {
        byte[] frame = new byte[HeaderBytes + 4];
        WriteHeader(frame, 4, WindowUpdate, 0, stream);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(HeaderBytes), more);
        return frame;
    }

    /// <summary>The status in a header block, or -1 if it holds none that can be read.</summary>
    public static int GrpcStatus(ReadOnlySpan<byte> block)
    {
        while (!block.IsEmpty)
        {
            byte first = block[0];
            if ((first & 0x80) != 0)
            {
                if (!Number(ref block, 7, out _)) { return -1; }
                continue;
            }

            if ((first & 0xe0) == 0x20)
            {
                if (!Number(ref block, 5, out _)) { return -1; }
                continue;
            }

            if (!Number(ref block, (first & 0x40) != 0 ? 6 : 4, out int index)) { return -1; }
            bool isStatus = false;
            if (index == 0)
            {
                if (!String(ref block, out ReadOnlySpan<byte> name, out bool isHuffman)) { return -1; }
                isStatus = name.SequenceEqual(isHuffman ? GrpcStatusHuffman : "grpc-status"u8);
            }

            if (!String(ref block, out ReadOnlySpan<byte> value, out bool isCoded)) { return -1; }
            if (isStatus) { return isCoded ? -1 : Digits(value); } // Two digits never get shorter by Huffman's code.
        }

        return -1;
    }

    private static int Digits(ReadOnlySpan<byte> text) =>
        System.Buffers.Text.Utf8Parser.TryParse(text, out int value, out int used) && used == text.Length ? value : -1;

    private static void Setting(Span<byte> to, ushort id, int value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(to, id);
        BinaryPrimitives.WriteInt32BigEndian(to[2..], value);
    }

    /// <summary>Appends a text as HPACK has it, without Huffman's code.</summary>
    public static void Text(List<byte> block, string text)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        if (bytes.Length < 127)
        {
            block.Add((byte)bytes.Length);
        }
        else
        {
            block.Add(127);
            int rest = bytes.Length - 127;
            for (; rest >= 128; rest >>= 7) { block.Add((byte)(rest & 0x7f | 0x80)); }
            block.Add((byte)rest);
        }

        block.AddRange(bytes);
    }

    private static bool Number(ref ReadOnlySpan<byte> block, int bits, out int value)
    {
        value = 0;
        if (block.IsEmpty) { return false; }
        int mask = (1 << bits) - 1;
        value = block[0] & mask;
        block = block[1..];
        if (value < mask) { return true; }
        for (int shift = 0; shift < 28; shift += 7)
        {
            if (block.IsEmpty) { return false; }
            byte b = block[0];
            block = block[1..];
            value += (b & 0x7f) << shift;
            if ((b & 0x80) == 0) { return true; }
        }

        return false;
    }

    private static bool String(ref ReadOnlySpan<byte> block, out ReadOnlySpan<byte> text, out bool isHuffman)
    {
        text = default;
        isHuffman = !block.IsEmpty && (block[0] & 0x80) != 0;
        if (!Number(ref block, 7, out int length) || length > block.Length) { return false; }
        text = block[..length];
        block = block[length..];
        return true;
    }
}
