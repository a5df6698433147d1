namespace Quorate.FrontDoors.Etcd.Client;

/// <summary>What a failed attempt tells of the request. Decides whether it may be sent again.</summary>
public enum EtcdFailure
{
    /// <summary>No server was reached: nothing was sent, nothing happened.</summary>
    NotReached,

    /// <summary>The server did nothing, and another one, or the same a little later, may do it.</summary>
    Refused,

    /// <summary>The server did nothing, and would say the same again.</summary>
    Final,

    /// <summary>It may have happened, or may happen yet.</summary>
    Unknown,
}

/// <summary>Reads failures.</summary>
public static class EtcdFailures
{
    // Said by a server before it proposes anything. "server stopped" is not one of them: etcd says it also to whoever waits
    // for the outcome of a write that was proposed.
    private static readonly string[] Refusals =
    [
        EtcdErrors.NoLeader.Message, EtcdErrors.TooManyRequests.Message, EtcdErrors.NotSupportedForLearner.Message,
        EtcdErrors.KeyspaceNotHere.Message,
    ];

    /// <summary>What a failed attempt tells.</summary>
    /// <param name="status">The server's status, or the client's own if the server said nothing.</param>
    /// <param name="message">The server's words; etcd's tell more than its status.</param>
    /// <param name="wasSent">False if no server was reached.</param>
    public static EtcdFailure Of(GrpcStatus status, string message, bool wasSent)
    {
        if (!wasSent) { return EtcdFailure.NotReached; }
        if (Refusals.Contains(message)) { return EtcdFailure.Refused; }
        return status switch
        {
            GrpcStatus.Unavailable or GrpcStatus.DeadlineExceeded or GrpcStatus.Canceled or GrpcStatus.Unknown
                or GrpcStatus.Internal or GrpcStatus.Aborted => EtcdFailure.Unknown,
            _ => EtcdFailure.Final,
        };
    }
}
