using Google.Protobuf;

namespace Quorate.FrontDoors.Etcd;

/// <summary>A streaming RPC's way to its caller, whatever the transport. One handler uses it, one call at a time; <see cref="IWakeSignal.Wake"/>: anyone.</summary>
/// <remarks>A read may be under way while the others are used: the two directions are independent.</remarks>
internal interface IEtcdStream : IWakeSignal
{
    /// <summary>Waits for the next request; one read at a time.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    ValueTask<StreamRead> ReadAsync(CancellationToken stop);

    /// <summary>Sends a response after those before it. It may stay in a buffer until <see cref="FlushAsync"/>; waits while the caller takes nothing.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    ValueTask WriteAsync(IMessage response, CancellationToken stop);

    /// <summary>Sends what is in the buffer; waits while the caller takes nothing.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    ValueTask FlushAsync(CancellationToken stop);

    /// <summary>Lets others run first, since the handler has more to do that waits for nothing.</summary>
    ValueTask YieldAsync();
}

/// <summary>What a stream's caller sent: a request, something unreadable, or, with neither, that there is nothing more to come.</summary>
internal readonly record struct StreamRead(IMessage? Request, EtcdError? Error)
{
    /// <summary>The caller has half-closed: it still listens.</summary>
    public bool IsEnd => Request is null && Error is null;

    /// <summary>Bytes of the request as it came; 0 where nobody counts.</summary>
    public int Bytes { get; init; }
}
