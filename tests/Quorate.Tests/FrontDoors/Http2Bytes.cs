using System.Buffers.Binary;
using System.Text;

namespace Quorate.Tests.FrontDoors;

/// <summary>HTTP/2 by hand, for what no client library would send.</summary>
internal static class Http2Bytes
{
    public static byte[] Preface => Encoding.ASCII.GetBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

    public static byte[] Settings => Frame(type: 4, flags: 0, stream: 0, []);

    /// <summary>The headers of a gRPC request, all plain literals.</summary>
    public static byte[] Headers(int stream, string path, byte[]? authority = null, string? encoding = null)
    {
        List<byte> block = [0x83, 0x86]; // :method POST, :scheme http.
        Literal(block, nameIndex: 4, path); // :path
        block.Add(0x41); // :authority, to be indexed.
        block.AddRange(authority ?? Text("localhost:2379"));
        Literal(block, nameIndex: 31, "application/grpc"); // content-type
        if (encoding is not null)
        {
            block.Add(0);
            block.AddRange(Text("grpc-encoding"));
            block.AddRange(Text(encoding));
        }

        return Frame(type: 1, flags: 0x4, stream, [.. block]);
    }

    /// <summary>A string of HPACK, not Huffman-coded.</summary>
    public static byte[] Text(string ascii) => [checked((byte)ascii.Length), .. Encoding.ASCII.GetBytes(ascii)];

    public static byte[] Data(int stream, byte[] payload) => Frame(type: 0, flags: 0x1, stream, payload);

    public static byte[] Message(byte flag, uint length, byte[] bytes)
    {
        byte[] prefix = new byte[5];
        prefix[0] = flag;
        BinaryPrimitives.WriteUInt32BigEndian(prefix.AsSpan(1), length);
        return [.. prefix, .. bytes];
    }

    public static byte[] Frame(byte type, byte flags, int stream, byte[] payload)
    {
        byte[] frame = new byte[9 + payload.Length];
        frame[0] = (byte)(payload.Length >> 16);
        frame[1] = (byte)(payload.Length >> 8);
        frame[2] = (byte)payload.Length;
        frame[3] = type;
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        return frame;
    }

    private static void Literal(List<byte> block, byte nameIndex, string value)
    {
        // Without indexing: a prefix of four bits, and what exceeds 14 in a byte of its own.
        block.AddRange(nameIndex < 15 ? [nameIndex] : [0x0F, (byte)(nameIndex - 15)]);
        block.AddRange(Text(value));
    }
}
