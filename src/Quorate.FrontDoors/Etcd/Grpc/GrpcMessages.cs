using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using Quorate.Core;
using Quorate.FrontDoors.Http2;

namespace Quorate.FrontDoors.Etcd;

/// <summary>Messages as gRPC frames them: a zero byte (or 1: compressed), the length big-endian, the message.</summary>
internal static class GrpcMessages
{
    private const int PrefixBytes = Http2Connection.GrpcPrefixBytes;

    /// <summary>Reads the next message; neither a request nor an error if the body ends before it.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public static async ValueTask<StreamRead> ReadAsync(
        PipeReader body, MessageParser parser, int maxMessageBytes, CancellationToken stop)
    {
        while (true)
        {
            if (!body.TryRead(out ReadResult read)) { read = await body.ReadAsync(stop); }
            ReadOnlySequence<byte> buffer = read.Buffer;
            if (buffer.Length >= PrefixBytes)
            {
                EtcdError? refusal = ReadPrefix(buffer, maxMessageBytes, out int length);
                if (refusal is not null)
                {
                    body.AdvanceTo(buffer.End);
                    return new(null, refusal);
                }

                if (buffer.Length >= PrefixBytes + length)
                {
                    ReadOnlySequence<byte> bytes = buffer.Slice(PrefixBytes, length);
                    StreamRead parsed = Parse(bytes, parser) with { Bytes = length };
                    body.AdvanceTo(bytes.End);
                    return parsed;
                }
            }

            body.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted) { return new(null, buffer.IsEmpty ? null : EtcdErrors.CutShort); }
        }
    }

    /// <summary>Writes a message.</summary>
    /// <param name="to">Where to.</param>
    /// <param name="message">The message.</param>
    /// <param name="size">Its size as it calculates it.</param>
    public static void Write(IBufferWriter<byte> to, IMessage message, int size)
    {
        Span<byte> span = to.GetSpan(PrefixBytes + size)[..(PrefixBytes + size)];
        span[0] = 0;
        BinaryPrimitives.WriteUInt32BigEndian(span[1..], (uint)size);
        message.WriteTo(span[PrefixBytes..]);
        to.Advance(PrefixBytes + size);
    }

    /// <summary>Sends one message that comes in parts, each as soon as the one before is on its way.</summary>
    /// <exception cref="AnswerCutException">A part cannot be read any more; what was sent is not a whole message.</exception>
    /// <exception cref="OperationCanceledException">Nobody reads the answer.</exception>
    public static async Task SendAsync(Http2Stream stream, EtcdParts parts)
    {
        var buffer = new ArrayBufferWriter<byte>();
        Span<byte> prefix = buffer.GetSpan(PrefixBytes);
        prefix[0] = 0;
        BinaryPrimitives.WriteUInt32BigEndian(prefix[1..], (uint)parts.Size);
        buffer.Advance(PrefixBytes);
        long written = 0;
        await foreach (IMessage part in parts.Messages.ConfigureAwait(false))
        {
            part.WriteTo(buffer);
            written += part.CalculateSize();
            await stream.Connection.SendAsync(stream, buffer.WrittenMemory, stream.Stop).ConfigureAwait(false);
            buffer.ResetWrittenCount();
        }

        Invariant.Holds(written == parts.Size, $"an answer of {parts.Size} bytes became {written}");
    }

    /// <summary>Reads what goes before a message. The length is the client's claim: it is compared with the limit before any byte is waited for.</summary>
    /// <returns>Why the message cannot be taken; null if it can.</returns>
    public static EtcdError? ReadPrefix(ReadOnlySpan<byte> prefix, int maxMessageBytes, out int length)
    {
        length = 0;
        if (prefix[0] != 0) { return EtcdErrors.CompressedWithoutEncoding; }
        uint claim = BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
        if (claim > maxMessageBytes) { return EtcdErrors.MessageTooLarge(claim, maxMessageBytes); }
        length = (int)claim;
        return null;
    }

    /// <summary>Reads a message, or says why it cannot be read.</summary>
    public static StreamRead Parse(in ReadOnlySequence<byte> bytes, MessageParser parser)
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

    private static EtcdError? ReadPrefix(in ReadOnlySequence<byte> buffer, int maxMessageBytes, out int length)
    {
        Span<byte> prefix = stackalloc byte[PrefixBytes];
        buffer.Slice(0, PrefixBytes).CopyTo(prefix);
        return ReadPrefix(prefix, maxMessageBytes, out length);
    }
}
