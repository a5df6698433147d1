using System.Buffers.Binary;
using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>Reads a dump from its first byte to its last, and believes nothing that its checksums do not cover.</summary>
public sealed class KvDumpReader
{
    private readonly Stream _stream;
    private readonly string _name;
    private readonly byte[] _prefix = new byte[KvDumpFrame.PrefixBytes];
    private byte[] _payload = [];
    private int _length;
    private int _at;
    private ulong _number;
    private long _offset;
    private ulong _records;
    private bool _hasEnded;
    private (int Start, int Length) _key;
    private (int Start, int Length) _value;

    /// <summary>Reads the header.</summary>
    /// <param name="stream">The dump, without the checksum that a client may have put behind it. Not disposed of here.</param>
    /// <param name="name">What to call it in errors.</param>
    /// <exception cref="CorruptFileException">It is no dump, is damaged, or of a format that this version does not know.</exception>
    public KvDumpReader(Stream stream, string name)
    {
        _stream = stream;
        _name = name;
        byte kind = ReadFrame();
        if (kind != KvDumpFrame.HeaderKind || _length < 2) { throw Damaged("it does not begin with a header"); }
        if (_payload[1] != KvDumpFrame.Format) { throw Damaged($"its format is {_payload[1]}; this version reads {KvDumpFrame.Format}"); }
        Header = KvDumpHeader.Read(_payload.AsSpan(2, _length - 2)) ?? throw Damaged("its header is malformed");
        _at = _length;
    }

    /// <summary>What the dump says of itself.</summary>
    public KvDumpHeader Header { get; }

    /// <summary>Records read.</summary>
    public ulong Records => _records;

    /// <summary>The record's key in the store. Valid until the next move.</summary>
    internal ReadOnlySpan<byte> Key => _payload.AsSpan(_key.Start, _key.Length);

    /// <summary>The record's value. Valid until the next move.</summary>
    internal ReadOnlySpan<byte> Value => _payload.AsSpan(_value.Start, _value.Length);

    /// <summary>Moves to the next record. False at the end, when all of the dump was there.</summary>
    /// <exception cref="CorruptFileException">Something is damaged or missing. What was read before is as it was written.</exception>
    public bool MoveNext()
    {
        while (_at == _length)
        {
            if (_hasEnded) { return false; }
            byte kind = ReadFrame();
            _at = 1;
            if (kind == KvDumpFrame.EndKind) { End(); }
            else if (kind != KvDumpFrame.RecordsKind) { throw Damaged($"a frame of the unknown kind {kind}"); }
        }

        var reader = new ByteReader(_payload.AsSpan(_at, _length - _at));
        int keyLength = reader.Bytes().Length;
        _key = (_at + reader.Offset - keyLength, keyLength);
        int valueLength = reader.Bytes().Length;
        _value = (_at + reader.Offset - valueLength, valueLength);
        if (reader.Failed || keyLength == 0) { throw Damaged("a malformed record"); }
        _at += reader.Offset;
        _records++;
        return true;
    }

    private void End()
    {
        var reader = new ByteReader(_payload.AsSpan(1, _length - 1));
        ulong records = reader.VarUInt();
        if (!reader.AtEnd || records != _records) { throw Damaged($"it says {records} records and has {_records}"); }
        _at = _length;
        _hasEnded = true;

        // Zeros up to the end of the block, and nothing else.
        Span<byte> rest = stackalloc byte[KvDumpFrame.BlockBytes];
        int padding = _stream.ReadAtLeast(rest, rest.Length, throwOnEndOfStream: false);
        if ((_offset + padding) % KvDumpFrame.BlockBytes != 0 || padding == rest.Length || rest[..padding].ContainsAnyExcept((byte)0))
        {
            throw Damaged("the end is cut off, or something follows it");
        }
    }

    private byte ReadFrame()
    {
        if (_stream.ReadAtLeast(_prefix, _prefix.Length, throwOnEndOfStream: false) < _prefix.Length) { throw Damaged("it is cut off"); }
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(_prefix);
        if (length is 0 or > KvDumpFrame.MaxPayloadBytes) { throw Damaged("no frame begins here"); }
        if (_payload.Length < length) { _payload = new byte[length]; }
        _length = (int)length;
        Span<byte> payload = _payload.AsSpan(0, _length);
        if (_stream.ReadAtLeast(payload, _length, throwOnEndOfStream: false) < _length) { throw Damaged("it is cut off"); }
        if (KvDumpFrame.Checksum(_number, payload) != BinaryPrimitives.ReadUInt32LittleEndian(_prefix.AsSpan(4)))
        {
            throw Damaged($"the checksum of frame {_number} disagrees");
        }

        _offset += KvDumpFrame.PrefixBytes + _length;
        _number++;
        return payload[0];
    }

    private CorruptFileException Damaged(string defect) => new(_name, _offset, defect);
}
