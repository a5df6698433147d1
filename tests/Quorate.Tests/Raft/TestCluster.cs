using System.Collections.Immutable;
using System.Text;
using Quorate.Core;
using Quorate.Raft;
using Xunit;

namespace Quorate.Tests.Raft;

/// <summary>Replicas and the messages between them. Whoever drives it decides what arrives; it watches Raft's promises.</summary>
internal sealed class TestCluster
{
    private readonly SortedDictionary<Term, ReplicaId> _leaders = [];
    private readonly SortedDictionary<LogIndex, (Term Term, string Payload)> _applied = [];
    private readonly RaftOptions _options;
    private ulong _seed;

    public TestCluster(int count, RaftOptions? options = null, ulong seed = 1, int learners = 0)
    {
        _options = options ?? new RaftOptions();
        _seed = seed;
        ReplicaId[] all = [.. Enumerable.Range(1, count + learners).Select(static i => new ReplicaId((ulong)i))];
        Membership membership = Membership.Of(all[..count]) with { Learners = [.. all[count..]] };
        foreach (ReplicaId id in all) { Add(id, membership); }
    }

    /// <summary>A cluster of replicas with histories.</summary>
    public TestCluster(params TestReplica[] replicas)
    {
        _options = new RaftOptions();
        foreach (TestReplica replica in replicas) { Replicas.Add(replica.Id, replica); }
    }

    public SortedDictionary<ReplicaId, TestReplica> Replicas { get; } = [];

    public List<RaftMessage> Network { get; } = [];

    /// <summary>Messages for which this is false never arrive.</summary>
    public Func<RaftMessage, bool> Passes { get; set; } = static _ => true;

    public int LeadersSeen => _leaders.Count;

    public int EntriesApplied => _applied.Count;

    public TestReplica this[int id] => Replicas[new ReplicaId((ulong)id)];

    public TestReplica? Leader => Replicas.Values.Where(static replica => replica.Core.Role == Role.Leader).MaxBy(static replica => replica.Core.Term);

    public TestReplica Add(ReplicaId id, Membership membership) =>
        Replicas[id] = new TestReplica(id, membership, _options, _seed++ * 1000);

    /// <summary>Everybody does all it can, and all messages that pass arrive, until nothing moves.</summary>
    public void Settle()
    {
        for (int round = 0; ; round++)
        {
            Assert.True(round < 10_000, "the cluster never comes to rest");
            foreach (TestReplica replica in Replicas.Values)
            {
                replica.Settle();
                Collect(replica);
            }

            Check();
            if (Network.Count == 0) { return; }
            RaftMessage[] messages = [.. Network];
            Network.Clear();
            foreach (RaftMessage message in messages) { Deliver(message); }
        }
    }

    /// <summary>Moves what a replica sent into the network.</summary>
    public void Collect(TestReplica replica)
    {
        Network.AddRange(replica.Outbox.Where(Passes));
        replica.Outbox.Clear();
    }

    public void Deliver(RaftMessage message)
    {
        if (Replicas.TryGetValue(message.To, out TestReplica? replica)) { replica.Core.Step(message); }
    }

    /// <summary>Makes a replica campaign and waits until the dust settles.</summary>
    public TestReplica Elect(int id)
    {
        this[id].Core.Campaign();
        Settle();
        Assert.Equal(Role.Leader, this[id].Core.Role);
        return this[id];
    }

    public LogPosition Propose(int id, string payload)
    {
        Assert.Equal(ProposeOutcome.Appended, this[id].Core.Propose(Encoding.UTF8.GetBytes(payload), out LogPosition position));
        return position;
    }

    public void Tick(int ticks = 1)
    {
        for (; ticks > 0; ticks--)
        {
            foreach (TestReplica replica in Replicas.Values) { replica.Core.Tick(); }
            Settle();
        }
    }

    /// <summary>The leader's host sends what followers lack.</summary>
    public void SendSnapshots(TestReplica leader)
    {
        foreach (ReplicaId to in leader.Core.SnapshotsWanted)
        {
            SnapshotMeta snapshot = leader.Snapshot();
            leader.Core.SnapshotStarted(to, snapshot.Position);
            leader.Outbox.Add(new InstallSnapshot(new MessageHeader(TestReplica.Shard, leader.Id, to, leader.Core.Term), snapshot));
        }
    }

    /// <summary>Figure 3 of the Raft paper, as far as it can be seen from outside.</summary>
    public void Check()
    {
        foreach (TestReplica replica in Replicas.Values)
        {
            RaftStatus status = replica.Core.Status;
            if (status.Role == Role.Leader)
            {
                // Election Safety.
                if (!_leaders.TryAdd(status.Term, status.Id)) { Assert.Equal(_leaders[status.Term], status.Id); }
                CheckLeaderCompleteness(status, replica.Core);
            }

            // State Machine Safety.
            foreach (LogEntry entry in replica.AppliedEntries)
            {
                (Term, string) value = (entry.Term, Convert.ToHexString(entry.Payload.Span));
                if (!_applied.TryAdd(entry.Index, value)) { Assert.Equal(_applied[entry.Index], value); }
            }

            replica.AppliedEntries.Clear();
        }

        CheckLogMatching();
    }

    public ImmutableArray<string> AppliedPayloads(int upTo) =>
        [.. _applied.Take(upTo).Select(static pair => Encoding.UTF8.GetString(Convert.FromHexString(pair.Value.Payload)))];

    private void CheckLeaderCompleteness(RaftStatus status, RaftCore core)
    {
        // A leader may be deposed without knowing; only the newest one must hold everything.
        if (status.Term != _leaders.Keys.Last()) { return; }
        foreach ((LogIndex index, (Term term, _)) in _applied.Reverse().Take(50))
        {
            if (core.TermAt(index) is { } held) { Assert.Equal(term, held); }
            else { Assert.True(index < status.FirstIndex, $"{status.Id} leads {status.Term} without entry {index}"); }
        }
    }

    private void CheckLogMatching()
    {
        TestReplica[] replicas = [.. Replicas.Values];
        for (int i = 1; i < replicas.Length; i++)
        {
            (RaftCore left, RaftCore right) = (replicas[i - 1].Core, replicas[i].Core);
            (RaftStatus l, RaftStatus r) = (left.Status, right.Status);
            bool agreed = false;
            LogIndex first = LogIndex.Max(l.FirstIndex, r.FirstIndex);
            for (LogIndex index = LogIndex.Min(l.LastIndex, r.LastIndex); index >= first; index = index.Previous)
            {
                bool same = left.TermAt(index) == right.TermAt(index);
                Assert.True(same || !agreed, $"{l.Id} and {r.Id} agree after {index}, where they differ");
                agreed |= same;
            }
        }
    }
}
