using System.Runtime.CompilerServices;

namespace Quorate.Client;

/// <summary>A client of a Quorate or etcd v3 cluster. Any thread; one for the whole process is right. Connects at the first call.</summary>
public sealed class QuorateClient : IDisposable
{
    /// <summary>Of locks, leaderships and registrations: several renewals may fail, and a death is noticed soon.</summary>
    internal static readonly TimeSpan DefaultTimeToLive = TimeSpan.FromSeconds(15);

    private readonly ITransport _transport;
    private readonly TokenKeeper _tokens;

    /// <summary>Creates one.</summary>
    /// <exception cref="ArgumentException">The options are wrong; the message says all that is.</exception>
    public QuorateClient(QuorateClientOptions options)
        : this(Checked(options), new GrpcTransport(options))
    {
    }

    /// <summary>Creates one with default options.</summary>
    /// <param name="endpoints">The members' client URLs.</param>
    public QuorateClient(params ReadOnlySpan<string> endpoints)
        : this(OptionsOf(endpoints))
    {
    }

    internal QuorateClient(QuorateClientOptions options, ITransport transport)
    {
        _transport = transport;
        _tokens = new TokenKeeper(transport, options);
        Calls = new CallPipeline(transport, new EndpointSet(options.Endpoints, options.Time), _tokens, options);
        Kv = new KvClient(Calls, options.CallTimeout);
        Leases = new LeaseClient(Calls);
    }

    /// <summary>Keys: reads, writes, transactions.</summary>
    public KvClient Kv { get; }

    /// <summary>Leases.</summary>
    public LeaseClient Leases { get; }

    internal CallPipeline Calls { get; }

    /// <summary>Follows the changes of keys until it is stopped, across broken connections, dead members and changes of leader.</summary>
    /// <remarks>
    /// Every event comes once, in the order of revisions. Each watch has a stream of its own: one that is read slowly holds up no other.
    /// </remarks>
    /// <param name="keys">Which.</param>
    /// <param name="options">From which revision on, and what to tell.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="CompactedException">Events that were not told yet are compacted.</exception>
    /// <exception cref="AccessDeniedException">The user may not read these keys.</exception>
    public async IAsyncEnumerable<WatchBatch> WatchAsync(
        KeyRange keys, WatchOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var cursor = new WatchCursor(Calls, keys, options ?? new(), cancellationToken);
        await using (cursor.ConfigureAwait(false))
        {
            while (true) { yield return await cursor.NextAsync().ConfigureAwait(false); }
        }
    }

    /// <summary>All keys of a range as they are, then again after each change, for as long as it is read. Held in memory: for small ranges.</summary>
    /// <exception cref="UnavailableException">They could not be read at first; later it waits for the cluster.</exception>
    public IAsyncEnumerable<MirrorState> MirrorAsync(KeyRange keys, CancellationToken cancellationToken = default) =>
        Mirror.RunAsync(this, keys, cancellationToken);

    /// <summary>Takes a lock; waits in a fair queue, which it shares with <c>etcdctl lock</c>, <c>quorate lock</c> and etcd's client libraries.</summary>
    /// <param name="name">Of the lock; its keys begin with <c>name/</c>.</param>
    /// <param name="timeToLive">How long after the holder's death the lock passes on; default 15 s.</param>
    /// <param name="cancellationToken">Gives up; the place in the queue is left.</param>
    /// <exception cref="LeaseLostException">The cluster was out of reach for too long while waiting.</exception>
    public async Task<LockHandle> LockAsync(string name, TimeSpan? timeToLive = null, CancellationToken cancellationToken = default)
    {
        QueuePlace place = await QueuePlace.EnterAsync(this, name, default, timeToLive ?? DefaultTimeToLive, cancellationToken).ConfigureAwait(false);
        try
        {
            await place.WaitAsync(cancellationToken).ConfigureAwait(false);
            return new LockHandle(place);
        }
        catch
        {
            await place.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Takes a lock if nobody has it or waits for it; null otherwise.</summary>
    /// <inheritdoc cref="LockAsync" path="/param"/>
    public async Task<LockHandle?> TryLockAsync(string name, TimeSpan? timeToLive = null, CancellationToken cancellationToken = default)
    {
        QueuePlace place = await QueuePlace.EnterAsync(this, name, default, timeToLive ?? DefaultTimeToLive, cancellationToken).ConfigureAwait(false);
        bool isFirst = false;
        try
        {
            isFirst = await place.IsFirstAsync(cancellationToken).ConfigureAwait(false);
            return isFirst ? new LockHandle(place) : null;
        }
        finally
        {
            if (!isFirst) { await place.DisposeAsync().ConfigureAwait(false); }
        }
    }

    /// <summary>An election of that name; nothing is sent yet.</summary>
    public LeaderElection Election(string name) => new(this, name);

    /// <summary>Opens a session whose transactions may be repeated after an unknown outcome, and happen once.</summary>
    /// <param name="prefix">Where the session's key lies; the user must be allowed to write there.</param>
    /// <param name="timeToLive">How long it may be cut off; default 60 s.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public Task<WriteSession> OpenWriteSessionAsync(
        string prefix = "quorate/sessions/", TimeSpan? timeToLive = null, CancellationToken cancellationToken = default) =>
        WriteSession.OpenAsync(this, prefix, timeToLive ?? TimeSpan.FromSeconds(60), cancellationToken);

    /// <summary>Closes all connections. What is under way fails.</summary>
    public void Dispose()
    {
        _transport.Dispose();
        _tokens.Dispose();
    }

    private static QuorateClientOptions OptionsOf(ReadOnlySpan<string> endpoints)
    {
        var options = new QuorateClientOptions();
        foreach (string endpoint in endpoints)
        {
            options.Endpoints.Add(Uri.TryCreate(endpoint, UriKind.Absolute, out Uri? uri)
                ? uri
                : throw new ArgumentException($"'{endpoint}' is not an address; write http://host:2379", nameof(endpoints)));
        }

        return options;
    }

    private static QuorateClientOptions Checked(QuorateClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        string problems = string.Join(' ', options.Problems());
        return problems.Length == 0 ? options : throw new ArgumentException(problems, nameof(options));
    }
}
