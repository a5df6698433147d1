using System.Globalization;
using System.Net;
using Google.Protobuf;

namespace Quorate.Client;

/// <summary>gRPC on <see cref="SocketsHttpHandler"/>: one connection per endpoint and server's stream limit, all calls multiplexed.</summary>
internal sealed class GrpcTransport : ITransport
{
    private readonly HttpMessageInvoker _http;
    private readonly int _mostAnswerBytes;

    public GrpcTransport(QuorateClientOptions options)
    {
        _mostAnswerBytes = options.MaxAnswerBytes;
        _http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false, // A cluster's own address is never behind the user's web proxy.
            ActivityHeadersPropagator = null, // This client has activities of its own, one per call and not per attempt.
            ConnectTimeout = options.ConnectTimeout,
            EnableMultipleHttp2Connections = true, // Watches hold a stream each; servers limit streams per connection.
            KeepAlivePingDelay = options.KeepAlivePingDelay,
            KeepAlivePingTimeout = options.KeepAlivePingTimeout,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests, // etcd ends connections that ping without a stream.
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(5),
            InitialHttp2StreamWindowSize = 1024 * 1024,
            SslOptions = options.Tls.ToSslOptions(),
        });
    }

    public async Task<TResponse> CallAsync<TRequest, TResponse>(
        Uri endpoint, Rpc<TRequest, TResponse> rpc, TRequest request, CallHeaders headers, CancellationToken cancellationToken)
        where TRequest : IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        using var content = new MessageContent(request, staysOpen: false);
        using HttpRequestMessage message = NewMessage(endpoint, rpc.Path, content, headers);
        try
        {
            using HttpResponseMessage response = await _http.SendAsync(message, cancellationToken).ConfigureAwait(false);
            Stream body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            await using (body.ConfigureAwait(false))
            {
                var reader = new MessageReader<TResponse>(response, body, rpc.Parser, _mostAnswerBytes);
                TResponse? answer = await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
                if (answer is not null && await reader.ReadAsync(cancellationToken).ConfigureAwait(false) is null) { return answer; }
                throw new RpcFailure(StatusCode.Internal, "the server did not answer with one message", wasSent: true);
            }
        }
        catch (OperationCanceledException e) when (cancellationToken.IsCancellationRequested)
        {
            throw new AttemptCanceledException(content.WasAskedFor, e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            throw Broken(endpoint, e, content.WasAskedFor);
        }
    }

    public IResponses<TResponse> Open<TRequest, TResponse>(
        Uri endpoint, Rpc<TRequest, TResponse> rpc, TRequest first, CallHeaders headers, CancellationToken cancellationToken)
        where TRequest : IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        var content = new MessageContent(first, staysOpen: true);
        HttpRequestMessage message = NewMessage(endpoint, rpc.Path, content, headers);
        return new GrpcResponses<TResponse>(_http, message, content, rpc.Parser, _mostAnswerBytes, cancellationToken);
    }

    public void Dispose() => _http.Dispose();

    // A connection that cannot be made in time shows as a cancellation that nobody asked for.
    internal static RpcFailure Broken(Uri endpoint, Exception cause, bool wasSent) => new(
        StatusCode.Unavailable,
        wasSent ? $"the connection to {endpoint} broke: {cause.GetBaseException().Message}" : $"{endpoint} cannot be reached: {cause.GetBaseException().Message}",
        wasSent,
        cause);

    private static HttpRequestMessage NewMessage(Uri endpoint, string path, MessageContent content, CallHeaders headers)
    {
        var message = new HttpRequestMessage(HttpMethod.Post, new Uri(endpoint, path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        message.Headers.TryAddWithoutValidation("te", "trailers");
        if (headers.Token is { } token) { message.Headers.TryAddWithoutValidation("token", token); }
        if (headers.RequireLeader) { message.Headers.TryAddWithoutValidation("hasleader", "true"); }
        if (headers.Timeout is { } timeout)
        {
            // At most eight digits (gRPC over HTTP/2, "Timeout"): 27 hours in milliseconds.
            long milliseconds = Math.Clamp((long)timeout.TotalMilliseconds, 1, 99_999_999);
            message.Headers.TryAddWithoutValidation("grpc-timeout", milliseconds.ToString(CultureInfo.InvariantCulture) + "m");
        }

        return message;
    }
}
