using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Runtime.ExceptionServices;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.FrontDoors.Http;

namespace Quorate.FrontDoors.Etcd.Client;

/// <summary>Unary calls to any server of the etcd v3 API, with no package but the messages: for our CLI, bench and tests.</summary>
/// <remarks>
/// Any thread. <c>http://</c> endpoints speak HTTP/2 from the first byte (prior knowledge), <c>https://</c> ones by ALPN. One
/// connection per endpoint, all calls multiplexed on it; past a few hundred calls in flight several clients are faster.
/// </remarks>
public sealed class EtcdGrpcClient : IDisposable
{
    /// <summary>Metadata that names the keyspace of a request.</summary>
    public const string KeyspaceHeader = KeyspaceChoice.Header;

    /// <summary>The largest answer read, in bytes: what .NET can hold in one buffer, a little under 2 GiB.</summary>
    private static readonly int MaxAnswerBytes = Array.MaxLength;

    internal static readonly MediaTypeHeaderValue ContentType = new("application/grpc");

    private readonly HttpMessageInvoker _http;
    private readonly Uri[] _endpoints;
    private readonly EtcdEndpoints _places;
    private readonly EtcdRetryPolicy _retry;
    private readonly EtcdLogin? _login;

    /// <summary>Creates a client. Connects at the first call.</summary>
    /// <param name="endpoints">At least one, e.g. <c>http://127.0.0.1:2379</c>. Each call begins with the one that answered last.</param>
    /// <param name="connectTimeout">Time for one connection attempt. Default: 2 s, as etcdctl's --dial-timeout.</param>
    /// <param name="retry">What is asked again. Default: refusals and reads, within the call's time.</param>
    /// <param name="tls">Certificates and trust for https endpoints. Default: the machine's store of authorities.</param>
    /// <param name="keyspace">The keyspace that all calls are for. Default: that of the endpoints' ports.</param>
    /// <param name="user">Who calls. Logs in before the first call, and again when a server does not know the token. Default: nobody, or who the certificate says.</param>
    /// <exception cref="ArgumentException">No endpoint, or one that is not http or https.</exception>
    public EtcdGrpcClient(
        IEnumerable<Uri> endpoints, TimeSpan? connectTimeout = null, EtcdRetryPolicy? retry = null, SslClientAuthenticationOptions? tls = null,
        string? keyspace = null, EtcdUser? user = null)
    {
        _retry = retry ?? new EtcdRetryPolicy();
        _endpoints = [.. endpoints];
        if (_endpoints.Length == 0) { throw new ArgumentException("no endpoint was given", nameof(endpoints)); }
        _places = new EtcdEndpoints(_endpoints.Length);
        foreach (Uri endpoint in _endpoints)
        {
            if (!endpoint.IsAbsoluteUri || endpoint.Scheme is not ("http" or "https"))
            {
                throw new ArgumentException($"'{endpoint}' is not an http:// or https:// address", nameof(endpoints));
            }
        }

        var sockets = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false, // A cluster's own address is never behind the user's web proxy.
            ActivityHeadersPropagator = null,
            ConnectTimeout = connectTimeout ?? TimeSpan.FromSeconds(2),
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            InitialHttp2StreamWindowSize = 1024 * 1024,
            SslOptions = tls ?? new SslClientAuthenticationOptions(),
        };
        _http = new HttpMessageInvoker(keyspace is null ? sockets : new KeyspaceHandler(sockets, keyspace));
        if (user is null) { return; }
        var request = new AuthenticateRequest { Name = user.Name, Password = user.Password };
        _login = new EtcdLogin((timeout, stop) => CallAsync(EtcdMethods.Authenticate, request, "", timeout, stop));
    }

    /// <summary>The token that this client's user has, for callers that send their requests themselves; null while the servers ask for no users, and without a user.</summary>
    /// <param name="timeout">Time to get one.</param>
    /// <param name="stop">Stops waiting.</param>
    /// <exception cref="EtcdRpcException">There is none to be had.</exception>
    public async Task<string?> TokenAsync(TimeSpan timeout, CancellationToken stop = default) =>
        _login is not null && await _login.TokenAsync(isForStream: false, timeout, stop).ConfigureAwait(false) is { Length: > 0 } token ? token : null;

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
        if (_login is null) { return await CallAsync(method, request, "", timeout, cancellationToken).ConfigureAwait(false); }
        long start = Stopwatch.GetTimestamp();
        string token = await _login.TokenAsync(isForStream: false, timeout, cancellationToken).ConfigureAwait(false);
        try
        {
            return await CallAsync(method, request, token, Left(timeout, start), cancellationToken).ConfigureAwait(false);
        }
        catch (EtcdRpcException e) when (EtcdLogin.IsAboutToken(e))
        {
            _login.Forget(token);
        }

        token = await _login.TokenAsync(isForStream: false, Left(timeout, start), cancellationToken).ConfigureAwait(false);
        return await CallAsync(method, request, token, Left(timeout, start), cancellationToken).ConfigureAwait(false);
    }

    private async Task<TResponse> CallAsync<TRequest, TResponse>(
        EtcdMethod<TRequest, TResponse> method, TRequest request, string token, TimeSpan timeout, CancellationToken cancellationToken)
        where TRequest : IMessage<TRequest>
        where TResponse : IMessage<TResponse>
    {
        using CancellationTokenSource? deadline = timeout == Timeout.InfiniteTimeSpan
            ? null
            : CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline?.CancelAfter(timeout);
        CancellationToken stop = deadline?.Token ?? cancellationToken;

        long start = Stopwatch.GetTimestamp();
        var attempts = new EtcdAttempts(_retry, _places, method.IsReadOnly?.Invoke(request) ?? false);
        string unreached = "";
        while (true)
        {
            Uri endpoint = _endpoints[attempts.Endpoint];
            EtcdRpcException failure;
            try
            {
                TResponse answer = await TryAsync(endpoint, method, request, token, Left(timeout, start), stop).ConfigureAwait(false);
                attempts.Answered();
                return answer;
            }
            catch (OperationCanceledException e)
            {
                throw cancellationToken.IsCancellationRequested
                    ? new EtcdRpcException(GrpcStatus.Canceled, "context canceled", wasSent: true, e)
                    : new EtcdRpcException(GrpcStatus.DeadlineExceeded, "context deadline exceeded", wasSent: true, e);
            }
            catch (EtcdRpcException e)
            {
                failure = e;
            }

            TimeSpan left = Left(timeout, start);
            TimeSpan? pause = attempts.Failed(
                EtcdFailures.Of(failure.Status, failure.Message, failure.WasSent),
                left == Timeout.InfiniteTimeSpan ? TimeSpan.MaxValue : left,
                (ulong)Random.Shared.NextInt64());
            unreached = failure.WasSent ? "" : $"{unreached}; {endpoint}: {failure.Message}";
            if (pause is not { } wait)
            {
                throw failure.WasSent
                    ? failure
                    : new EtcdRpcException(GrpcStatus.Unavailable, "no endpoint can be reached" + unreached, wasSent: false, failure);
            }

            await PauseAsync(wait, failure, stop).ConfigureAwait(false);
        }
    }

    /// <summary>How many endpoints there are to choose from.</summary>
    public int Endpoints => _endpoints.Length;

    /// <summary>Opens a streaming call; what becomes of it shows when it is read. Nothing is tried again.</summary>
    /// <param name="method">One of <see cref="EtcdMethods"/>.</param>
    /// <param name="endpoint">Which endpoint, from 0.</param>
    /// <param name="requireLeader">Metadata <c>hasleader</c>: the stream fails if the server loses its leader.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public EtcdGrpcStream<TRequest, TResponse> OpenStream<TRequest, TResponse>(
        EtcdMethod<TRequest, TResponse> method, int endpoint, bool requireLeader = false, CancellationToken cancellationToken = default)
        where TRequest : IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        new(_http, _login, _endpoints[endpoint], method.Path, method.Parser, requireLeader, cancellationToken);

    /// <inheritdoc/>
    public void Dispose()
    {
        _http.Dispose();
        _login?.Dispose();
    }

    internal static void SetToken(HttpRequestMessage message, string token)
    {
        if (token.Length > 0) { message.Headers.TryAddWithoutValidation(TokenHeader.Grpc, token); }
    }

    // Whoever gives up while it waits still knows what the last server said.
    private static async Task PauseAsync(TimeSpan pause, EtcdRpcException failure, CancellationToken stop)
    {
        try
        {
            await Task.Delay(pause, stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    private static TimeSpan Left(TimeSpan timeout, long start)
    {
        if (timeout == Timeout.InfiniteTimeSpan) { return timeout; }
        TimeSpan left = timeout - Stopwatch.GetElapsedTime(start);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    /// <exception cref="EtcdRpcException">Any outcome but OK; <see cref="EtcdRpcException.WasSent"/> is exact.</exception>
    /// <exception cref="OperationCanceledException">The caller stops, or its time is over.</exception>
    private async Task<TResponse> TryAsync<TRequest, TResponse>(
        Uri endpoint, EtcdMethod<TRequest, TResponse> method, TRequest request, string token, TimeSpan timeout, CancellationToken stop)
        where TRequest : IMessage<TRequest>
        where TResponse : IMessage<TResponse>
    {
        bool wasSent = false;
        try
        {
            using HttpRequestMessage message = NewMessage(endpoint, method.Path, request, timeout);
            SetToken(message, token);
            using HttpResponseMessage response = await _http.SendAsync(message, stop).ConfigureAwait(false);
            wasSent = true;
            return await ReadAnswer(response, method.Parser, stop).ConfigureAwait(false);
        }
        catch (HttpRequestException e) when (!wasSent && IsRefusal(e.HttpRequestError))
        {
            string reason = e.HttpRequestError == HttpRequestError.SecureConnectionError ? "TLS: " + e.GetBaseException().Message : e.Message;
            throw new EtcdRpcException(GrpcStatus.Unavailable, reason, wasSent: false, e);
        }
        catch (OperationCanceledException e) when (!stop.IsCancellationRequested && e.InnerException is TimeoutException)
        {
            throw new EtcdRpcException(GrpcStatus.Unavailable, "no connection in time", wasSent: false, e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new EtcdRpcException(
                GrpcStatus.Unavailable, $"the connection to {endpoint} broke: {e.GetBaseException().Message}", wasSent: true, e);
        }
    }

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

    internal static void ThrowUnlessOk(HttpResponseMessage response)
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

    /// <summary>Says with every request which keyspace it is for.</summary>
    private sealed class KeyspaceHandler(HttpMessageHandler inner, string keyspace) : DelegatingHandler(inner)
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.Headers.TryAddWithoutValidation(KeyspaceChoice.Header, keyspace);
            return base.SendAsync(request, cancellationToken);
        }
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
