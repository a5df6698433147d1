using System.Buffers.Binary;
using Quorate.Core;

namespace Quorate.Node.Peers;

// What a frame is. The low four bits of the kind byte; the high four are the version of this format.
internal enum PeerFrameKind : byte
{
    // A frame of NodeCore, opaque here.
    Node = 1,

    // Says only that the sender lives.
    Ping = 2,

    Hello = 3,
    Welcome = 4,
    Confirm = 5,
    Refusal = 6,

    // 7 was what a node told of itself.

    // In place of a hello: somebody asks, and the connection ends with the answer. Opaque here.
    Question = 8,
    Answer = 9,
}

// The other side does not speak our protocol, or not correctly. Never a reason to stop: the connection is closed.
internal sealed class PeerProtocolException(string defect) : IOException(defect);

// One frame: length u32 | crc32c of the length u32 | crc32c u32 | version and kind u8 | payload. Little-endian. The length counts
// what follows the second crc, which covers the length and what follows it. The length has a crc of its own because a reader waits
// for what it announces: one damaged bit of it would make a link that carries little deaf for hours, while it seems alive.
internal static class PeerFrame
{
    public const int HeaderBytes = 13;
    private const int LengthCrcOffset = 4;
    private const int CrcOffset = 8;
    private const int CheckedOffset = 12;
    private const byte Version = 2;

    // The crcs are left for Seal, which the writer thread calls: the loop only copies.
    public static void Append(ByteWriter to, PeerFrameKind kind, ReadOnlySpan<byte> payload)
    {
        to.U32((uint)payload.Length + 1);
        to.U32(0);
        to.U32(0);
        to.U8((byte)((Version << 4) | (byte)kind));
        to.Raw(payload);
    }

    // Fills in the checksums of all frames of a buffer.
    public static void Seal(ByteWriter frames)
    {
        int offset = 0;
        while (offset < frames.Length)
        {
            Span<byte> header = frames.Patch(offset, HeaderBytes);
            int length = BinaryPrimitives.ReadInt32LittleEndian(header);
            uint lengthCrc = Crc32C.Compute(header[..4]);
            uint crc = Crc32C.Append(lengthCrc, frames.Patch(offset + CheckedOffset, length));
            BinaryPrimitives.WriteUInt32LittleEndian(header[LengthCrcOffset..], lengthCrc);
            BinaryPrimitives.WriteUInt32LittleEndian(header[CrcOffset..], crc);
            offset += CheckedOffset + length;
        }
    }

    // A length is only a claim, so it is bounded and checked before anything is allocated or waited for.
    public static int CheckLength(ReadOnlySpan<byte> header, int maxPayload)
    {
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(header);
        if (length < 1 || length - 1 > (uint)maxPayload)
        {
            throw new PeerProtocolException($"a frame announces {length} bytes; the most is {maxPayload + 1L}");
        }

        return Crc32C.Compute(header[..LengthCrcOffset]) == BinaryPrimitives.ReadUInt32LittleEndian(header[LengthCrcOffset..])
            ? (int)length - 1
            : throw new PeerProtocolException("the checksum of a frame's length disagrees");
    }

    public static PeerFrameKind Check(ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload)
    {
        uint crc = Crc32C.Append(Crc32C.Append(Crc32C.Compute(header[..4]), header.Slice(CheckedOffset, 1)), payload);
        if (crc != BinaryPrimitives.ReadUInt32LittleEndian(header[CrcOffset..]))
        {
            throw new PeerProtocolException("the checksum of a frame disagrees");
        }

        byte kind = header[CheckedOffset];
        return kind >> 4 == Version && (kind & 0xF) is >= 1 and <= 9 and not 7
            ? (PeerFrameKind)(kind & 0xF)
            : throw new PeerProtocolException($"a frame is of unknown kind 0x{kind:x2}");
    }
}

// Reads frames from a stream, blocking. A payload is the caller's to keep: entries of the log live on in it.
internal sealed class PeerFrameReader(Stream stream)
{
    // Small frames come many at a time out of one read; large ones are read straight into their own array.
    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _start;
    private int _end;

    public long BytesRead { get; private set; }

    // The next frame, or false if the other side closed the connection between two frames.
    public bool TryRead(int maxPayload, out PeerFrameKind kind, out ReadOnlyMemory<byte> payload)
    {
        kind = default;
        payload = default;
        if (!Fill(PeerFrame.HeaderBytes, mayEnd: true)) { return false; }

        Span<byte> header = stackalloc byte[PeerFrame.HeaderBytes];
        _buffer.AsSpan(_start, PeerFrame.HeaderBytes).CopyTo(header);
        _start += PeerFrame.HeaderBytes;
        byte[] bytes = ReadPayload(PeerFrame.CheckLength(header, maxPayload));
        kind = PeerFrame.Check(header, bytes);
        payload = bytes;
        return true;
    }

    // Exactly this many raw bytes; what stands before the first frame of a connection.
    public void ReadRaw(Span<byte> bytes)
    {
        Fill(bytes.Length, mayEnd: false);
        _buffer.AsSpan(_start, bytes.Length).CopyTo(bytes);
        _start += bytes.Length;
    }

    private byte[] ReadPayload(int length)
    {
        // Memory follows the bytes that came, not the number that was announced.
        byte[] bytes = length == 0 ? [] : GC.AllocateUninitializedArray<byte>(Math.Min(length, _buffer.Length));
        int filled = 0;
        while (filled < length)
        {
            if (filled == bytes.Length) { Array.Resize(ref bytes, (int)Math.Min(length, bytes.Length * 2L)); }
            int buffered = Math.Min(_end - _start, bytes.Length - filled);
            if (buffered > 0)
            {
                _buffer.AsSpan(_start, buffered).CopyTo(bytes.AsSpan(filled));
                _start += buffered;
                filled += buffered;
            }
            else if (bytes.Length - filled >= _buffer.Length / 2)
            {
                filled += ReadSome(bytes.AsSpan(filled));
            }
            else
            {
                Fill(1, mayEnd: false);
            }
        }

        return bytes;
    }

    private bool Fill(int count, bool mayEnd)
    {
        if (_end - _start >= count) { return true; }
        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        _end -= _start;
        _start = 0;
        while (_end < count)
        {
            int read = stream.Read(_buffer.AsSpan(_end));
            if (read == 0)
            {
                return mayEnd && _end == 0 ? false : throw new PeerProtocolException("the connection ended inside a frame");
            }

            BytesRead += read;
            _end += read;
        }

        return true;
    }

    private int ReadSome(Span<byte> into)
    {
        int read = stream.Read(into);
        if (read == 0) { throw new PeerProtocolException("the connection ended inside a frame"); }
        BytesRead += read;
        return read;
    }
}
