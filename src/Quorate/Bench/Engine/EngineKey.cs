using System.Buffers.Binary;
using Quorate.Core;

namespace Quorate.Bench.Engine;

/// <summary>The keys of db_bench: a number in eight bytes, most significant first, then the digit 0 to the full length.</summary>
internal static class EngineKey
{
    /// <summary>Bytes of the number, and so the least length of a key.</summary>
    public const int NumberBytes = 8;

    /// <summary>Fills the whole span.</summary>
    public static void Write(Span<byte> key, int number)
    {
        BinaryPrimitives.WriteUInt64BigEndian(key, (ulong)number);
        key[NumberBytes..].Fill((byte)'0');
    }
}

/// <summary>Values that a compressor halves, as those of db_bench: each is a piece of one random buffer, further on each time.</summary>
internal sealed class EngineValues
{
    private const int PieceBytes = 100;
    private const int PoolBytes = 1024 * 1024;

    private readonly byte[] _pool;
    private readonly int _valueBytes;
    private int _at;

    /// <summary>Makes the buffer.</summary>
    public EngineValues(int valueBytes, Prng random)
    {
        _valueBytes = valueBytes;
        _pool = new byte[PoolBytes + valueBytes];
        for (int piece = 0; piece < _pool.Length; piece += PieceBytes)
        {
            // Half of a piece is random text, the other half repeats it.
            for (int i = piece; i < Math.Min(piece + PieceBytes, _pool.Length); i++)
            {
                _pool[i] = i - piece < PieceBytes / 2 ? (byte)(' ' + random.Below(95)) : _pool[i - (PieceBytes / 2)];
            }
        }
    }

    /// <summary>The next value; never changes.</summary>
    public ReadOnlyMemory<byte> Next()
    {
        if (_at + _valueBytes > PoolBytes) { _at = 0; }
        ReadOnlyMemory<byte> value = _pool.AsMemory(_at, _valueBytes);
        _at += Math.Max(1, _valueBytes);
        return value;
    }
}
