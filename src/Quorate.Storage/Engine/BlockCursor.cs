using System.Buffers.Binary;
using Quorate.Core;

namespace Quorate.Storage.Engine;

/// <summary>
/// Walks a block whose checksum was right, and holds it meanwhile. What is malformed all the same is damage, never a crash of the
/// reader.
/// </summary>
internal sealed unsafe class BlockCursor
{
    private Block? _held;
    private byte* _bytes;
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

    // Readable while the block is held, here or elsewhere.
    public ReadOnlySpan<byte> Value => At(_value, Math.Max(0, _valueLength));

    public Block Block => _held!;

    public bool IsTombstone => _valueLength < 0;

    // Moves to another block, and takes over the caller's reference.
    public void Reset(Block block, string path, long offset)
    {
        Clear();
        _held = block;
        _bytes = block.Start;
        _path = path;
        BlockOffset = offset;
        ReadOnlySpan<byte> bytes = block.Span;
        uint restarts = bytes.Length < sizeof(uint) ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(bytes[^sizeof(uint)..]);
        if (restarts == 0 || restarts > (uint)(bytes.Length / sizeof(uint)) - 1)
        {
            CorruptFileException damage = Damage($"{restarts} restarts in {bytes.Length} bytes");
            Clear();
            throw damage;
        }

        _restarts = (int)restarts;
        _end = bytes.Length - ((_restarts + 1) * sizeof(uint));
    }

    // Lets go of the block, so that nothing is reused for another file.
    public void Clear()
    {
        Block? held = _held;
        _held = null;
        _bytes = null;
        BlockOffset = -1;
        _record = -1;
        _valueLength = 0;
        held?.Release();
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
        int record = _next;
        _record = -1; // Until the whole record was found to be sound: none of its bytes are looked at before.
        if (record >= _end) { return; }
        int at = record;
        int shared = Number(ref at);
        int rest = Number(ref at);
        int value = Number(ref at);
        if (shared > _keyLength || rest > _end - at || Math.Max(0, value - 1) > _end - at - rest) { throw Damage("a record runs past its block"); }
        if (shared + rest > _key.Length) { Array.Resize(ref _key, Math.Max(shared + rest, _key.Length * 2)); }
        At(at, rest).CopyTo(_key.AsSpan(shared));
        _keyLength = shared + rest;
        _value = at + rest;
        _valueLength = value - 1;
        _next = _value + Math.Max(0, _valueLength);
        _record = record;
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

    // Nothing checks the bounds here: whoever calls has done so.
    private ReadOnlySpan<byte> At(int offset, int length) => new(unchecked(_bytes + offset), length);

    private CorruptFileException Damage(string defect) => new(_path, BlockOffset, defect);

    private int Restart(int number)
    {
        uint offset = BinaryPrimitives.ReadUInt32LittleEndian(At(_end + (number * sizeof(uint)), sizeof(uint)));
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
        return shared == 0 && length <= _end - at ? At(at, length) : throw Damage($"restart {number} does not stand whole");
    }

    // A varint of at most 31 bits.
    private int Number(ref int at)
    {
        uint value = 0;
        for (int shift = 0; shift < 35 && at < _end; shift += 7)
        {
            uint b = _bytes[at++];
            if (shift == 28 && b > 7) { break; }
            value |= (b & 0x7F) << shift;
            if (b < 0x80) { return (int)value; }
        }

        throw Damage("a malformed number");
    }
}
