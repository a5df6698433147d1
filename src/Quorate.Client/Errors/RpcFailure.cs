namespace Quorate.Client;

/// <summary>One attempt failed. Inside the client only: callers see a <see cref="QuorateException"/>.</summary>
internal sealed class RpcFailure(StatusCode status, string message, bool wasSent, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The server's, or Unavailable if none answered.</summary>
    public StatusCode Status { get; } = status;

    /// <summary>False only if no byte of the request left this process.</summary>
    public bool WasSent { get; } = wasSent;
}
