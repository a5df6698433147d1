using System.Buffers.Binary;
using Google.Protobuf;
using Quorate.Core;

namespace Quorate.Bench;

/// <summary>What differs from one request of a kind to the next.</summary>
/// <param name="Key">The key, in decimal digits.</param>
/// <param name="Last">The last key of a range, as long.</param>
/// <param name="Value">The value to write.</param>
/// <param name="Number">The key's number on top of <see cref="BenchPlan.NumberBase"/>: a lease's id.</param>
internal readonly record struct RequestFields(ByteString Key, ByteString Last, ByteString Value, long Number);

/// <summary>
/// A gRPC message that is encoded once and then rewritten in place. Where the fields are is found by encoding it twice with
/// different ones: so any protobuf message can be a request, and none costs more than copying its digits.
/// </summary>
internal sealed class RequestTemplate
{
    /// <summary>The least number: from here to <see cref="long.MaxValue"/> all take as many bytes as a varint.</summary>
    public const long LeastNumber = 1L << 56;

    private const int PrefixBytes = 5; // gRPC: a flag and the length.
    private const int NumberBytes = 9;
    private const int CounterBytes = 8;

    private readonly byte[] _message;
    private readonly int[] _keys;
    private readonly int[] _lasts;
    private readonly int[] _values;
    private readonly int[] _numbers;
    private readonly int _keyBytes;
    private readonly int _valueBytes;
    private readonly long _numberBase;
    private long _counter;

    /// <summary>Encodes the message and finds its fields.</summary>
    /// <param name="build">Makes the message; what it does not use of the fields does not change.</param>
    /// <param name="plan">Sizes.</param>
    /// <param name="random">Fills the value, once.</param>
    public RequestTemplate(Func<RequestFields, BenchPlan, IMessage> build, BenchPlan plan, Prng random)
    {
        (_keyBytes, _valueBytes, _numberBase) = (plan.KeyBytes, plan.ValueBytes, plan.NumberBase);
        var low = new RequestFields(Filled(_keyBytes, 0), Filled(_keyBytes, 0), Filled(_valueBytes, 0), Repeated(0x01));
        RequestFields high = new(Filled(_keyBytes, 0xff), Filled(_keyBytes, 0xff), Filled(_valueBytes, 0xff), Repeated(0x7e));
        byte[] body = build(low, plan).ToByteArray();
        int[] Find(RequestFields other, int bytes) => Differences(body, build(other, plan).ToByteArray(), bytes);
        _keys = Find(low with { Key = high.Key }, _keyBytes);
        _lasts = Find(low with { Last = high.Last }, _keyBytes);
        _values = Find(low with { Value = high.Value }, _valueBytes);
        _numbers = Find(low with { Number = high.Number }, NumberBytes);

        _message = new byte[PrefixBytes + body.Length];
        BinaryPrimitives.WriteInt32BigEndian(_message.AsSpan(1), body.Length);
        body.CopyTo(_message, PrefixBytes);
        byte[] value = new byte[_valueBytes];
        random.Fill(value);
        foreach (int at in _values) { value.CopyTo(_message, at); }
    }

    /// <summary>The message for a key, and for those up to another one. Valid until the next call.</summary>
    public ReadOnlySpan<byte> For(uint key, uint last)
    {
        foreach (int at in _keys) { Digits(_message.AsSpan(at, _keyBytes), key); }
        foreach (int at in _lasts) { Digits(_message.AsSpan(at, _keyBytes), last); }
        foreach (int at in _numbers) { Number(_message.AsSpan(at, NumberBytes), _numberBase + key); }

        // Different values each time, so that nobody stores them only once.
        if (_valueBytes >= CounterBytes && _values.Length > 0)
        {
            _counter++;
            foreach (int at in _values) { BinaryPrimitives.WriteInt64LittleEndian(_message.AsSpan(at), _counter); }
        }

        return _message;
    }

    /// <summary>Overwrites the beginning of the value until the next call of <see cref="For"/>.</summary>
    public void OverwriteValue(ReadOnlySpan<byte> bytes)
    {
        foreach (int at in _values) { bytes.CopyTo(_message.AsSpan(at, _valueBytes)); }
    }

    private static void Digits(Span<byte> to, uint key)
    {
        for (int i = to.Length - 1; i >= 0; i--)
        {
            to[i] = (byte)('0' + key % 10);
            key /= 10;
        }
    }

    private static void Number(Span<byte> to, long number)
    {
        for (int i = 0; i < to.Length - 1; i++)
        {
            to[i] = (byte)(number | 0x80);
            number >>= 7;
        }

        to[^1] = (byte)number;
    }

    private static ByteString Filled(int bytes, byte with)
    {
        byte[] filled = new byte[bytes];
        filled.AsSpan().Fill(with);
        return ByteString.CopyFrom(filled);
    }

    // Nine times the same seven bits, so that two such numbers differ in every byte of their varints.
    private static long Repeated(byte bits)
    {
        long number = 0;
        for (int i = 0; i < NumberBytes; i++) { number = number << 7 | bits; }
        return number;
    }

    private static int[] Differences(byte[] one, byte[] other, int bytes)
    {
        Invariant.Holds(one.Length == other.Length, $"the messages have {one.Length} and {other.Length} bytes");
        var starts = new List<int>();
        for (int i = 0; i < one.Length; i++)
        {
            if (one[i] == other[i]) { continue; }
            starts.Add(PrefixBytes + i);
            int end = i + bytes;
            while (i < end && one[i] != other[i]) { i++; }
            Invariant.Holds(i == end, $"a field of {bytes} bytes that ends at {end} is interrupted at {i}");
            i--;
        }

        return [.. starts];
    }
}
