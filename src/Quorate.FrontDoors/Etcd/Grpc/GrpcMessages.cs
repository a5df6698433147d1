using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Google.Protobuf;
using Quorate.Core;

namespace Quorate.FrontDoors.Etcd;

/// <summary>Messages as gRPC frames them: a zero byte (or 1: compressed), the length big-endian, the message.</summary>
internal static class GrpcMessages
{
    private const int PrefixBytes = 5;

    // Below this one contiguous span is asked for; above, the message is written in the pipe's own pieces.
    private const int OneSpanBytes = 4096;

    /// <summary>Reads the next message; neither a request nor an error if the body ends before it.</summary>
    public static async ValueTask<StreamRead> ReadAsync(
        PipeReader body, MessageParser parser, int maxMessageBytes, CancellationToken stop)
    {
        while (true)
        {
            if (!body.TryRead(out ReadResult read)) { read = await body.ReadAsync(stop); }
            ReadOnlySequence<byte> buffer = read.Buffer;
            if (buffer.Length >= PrefixBytes)
            {
                (uint length, EtcdError? refusal) = ReadPrefix(buffer, maxMessageBytes);
                if (refusal is not null)
                {
                    body.AdvanceTo(buffer.End);
                    return new(null, refusal);
                }

                if (buffer.Length >= PrefixBytes + length)
                {
                    ReadOnlySequence<byte> bytes = buffer.Slice(PrefixBytes, length);
                    StreamRead parsed = Parse(bytes, parser) with { Bytes = (int)length };
                    body.AdvanceTo(bytes.End);
                    return parsed;
                }
            }

            body.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted) { return new(null, buffer.IsEmpty ? null : EtcdErrors.CutShort); }
        }
    }

    /// <summary>Writes a message; nothing is flushed.</summary>
    /// <param name="body">Where to.</param>
    /// <param name="message">The message.</param>
    /// <param name="size">Its size as it calculates it.</param>
    public static void Write(PipeWriter body, IMessage message, int size)
    {
        int first = size <= OneSpanBytes ? PrefixBytes + size : PrefixBytes;
        Span<byte> span = body.GetSpan(first)[..first];
        span[0] = 0;
        BinaryPrimitives.WriteUInt32BigEndian(span[1..], (uint)size);
        if (first > PrefixBytes) { message.WriteTo(span[PrefixBytes..]); }
        body.Advance(first);
        if (size > OneSpanBytes) { message.WriteTo(body); }
    }

    /// <summary>Writes one message that comes in parts, each as soon as the one before is on its way.</summary>
    /// <exception cref="AnswerCutException">A part cannot be read any more; what was written is not a whole message.</exception>
    public static async Task WriteAsync(PipeWriter body, EtcdParts parts, CancellationToken stop)
    {
        Span<byte> prefix = body.GetSpan(PrefixBytes);
        prefix[0] = 0;
        BinaryPrimitives.WriteUInt32BigEndian(prefix[1..], (uint)parts.Size);
        body.Advance(PrefixBytes);
        long written = 0;
        await foreach (IMessage part in parts.Messages)
        {
            part.WriteTo(body);
            written += part.CalculateSize();
            FlushResult flushed = await body.FlushAsync(stop);
            if (flushed.IsCompleted) { throw new OperationCanceledException("nobody reads the answer"); }
        }

        Invariant.Holds(written == parts.Size, $"an answer of {parts.Size} bytes became {written}");
    }

    // The length is the client's claim: it is compared with the limit before any byte is waited for.
    private static (uint Length, EtcdError? Refusal) ReadPrefix(ReadOnlySequence<byte> buffer, int maxMessageBytes)
    {
        Span<byte> prefix = stackalloc byte[PrefixBytes];
        buffer.Slice(0, PrefixBytes).CopyTo(prefix);
        if (prefix[0] != 0) { return (0, EtcdErrors.CompressedWithoutEncoding); }
        uint length = BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
        return length > maxMessageBytes ? (0, EtcdErrors.MessageTooLarge(length, maxMessageBytes)) : (length, null);
    }

    private static StreamRead Parse(ReadOnlySequence<byte> bytes, MessageParser parser)
    {
        try
        {
            return new(bytes.IsSingleSegment ? parser.ParseFrom(bytes.FirstSpan) : parser.ParseFrom(bytes), null);
        }
        catch (InvalidProtocolBufferException e)
        {
            return new(null, EtcdErrors.Unreadable(e.Message));
        }
        catch (Exception e) when (e is IndexOutOfRangeException or ArgumentException or OverflowException)
        {
            // Google.Protobuf 3.25.1 itself stumbles over some lengths (a nested message of 2^31-1 bytes).
            return new(null, EtcdErrors.Unreadable("a length is out of bounds"));
        }
    }
}
