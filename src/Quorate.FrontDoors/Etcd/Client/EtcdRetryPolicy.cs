namespace Quorate.FrontDoors.Etcd.Client;

/// <summary>How patient a client is with servers that refuse, or do not tell. The same for real and simulated clients.</summary>
public sealed record EtcdRetryPolicy
{
    /// <summary>Most pauses in one call. Default: 100, as etcd's Go client; less matters only to calls without a deadline.</summary>
    public int MaxPauses { get; init; } = 100;

    /// <summary>The first pause; each further one is twice as long. Default: 25 ms.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromMilliseconds(25);

    /// <summary>The longest pause. Default: 1 s, an election or so.</summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Asks each endpoint until one is reached, and takes what that one says.</summary>
    public static EtcdRetryPolicy Never { get; } = new() { MaxPauses = 0 };
}

/// <summary>The endpoints that a client knows, by position, and the one it stays with. Any thread; races are harmless.</summary>
public sealed class EtcdEndpoints
{
    private readonly int _count;
    private volatile int _current;

    /// <param name="count">How many; at least 1.</param>
    /// <param name="first">The one to begin with.</param>
    public EtcdEndpoints(int count, int first = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        _count = count;
        _current = first % count;
    }

    /// <summary>How many.</summary>
    public int Count => _count;

    /// <summary>Where the next call begins: where the last one was answered, or beyond one that failed.</summary>
    public int Current
    {
        get => _current;
        internal set => _current = value;
    }

    internal int After(int endpoint) => (endpoint + 1) % _count;
}

/// <summary>
/// The attempts of one call: whom to ask, and after a failure whether to ask again, whom and when. No clock, no randomness,
/// no transport: those are the caller's, so that the simulator runs this very code.
/// </summary>
/// <remarks>
/// A write of unknown outcome is never sent again: it could happen twice. A read may be. A refusal may, whatever it was.
/// </remarks>
public sealed class EtcdAttempts
{
    private readonly EtcdRetryPolicy _policy;
    private readonly EtcdEndpoints _endpoints;
    private readonly bool _isReadOnly;
    private int _unreached; // In a row.
    private int _pauses;

    /// <param name="policy">How patient.</param>
    /// <param name="endpoints">The client's.</param>
    /// <param name="isReadOnly">True if the request changes nothing, however often it is carried out.</param>
    public EtcdAttempts(EtcdRetryPolicy policy, EtcdEndpoints endpoints, bool isReadOnly)
    {
        _policy = policy;
        _endpoints = endpoints;
        _isReadOnly = isReadOnly;
        Endpoint = endpoints.Current;
    }

    /// <summary>Whom to ask now.</summary>
    public int Endpoint { get; private set; }

    /// <summary>The endpoint gave an answer: the next call begins with it.</summary>
    public void Answered() => _endpoints.Current = Endpoint;

    /// <summary>The attempt failed.</summary>
    /// <param name="failure">How.</param>
    /// <param name="left">Time until the caller's deadline.</param>
    /// <param name="random">Any 64 random bits: clients that were refused together must not come back together.</param>
    /// <returns>The time to wait before <see cref="Endpoint"/> is asked; null: give up, the failure is the call's.</returns>
    public TimeSpan? Failed(EtcdFailure failure, TimeSpan left, ulong random)
    {
        if (failure == EtcdFailure.Final)
        {
            Answered();
            return null;
        }

        Endpoint = _endpoints.After(Endpoint);
        _endpoints.Current = Endpoint;
        if (failure == EtcdFailure.NotReached)
        {
            _unreached++;
            return _unreached < _endpoints.Count && left > TimeSpan.Zero ? TimeSpan.Zero : null;
        }

        _unreached = 0;
        bool mayRepeat = failure == EtcdFailure.Refused || _isReadOnly;
        if (!mayRepeat || _pauses == _policy.MaxPauses) { return null; }
        TimeSpan pause = Pause(random);
        _pauses++;

        // A wait beyond the deadline would only replace what the server said by "no time left".
        return pause < left ? pause : null;
    }

    // Doubles up to the longest; of that, between a half and all.
    private TimeSpan Pause(ulong random)
    {
        long longest = _policy.LongestPause.Ticks;
        long ticks = _pauses < 30 ? Math.Min(longest, _policy.FirstPause.Ticks << _pauses) : longest;
        return TimeSpan.FromTicks((ticks / 2) + (long)(random % (ulong)((ticks / 2) + 1)));
    }
}
