using System.Buffers.Binary;
using Quorate.Core;

namespace Quorate.Storage.Engine;

/// <summary>Walks a block whose checksum was right. What is malformed all the same is damage, never a crash of the reader.</summary>
internal sealed class BlockCursor
{
    private byte[] _block = [];
    private string _path = "";
    private int _end;           // Where the records end and the restarts begin.
    private int _restarts;
    private int _record = -1;   // Offset of the record it stands on; -1: none.
    private int _next;          // Offset of the record behind it.
    private byte[] _key = new byte[64];
    private int _keyLength;
    private int _value;
    private int _valueLength;   // -1: the key was deleted.

    public long BlockOffset { get; private set; } = -1;

    public bool IsValid => _record >= 0;

    public ReadOnlySpan<byte> Key => _key.AsSpan(0, _keyLength);

    public ReadOnlySpan<byte> Value => _block.AsSpan(_value, Math.Max(0, _valueLength));

    public bool IsTombstone => _valueLength < 0;

    // Moves to another block. The array may be longer than the block.
    public void Reset(byte[] block, int length, string path, long offset)
    {
        _block = block;
        _path = path;
        BlockOffset = offset;
        _record = -1;
        if (length < sizeof(uint)) { throw Damage("the block is too short"); }
        uint restarts = BinaryPrimitives.ReadUInt32LittleEndian(block.AsSpan(length - sizeof(uint), sizeof(uint)));
        if (restarts == 0 || restarts > (uint)(length / sizeof(uint)) - 1) { throw Damage($"{restarts} restarts in {length} bytes"); }
        _restarts = (int)restarts;
        _end = length - ((_restarts + 1) * sizeof(uint));
    }

    // Forgets the block, so that nothing is reused for another file.
    public void Clear()
    {
        BlockOffset = -1;
        _record = -1;
    }

    public void SeekFirst()
    {
        ToRestart(0);
        Next();
    }

    public void SeekLast()
    {
        ToRestart(_restarts - 1);
        do { Next(); } while (_next < _end);
    }

    public void Seek(ReadOnlySpan<byte> key)
    {
        ToRestart(LastRestartBefore(key));
        do { Next(); } while (IsValid && Key.SequenceCompareTo(key) < 0);
    }

    public void SeekBefore(ReadOnlySpan<byte> key)
    {
        int restart = LastRestartBefore(key);
        ToRestart(restart);
        int found = -1;
        for (Next(); IsValid && Key.SequenceCompareTo(key) < 0; Next()) { found = _record; }
        if (found < 0) { _record = -1; }
        else if (found != _record) { ToRecord(restart, found); }
    }

    public void Next()
    {
        if (_next >= _end)
        {
            _record = -1;
            return;
        }

        _record = _next;
        int at = _record;
        int shared = Number(ref at);
        int rest = Number(ref at);
        int value = Number(ref at);
        if (shared > _keyLength || rest > _end - at || Math.Max(0, value - 1) > _end - at - rest) { throw Damage("a record runs past its block"); }
        if (shared + rest > _key.Length) { Array.Resize(ref _key, Math.Max(shared + rest, _key.Length * 2)); }
        _block.AsSpan(at, rest).CopyTo(_key.AsSpan(shared));
        _keyLength = shared + rest;
        _value = at + rest;
        _valueLength = value - 1;
        _next = _value + Math.Max(0, _valueLength);
    }

    public void Previous()
    {
        int before = _record;
        if (before == 0)
        {
            _record = -1;
            return;
        }

        int restart = _restarts - 1;
        while (Restart(restart) >= before) { restart--; }
        ToRestart(restart);
        do { Next(); } while (_next < before);
        if (_next != before) { throw Damage("restarts and records disagree"); }
    }

    private CorruptFileException Damage(string defect) => new(_path, BlockOffset, defect);

    private int Restart(int number)
    {
        uint offset = BinaryPrimitives.ReadUInt32LittleEndian(_block.AsSpan(_end + (number * sizeof(uint)), sizeof(uint)));
        return offset < (uint)_end && (number > 0 || offset == 0) ? (int)offset : throw Damage($"restart {number} at {offset} of {_end}");
    }

    private void ToRestart(int number)
    {
        _next = Restart(number);
        _keyLength = 0;
        _record = -1;
    }

    private void ToRecord(int restart, int record)
    {
        ToRestart(restart);
        do { Next(); } while (_record < record);
    }

    // The last restart whose key is before the given one; the first restart if none is.
    private int LastRestartBefore(ReadOnlySpan<byte> key)
    {
        int low = 0;
        int high = _restarts - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (RestartKey(middle).SequenceCompareTo(key) < 0) { low = middle; }
            else { high = middle - 1; }
        }

        return low;
    }

    private ReadOnlySpan<byte> RestartKey(int number)
    {
        int at = Restart(number);
        int shared = Number(ref at);
        int length = Number(ref at);
        Number(ref at);
        return shared == 0 && length <= _end - at ? _block.AsSpan(at, length) : throw Damage($"restart {number} does not stand whole");
    }

    // A varint of at most 31 bits.
    private int Number(ref int at)
    {
        uint value = 0;
        for (int shift = 0; shift < 35 && at < _end; shift += 7)
        {
            uint b = _block[at++];
            if (shift == 28 && b > 7) { break; }
            value |= (b & 0x7F) << shift;
            if (b < 0x80) { return (int)value; }
        }

        throw Damage("a malformed number");
    }
}
