using System.Buffers.Binary;
using System.Net.Sockets;

namespace Quorate.Bench;

/// <summary>
/// A socket under TLS that never hands over more than one TLS record: what is above it then holds nothing back, so that a
/// connection may sleep until the socket is readable unless <see cref="HasWaiting"/>.
/// </summary>
internal sealed class TlsRecords(Socket socket) : Stream
{
    private const int RecordHeaderBytes = 5; // RFC 8446, 5.1: type, version, length.

    private readonly byte[] _in = new byte[64 * 1024];
    private int _from;
    private int _to;
    private int _leftOfRecord;

    /// <summary>Bytes have come that were not handed over yet.</summary>
    public bool HasWaiting => _to > _from;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        while (_leftOfRecord == 0 ? _to - _from < RecordHeaderBytes : _to == _from)
        {
            if (_from > 0)
            {
                _in.AsSpan(_from, _to - _from).CopyTo(_in);
                (_from, _to) = (0, _to - _from);
            }

            int read = socket.Receive(_in, _to, _in.Length - _to, SocketFlags.None);
            if (read == 0) { return 0; }
            _to += read;
        }

        if (_leftOfRecord == 0) { _leftOfRecord = RecordHeaderBytes + BinaryPrimitives.ReadUInt16BigEndian(_in.AsSpan(_from + 3)); }
        int count = Math.Min(buffer.Length, Math.Min(_leftOfRecord, _to - _from));
        _in.AsSpan(_from, count).CopyTo(buffer);
        _from += count;
        _leftOfRecord -= count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty) { buffer = buffer[socket.Send(buffer)..]; }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
