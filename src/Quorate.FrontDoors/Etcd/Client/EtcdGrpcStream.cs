using System.Buffers.Binary;
using System.Net;
using Google.Protobuf;

namespace Quorate.FrontDoors.Etcd.Client;

/// <summary>One streaming call on one endpoint: no retries. Reads and writes may overlap; each by one caller at a time.</summary>
/// <typeparam name="TRequest">What is sent.</typeparam>
/// <typeparam name="TResponse">What comes back.</typeparam>
public sealed class EtcdGrpcStream<TRequest, TResponse> : IAsyncDisposable
    where TRequest : IMessage<TRequest>
    where TResponse : class, IMessage<TResponse>
{
    private readonly CancellationTokenSource _stop;
    private readonly EtcdLogin? _login;
    private readonly HttpRequestMessage _message;
    private readonly RequestContent _content;
    private readonly MessageParser<TResponse> _parser;
    private readonly Task<HttpResponseMessage> _response;
    private string _token = "";
    private Stream? _body;
    private byte[] _buffer = new byte[4096];
    private int _read;
    private int _used;

    internal EtcdGrpcStream(
        HttpMessageInvoker http, EtcdLogin? login, Uri endpoint, string path, MessageParser<TResponse> parser,
        bool requireLeader, CancellationToken cancellationToken)
    {
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _login = login;
        _parser = parser;
        _content = new RequestContent();
        _message = new HttpRequestMessage(HttpMethod.Post, new Uri(endpoint, path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = _content,
        };
        _message.Headers.TryAddWithoutValidation("te", "trailers");
        if (requireLeader) { _message.Headers.TryAddWithoutValidation("hasleader", "true"); }
        _response = SendAsync(http);
    }

    /// <summary>Sends a request; if the server has ended the call, that shows when it is read.</summary>
    /// <exception cref="EtcdRpcException">The connection broke, or was never made.</exception>
    public async Task WriteAsync(TRequest request)
    {
        byte[] bytes = new byte[5 + request.CalculateSize()];
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(1), (uint)bytes.Length - 5);
        request.WriteTo(bytes.AsSpan(5));
        try
        {
            // A connection that is never made never asks for the content.
            Task first = await Task.WhenAny(_content.Opened, _response).ConfigureAwait(false);
            if (first == _response) { await _response.ConfigureAwait(false); }
            Stream stream = await _content.Opened.ConfigureAwait(false);
            await stream.WriteAsync(bytes, _stop.Token).ConfigureAwait(false);
            await stream.FlushAsync(_stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
            // The server ended the call before it read this; reading tells why.
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw Broken(e);
        }
    }

    /// <summary>Says that there will be no more requests; responses go on.</summary>
    public void Complete() => _content.Complete();

    /// <summary>Waits for the next response.</summary>
    /// <returns>Null if the server ended the stream without an error.</returns>
    /// <exception cref="EtcdRpcException">The server's status, or the connection broke.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public async Task<TResponse?> ReadAsync()
    {
        try
        {
            HttpResponseMessage response = await _response.ConfigureAwait(false);
            _body ??= await response.Content.ReadAsStreamAsync(_stop.Token).ConfigureAwait(false);
            if (!await FillAsync(5).ConfigureAwait(false))
            {
                EtcdGrpcClient.ThrowUnlessOk(response);
                return null;
            }

            uint length = BinaryPrimitives.ReadUInt32BigEndian(_buffer.AsSpan(_used + 1));
            if (_buffer[_used] != 0 || length > int.MaxValue - 5 || !await FillAsync(5 + (int)length).ConfigureAwait(false))
            {
                throw new EtcdRpcException(GrpcStatus.Internal, "the answer is not a plain gRPC message", wasSent: true);
            }

            TResponse message = _parser.ParseFrom(_buffer.AsSpan(_used + 5, (int)length));
            _used += 5 + (int)length;
            return message;
        }
        catch (EtcdRpcException e) when (EtcdLogin.IsAboutToken(e))
        {
            _login?.Forget(_token);
            throw;
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw Broken(e);
        }
    }

    /// <summary>Ends the call, for the server too.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _content.Complete();
        await ((Task)_response).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_response.IsCompletedSuccessfully) { (await _response.ConfigureAwait(false)).Dispose(); }
        _message.Dispose();
        _stop.Dispose();
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMessageInvoker http)
    {
        if (_login is not null)
        {
            try
            {
                _token = await _login.TokenAsync(isForStream: true, Timeout.InfiniteTimeSpan, _stop.Token).ConfigureAwait(false);
            }
            catch (EtcdRpcException) when (_stop.IsCancellationRequested)
            {
                throw new OperationCanceledException(_stop.Token);
            }

            EtcdGrpcClient.SetToken(_message, _token);
        }

        return await http.SendAsync(_message, _stop.Token).ConfigureAwait(false);
    }

    private static EtcdRpcException Broken(Exception cause) =>
        new(GrpcStatus.Unavailable, $"the connection broke: {cause.Message}", wasSent: true, cause);

    // True once that many bytes stand at the front of the buffer; false if the body ends before the first.
    private async ValueTask<bool> FillAsync(int count)
    {
        if (_buffer.Length - _used < count)
        {
            byte[] target = _buffer.Length >= count ? _buffer : new byte[Math.Max(count, _buffer.Length * 2)];
            _buffer.AsSpan(_used, _read - _used).CopyTo(target);
            _read -= _used;
            _used = 0;
            _buffer = target;
        }

        while (_read - _used < count)
        {
            int read = await _body!.ReadAsync(_buffer.AsMemory(_read), _stop.Token).ConfigureAwait(false);
            if (read == 0) { return false; }
            _read += read;
        }

        return true;
    }

    // The request's body as a stream that stays open.
    private sealed class RequestContent : HttpContent
    {
        private readonly TaskCompletionSource<Stream> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public RequestContent() => Headers.ContentType = EtcdGrpcClient.ContentType;

        public Task<Stream> Opened => _opened.Task;

        public void Complete() => _completed.TrySetResult();

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            // The headers go out before there is a first request.
            await stream.FlushAsync().ConfigureAwait(false);
            _opened.TrySetResult(stream);
            await _completed.Task.ConfigureAwait(false);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
