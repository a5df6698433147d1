using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Quorate.Core;
using Quorate.Raft;
using Quorate.Replication;
using Quorate.Simulation.Etcd;
using Quorate.StateMachines;

namespace Quorate.Simulation;

/// <summary>
/// A whole cluster in one thread: the production NodeCore, log, engine and state machines over simulated disks, links and clocks.
/// The seed is the only input: the same seed gives the same run, event by event, and the same <see cref="TraceHash"/>.
/// </summary>
public sealed partial class SimCluster : IDisposable
{
    private const int MostEventsInSecond = 100_000;

    private readonly PriorityQueue<Action, (long At, long Order)> _events = new();
    private readonly ImmutableArray<ShardDescriptor> _shards;
    private readonly Queue<string> _recent = [];
    private readonly List<Buggify> _buggified = [];
    private bool _isHealed;
    private readonly SortedDictionary<ShardId, SimEtcdDoor> _etcd = [];
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private volatile bool _hasStrayed;
    private readonly SortedDictionary<(ShardId Shard, LogIndex Applied), (ulong Hash, int Node)> _states = [];
    private readonly ApplyWatch _applied;
    private readonly StruckFaults _struck = new();
    private readonly SortedSet<NodeId> _everMembers = [];
    private long _order;
    private long _secondFrom;
    private long _secondEvents;
    private ulong _trace = 14695981039346656037;

    private readonly SimTrace? _tracer;

    private SimCluster(ulong seed, SimOptions options, SimTrace? tracer)
    {
        _tracer = tracer;
        Seed = seed;
        Options = options;
        var random = new Prng(seed);
        Random = random.Split(1);
        Network = new(this, options.Nodes + options.Spares, random.Split(2));
        ImmutableArray<ReplicaPlace> places =
            [.. Enumerable.Range(0, options.Nodes).Select(i => new ReplicaPlace(new((ulong)i + 1), SimNode.IdOf(i)))];
        _shards = [.. Enumerable.Range(1, options.Shards).Select(i => new ShardDescriptor(new((ulong)i), (int)Catalog.KeyValue.Id, places))];
        Wire = new(this);
        Changes = new(this);
        _applied = new(this);
        Nodes = [.. Enumerable.Range(0, options.Nodes + options.Spares).Select(i => new SimNode(this, i, random.Split(100 + (ulong)i)))];
    }

    /// <summary>Where all its randomness comes from.</summary>
    public ulong Seed { get; }

    /// <summary>What it is made of.</summary>
    public SimOptions Options { get; }

    /// <summary>Its nodes.</summary>
    public ImmutableArray<SimNode> Nodes { get; }

    /// <summary>Its links.</summary>
    public SimNetwork Network { get; }

    /// <summary>The connections between clients and nodes.</summary>
    internal SimClientLinks ClientLinks { get; } = new();

    /// <summary>Listens to all that is sent.</summary>
    internal WireWatch Wire { get; }

    /// <summary>What changes under machines without their doing.</summary>
    internal SilentRecords Changes { get; }

    /// <summary>For faults and workloads.</summary>
    public Prng Random { get; }

    /// <summary>Simulated microseconds since the start.</summary>
    public long Now { get; private set; }

    /// <summary>Events so far.</summary>
    public long Events { get; private set; }

    /// <summary>A hash over all that happened; equal for equal seeds.</summary>
    public ulong TraceHash => _trace;

    /// <summary>Its shards, but for keyspaces that come and go.</summary>
    public IEnumerable<ShardId> Shards => BornShards.Concat(_served);

    /// <summary>Changes of state that the nodes reported, by name.</summary>
    public SortedDictionary<string, int> Reported { get; } = new(StringComparer.Ordinal);

    /// <summary>Raised for each change of state that a node reports, within the node: handlers schedule what they want done.</summary>
    internal event Action<int, NodeEvent>? Changed;

    /// <summary>True if somebody wants to read what happens.</summary>
    internal bool IsTraced => _tracer is not null;

    /// <summary>Creates a cluster and starts all its nodes.</summary>
    /// <param name="seed">Where all its randomness comes from.</param>
    /// <param name="options">What it is made of.</param>
    /// <param name="tracer">Told of all that happens, if given; it costs several times the run.</param>
    public static SimCluster Start(ulong seed, SimOptions options, SimTrace? tracer = null)
    {
        var cluster = new SimCluster(seed, options, tracer);
        foreach (SimNode node in cluster.Nodes) { node.Start(); }
        return cluster;
    }

    /// <summary>Times that each kind of fault struck, by the row of the catalogue (docs/reliability.md).</summary>
    public SortedDictionary<string, int> Struck => _struck.Times;

    /// <summary>Runs a workload under faults for a span of simulated time. The faults stop at its end; what they broke stays broken.</summary>
    public void Run(TimeSpan span, SimWorkload workload, params ReadOnlySpan<SimFault> faults) => Run(span, [workload], faults);

    /// <summary>Runs workloads under faults for a span of simulated time. The faults stop at its end; what they broke stays broken.</summary>
    public void Run(TimeSpan span, ImmutableArray<SimWorkload> workloads, params ReadOnlySpan<SimFault> faults)
    {
        long end = Now + (long)span.TotalMicroseconds;
        foreach (SimWorkload workload in workloads) { workload.Start(this, end); }
        foreach (SimFault fault in faults) { fault.Start(this, StreamFor(fault.Name), end); }
        RunWhile(() => Now < end);

        // Every request is answered by its deadline at the latest.
        RunWhile(() => !workloads.All(workload => workload.IsIdle) && Now < end + 60_000_000);
        Demand(workloads.All(workload => workload.IsIdle), SimNet.Answers, "a request was never answered");
    }

    /// <summary>A fault strikes: counted for the report, and a line of the trace. One that hits a node without a replica does not count.</summary>
    /// <param name="row">Of the catalogue.</param>
    /// <param name="what">In the trace.</param>
    /// <param name="node">The node that it hits, if it is one.</param>
    /// <param name="forMicros">How long it lasts, if that is known by now.</param>
    internal void Strike(string row, string what, int node = -1, long forMicros = 0)
    {
        if (node < 0 || IsMember(node)) { Count(row, what, node, forMicros); }
    }

    /// <summary>The same for links: it counts if it cuts, or slows down, a direction between two members of one shard.</summary>
    internal void StrikeLinks(string row, string what, int node, Func<int, int, bool> isHit, long forMicros = 0)
    {
        if (Shards.Any(shard => MembersOf(shard) is var members && members.Any(from => members.Any(to => from != to && isHit(from, to)))))
        {
            Count(row, what, node, forMicros);
        }
    }

    /// <summary>True while a fault is in force, or has struck within the last seconds.</summary>
    internal bool IsAnyFaultInForce => _struck.IsAnyInForce(Now);

    /// <summary>True if the node holds a member of some shard.</summary>
    internal bool IsMember(int node) => Shards.Any(shard => MembersOf(shard).Contains(node));

    /// <summary>True if most members of some shard are on these nodes.</summary>
    internal bool HasMajority(SortedSet<int> nodes) =>
        Shards.Any(shard => MembersOf(shard) is var members && 2 * members.Count(nodes.Contains) > members.Length);

    // Positions of the nodes, as the leader knows them, or else whoever has applied most.
    private ImmutableArray<int> MembersOf(ShardId shard)
    {
        ShardStatus? status = LeaderOf(shard)?.Core?.StatusOf(shard)
            ?? Nodes.Select(node => node.Core?.StatusOf(shard)).OfType<ShardStatus>().MaxBy(known => known.Applied);
        return status is null
            ? [.. Enumerable.Range(0, Options.Nodes)]
            : [.. status.Members.Where(member => member.Node != NodeId.None).Select(member => (int)member.Node.Value - 1)];
    }

    private void Count(string row, string what, int node, long forMicros)
    {
        bool areSeveral = _struck.Add(row, Now, forMicros);
        Tell(row, what, node);
        if (!areSeveral) { return; }
        _struck.Add("X1", Now, 0);
        Tell("X1", "several-faults", -1);
    }

    private void Tell(string row, string what, int node)
    {
        Trace(node, what, (ulong)Struck[row], $"fault {row}, time {Struck[row]}");
        Log(node, new(default, what, $"row={row}"));
    }

    // By name, so that leaving one fault out does not change what the others do.
    internal Prng StreamFor(string use)
    {
        ulong hash = 14695981039346656037;
        foreach (char c in use) { hash = unchecked((hash ^ c) * 1099511628211); }
        return new Prng(Seed).Split(hash);
    }

    /// <summary>
    /// Mends all links, disks and clocks, ends what Buggify does, resumes and restarts all nodes but those whose log is damaged: nothing
    /// repairs that.
    /// </summary>
    /// <param name="withDamage">Those too, unless they have found it.</param>
    public void Heal(bool withDamage = false)
    {
        _isHealed = true;
        foreach (Buggify buggify in _buggified) { buggify.End(); }
        Network.Heal();
        ClientLinks.Reaches = null;
        foreach (SimNode node in Nodes)
        {
            if (node.HasDamagedLog && !withDamage) { node.Retire(); }
            node.MendDisk();
            node.TurnMicros = 0;
            node.Clock.RatePercent = 100;
            node.Resume();
            node.Start();
        }
    }

    /// <summary>Runs until the condition holds.</summary>
    /// <exception cref="SimulationException">It does not hold within the span of simulated time.</exception>
    public void RunUntil(Func<SimCluster, bool> condition, TimeSpan within)
    {
        long end = Now + (long)within.TotalMicroseconds;
        long check = Now;
        RunWhile(() =>
        {
            if (Now < check) { return true; }
            check = Now + 20_000;
            return Now < end && !condition(this);
        });
        Demand(condition(this), SimNet.Liveness, $"not reached within {within.TotalSeconds} s of simulated time");
    }

    /// <summary>True if all members of each shard, but those on lost nodes, are up and have applied all there is, to the same state.</summary>
    public bool ReplicasAgree()
    {
        foreach (ShardId shard in Shards)
        {
            if (LeaderOf(shard)?.Core?.StatusOf(shard) is not { } leader) { return false; }
            foreach ((ReplicaId replica, NodeId place) in leader.Members)
            {
                if (Nodes.Any(node => node.Id == place && node.IsLost)) { continue; }
                bool isThere = Nodes.FirstOrDefault(node => node.Id == place)?.Core?.StatusOf(shard) is { } status &&
                    status.Replica == replica && status.Applied == leader.LastIndex && status.LastIndex == leader.LastIndex &&
                    status.Leader == leader.Replica;
                if (!isThere) { return false; }
            }
        }

        if (Shards.Any(shard => Nodes.Any(node => node.IsChanged(shard)))) { return false; }
        CompareStates();
        return Options.Keyspaces == 0 || KeyspacesAgree();
    }

    /// <summary>Demands that all replicas of a shard that have ever stood at the same entry had the same state there.</summary>
    public void CompareStates()
    {
        foreach (SimNode node in Nodes)
        {
            if (node.Core is not { } core) { continue; }
            foreach (ShardId shard in core.Shards)
            {
                if (node.IsChanged(shard)) { continue; } // Until it is found, and filled anew: see ReplicasAgree.
                if (node.HashOf(shard) is not (LogIndex applied, ulong hash)) { continue; }
                if (!_states.TryGetValue((shard, applied), out (ulong Hash, int Node) known))
                {
                    _states.Add((shard, applied), (hash, node.Index));
                    continue;
                }

                Demand(hash == known.Hash, SimNet.States, $"{shard}: nodes {known.Node + 1} and {node.Index + 1} differ in state at entry {applied}");
            }
        }
    }

    /// <summary>The node that leads a shard in the highest term, or null.</summary>
    public SimNode? LeaderOf(ShardId shard) => Nodes
        .Select(node => (Node: node, Status: node.Core?.StatusOf(shard)))
        .Where(pair => pair.Status is { Role: Role.Leader })
        .OrderByDescending(pair => pair.Status!.Term)
        .Select(pair => pair.Node)
        .FirstOrDefault();

    /// <summary>Throws unless the fact holds, with the seed and what happened last.</summary>
    public void Demand(bool fact, SimNet net, string failure)
    {
        if (!fact) { throw new SimulationException(net, $"seed {Seed}, at {Now} us: {failure}\n{string.Join('\n', _recent)}"); }
    }

    /// <summary>Schedules an action.</summary>
    internal void After(long micros, Action action) => _events.Enqueue(action, (Now + micros, _order++));

    /// <summary>The etcd API of a shard, on all nodes.</summary>
    internal SimEtcdDoor EtcdOf(ShardId shard)
    {
        if (!_etcd.TryGetValue(shard, out SimEtcdDoor? door)) { _etcd.Add(shard, door = new SimEtcdDoor(this, shard)); }
        return door;
    }

    /// <summary>Fails the run if it has reached another thread: then it is no function of its seed any more.</summary>
    internal void DemandThread()
    {
        _hasStrayed |= Environment.CurrentManagedThreadId != _thread;
        Demand(!_hasStrayed, SimNet.Invariants, "code of a simulated node runs on another thread");
    }

    internal NodeConfig ConfigOf(NodeId node, Prng random)
    {
        Buggify? buggify = Options.Buggify && !_isHealed ? new(Seed, random) : null;
        if (buggify is not null) { _buggified.Add(buggify); }
        return Options.ConfigOf(node, (shard, kind) => CreateMachine(shard, kind, node), _shards, buggify) with { FreshNode = UnusedSpare };
    }

    // A spare that has never been a member of the first shard; none if there is none left: then nobody may be added.
    private NodeId UnusedSpare()
    {
        NoteMembers();
        return Nodes.Skip(Options.Nodes).FirstOrDefault(node => !_everMembers.Contains(node.Id))?.Id ?? NodeId.None;
    }

    private void NoteMembers()
    {
        foreach (SimNode node in Nodes)
        {
            if (node.Core?.StatusOf(new(1)) is { } status) { _everMembers.UnionWith(status.Members.Select(static member => member.Node)); }
        }
    }

    private IStateMachine? CreateMachine(ShardId shard, int kind, NodeId node) => Catalog.Find((uint)kind) is { } known
        ? _applied.Watched(known.Create(), shard, (int)node.Value - 1)
        : null;

    /// <summary>Something happened: it goes into the hash, and into the trace if there is one.</summary>
    internal void Trace(int node, string what, ulong value)
    {
        _tracer?.Write(Now, node, $"{what} {value}");
        Hash(node, what, value);
    }

    /// <summary>The same with better words than the value.</summary>
    internal void Trace(int node, string what, ulong value, [InterpolatedStringHandlerArgument("")] ref TraceText text)
    {
        _tracer?.Write(Now, node, $"{what}: {text.ToStringAndClear()}");
        Hash(node, what, value);
    }

    /// <summary>For readers of the trace only; not part of the hash.</summary>
    internal void Note(int node, [InterpolatedStringHandlerArgument("")] ref TraceText text) =>
        _tracer?.Write(Now, node, text.ToStringAndClear());

    private void Hash(int node, string what, ulong value)
    {
        foreach (char c in what) { Mix(c); }
        Mix((ulong)Now);
        Mix((ulong)node);
        Mix(value);
    }

    internal void Log(int node, NodeEvent change)
    {
        Reported[change.Name] = Reported.GetValueOrDefault(change.Name) + 1;
        if (change.Name == "membership-changed") { NoteMembers(); }
        bool isExplained = change.Name is not ("state-differs" or "state-undecided") || Changes.HaveHappened;
        Demand(isExplained, SimNet.States, $"node {node + 1} found a difference between states that nothing has changed: {change.Detail}");
        _recent.Enqueue($"{Now,12} us node {node + 1} {change.Shard} {change.Name} {change.Detail}");
        if (_recent.Count > 60) { _recent.Dequeue(); }
        Changed?.Invoke(node, change);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (SimNode node in Nodes) { node.Core?.Dispose(); }
    }

    private void RunWhile(Func<bool> condition)
    {
        while (condition() && _events.TryDequeue(out Action? action, out (long At, long Order) due))
        {
            Now = due.At;
            Events++;
            CountInSecond();
            DemandThread();
            try
            {
                action();
            }
            catch (Exception thrown) when (thrown is not SimulationException)
            {
                throw new SimulationException(
                    SimNet.Invariants, $"seed {Seed}, at {Now} us: {thrown.GetType().Name}: {thrown.Message}\n{string.Join('\n', _recent)}", thrown);
            }
        }
    }

    // Nodes that answer each other without end would keep the run in one place: the usual second has some thousand events.
    private void CountInSecond()
    {
        if (Now >= _secondFrom + 1_000_000) { (_secondFrom, _secondEvents) = (Now, 0); }
        bool isModest = ++_secondEvents <= MostEventsInSecond && _events.Count <= MostEventsInSecond;
        Demand(isModest, SimNet.Liveness, $"{_secondEvents} events in one simulated second, {_events.Count} to come: it goes round in circles");
    }

    private void Mix(ulong value) => _trace = unchecked((_trace ^ value) * 1099511628211);
}
