namespace Quorate.Client;

/// <summary>A lock that is held. Dispose of it to give it back; the next in the queue gets it at once.</summary>
/// <remarks>
/// <para>
/// <b>What a lock does not guarantee</b>: that two never act as its holder at the same time. The server ends the lease of a holder that it does not
/// hear from; a process that stands still (garbage collection, a debugger, a suspended machine) learns of it late, and messages that it sent before
/// arrive later still. A lock spares double work. To protect data, fence it: make writes to the same cluster transactions with
/// <see cref="StillHeld"/>, and send <see cref="FencingToken"/> along with writes to anywhere else, which must refuse a token smaller
/// than the largest it has seen.
/// </para>
/// <para>If somebody deletes the lock's key by hand, the next gets the lock; <see cref="Lost"/> does not tell of that, the fence does.</para>
/// </remarks>
public sealed class LockHandle : IAsyncDisposable
{
    private readonly QueuePlace _place;

    internal LockHandle(QueuePlace place) => _place = place;

    /// <summary>The key that stands for holding it.</summary>
    public Blob Key => _place.Key;

    /// <summary>The revision at which <see cref="Key"/> was created: each later holder's is larger.</summary>
    public long FencingToken => _place.Created;

    /// <summary>Cancelled before the lock can pass to another, and when it is given back: see <see cref="Lease.Lost"/>.</summary>
    public CancellationToken Lost => _place.Lease.Lost;

    /// <summary>Whether it surely is held at this moment, by the clocks.</summary>
    public bool IsHeld => _place.Lease.IsAlive;

    /// <summary>True as long as it is held, judged in the same step as the transaction that contains it: the fence for data in this cluster.</summary>
    public Compare StillHeld => Compare.CreateRevision(_place.Key, Relation.Equal, _place.Created);

    /// <summary>Gives it back.</summary>
    public ValueTask DisposeAsync() => _place.DisposeAsync();
}
