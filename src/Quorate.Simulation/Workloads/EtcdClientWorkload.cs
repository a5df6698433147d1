using System.Text.Json.Nodes;
using Google.Protobuf;
using Quorate.Core;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Simulation.Checkers;
using Quorate.Simulation.Etcd;
using Quorate.StateMachines.KeyValue;

namespace Quorate.Simulation;

/// <summary>
/// Clients of the etcd service: each does one operation after the other, with the product's own retries. What they asked and heard goes to
/// the model of the workload's name.
/// </summary>
public abstract record EtcdClientWorkload : SimWorkload
{
    private int _busy;
    private int _processes;
    private int _failed;

    private protected EtcdClientWorkload() => History = new() { Model = Name };

    /// <summary>The shard whose service they use. Default: the first.</summary>
    public ShardId Shard { get; init; } = new(1);

    /// <summary>Mean milliseconds between an answer and the next question. Default: 60.</summary>
    public int ThinkMillis { get; init; } = 60;

    /// <summary>Longest time that a client gives a call; the shortest is a tenth. Default: 5 s.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    public override History History { get; }

    /// <inheritdoc/>
    public override int Operations => History.Operations.Count - _failed;

    /// <inheritdoc/>
    public override int Acknowledged => AcknowledgedWrites;

    /// <inheritdoc/>
    public override bool IsIdle => _busy == 0;

    private protected int AcknowledgedWrites { get; set; }

    /// <inheritdoc/>
    public override void Start(SimCluster cluster, long end)
    {
        string whose = cluster.BornShards.Contains(Shard) ? Name : $"{Name} of {Shard}";
        Prng random = cluster.StreamFor($"{whose} at {cluster.Now}");
        SimEtcdDoor door = cluster.EtcdOf(Shard);
        for (int i = 0; i < Clients; i++) { new Session(this, door, end, random.Split((ulong)i)).Go(); }
    }

    /// <inheritdoc/>
    public override void Check()
    {
        IModel model = Models.Find(Name) ?? throw new InvariantException($"there is no model {Name}");
        Verdict verdict = model.Check(History, new());
        if (!verdict.IsLegal) { throw new SimulationException(SimNet.Histories, verdict.Explanation); }
    }

    /// <summary>Does the next operation; ends with <see cref="Session.Idle"/>.</summary>
    private protected abstract void Ask(Session session);

    /// <summary>Reads by each member of the shard alone, at one moment, as if a linearizable read had met it.</summary>
    private protected void ReadEverywhere(SimCluster cluster, RangeRequest request, Action<RangeResponse> take, string? user = null)
    {
        SimEtcdDoor door = cluster.EtcdOf(Shard);
        request.Serializable = true;
        foreach (SimNode node in cluster.Nodes)
        {
            NodeId place = node.Id;
            bool isMember = cluster.LeaderOf(Shard)?.Core?.StatusOf(Shard)?.Members.Any(member => member.Node == place) ?? false;
            if (!isMember) { continue; }
            RangeResponse? response = null;
            node.Do(_ => door.Servers[node.Index].Serve(EtcdMethods.Range.Path, request.ToByteArray(), 1_000_000, (error, bytes) =>
            {
                cluster.Demand(error is null, SimNet.Liveness, $"node {node.Index + 1} refuses a read of its own: {error}");
                response = RangeResponse.Parser.ParseFrom(bytes);
            }, user));
            cluster.Demand(response is not null, SimNet.Liveness, $"node {node.Index + 1} does not answer a read of its own");
            take(response!);
        }
    }

    /// <summary>How many leases the shard has; -1 if nobody can tell now.</summary>
    private protected int LeasesLeft(SimCluster cluster)
    {
        if (cluster.LeaderOf(Shard)?.Core?.OpenLocalView(Shard) is not { } view) { return -1; }
        using (view) { return LeaseQueries.All(view).Length; }
    }

    /// <summary>Something other than a client begins, as a process of its own; the run waits for its end.</summary>
    private protected int BeginAlone()
    {
        _busy++;
        return _processes++;
    }

    /// <summary>It has ended, with an operation that failed.</summary>
    private protected void EndAlone()
    {
        _busy--;
        _failed++;
    }

    /// <summary>Notes an operation that began and ended now.</summary>
    private protected void Note(SimCluster cluster, string function, string? key, JsonObject asked, JsonObject heard)
    {
        int process = _processes++;
        History.Add(HistoryEvent.Create(process, HistoryEventType.Invoke, function, cluster.Now, key, more: Members(asked)));
        History.Add(HistoryEvent.Create(process, HistoryEventType.Ok, function, cluster.Now, more: Members(heard)));
    }

    private protected static (string, JsonNode?)[] Members(JsonObject json) => [.. json.Select(member => (member.Key, member.Value))];

    /// <summary>One client. An operation of unknown outcome uses up its process number.</summary>
    private protected sealed class Session
    {
        private readonly EtcdClientWorkload _workload;
        private readonly SimEtcdClient _client;
        private readonly long _end;

        public Session(EtcdClientWorkload workload, SimEtcdDoor door, long end, Prng random)
        {
            _workload = workload;
            Random = random;
            _client = new SimEtcdClient(door, random.Split(1));
            _end = end;
            Process = workload._processes++;
            Cluster = door.Cluster;
        }

        public SimCluster Cluster { get; }

        public Prng Random { get; }

        /// <summary>The user that its certificate names; null: it has none.</summary>
        public string? User
        {
            get => _client.User;
            set => _client.User = value;
        }

        /// <summary>Its number in the history.</summary>
        public int Process { get; private set; }

        /// <summary>True if its next operation would come too late.</summary>
        public bool IsOver => Cluster.Now >= _end;

        /// <summary>What the workload keeps of it between operations.</summary>
        public object? State { get; set; }

        /// <summary>Thinks, then asks the next question.</summary>
        public void Go() => Cluster.After(Random.Between(1_000, _workload.ThinkMillis * 2_000L), () =>
        {
            if (IsOver) { return; }
            _workload._busy++;
            _workload.Ask(this);
        });

        /// <summary>The operation is over.</summary>
        public void Idle()
        {
            _workload._busy--;
            Go();
        }

        /// <summary>Notes what it asks, by a process of its own unless one is given.</summary>
        public Question Begin(string function, string? key, JsonNode? value = null, JsonObject? more = null, bool alone = false)
        {
            int process = alone ? _workload._processes++ : Process;
            _workload.History.Add(HistoryEvent.Create(
                process, HistoryEventType.Invoke, function, Cluster.Now, key, value, more: Members(more ?? [])));
            return new Question(this, process, function);
        }

        public void Call<TRequest, TResponse>(
            EtcdMethod<TRequest, TResponse> method, TRequest request, Action<SimEtcdAnswer<TResponse>> done)
            where TRequest : IMessage<TRequest>
            where TResponse : class, IMessage<TResponse>
        {
            long most = (long)_workload.Patience.TotalMicroseconds;
            _client.Call(method, request, Random.Between(most / 10, most), done);
        }

        /// <summary>An operation that waits for its answer.</summary>
        public sealed class Question(Session session, int process, string function)
        {
            /// <summary>It happened.</summary>
            public void Ok(JsonNode? value = null, JsonObject? more = null) => End(HistoryEventType.Ok, value, more);

            /// <summary>No answer came; if it was a write, what happened is as the failure says.</summary>
            public void Failed(EtcdFailure failure, bool isWrite) =>
                End(isWrite && failure == EtcdFailure.Unknown ? HistoryEventType.Info : HistoryEventType.Fail, null, null);

            /// <summary>It certainly had no effect.</summary>
            public void Refused(JsonObject? more = null) => End(HistoryEventType.Fail, null, more);

            private void End(HistoryEventType type, JsonNode? value, JsonObject? more)
            {
                EtcdClientWorkload workload = session._workload;
                workload.History.Add(HistoryEvent.Create(process, type, function, session.Cluster.Now, value: value, more: Members(more ?? [])));
                if (type == HistoryEventType.Fail) { workload._failed++; }
                if (type == HistoryEventType.Info && process == session.Process) { session.Process = workload._processes++; }
            }
        }
    }
}
