using Google.Protobuf;

namespace Quorate.Client;

/// <summary>What goes with a request besides the message.</summary>
/// <param name="Token">Of the user who asks; null: nobody.</param>
/// <param name="Timeout">Told to the server; null: none.</param>
/// <param name="RequireLeader">The server ends the call if it loses its leader.</param>
internal readonly record struct CallHeaders(string? Token, TimeSpan? Timeout = null, bool RequireLeader = false);

/// <summary>Carries requests to endpoints, once each: all decisions about failures are made above it.</summary>
internal interface ITransport : IDisposable
{
    /// <exception cref="RpcFailure">Any outcome but OK.</exception>
    /// <exception cref="AttemptCanceledException">The token was cancelled.</exception>
    Task<TResponse> CallAsync<TRequest, TResponse>(
        Uri endpoint, Rpc<TRequest, TResponse> rpc, TRequest request, CallHeaders headers, CancellationToken cancellationToken)
        where TRequest : IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>;

    /// <summary>Opens a stream with one first request. What became of it shows when it is read.</summary>
    IResponses<TResponse> Open<TRequest, TResponse>(
        Uri endpoint, Rpc<TRequest, TResponse> rpc, TRequest first, CallHeaders headers, CancellationToken cancellationToken)
        where TRequest : IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>;
}

/// <summary>The answers of a stream. Disposing of it ends the call.</summary>
internal interface IResponses<TResponse> : IAsyncDisposable
    where TResponse : class
{
    /// <summary>The next one; null if the server ended the stream without an error.</summary>
    /// <exception cref="RpcFailure">The server's status, or the connection broke.</exception>
    /// <exception cref="OperationCanceledException">The stream's token was cancelled.</exception>
    ValueTask<TResponse?> ReadAsync();
}

/// <summary>An attempt was cancelled, by the caller or by its time.</summary>
internal sealed class AttemptCanceledException(bool wasSent, Exception inner) : OperationCanceledException(inner.Message, inner)
{
    public bool WasSent { get; } = wasSent;
}
