using Google.Protobuf;
using Quorate.Core;
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Simulation.Disk;

namespace Quorate.Simulation.Etcd;

/// <summary>The product's etcd service on a simulated node: takes a request's bytes, gives an answer's bytes or an error.</summary>
/// <remarks>Stands in for GrpcAdaptor, and treats deadlines and failures as that does.</remarks>
internal sealed class SimEtcdServer
{
    private const long ProgressMicros = 700_000;
    private const long RetryMicros = 100_000; // As WatchDriver's.

    private readonly SimCluster _cluster;
    private readonly SimNode _node;
    private readonly SimNodeClient _client;
    private readonly ShardId _shard;
    private EtcdService? _service;
    private int _serviceLife;
    private bool _isToldSoon;

    public SimEtcdServer(SimCluster cluster, SimNode node, ShardId shard, Prng random)
    {
        _cluster = cluster;
        _node = node;
        _shard = shard;
        _client = new SimNodeClient(cluster, node, random);
        node.OnPublished(Published);
    }

    // Each life of the node is a process of its own, and knows nothing of the watchers of the one before.
    private EtcdService Service
    {
        get
        {
            if (_service is not null && _serviceLife == _node.Lives) { return _service; }
            _service = new EtcdService(
                new EtcdServiceOptions
                {
                    Node = _client,
                    Shard = _shard,
                    Members = static place => new EtcdMember($"{place}", [], []),
                    MaxWatchQueueBytes = 2048,
                },
                ReportBug,
                () => new SimWakeSignal(_client, _client.Running ?? throw new InvariantException("nobody's call waits")));
            _serviceLife = _node.Lives;
            _isToldSoon = false;
            Tell(ProgressMicros, _service.Watches.TellProgress, isRepeated: true);
            return _service;
        }
    }

    /// <summary>Serves a request. Within <see cref="SimNode.Do"/> only.</summary>
    /// <param name="path">Which RPC.</param>
    /// <param name="request">Its message.</param>
    /// <param name="timeoutMicros">The caller's time, as it told.</param>
    /// <param name="answer">Takes an error or the answer's message, once, unless the node dies before.</param>
    /// <param name="user">Whom the caller's certificate names, if it has one.</param>
    public SimEtcdCall Serve(string path, byte[] request, long timeoutMicros, Action<EtcdError?, byte[]> answer, string? user = null)
    {
        EtcdService service = Service;
        var call = new SimEtcdCall(_cluster, _node.Lives, c => answer(c.Error, c.Response), e => service.Failed(path, e));
        _client.Step(call, () => call.Begin(Handle(service, path, request, new EtcdCall(RequireLeader: false, call.Stop, user))));
        if (!call.HasEnded) { _node.Later(timeoutMicros, () => Cancel(call)); }
        return call;
    }

    /// <summary>Serves a streaming call. Within <see cref="SimNode.Do"/> only.</summary>
    /// <param name="path">Which RPC.</param>
    /// <param name="send">Takes each response.</param>
    /// <param name="ended">Hears that the service has ended it, with the error if there is one, unless the node dies before.</param>
    /// <param name="stream">Takes the requests.</param>
    public SimEtcdCall ServeStream(string path, Action<byte[]> send, Action<EtcdError?> ended, out SimEtcdStream stream)
    {
        EtcdStreamRpc rpc = EtcdRpcs.StreamsByPath[path];
        EtcdService service = Service;
        var call = new SimEtcdCall(_cluster, _node.Lives, c => ended(c.Error), e => service.Failed(path, e));
        var served = new SimEtcdStream(_client, call, rpc.Parser, send);
        stream = served;
        _client.Step(call, () => call.Begin(Serve(service, rpc, served, call)));
        return call;
    }

    /// <summary>The caller waits no more.</summary>
    public void Cancel(SimEtcdCall call)
    {
        int life = call.Life;
        _node.Do(_ =>
        {
            if (_node.Lives == life && !call.HasEnded) { _client.Step(call, call.Cancel); }
        });
    }

    // A stream of renewals is one renewal here: what lies around it, the stream, is the transport's.
    private static ValueTask<EtcdResult> Handle(EtcdService service, string path, byte[] request, EtcdCall call)
    {
        if (path == EtcdMethods.LeaseKeepAlive.Path) { return service.LeaseRenew(LeaseKeepAliveRequest.Parser.ParseFrom(request), call); }
        EtcdRpc rpc = EtcdRpcs.ByPath[path];
        return service.Serve(rpc, rpc.Parser.ParseFrom(request), call);
    }

    private static async ValueTask<EtcdResult> Serve(EtcdService service, EtcdStreamRpc rpc, SimEtcdStream stream, SimEtcdCall call)
    {
        EtcdError? error = await service.Serve(rpc, stream, new EtcdCall(RequireLeader: false, call.Stop)).ConfigureAwait(false);
        return error is null ? EtcdResult.Of(new EncodedWatchResponse()) : error;
    }

    // As WatchDriver does on the thread pool of a real node.
    private void Published(ShardId shard)
    {
        if (shard != _shard || _node.Core is null || _isToldSoon || !Service.Watches.HasWatchers) { return; }
        _isToldSoon = true;
        Tell(0, Service.Watches.Advance, isRepeated: false);
    }

    private void Tell(long micros, Action tell, bool isRepeated)
    {
        EtcdService service = _service!;
        _client.Aside(micros, () =>
        {
            if (!isRepeated) { _isToldSoon = false; }
            try
            {
                tell();
            }
            catch (Exception e) when (e is not SimCrashException)
            {
                service.Failed(EtcdMethods.Watch.Path, e);
                if (!isRepeated && !_isToldSoon)
                {
                    _isToldSoon = true;
                    Tell(RetryMicros, tell, isRepeated: false);
                }
            }

            if (isRepeated) { Tell(micros, tell, isRepeated); }
        });
    }

    // An exception of the disk is a fault's doing; any other is a bug.
    private void ReportBug(string rpc, Exception exception) => _cluster.Demand(
        exception is DiskException or CorruptFileException, SimNet.Invariants, $"{rpc} on node {_node.Index + 1} failed: {exception}");
}

/// <summary>A request that a server has taken.</summary>
internal sealed class SimEtcdCall : IDisposable
{
    private readonly SimCluster _cluster;
    private readonly Action<SimEtcdCall> _ended;
    private readonly Func<Exception, EtcdError> _failed;
    private readonly CancellationTokenSource _stop = new();
    private Task<EtcdResult>? _result;

    public SimEtcdCall(SimCluster cluster, int life, Action<SimEtcdCall> ended, Func<Exception, EtcdError> failed)
    {
        _cluster = cluster;
        Life = life;
        _ended = ended;
        _failed = failed;
    }

    /// <summary>The life of the node that took it.</summary>
    public int Life { get; }

    /// <summary>Tells the service that nobody waits.</summary>
    public CancellationToken Stop => _stop.Token;

    /// <summary>Answers of the node that it waits for.</summary>
    public int Waiting { get; set; }

    /// <summary>Null if it went well.</summary>
    public EtcdError? Error { get; private set; }

    /// <summary>The answer's message, if it went well.</summary>
    public byte[] Response { get; private set; } = [];

    /// <summary>True once it has been answered.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>The service has begun.</summary>
    public void Begin(ValueTask<EtcdResult> result) => _result = result.AsTask();

    /// <summary>The caller gave up, or its deadline passed.</summary>
    public void Cancel() => _stop.Cancel();

    /// <summary>Its code ran as far as it could.</summary>
    public void Stepped()
    {
        if (HasEnded) { return; }
        if (!_result!.IsCompleted)
        {
            // It waits for the node, or it has left for a thread of its own.
            _cluster.Demand(Waiting > 0, SimNet.Invariants, "a request's code went on outside of the simulator's thread");
            return;
        }

        HasEnded = true;
        EtcdResult result = Result();

        // As GrpcAdaptor: the caller's own deadline explains all that fails after it.
        if (result.Error is not null && _stop.IsCancellationRequested) { result = EtcdErrors.DeadlineExceeded; }
        Error = result.Error;
        _cluster.Demand(result.Parts is null, SimNet.Invariants, "an answer is larger than all that the workloads write");
        Response = result.Response?.ToByteArray() ?? [];
        Dispose();
        _ended(this);
    }

    /// <inheritdoc/>
    public void Dispose() => _stop.Dispose();

    // As GrpcAdaptor: whatever comes out of the service is its failure.
    private EtcdResult Result()
    {
        try
        {
            return _result!.GetAwaiter().GetResult();
        }
        catch (OperationCanceledException)
        {
            return EtcdErrors.Canceled;
        }
        catch (Exception e) when (e is not SimCrashException)
        {
            return _failed(e);
        }
    }
}
