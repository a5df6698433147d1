using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Quorate.Core;

/// <summary>A growing buffer with the few encodings that all our formats are made of: little-endian, LEB128 varints.</summary>
public sealed class ByteWriter : IBufferWriter<byte>
{
    private byte[] _buffer;

    /// <summary>Creates an empty writer.</summary>
    /// <param name="capacity">First size of the buffer in bytes; it doubles as needed.</param>
    public ByteWriter(int capacity = 256) => _buffer = new byte[Math.Max(16, capacity)];

    /// <summary>Bytes written.</summary>
    public int Length { get; private set; }

    /// <summary>What was written. Valid until the next write.</summary>
    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, Length);

    /// <summary>What was written, as memory. Valid until the next write or <see cref="Clear"/>.</summary>
    public ReadOnlyMemory<byte> WrittenMemory => _buffer.AsMemory(0, Length);

    /// <summary>Forgets what was written and keeps the buffer.</summary>
    public void Clear() => Length = 0;

    /// <summary>Drops everything after the first <paramref name="length"/> bytes.</summary>
    public void Truncate(int length)
    {
        Invariant.Holds(length <= Length, $"{length} of {Length}");
        Length = length;
    }

    /// <summary>Hands the buffer over without a copy and starts with a new one.</summary>
    public ReadOnlyMemory<byte> Detach()
    {
        ReadOnlyMemory<byte> written = _buffer.AsMemory(0, Length);
        _buffer = new byte[_buffer.Length];
        Length = 0;
        return written;
    }

    /// <summary>A copy of what was written.</summary>
    public byte[] ToArray() => Written.ToArray();

    /// <summary>Room for <paramref name="count"/> bytes, counted as written; the caller fills all of it.</summary>
    public Span<byte> Reserve(int count)
    {
        Grow(count);
        Span<byte> span = _buffer.AsSpan(Length, count);
        Length += count;
        return span;
    }

    /// <summary>Bytes written earlier, to be filled in now (a length or a checksum in front of what it covers).</summary>
    public Span<byte> Patch(int offset, int count) => _buffer.AsSpan(0, Length).Slice(offset, count);

    /// <summary>One byte.</summary>
    public void U8(byte value) => Reserve(1)[0] = value;

    /// <summary>Two bytes, little-endian.</summary>
    public void U16(ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(Reserve(2), value);

    /// <summary>Four bytes, little-endian.</summary>
    public void U32(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Reserve(4), value);

    /// <summary>Eight bytes, little-endian.</summary>
    public void U64(ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Reserve(8), value);

    /// <summary>One byte, 0 or 1.</summary>
    public void Bool(bool value) => U8(value ? (byte)1 : (byte)0);

    /// <summary>LEB128: seven bits a byte, lowest first; 1 to 10 bytes.</summary>
    public void VarUInt(ulong value)
    {
        Grow(10);
        while (value >= 0x80)
        {
            _buffer[Length++] = unchecked((byte)(value | 0x80));
            value >>= 7;
        }

        _buffer[Length++] = (byte)value;
    }

    /// <summary>A signed number as a varint, small magnitudes short (zigzag).</summary>
    public void VarInt(long value) => VarUInt(unchecked((ulong)((value << 1) ^ (value >> 63))));

    /// <summary>A varint length, then the bytes.</summary>
    public void Bytes(ReadOnlySpan<byte> value)
    {
        VarUInt((ulong)value.Length);
        Raw(value);
    }

    /// <summary>A varint length, then UTF-8.</summary>
    public void Text(string value)
    {
        int count = Encoding.UTF8.GetByteCount(value);
        VarUInt((ulong)count);
        Encoding.UTF8.GetBytes(value, Reserve(count));
    }

    /// <summary>The bytes alone.</summary>
    public void Raw(ReadOnlySpan<byte> value) => value.CopyTo(Reserve(value.Length));

    /// <inheritdoc/>
    public void Advance(int count)
    {
        Invariant.Holds(count >= 0 && count <= _buffer.Length - Length, $"{count} past {Length}");
        Length += count;
    }

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Grow(Math.Max(1, sizeHint));
        return _buffer.AsMemory(Length);
    }

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    private void Grow(int count)
    {
        if (_buffer.Length - Length >= count) { return; }
        Array.Resize(ref _buffer, Math.Max(checked(Length + count), (int)Math.Min(Array.MaxLength, _buffer.Length * 2L)));
    }
}

/// <summary>
/// Reads what <see cref="ByteWriter"/> wrote. Never throws on content: past the end, or on a malformed number, it sets
/// <see cref="Failed"/>, and from then on every read gives zero or empty. Check <see cref="Failed"/> once, at the end.
/// </summary>
public ref struct ByteReader
{
    private readonly ReadOnlySpan<byte> _bytes;

    /// <summary>Starts at the first byte.</summary>
    public ByteReader(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    /// <summary>Where the next read starts.</summary>
    public int Offset { get; private set; }

    /// <summary>True once a read went past the end or met a malformed number.</summary>
    public bool Failed { get; private set; }

    /// <summary>Bytes not read yet; 0 after a failure.</summary>
    public readonly int Remaining => Failed ? 0 : _bytes.Length - Offset;

    /// <summary>True if all was read and nothing failed.</summary>
    public readonly bool AtEnd => !Failed && Offset == _bytes.Length;

    /// <summary>The next <paramref name="count"/> bytes; a view of the input, not a copy.</summary>
    public ReadOnlySpan<byte> Raw(int count)
    {
        if (Failed || count < 0 || count > _bytes.Length - Offset)
        {
            Failed = true;
            return default;
        }

        ReadOnlySpan<byte> span = _bytes.Slice(Offset, count);
        Offset += count;
        return span;
    }

    /// <summary>One byte.</summary>
    public byte U8() => Raw(1) is { Length: 1 } span ? span[0] : (byte)0;

    /// <summary>Two bytes, little-endian.</summary>
    public ushort U16() => Raw(2) is { Length: 2 } span ? BinaryPrimitives.ReadUInt16LittleEndian(span) : (ushort)0;

    /// <summary>Four bytes, little-endian.</summary>
    public uint U32() => Raw(4) is { Length: 4 } span ? BinaryPrimitives.ReadUInt32LittleEndian(span) : 0;

    /// <summary>Eight bytes, little-endian.</summary>
    public ulong U64() => Raw(8) is { Length: 8 } span ? BinaryPrimitives.ReadUInt64LittleEndian(span) : 0;

    /// <summary>One byte that must be 0 or 1.</summary>
    public bool Bool()
    {
        byte value = U8();
        if (value > 1) { Failed = true; }
        return value == 1 && !Failed;
    }

    /// <summary>A LEB128 number of at most 10 bytes.</summary>
    public ulong VarUInt()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            byte b = U8();
            if (Failed) { return 0; }
            if (shift == 63 && b > 1) { break; }
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80) { return value; }
        }

        Failed = true;
        return 0;
    }

    /// <summary>A zigzag varint.</summary>
    public long VarInt()
    {
        ulong value = VarUInt();
        return unchecked((long)(value >> 1) ^ -(long)(value & 1));
    }

    /// <summary>A varint that must not exceed <paramref name="most"/>: a count or length, checked before anything is allocated.</summary>
    public int Count(int most)
    {
        ulong value = VarUInt();
        if (value > (ulong)most)
        {
            Failed = true;
            return 0;
        }

        return (int)value;
    }

    /// <summary>A varint length, then the bytes; a view of the input.</summary>
    public ReadOnlySpan<byte> Bytes() => Raw(Count(Remaining));

    /// <summary>A varint length, then UTF-8.</summary>
    public string Text() => Encoding.UTF8.GetString(Bytes());
}
