using System.Buffers.Binary;
using Quorate.Core;

namespace Quorate.Bench;

/// <summary>The gRPC message of one request, rewritten in place for each: only the key's digits and a counter change.</summary>
internal sealed class RequestBytes
{
    private const int CounterBytes = 8;

    private readonly byte[] _message;
    private readonly int _keyAt;
    private readonly int _keyBytes;
    private readonly int _valueAt;
    private readonly int _valueBytes;
    private readonly uint _keys;
    private readonly Prng _random;
    private long _counter;

    /// <summary>Prepares the message.</summary>
    /// <param name="plan">Sizes and operation.</param>
    /// <param name="random">Draws keys; fills the value once.</param>
    public RequestBytes(BenchPlan plan, Prng random)
    {
        _random = random;
        _keys = (uint)plan.Keys;
        _keyBytes = plan.KeyBytes;
        _valueBytes = plan.Operation == BenchOperation.Put ? plan.ValueBytes : 0;

        var body = new List<byte> { 0x0a }; // Field 1, bytes: the key, in both requests.
        Varint(body, (uint)plan.KeyBytes);
        int keyAt = body.Count;
        body.AddRange(new byte[plan.KeyBytes]);
        int valueAt = 0;
        if (plan.Operation == BenchOperation.Put)
        {
            body.Add(0x12); // Field 2, bytes: the value.
            Varint(body, (uint)plan.ValueBytes);
            valueAt = body.Count;
            for (int i = 0; i < plan.ValueBytes; i++) { body.Add((byte)random.Below(256)); }
        }
        else if (plan.Serializable)
        {
            body.Add(0x38); // Field 7, varint: serializable.
            body.Add(1);
        }

        _message = new byte[5 + body.Count];
        BinaryPrimitives.WriteInt32BigEndian(_message.AsSpan(1), body.Count);
        body.CopyTo(_message, 5);
        _keyAt = 5 + keyAt;
        _valueAt = 5 + valueAt;
    }

    /// <summary>Bytes of every message.</summary>
    public int Length => _message.Length;

    /// <summary>The message for a key drawn at random. Valid until the next call.</summary>
    public ReadOnlySpan<byte> Next() => For((uint)_random.Below((int)_keys));

    /// <summary>The message for one key. Valid until the next call.</summary>
    public ReadOnlySpan<byte> For(uint key)
    {
        Span<byte> digits = _message.AsSpan(_keyAt, _keyBytes);
        for (int i = digits.Length - 1; i >= 0; i--)
        {
            digits[i] = (byte)('0' + key % 10);
            key /= 10;
        }

        // Different values each time, so that nobody stores them only once.
        if (_valueBytes >= CounterBytes) { BinaryPrimitives.WriteInt64LittleEndian(_message.AsSpan(_valueAt), ++_counter); }
        return _message;
    }

    private static void Varint(List<byte> to, uint value)
    {
        for (; value >= 128; value >>= 7) { to.Add((byte)(value & 0x7f | 0x80)); }
        to.Add((byte)value);
    }
}
