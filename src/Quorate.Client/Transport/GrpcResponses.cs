using Google.Protobuf;

namespace Quorate.Client;

/// <summary>The answers of one streaming call.</summary>
internal sealed class GrpcResponses<TResponse> : IResponses<TResponse>
    where TResponse : class, IMessage<TResponse>
{
    private readonly CancellationTokenSource _stop;
    private readonly HttpRequestMessage _message;
    private readonly MessageContent _content;
    private readonly MessageParser<TResponse> _parser;
    private readonly int _mostBytes;
    private readonly Task<HttpResponseMessage> _response;
    private MessageReader<TResponse>? _reader;

    public GrpcResponses(
        HttpMessageInvoker http, HttpRequestMessage message, MessageContent content, MessageParser<TResponse> parser, int mostBytes,
        CancellationToken cancellationToken)
    {
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        (_message, _content, _parser, _mostBytes) = (message, content, parser, mostBytes);
        _response = http.SendAsync(message, _stop.Token);
    }

    public async ValueTask<TResponse?> ReadAsync()
    {
        try
        {
            if (_reader is null)
            {
                HttpResponseMessage response = await _response.ConfigureAwait(false);
                Stream body = await response.Content.ReadAsStreamAsync(_stop.Token).ConfigureAwait(false);
                _reader = new(response, body, _parser, _mostBytes);
            }

            return await _reader.ReadAsync(_stop.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !_stop.IsCancellationRequested))
        {
            throw GrpcTransport.Broken(_message.RequestUri!, e, _content.WasAskedFor);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _content.End();
        await ((Task)_response).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_response.IsCompletedSuccessfully) { (await _response.ConfigureAwait(false)).Dispose(); }
        _message.Dispose();
        _stop.Dispose();
    }
}
