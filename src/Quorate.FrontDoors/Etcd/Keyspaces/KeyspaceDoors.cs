using System.Collections.Immutable;
using Microsoft.AspNetCore.Http;
using Quorate.Core;
using Quorate.FrontDoors.Http2;
using Quorate.Node.Logging;
using Quorate.StateMachines.KeyValue;

namespace Quorate.FrontDoors.Etcd;

/// <summary>
/// The doors of all keyspaces: made when the first request for one comes, closed when it is deleted. What exists is what this
/// node has applied.
/// </summary>
internal sealed class KeyspaceDoors : IHttp2Server, IAsyncDisposable
{
    private readonly EtcdServerOptions _options;
    private readonly INodeLog _log;
    private readonly Action<string, Exception> _reportBug;
    private readonly Lock _gate = new();
    private readonly KeyspaceDoor _default;
    private readonly Timer _checks;
    private ImmutableDictionary<ShardId, KeyspaceDoor> _others = ImmutableDictionary<ShardId, KeyspaceDoor>.Empty;
    private bool _isStopping;

    /// <param name="options">Of the default keyspace.</param>
    /// <param name="log">Gets the lines of what doors do by themselves.</param>
    /// <param name="reportBug">As <see cref="EtcdService"/>'s.</param>
    public KeyspaceDoors(EtcdServerOptions options, INodeLog log, Action<string, Exception> reportBug)
    {
        _options = options;
        _log = log;
        _reportBug = reportBug;
        _default = new KeyspaceDoor(options, log, reportBug);
        _checks = new Timer(_ => Check());
    }

    /// <summary>Streaming calls that are being served.</summary>
    public int OpenStreams => _default.Service.OpenStreams + _others.Values.Sum(static door => door.Service.OpenStreams);

    /// <summary>Begins to look after streams: those that want a leader and have none, those of deleted keyspaces.</summary>
    public void Start() => _checks.Change(_options.ElectionTimeout, _options.ElectionTimeout);

    /// <summary>Serves one request, whatever is wrong with it.</summary>
    public Task ServeAsync(HttpContext context)
    {
        (string? name, EtcdError? error) = KeyspaceChoice.Of(context);
        KeyspaceDoor? door = error is null ? Find(name, out error) : null;
        if (door is not null) { return door.ServeAsync(context); }
        JsonGateway.Refuse(context, error!);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public void Open(Http2Stream stream)
    {
        if (stream.Method != HttpMethods.Post || stream.ContentType is null || !Http2Entry.IsGrpcType(stream.ContentType))
        {
            stream.Connection.RefuseHttp(stream);
            return;
        }

        string path = stream.Path!;
        (string? name, EtcdError? error) = KeyspaceChoice.Of(stream.Connection.Port?.Keyspace, stream.Keyspace, ref path);
        stream.Path = path;
        KeyspaceDoor? door = error is null ? Find(name, out error) : null;
        if (door is null) { GrpcAdaptor.Refuse(stream, error!); }
        else { door.Grpc.Open(stream); }
    }

    /// <summary>Ends all streams, and refuses new ones: the server is about to stop.</summary>
    public void EndStreams()
    {
        lock (_gate) { _isStopping = true; }
        _default.Service.EndStreams();
        foreach (KeyspaceDoor door in _others.Values) { door.Service.EndStreams(); }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        EndStreams();
        await _checks.DisposeAsync().ConfigureAwait(false);
        await _default.DisposeAsync().ConfigureAwait(false);
        foreach (KeyspaceDoor door in _others.Values) { await door.DisposeAsync().ConfigureAwait(false); }
    }

    private KeyspaceDoor? Find(string? name, out EtcdError? error)
    {
        error = null;
        if (name is null or KeyspaceRules.DefaultName) { return _default; }
        if (_options.Node.Keyspaces.Find(name) is not { } keyspace)
        {
            error = EtcdErrors.KeyspaceNotFound;
            return null;
        }

        return _others.TryGetValue(keyspace.Shard, out KeyspaceDoor? door) ? door : Open(keyspace, out error);
    }

    private KeyspaceDoor? Open(Keyspace keyspace, out EtcdError? error)
    {
        error = null;
        lock (_gate)
        {
            if (_others.TryGetValue(keyspace.Shard, out KeyspaceDoor? known)) { return known; }
            if (_isStopping)
            {
                error = EtcdErrors.Stopped;
                return null;
            }

            EtcdServerOptions options = _options with
            {
                Shard = keyspace.Shard,
                Keyspace = keyspace.Name,
                KeyspaceUrls = [.. _options.KeyspacePorts.Where(port => port.Keyspace == keyspace.Name).Select(static port => port.Url)],
            };
            var door = new KeyspaceDoor(options, _log, _reportBug);
            _others = _others.Add(keyspace.Shard, door);
            return door;
        }
    }

    private void Check()
    {
        _default.Service.CheckLeader();
        KeyspaceList list = _options.Node.Keyspaces;
        foreach ((ShardId shard, KeyspaceDoor door) in _others)
        {
            if (list.Find(shard) is null) { Close(shard, door); }
            else { door.Service.CheckLeader(); }
        }

        // Nobody may ask this member for a keyspace that it leads, and has to compact.
        if (!_options.HasRetention) { return; }
        foreach (Keyspace keyspace in list.All.Where(keyspace => !_others.ContainsKey(keyspace.Shard))) { Open(keyspace, out _); }
    }

    private void Close(ShardId shard, KeyspaceDoor door)
    {
        lock (_gate)
        {
            if (_isStopping) { return; }
            _others = _others.Remove(shard);
        }

        door.Service.EndStreams(EtcdErrors.KeyspaceNotFound);
        _ = door.DisposeAsync().AsTask(); // Its driver ends by itself; nothing of it is waited for.
    }
}
