using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Quorate.FrontDoors.Http;

/// <summary>
/// Reads an HTTP/2 connection for Kestrel and makes the <c>:authority</c> of requests one that Kestrel takes. etcdctl 3.4 and
/// early 3.5 clients send a URL or a list of endpoints there (etcd #13192), which etcd never looks at and Kestrel resets.
/// </summary>
/// <remarks>
/// Nothing is inserted or removed: within the header block (RFC 7541) the bytes of the value are overwritten where they lie in
/// the pipe, with letters of the same count, so that lengths of frames and of the block stay. Both sides' dynamic tables stay
/// in step: a value sent plain keeps its size; a Huffman-coded one gets smaller, so that our table holds at least what the
/// client's does, and indices count from the newest entry.
/// </remarks>
internal sealed class AuthorityMender : PipeReader
{
    private const int FrameHeaderBytes = 9;
    private const int MaxHeadersBytes = 16 * 1024; // Kestrel's limit on frames: it refuses a larger one unread.
    private const byte HeadersFrame = 1;
    private const byte PaddedFlag = 0x8;
    private const byte PriorityFlag = 0x20;
    private const int AuthorityIndex = 1; // RFC 7541, appendix A.

    // What is not in here becomes an 'a'. Kestrel also wants the port to be digits, so a ':' goes, too.
    private static readonly SearchValues<byte> Harmless =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-"u8);

    private readonly PipeReader _inner;
    private ReadOnlySequence<byte> _buffer;

    // Where, from the start of the next buffer on, the first frame begins that was not looked at yet; may lie beyond its end.
    private long _nextFrame;

    /// <param name="inner">Stands before the connection's preface.</param>
    public AuthorityMender(PipeReader inner)
    {
        _inner = inner;
        _nextFrame = CleartextPort.PrefaceBytes;
    }

    /// <inheritdoc/>
    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        ValueTask<ReadResult> read = _inner.ReadAsync(cancellationToken);
        if (!read.IsCompletedSuccessfully) { return ReadLater(read, cancellationToken); }
        return TryMend(read.Result, out ReadResult mended)
            ? new(mended)
            : ReadLater(_inner.ReadAsync(cancellationToken), cancellationToken);
    }

    /// <inheritdoc/>
    public override bool TryRead(out ReadResult result) => _inner.TryRead(out result) && TryMend(result, out result);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        _nextFrame -= _buffer.Slice(0, consumed).Length;
        _buffer = default;
        _inner.AdvanceTo(consumed, examined);
    }

    /// <inheritdoc/>
    public override void CancelPendingRead() => _inner.CancelPendingRead();

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null) => _inner.Complete(exception);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadResult> ReadLater(ValueTask<ReadResult> read, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (TryMend(await read, out ReadResult mended)) { return mended; }
            read = _inner.ReadAsync(cancellationToken);
        }
    }

    /// <summary>Mends what came, and holds back a frame whose kind is unknown yet and headers that are not whole.</summary>
    /// <returns>False if all is held back: read on.</returns>
    private bool TryMend(ReadResult result, out ReadResult mended)
    {
        _buffer = result.Buffer;
        bool isHeldBack = false;
        Span<byte> header = stackalloc byte[FrameHeaderBytes];
        while (_nextFrame < _buffer.Length)
        {
            ReadOnlySequence<byte> rest = _buffer.Slice(_nextFrame);
            isHeldBack = rest.Length < FrameHeaderBytes;
            if (isHeldBack) { break; }
            rest.Slice(0, FrameHeaderBytes).CopyTo(header);
            int length = (header[0] << 16) | (header[1] << 8) | header[2];
            bool isHeaders = header[3] == HeadersFrame && length <= MaxHeadersBytes;
            isHeldBack = isHeaders && rest.Length < FrameHeaderBytes + length;
            if (isHeldBack) { break; }
            if (isHeaders) { MendHeaders(rest.Slice(FrameHeaderBytes, length), flags: header[4]); }
            _nextFrame += FrameHeaderBytes + length;
        }

        // The end of the connection, or of its server: Kestrel says what is wrong with a frame cut short.
        if (isHeldBack && (result.IsCompleted || result.IsCanceled))
        {
            _nextFrame = long.MaxValue / 2;
        }
        else if (isHeldBack)
        {
            if (_nextFrame == 0)
            {
                _inner.AdvanceTo(_buffer.Start, _buffer.End);
                mended = default;
                return false;
            }

            _buffer = _buffer.Slice(0, _nextFrame);
        }

        mended = new ReadResult(_buffer, result.IsCanceled, result.IsCompleted);
        return true;
    }

    private static void MendHeaders(ReadOnlySequence<byte> payload, byte flags)
    {
        var block = new SequenceReader<byte>(payload);
        int skip = ((flags & PaddedFlag) != 0 ? 1 : 0) + ((flags & PriorityFlag) != 0 ? 5 : 0);
        if (block.Remaining < skip) { return; }
        block.Advance(skip);

        // Pseudo-headers come first, so this ends after a few bytes. Anything malformed is left to Kestrel.
        while (block.TryPeek(out byte first))
        {
            bool isIndexed = (first & 0x80) != 0;
            bool isTableSize = (first & 0xE0) == 0x20;
            int prefixBits = isIndexed ? 7 : (first & 0x40) != 0 ? 6 : isTableSize ? 5 : 4;
            if (!TryReadInteger(ref block, prefixBits, out int field)) { return; }
            if (isIndexed || isTableSize) { continue; }
            if (field == AuthorityIndex)
            {
                MendString(ref block);
                return;
            }

            if (field == 0 && !TryReadString(ref block, out _)) { return; } // The name, spelled out.
            if (!TryReadString(ref block, out _)) { return; }
        }
    }

    private static void MendString(ref SequenceReader<byte> block)
    {
        Span<byte> lengthByte = Writable(block.UnreadSequence.First);
        bool isHuffman = !lengthByte.IsEmpty && (lengthByte[0] & 0x80) != 0;
        if (!TryReadString(ref block, out ReadOnlySequence<byte> value)) { return; }
        foreach (ReadOnlyMemory<byte> piece in value)
        {
            Span<byte> bytes = Writable(piece);
            for (int i = 0; i < bytes.Length; i++)
            {
                if (isHuffman || !Harmless.Contains(bytes[i])) { bytes[i] = (byte)'a'; }
            }
        }

        if (isHuffman) { lengthByte[0] &= 0x7F; }
    }

    // The pipe's own memory; nobody else looks at it before Mend returns.
    private static Span<byte> Writable(ReadOnlyMemory<byte> memory) => MemoryMarshal.AsMemory(memory).Span;

    // RFC 7541, 5.2: a bit for Huffman, a length of 7 bits prefix, the bytes.
    private static bool TryReadString(ref SequenceReader<byte> block, out ReadOnlySequence<byte> value)
    {
        value = default;
        if (!TryReadInteger(ref block, prefixBits: 7, out int length) || block.Remaining < length) { return false; }
        value = block.UnreadSequence.Slice(0, length);
        block.Advance(length);
        return true;
    }

    // RFC 7541, 5.1. Four bytes of continuation are far beyond any header that is accepted.
    private static bool TryReadInteger(ref SequenceReader<byte> block, int prefixBits, out int value)
    {
        value = 0;
        if (!block.TryRead(out byte first)) { return false; }
        int mask = (1 << prefixBits) - 1;
        value = first & mask;
        if (value < mask) { return true; }
        for (int shift = 0; shift < 28; shift += 7)
        {
            if (!block.TryRead(out byte next)) { return false; }
            value += (next & 0x7F) << shift;
            if (next < 0x80) { return true; }
        }

        return false;
    }
}

/// <summary>An HTTP/2 connection, from its preface on, as Kestrel is to see it.</summary>
internal sealed class MendedPipe(IDuplexPipe inner) : IDuplexPipe
{
    public PipeReader Input { get; } = new AuthorityMender(inner.Input);

    public PipeWriter Output => inner.Output;
}
