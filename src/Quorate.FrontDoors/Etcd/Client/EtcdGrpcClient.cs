using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Google.Protobuf;

namespace Quorate.FrontDoors.Etcd.Client;

/// <summary>Unary calls to any server of the etcd v3 API, with no package but the messages: for our CLI, bench and tests.</summary>
/// <remarks>
/// Any thread. <c>http://</c> endpoints speak HTTP/2 from the first byte (prior knowledge), <c>https://</c> ones by ALPN. One
/// connection per endpoint, all calls multiplexed on it; past a few hundred calls in flight several clients are faster.
/// </remarks>
public sealed class EtcdGrpcClient : IDisposable
{
    /// <summary>The largest answer read, in bytes: what .NET can hold in one buffer, a little under 2 GiB.</summary>
    private static readonly int MaxAnswerBytes = Array.MaxLength;

    private static readonly MediaTypeHeaderValue ContentType = new("application/grpc");

    private readonly HttpMessageInvoker _http;
    private readonly Uri[] _endpoints;
    private int _current; // The endpoint that answered last; races are harmless.

    /// <summary>Creates a client. Connects at the first call.</summary>
    /// <param name="endpoints">At least one, e.g. <c>http://127.0.0.1:2379</c>. Used in turn when one cannot be reached.</param>
    /// <param name="connectTimeout">Time for one connection attempt. Default: 2 s, as etcdctl's --dial-timeout.</param>
    /// <exception cref="ArgumentException">No endpoint, or one that is not http or https.</exception>
    public EtcdGrpcClient(IEnumerable<Uri> endpoints, TimeSpan? connectTimeout = null)
    {
        _endpoints = [.. endpoints];
        if (_endpoints.Length == 0) { throw new ArgumentException("no endpoint was given", nameof(endpoints)); }
        foreach (Uri endpoint in _endpoints)
        {
            if (!endpoint.IsAbsoluteUri || endpoint.Scheme is not ("http" or "https"))
            {
                throw new ArgumentException($"'{endpoint}' is not an http:// or https:// address", nameof(endpoints));
            }
        }

        _http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false, // A cluster's own address is never behind the user's web proxy.
            ActivityHeadersPropagator = null,
            ConnectTimeout = connectTimeout ?? TimeSpan.FromSeconds(2),
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            InitialHttp2StreamWindowSize = 1024 * 1024,
        });
    }

    /// <summary>Calls one RPC.</summary>
    /// <param name="method">One of <see cref="EtcdMethods"/>.</param>
    /// <param name="request">Not changed until the task completes.</param>
    /// <param name="timeout">Time for all of it; told to the server too. <see cref="Timeout.InfiniteTimeSpan"/>: none.</param>
    /// <param name="cancellationToken">Stops waiting. It cannot recall a request that was sent.</param>
    /// <exception cref="EtcdRpcException">Any outcome but OK, no connection and no time left included.</exception>
    public async Task<TResponse> CallAsync<TRequest, TResponse>(
        EtcdMethod<TRequest, TResponse> method, TRequest request, TimeSpan timeout,
        CancellationToken cancellationToken = default)
        where TRequest : IMessage<TRequest>
        where TResponse : IMessage<TResponse>
    {
        using CancellationTokenSource? deadline = timeout == Timeout.InfiniteTimeSpan
            ? null
            : CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline?.CancelAfter(timeout);
        CancellationToken stop = deadline?.Token ?? cancellationToken;

        string refusals = "";
        int first = _current;
        for (int i = 0; i < _endpoints.Length; i++)
        {
            int at = (first + i) % _endpoints.Length;
            bool wasSent = false;
            try
            {
                using HttpRequestMessage message = NewMessage(_endpoints[at], method.Path, request, timeout);
                using HttpResponseMessage response = await _http.SendAsync(message, stop).ConfigureAwait(false);
                wasSent = true;
                _current = at;
                return await ReadAnswer(response, method.Parser, stop).ConfigureAwait(false);
            }
            catch (HttpRequestException e) when (!wasSent && IsRefusal(e.HttpRequestError))
            {
                refusals += $"; {_endpoints[at]}: {e.Message}";
            }
            catch (OperationCanceledException e) when (!stop.IsCancellationRequested && e.InnerException is TimeoutException)
            {
                refusals += $"; {_endpoints[at]}: no connection in time";
            }
            catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
            {
                throw new EtcdRpcException(GrpcStatus.DeadlineExceeded, "context deadline exceeded", wasSent: true, e);
            }
            catch (OperationCanceledException e)
            {
                throw new EtcdRpcException(GrpcStatus.Canceled, "context canceled", wasSent: true, e);
            }
            catch (Exception e) when (e is HttpRequestException or IOException)
            {
                throw new EtcdRpcException(
                    GrpcStatus.Unavailable, $"the connection to {_endpoints[at]} broke: {e.Message}", wasSent: true, e);
            }
        }

        throw new EtcdRpcException(
            GrpcStatus.Unavailable, "no endpoint can be reached" + refusals, wasSent: false);
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    // Nothing was sent, so another endpoint may be asked. All other failures may come after the server acted.
    private static bool IsRefusal(HttpRequestError error) =>
        error is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
            or HttpRequestError.SecureConnectionError or HttpRequestError.VersionNegotiationError;

    private static HttpRequestMessage NewMessage(Uri endpoint, string path, IMessage request, TimeSpan timeout)
    {
        var message = new HttpRequestMessage(HttpMethod.Post, new Uri(endpoint, path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new MessageContent(request),
        };
        message.Headers.TryAddWithoutValidation("te", "trailers");
        if (timeout != Timeout.InfiniteTimeSpan)
        {
            // At most eight digits are allowed (gRPC over HTTP/2, "Timeout"); 99,999,999 ms are 27 hours.
            long milliseconds = Math.Clamp((long)timeout.TotalMilliseconds, 1, 99_999_999);
            message.Headers.TryAddWithoutValidation("grpc-timeout", milliseconds.ToString(CultureInfo.InvariantCulture) + "m");
        }

        return message;
    }

    private static async ValueTask<TResponse> ReadAnswer<TResponse>(
        HttpResponseMessage response, MessageParser<TResponse> parser, CancellationToken stop)
        where TResponse : IMessage<TResponse>
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(4096);
        try
        {
            // Trailers are there only once the body was read to its end.
            int length = 0;
            Stream body = await response.Content.ReadAsStreamAsync(stop).ConfigureAwait(false);
            while (true)
            {
                int read = await body.ReadAsync(buffer.AsMemory(length), stop).ConfigureAwait(false);
                if (read == 0) { break; }
                length += read;
                if (length == buffer.Length) { buffer = Grow(buffer); }
            }

            ThrowUnlessOk(response);
            if (length < 5 || buffer[0] != 0 || BinaryPrimitives.ReadUInt32BigEndian(buffer.AsSpan(1)) != length - 5)
            {
                throw new EtcdRpcException(GrpcStatus.Internal, "the answer is not one plain gRPC message", wasSent: true);
            }

            return parser.ParseFrom(buffer.AsSpan(5, length - 5));
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new EtcdRpcException(GrpcStatus.Internal, $"the answer cannot be read: {e.Message}", wasSent: true, e);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static byte[] Grow(byte[] buffer)
    {
        if (buffer.Length == MaxAnswerBytes)
        {
            throw new EtcdRpcException(GrpcStatus.ResourceExhausted, "the answer is larger than 2 GiB", wasSent: true);
        }

        byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(MaxAnswerBytes, buffer.Length * 2L));
        buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(buffer);
        return larger;
    }

    private static void ThrowUnlessOk(HttpResponseMessage response)
    {
        // A failure without a message comes in the headers alone ("Trailers-Only").
        HttpHeaders trailers = response.Headers.Contains("grpc-status") ? response.Headers : response.TrailingHeaders;
        if (!trailers.TryGetValues("grpc-status", out IEnumerable<string>? values))
        {
            throw new EtcdRpcException(
                GrpcStatus.Unknown, $"HTTP {(int)response.StatusCode} without a gRPC status", wasSent: true);
        }

        string text = values.First();
        if (text == "0") { return; }
        int status = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 2;
        string message = trailers.TryGetValues("grpc-message", out values) ? GrpcMessageText.Decode(values.First()) : "";
        throw new EtcdRpcException((GrpcStatus)status, message, wasSent: true);
    }

    /// <summary>The request as one gRPC message: a zero byte, the length, the message.</summary>
    private sealed class MessageContent : HttpContent
    {
        private readonly IMessage _message;

        public MessageContent(IMessage message)
        {
            _message = message;
            Headers.ContentType = ContentType;
        }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(
            Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            int size = _message.CalculateSize();
            byte[] buffer = ArrayPool<byte>.Shared.Rent(checked(size + 5));
            buffer[0] = 0;
            BinaryPrimitives.WriteUInt32BigEndian(buffer.AsSpan(1), (uint)size);
            _message.WriteTo(buffer.AsSpan(5, size));
            await stream.WriteAsync(buffer.AsMemory(0, size + 5), cancellationToken).ConfigureAwait(false);
            ArrayPool<byte>.Shared.Return(buffer);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
