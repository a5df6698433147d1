using System.Buffers.Binary;

namespace Quorate.Bench;

/// <summary>
/// Walks over the fields of a protobuf message without building it: a load generator looks at two or three fields of an answer,
/// and must not spend more on it than the server did. What is not well-formed ends the walk, with <see cref="IsBroken"/>.
/// </summary>
internal ref struct ProtoWalker(ReadOnlySpan<byte> message)
{
    private const int Varint = 0;
    private const int Fixed64 = 1;
    private const int LengthDelimited = 2;
    private const int Fixed32 = 5;

    private ReadOnlySpan<byte> _rest = message;

    /// <summary>Number of the field that <see cref="Next"/> came to.</summary>
    public int Field { get; private set; }

    /// <summary>Its value, if it is a number.</summary>
    public ulong Number { get; private set; }

    /// <summary>Its bytes, if it is a text, bytes or a message.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    /// <summary>The walk ended before the message did.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>Goes to the next field; false at the end.</summary>
    public bool Next()
    {
        if (_rest.IsEmpty) { return false; }
        if (!TryVarint(ref _rest, out ulong tag)) { return Broken(); }
        Field = (int)(tag >> 3);
        switch ((int)(tag & 7))
        {
            case Varint:
                if (!TryVarint(ref _rest, out ulong number)) { return Broken(); }
                Number = number;
                return true;
            case Fixed64 when _rest.Length >= 8:
                Number = BinaryPrimitives.ReadUInt64LittleEndian(_rest);
                _rest = _rest[8..];
                return true;
            case Fixed32 when _rest.Length >= 4:
                Number = BinaryPrimitives.ReadUInt32LittleEndian(_rest);
                _rest = _rest[4..];
                return true;
            case LengthDelimited:
                if (!TryVarint(ref _rest, out ulong length) || length > (ulong)_rest.Length) { return Broken(); }
                Bytes = _rest[..(int)length];
                _rest = _rest[(int)length..];
                return true;
            default:
                return Broken();
        }
    }

    private bool Broken()
    {
        _rest = default;
        IsBroken = true;
        return false;
    }

    private static bool TryVarint(ref ReadOnlySpan<byte> from, out ulong value)
    {
        value = 0;
        for (int i = 0; i < from.Length && i < 10; i++)
        {
            value |= (ulong)(from[i] & 0x7f) << (7 * i);
            if ((from[i] & 0x80) == 0)
            {
                from = from[(i + 1)..];
                return true;
            }
        }

        return false;
    }
}
