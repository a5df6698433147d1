namespace Quorate.FrontDoors.Etcd.Client;

/// <summary>An RPC did not succeed.</summary>
public sealed class EtcdRpcException : Exception
{
    /// <summary>Creates the exception.</summary>
    public EtcdRpcException(GrpcStatus status, string message, bool wasSent, Exception? inner = null)
        : base(message, inner)
    {
        Status = status;
        WasSent = wasSent;
    }

    /// <summary>What the server said, or what became of the call if it said nothing.</summary>
    public GrpcStatus Status { get; }

    /// <summary>
    /// False if no server was reached, so that nothing happened. True with <see cref="GrpcStatus.Unavailable"/>,
    /// <see cref="GrpcStatus.DeadlineExceeded"/>, <see cref="GrpcStatus.Canceled"/> or <see cref="GrpcStatus.Unknown"/>:
    /// a write may have happened, or may happen yet.
    /// </summary>
    public bool WasSent { get; }
}
