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
    private readonly SimCluster _cluster;
    private readonly SimNode _node;
    private readonly SimNodeClient _client;
    private readonly EtcdService _service;

    public SimEtcdServer(SimCluster cluster, SimNode node, ShardId shard, Prng random)
    {
        _cluster = cluster;
        _node = node;
        _client = new SimNodeClient(cluster, node, random);
        var options = new EtcdServiceOptions
        {
            Node = _client,
            Shard = shard,
            Members = static place => new EtcdMember($"{place}", [], []),
        };
        _service = new EtcdService(options, ReportBug);
    }

    /// <summary>Serves a request. Within <see cref="SimNode.Do"/> only.</summary>
    /// <param name="path">Which RPC.</param>
    /// <param name="request">Its message.</param>
    /// <param name="timeoutMicros">The caller's time, as it told.</param>
    /// <param name="answer">Takes an error or the answer's message, once, unless the node dies before.</param>
    public SimEtcdCall Serve(string path, byte[] request, long timeoutMicros, Action<EtcdError?, byte[]> answer)
    {
        var call = new SimEtcdCall(_cluster, _node.Lives, c => answer(c.Error, c.Response), e => _service.Failed(path, e));
        _client.Step(call, () => call.Begin(Handle(path, request, new EtcdCall(RequireLeader: false, call.Stop))));
        if (!call.HasEnded) { _node.Later(timeoutMicros, () => Cancel(call)); }
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
    private ValueTask<EtcdResult> Handle(string path, byte[] request, EtcdCall call)
    {
        if (path == EtcdMethods.LeaseKeepAlive.Path) { return _service.LeaseRenew(LeaseKeepAliveRequest.Parser.ParseFrom(request), call); }
        EtcdRpc rpc = EtcdRpcs.ByPath[path];
        return rpc.Handler(_service, rpc.Parser.ParseFrom(request), call);
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
