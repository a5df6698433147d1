using System.Buffers.Binary;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using Google.Protobuf;

namespace Quorate.Client;

/// <summary>Reads the messages of a response, then its status.</summary>
internal sealed class MessageReader<TResponse>(HttpResponseMessage response, Stream body, MessageParser<TResponse> parser, int mostBytes)
    where TResponse : class, IMessage<TResponse>
{
    private readonly byte[] _prefix = new byte[5];
    private byte[] _buffer = [];

    /// <summary>The next message; null if the server said OK behind the last one.</summary>
    /// <exception cref="RpcFailure">Any other status, or what is no gRPC.</exception>
    public async ValueTask<TResponse?> ReadAsync(CancellationToken cancellationToken)
    {
        int read = await body.ReadAtLeastAsync(_prefix, 5, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        if (read == 0)
        {
            ThrowUnlessOk();
            return null;
        }

        uint length = BinaryPrimitives.ReadUInt32BigEndian(_prefix.AsSpan(1));
        if (read < 5 || _prefix[0] != 0) { throw Internal("the answer is not a plain gRPC message"); }
        if (length > mostBytes)
        {
            throw new RpcFailure(
                StatusCode.ResourceExhausted,
                $"the answer has {length} bytes, and MaxAnswerBytes is {mostBytes}: read less at a time (Limit, ScanAsync)", wasSent: true);
        }

        if (_buffer.Length < length) { _buffer = new byte[Math.Max(length, Math.Min(mostBytes, _buffer.Length * 2L))]; }
        Memory<byte> message = _buffer.AsMemory(0, (int)length);
        try
        {
            await body.ReadExactlyAsync(message, cancellationToken).ConfigureAwait(false);
            return parser.ParseFrom(message.Span);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw Internal($"the answer cannot be read: {e.Message}");
        }
    }

    private static RpcFailure Internal(string message) => new(StatusCode.Internal, message, wasSent: true);

    private void ThrowUnlessOk()
    {
        // A failure without a message comes in the headers alone ("Trailers-Only").
        HttpHeaders trailers = response.Headers.Contains("grpc-status") ? response.Headers : response.TrailingHeaders;
        if (!trailers.TryGetValues("grpc-status", out IEnumerable<string>? values)
            || !int.TryParse(values.First(), NumberStyles.None, CultureInfo.InvariantCulture, out int number))
        {
            throw new RpcFailure(
                StatusCode.Unknown, $"HTTP {(int)response.StatusCode} without a gRPC status: is this a server of the etcd API?", wasSent: true);
        }

        if (number == 0) { return; }
        string text = trailers.TryGetValues("grpc-message", out IEnumerable<string>? messages) ? Decode(messages.First()) : $"gRPC status {number}";
        throw new RpcFailure(number is > 0 and <= 16 ? (StatusCode)number : StatusCode.Unknown, text, wasSent: true);
    }

    // Percent-encoded UTF-8; a '%' without two hex digits stays as it is.
    private static string Decode(string text) => text.Contains('%') ? Encoding.UTF8.GetString(Unescape(text)) : text;

    private static byte[] Unescape(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        int length = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            bool isEscape = bytes[i] == (byte)'%' && i + 2 < bytes.Length
                && char.IsAsciiHexDigit((char)bytes[i + 1]) && char.IsAsciiHexDigit((char)bytes[i + 2]);
            bytes[length++] = isEscape ? byte.Parse(Encoding.ASCII.GetString(bytes, i + 1, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture) : bytes[i];
            if (isEscape) { i += 2; }
        }

        return bytes[..length];
    }
}
