using System.Collections.Immutable;
using System.Globalization;
using Google.Protobuf;
using Quorate.Core;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Replication;
using Quorate.Simulation.Disk;
using Quorate.Simulation.Etcd;
using Quorate.StateMachines.KeyValue;

namespace Quorate.Simulation;

/// <summary>
/// An operator changes the members over the etcd API, one request after the other: adds learners and voters, promotes, removes, moves
/// leadership. Demands that what was acknowledged has happened, and that on every node the group and the machine's records of it are the
/// same all the time. Members tell their names as servers do when they start.
/// </summary>
public sealed record MemberRequests : SimFault
{
    private const long CheckMicros = 100_000;
    private const long PatienceMicros = 3_000_000;
    private static readonly ShardId Shard = new(1);

    private readonly SortedSet<ulong> _given = [];
    private readonly SortedSet<ulong> _voters = [];
    private readonly SortedSet<ulong> _learners = [];
    private readonly SortedSet<ulong> _mayBeRemoved = [];
    private readonly SortedSet<ulong> _removed = [];
    private int _adds;
    private bool _isBusy;

    /// <summary>Mean time between two requests.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(4);

    /// <inheritdoc/>
    public override ImmutableArray<string> Rows => ["O1", "O2"];

    internal override void Start(SimCluster cluster, Prng random, long end)
    {
        var client = new SimEtcdClient(cluster.EtcdOf(Shard), random.Split(1));
        Every(cluster, random, Interval, end, () => Ask(cluster, client, random));
        Every(cluster, random, Interval, end, () => Tell(cluster, random));
        CheckAgain();

        void CheckAgain() => cluster.After(CheckMicros, () =>
        {
            if (cluster.Now >= end) { return; }
            CheckAgreement(cluster);
            CheckAgain();
        });
    }

    internal override void Finish(SimCluster cluster)
    {
        CheckAgreement(cluster);
        using IReadView view = cluster.LeaderOf(Shard)!.Core!.OpenLocalView(Shard)!;
        Dictionary<ulong, bool> members = ShardMembers.Read(view).ToDictionary(static member => member.Node.Value, static member => member.IsLearner);
        foreach (ulong id in _removed)
        {
            cluster.Demand(!members.ContainsKey(id) && MemberQueries.IsRemoved(view, new NodeId(id)), SimNet.Answers, $"member {id} was removed, and is back");
        }

        foreach ((SortedSet<ulong> known, bool isLearner) in new[] { (_voters, false), (_learners, true) })
        {
            foreach (ulong id in known.Except(_mayBeRemoved))
            {
                bool isSo = members.TryGetValue(id, out bool learns) && learns == isLearner;
                cluster.Demand(isSo, SimNet.Answers, $"member {id} was made a {(isLearner ? "learner" : "voter")}, and is none");
            }
        }
    }

    private void Ask(SimCluster cluster, SimEtcdClient client, Prng random)
    {
        if (_isBusy || cluster.LeaderOf(Shard)?.Core is not { } leader || leader.StatusOf(Shard) is not { Members.IsEmpty: false } status) { return; }
        using (IReadView view = leader.OpenLocalView(Shard)!)
        {
            if (MemberQueries.All(view).Count < status.Members.Length) { return; } // The founders have not told yet who they are.
        }

        ulong some = status.Members[random.Below(status.Members.Length)].Node.Value;
        switch (random.Below(8))
        {
            case 0 or 1 or 2 when _adds < cluster.Options.Spares:
                Add(cluster, client, random.Chance(2, 3));
                break;
            case 3 or 4 when !status.Learners.IsEmpty:
                Promote(cluster, client, cluster.Nodes.First(node => node.Id == status.Learners[0]), isDead: random.Chance(1, 2));
                break;
            case 5 or 6 when status.Members.Length > 2:
                Remove(cluster, client, random.Chance(1, 3) ? status.LeaderNode.Value : some);
                break;
            case 7:
                Call(cluster, client, EtcdMethods.MoveLeader, new MoveLeaderRequest { TargetID = some }, static _ => { }, static () => { });
                break;
            default:
                break;
        }
    }

    // It counts as done until it is known to be refused: every spare is added once at most.
    private void Add(SimCluster cluster, SimEtcdClient client, bool isLearner)
    {
        var request = new MemberAddRequest { IsLearner = isLearner };
        request.PeerURLs.Add(string.Create(CultureInfo.InvariantCulture, $"http://new{_adds++}-{cluster.Now}:1"));
        Call(cluster, client, EtcdMethods.MemberAdd, request, response =>
        {
            ulong id = response.Member.ID;
            cluster.Strike("O1", "member-is-added");
            cluster.Demand(_given.Add(id) && id > (ulong)cluster.Options.Nodes, SimNet.Answers, $"the id {id} was given twice");
            bool isAsAsked = response.Members.FirstOrDefault(member => member.ID == id)?.IsLearner == isLearner;
            cluster.Demand(isAsAsked, SimNet.Answers, $"member {id} was added as a {(isLearner ? "learner" : "voter")}, and is none");
            (isLearner ? _learners : _voters).Add(id);
        }, () => _adds--);
    }

    // One that has been dead for longer than an election timeout is not in sync, whatever it once held.
    private void Promote(SimCluster cluster, SimEtcdClient client, SimNode learner, bool isDead)
    {
        ulong id = learner.Id.Value;
        long pause = 0;
        if (isDead)
        {
            learner.Crash(SimCrash.KeepAll);
            pause = 2_000L * cluster.Options.TickMilliseconds * cluster.Options.Raft.ElectionTicks;
        }

        int life = learner.Lives;
        _isBusy = true;
        cluster.After(pause, () =>
        {
            bool wasDead = isDead && learner.Core is null && learner.Lives == life;
            bool wasKnown = _learners.Remove(id); // Until it is answered.
            Call(cluster, client, EtcdMethods.MemberPromote, new MemberPromoteRequest { ID = id }, _ =>
            {
                bool isStillDead = wasDead && learner.Core is null && learner.Lives == life;
                cluster.Demand(!isStillDead, SimNet.Answers, $"member {id} was promoted, and has been dead for {pause} us");
                cluster.Strike("O1", "member-is-promoted");
                _voters.Add(id);
            }, () =>
            {
                if (wasKnown) { _learners.Add(id); }
            }, () =>
            {
                if (isDead) { learner.Start(); }
            });
        });
    }

    private void Remove(SimCluster cluster, SimEtcdClient client, ulong id)
    {
        _mayBeRemoved.Add(id);
        bool isLeader = cluster.LeaderOf(Shard)?.Id.Value == id;
        Call(cluster, client, EtcdMethods.MemberRemove, new MemberRemoveRequest { ID = id }, _ =>
        {
            cluster.Strike(isLeader ? "O2" : "O1", "member-is-removed");
            _removed.Add(id);
        }, static () => { });
    }

    private void Call<TRequest, TResponse>(
        SimCluster cluster, SimEtcdClient client, EtcdMethod<TRequest, TResponse> method, TRequest request, Action<TResponse> done, Action refused, Action? ended = null)
        where TRequest : IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        _isBusy = true;
        client.Call(method, request, PatienceMicros, answer =>
        {
            _isBusy = false;
            if (answer.Response is { } response) { done(response); }
            else if (answer.Failure != EtcdFailure.Unknown) { refused(); }
            ended?.Invoke();
        });
    }

    // As servers do: founders seed the records, however late, and each member that runs tells its name.
    private static void Tell(SimCluster cluster, Prng random)
    {
        SimNode[] running = [.. cluster.Nodes.Where(node => node.Core?.StatusOf(Shard) is not null)];
        if (running.Length == 0) { return; }
        SimNode asked = running[random.Below(running.Length)];
        Propose(asked, new KvCommand.MemberSeed(
            [.. Enumerable.Range(1, cluster.Options.Nodes).Select(id => new MemberRecord((ulong)id, $"n{id}", [$"http://founder{id}:1"], []))]));
        foreach (SimNode node in running) { Propose(asked, new KvCommand.MemberPublish(node.Id.Value, $"n{node.Id.Value}", [])); }
    }

    private static void Propose(SimNode node, KvCommand command)
    {
        var bytes = new ByteWriter();
        command.Encode(bytes);
        node.Do(core => core.Propose(new Forgotten { Shard = Shard, Command = bytes.ToArray() }));
    }

    private static void CheckAgreement(SimCluster cluster)
    {
        foreach (SimNode node in cluster.Nodes)
        {
            if (node.Core?.OpenLocalView(Shard) is not { } view) { continue; }
            using (view)
            {
                ImmutableArray<NodeId> group = [.. ShardMembers.Read(view).Select(static member => member.Node)];
                ImmutableArray<NodeId> records = [.. MemberQueries.All(view).Select(static member => new NodeId(member.Id))];
                bool isSame = records.IsEmpty || group.SequenceEqual(records);
                cluster.Demand(isSame, SimNet.States, $"node {node.Index + 1}: the group is {string.Join(' ', group)}, its records are of {string.Join(' ', records)}");
                bool isBack = group.Any(member => MemberQueries.IsRemoved(view, member));
                cluster.Demand(!isBack, SimNet.States, $"node {node.Index + 1}: a member of {string.Join(' ', group)} was removed before");
            }
        }
    }

    private sealed class Forgotten : ProposeRequest
    {
        public override void Complete(RequestOutcome outcome, ReadOnlySpan<byte> reply)
        {
        }
    }
}
