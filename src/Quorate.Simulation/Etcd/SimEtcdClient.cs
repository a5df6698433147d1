using Google.Protobuf;
using Quorate.Core;
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Client;

namespace Quorate.Simulation.Etcd;

/// <summary>What became of a call: an answer, or how it failed.</summary>
/// <param name="Response">The answer; null if it failed.</param>
/// <param name="Failure">What the failure tells; without meaning if there is an answer.</param>
/// <param name="Message">The words of the failure.</param>
internal readonly record struct SimEtcdAnswer<TResponse>(TResponse? Response, EtcdFailure Failure, string Message)
    where TResponse : class;

/// <summary>
/// A client of the etcd API, as EtcdGrpcClient is one, with the same choice of endpoints and the same decisions after failures;
/// only its connections are simulated.
/// </summary>
internal sealed class SimEtcdClient
{
    private readonly SimEtcdDoor _door;
    private readonly Prng _random;
    private readonly EtcdEndpoints _endpoints;
    private readonly EtcdRetryPolicy _retry;
    private readonly int _number;

    public SimEtcdClient(SimEtcdDoor door, Prng random, EtcdRetryPolicy? retry = null)
    {
        _door = door;
        _number = door.Cluster.ClientLinks.NextClient();
        _random = random;
        _retry = retry ?? new EtcdRetryPolicy();
        _endpoints = new EtcdEndpoints(door.Servers.Length, random.Below(door.Servers.Length));
    }

    /// <summary>Calls one RPC.</summary>
    /// <param name="method">Which.</param>
    /// <param name="request">The question.</param>
    /// <param name="timeoutMicros">Time for all of it.</param>
    /// <param name="done">Takes the answer or the failure, once, in an event of its own.</param>
    public void Call<TRequest, TResponse>(
        EtcdMethod<TRequest, TResponse> method, TRequest request, long timeoutMicros, Action<SimEtcdAnswer<TResponse>> done)
        where TRequest : IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        new OneCall(
            this,
            method.Path,
            request.ToByteArray(),
            timeoutMicros,
            method.IsReadOnly?.Invoke(request) ?? false,
            (bytes, failure, message) => done(new(bytes is null ? null : method.Parser.ParseFrom(bytes), failure, message))).Try();

    /// <summary>The user that its certificate names; null: it has none.</summary>
    public string? User { get; set; }

    private sealed class OneCall
    {
        private readonly SimEtcdClient _client;
        private readonly SimCluster _cluster;
        private readonly string _path;
        private readonly byte[] _request;
        private readonly long _deadline;
        private readonly EtcdAttempts _attempts;
        private readonly Action<byte[]?, EtcdFailure, string> _done;
        private Attempt? _attempt;
        private bool _isDone;

        public OneCall(
            SimEtcdClient client, string path, byte[] request, long timeoutMicros, bool isReadOnly,
            Action<byte[]?, EtcdFailure, string> done)
        {
            _client = client;
            _cluster = client._door.Cluster;
            _path = path;
            _request = request;
            _deadline = _cluster.Now + timeoutMicros;
            _attempts = new EtcdAttempts(client._retry, client._endpoints, isReadOnly);
            _done = done;
            _cluster.After(timeoutMicros, () =>
            {
                if (_isDone) { return; }
                _attempt?.GiveUp();
                Finish(null, EtcdFailure.Unknown, "context deadline exceeded");
            });
        }

        public void Try()
        {
            if (_isDone) { return; }
            _attempt = new Attempt(this, _client._door, _attempts.Endpoint);
            _attempt.Send();
        }

        public void Answered(byte[] response)
        {
            _attempts.Answered();
            Finish(response, default, "");
        }

        public void Failed(GrpcStatus status, string message, bool wasSent)
        {
            EtcdFailure failure = EtcdFailures.Of(status, message, wasSent);
            var left = TimeSpan.FromMicroseconds(_deadline - _cluster.Now);
            if (_attempts.Failed(failure, left, _client._random.Next()) is { } pause)
            {
                _cluster.After((long)pause.TotalMicroseconds, Try);
                return;
            }

            Finish(null, failure, message);
        }

        public long Left => Math.Max(1, _deadline - _cluster.Now);

        public string Path => _path;

        public byte[] Request => _request;

        public string? User => _client.User;

        public int Client => _client._number;

        public Prng Random => _client._random;

        private void Finish(byte[]? response, EtcdFailure failure, string message)
        {
            _cluster.Demand(!_isDone, SimNet.Answers, $"a call of {_path} was answered twice");
            _isDone = true;
            _cluster.Trace(_attempts.Endpoint, response is null ? message : "answer", response is null ? (ulong)failure : Crc32C.Compute(response));
            _done(response, failure, message);
        }
    }

    /// <summary>One request on one connection. The connection ends with the node, or by a fault on the way there or back.</summary>
    private sealed class Attempt(OneCall call, SimEtcdDoor door, int endpoint)
    {
        private readonly SimCluster _cluster = door.Cluster;
        private readonly SimNode _node = door.Cluster.Nodes[endpoint];
        private readonly SimEtcdServer _server = door.Servers[endpoint];
        private SimEtcdCall? _served;
        private long _connection;
        private bool _isOver;

        public void Send()
        {
            if (_node.Core is null || _cluster.ClientLinks.Reaches?.Invoke(call.Client, _node.Index) == false)
            {
                _cluster.After(Delay(), () => End(() => call.Failed(GrpcStatus.Unavailable, "connection refused", wasSent: false)));
                return;
            }

            int life = _node.Lives;
            _connection = _node.Connect(() => Break("the node has gone"));
            bool isLost = call.Random.Below(100) < _cluster.ClientLinks.LoseRequestPercent;
            _cluster.After(Delay(), () =>
            {
                if (isLost)
                {
                    _cluster.Strike("K1", "request-lost", _node.Index);
                    Break("the request was lost");
                }
                else if (_node.Lives == life)
                {
                    Arrive();
                }
            });
        }

        /// <summary>The client waits no more; the server hears of it a moment later, if it can.</summary>
        public void GiveUp() => End(() => _cluster.After(Delay(), () =>
        {
            if (_served is { HasEnded: false } served && served.Life == _node.Lives) { _server.Cancel(served); }
        }));

        private void Arrive() => _node.Do(_ =>
        {
            _cluster.Trace(_node.Index, call.Path, Crc32C.Compute(call.Request));
            _served = _server.Serve(call.Path, call.Request, call.Left, Answer, call.User);
        });

        private void Answer(EtcdError? error, byte[] response)
        {
            if (_isOver) { return; }
            if (call.Random.Below(100) < _cluster.ClientLinks.LoseAnswerPercent)
            {
                _cluster.Strike("K1", "answer-lost", _node.Index);
                Break("the answer was lost");
                return;
            }

            // The bytes are on their way: the node's death does not take them back.
            _node.HangUp(_connection);
            _cluster.After(Delay(), () => End(() =>
            {
                if (error is null) { call.Answered(response); }
                else { call.Failed(error.Status, error.Message, wasSent: true); }
            }));
        }

        // Noticed later, and never within the code of a node.
        private void Break(string how) =>
            _cluster.After(Delay(), () => End(() => call.Failed(GrpcStatus.Unavailable, how, wasSent: true)));

        private void End(Action then)
        {
            if (_isOver) { return; }
            _isOver = true;
            _node.HangUp(_connection);
            then();
        }

        private long Delay() => call.Random.Between(_cluster.Options.MinDelayMicros, _cluster.Options.MaxDelayMicros);
    }
}
