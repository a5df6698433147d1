using System.Collections.Immutable;
using System.Text;
using Quorate.Core;
using Quorate.Raft;
using Xunit;

namespace Quorate.Tests.Raft;

/// <summary>
/// Goal: the promises of figure 3 hold, reads are fresh, and the group recovers, whatever network, disks and operators do.
/// Method: a seed picks every step: which message arrives, twice, late or never; who ticks, syncs, applies, crashes, is
/// compacted, cut off, transferred to, added or removed. Then the network heals and everybody must agree.
/// </summary>
public sealed class RandomNetworkTests
{
    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 30).Select(static seed => (ulong)seed)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_fixed_group_stays_consistent_and_recovers(ulong seed) => new Run(seed, changesMembership: false).Play(3_000);

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_changing_group_stays_consistent_and_recovers(ulong seed) => new Run(seed, changesMembership: true).Play(5_000);

    // Goal: as long as all members can be asked, a replica whose disk goes back in time breaks no promise.
    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_group_with_an_old_disk_stays_consistent_and_recovers(ulong seed) => new Run(seed, changesMembership: false, hasOldDisk: true).Play(3_000);

    [Fact]
    public void The_same_seed_gives_the_same_run()
    {
        string first = new Run(99, changesMembership: true).Play(2_000);
        Assert.Equal(first, new Run(99, changesMembership: true).Play(2_000));
        Assert.NotEqual(first, new Run(98, changesMembership: true).Play(2_000));
    }

    private sealed class Run
    {
        private readonly Prng _random;
        private readonly bool _changesMembership;
        private readonly bool _hasOldDisk;
        private Action _restore = static () => { };
        private readonly TestCluster _cluster;
        private readonly SortedDictionary<ulong, LogIndex> _reads = [];
        private readonly StringBuilder _trace = new();
        private ReplicaId _cutOff;
        private ulong _nextRead;
        private int _proposed;
        private int _readsAnswered;

        public Run(ulong seed, bool changesMembership, bool hasOldDisk = false)
        {
            _random = new Prng(seed);
            _hasOldDisk = hasOldDisk;
            _changesMembership = changesMembership;
            var options = new RaftOptions
            {
                PreVote = _random.Chance(3, 4),
                CheckQuorum = _random.Chance(3, 4),
                MaxAppendBytes = 4096,
                MaxInflightBytes = 4096,
                MaxInflightMessages = 1 + _random.Below(4),
                MaxCommittedBytes = 1 + _random.Below(100),
                ElectionTicks = 6 + _random.Below(8),
                StepDownOnRemoval = _random.Chance(1, 2),
            };
            _cluster = new TestCluster(hasOldDisk ? 3 + (2 * _random.Below(2)) : 1 + (2 * _random.Below(3)), options, seed, learners: _random.Below(2));
            _cluster.Passes = message => message.From != _cutOff && message.To != _cutOff;
        }

        public string Play(int steps)
        {
            _cluster.Elect(1);
            for (int step = 0; step < steps || (ProvesTooLittle && step < steps * 10); step++)
            {
                Do(Pick());
                if (step % 25 == 0) { _cluster.Check(); }
            }

            Recover();
            Assert.False(ProvesTooLittle, $"only {_cluster.EntriesApplied} entries and {_readsAnswered} reads");
            return _trace.Append(_cluster.EntriesApplied).ToString();
        }

        private bool ProvesTooLittle => _cluster.EntriesApplied < 30 || _readsAnswered < 3;

        private TestReplica Pick() => _cluster.Replicas.Values.ElementAt(_random.Below(_cluster.Replicas.Count));

        private void Do(TestReplica replica)
        {
            switch (_random.Below(1000))
            {
                case < 440: Arrive(1 + _random.Below(4)); break;
                case < 480: replica.Core.Tick(); break;
                case < 880: Work(replica); break;
                case < 920: Propose(_random.Chance(3, 4) ? _cluster.Leader ?? replica : replica); break;
                case < 950: Read(replica); break;
                case < 956: _cutOff = _random.Chance(3, 4) ? ReplicaId.None : replica.Id; break;
                case < 966: Crash(replica); break;
                case < 972: replica.Flush(compact: _random.Chance(3, 4)); break;
                case < 984: MoveSnapshots(replica); break;
                case < 987: replica.Core.TransferLeadership(Pick().Id); break;
                case < 988: replica.Core.ForgetLeader(); break;
                case < 990: replica.Core.ReportUnreachable(Pick().Id); break;
                case < 991: replica.Core.Campaign(); break;
                default: if (_changesMembership) { ChangeMembership(_cluster.Leader ?? replica); } break;
            }
        }

        private void Arrive(int count)
        {
            for (; count > 0 && _cluster.Network.Count > 0; count--)
            {
                // Mostly in order, as connections are.
                int at = _random.Chance(9, 10) ? 0 : _random.Below(_cluster.Network.Count);
                RaftMessage message = _cluster.Network[at];
                if (!_random.Chance(1, 40)) { _cluster.Network.RemoveAt(at); }
                if (_random.Chance(39, 40) && _cluster.Passes(message)) { _cluster.Deliver(message); }
            }
        }

        /// <summary>The replica's host does some of its work; the disk and the state machine may lag behind.</summary>
        private void Work(TestReplica replica)
        {
            replica.TakeReady();
            while (replica.HasUnsynced && _random.Chance(3, 4)) { replica.Sync(); }
            if (_random.Chance(1, 2)) { replica.Apply(1 + _random.Below(10)); }
            _cluster.Collect(replica);
            foreach (ReadState read in replica.Reads)
            {
                if (!_reads.Remove(read.Context, out LogIndex committedBefore)) { continue; }
                _readsAnswered++;
                Assert.True(read.Index >= committedBefore, $"a read at {read.Index} that began after {committedBefore} was committed");
            }

            replica.Reads.Clear();
            foreach (ulong dropped in replica.DroppedReads) { _reads.Remove(dropped); }
            replica.DroppedReads.Clear();
        }

        private void Propose(TestReplica replica)
        {
            for (int i = _random.Below(4); i >= 0; i--)
            {
                byte[] payload = new byte[4 + _random.Below(30)];
                BitConverter.TryWriteBytes(payload, _proposed++);
                ProposeOutcome outcome = replica.Core.Propose(payload, out LogPosition position);
                _trace.Append($"{replica.Id}:{outcome}:{position} ");
            }
        }

        private void Read(TestReplica replica)
        {
            _reads.Add(++_nextRead, _cluster.Replicas.Values.Max(static each => each.Core.Commit));
            replica.Core.ReadIndex(_nextRead);
        }

        private void Crash(TestReplica replica)
        {
            _cluster.Check();
            if (!_hasOldDisk)
            {
                replica.Restart(_random.Below(4));
                return;
            }

            // Connections end with the process.
            _cluster.Network.RemoveAll(message => message.From == replica.Id || message.To == replica.Id);
            replica.Outbox.Clear();
            if (replica.Id != new ReplicaId(2)) { replica.StartAgain(); }
            else
            {
                _restore();
                _restore = replica.Image();
            }
        }

        private void MoveSnapshots(TestReplica leader)
        {
            _cluster.SendSnapshots(leader);
            _cluster.Collect(leader);
            foreach (FollowerProgress follower in leader.Core.Status.Followers)
            {
                if (_random.Chance(1, 4)) { leader.Core.ReportSnapshot(follower.Id, _random.Chance(1, 2)); }
            }
        }

        private void ChangeMembership(TestReplica replica)
        {
            ImmutableArray<(MembershipStep, ReplicaId)> steps =
            [
                .. Enumerable.Range(0, _random.Below(4)).Select(_ => ((MembershipStep)(1 + _random.Below(3)), new ReplicaId(1 + (ulong)_random.Below(7)))),
            ];
            var change = new MembershipChange(steps, (JointTransition)_random.Below(3), default);
            ProposeOutcome outcome = replica.Core.ProposeMembership(change, out LogPosition position);
            _trace.Append($"{replica.Id}:{outcome}:{position} ");
            if (outcome != ProposeOutcome.Appended) { return; }
            foreach ((_, ReplicaId id) in steps)
            {
                if (!_cluster.Replicas.ContainsKey(id)) { _cluster.Add(id, Membership.Empty); }
            }
        }

        /// <summary>From now on everything works: a leader must emerge, serve, and bring everybody up to date.</summary>
        private void Recover()
        {
            _cutOff = ReplicaId.None;
            LogIndex target = LogIndex.Zero;
            for (int tick = 0; tick < 400; tick++)
            {
                foreach (TestReplica replica in _cluster.Replicas.Values)
                {
                    replica.Core.Tick();
                    _cluster.SendSnapshots(replica);
                    foreach (FollowerProgress follower in replica.Core.Status.Followers) { replica.Core.ReportSnapshot(follower.Id, true); }
                }

                _cluster.Settle();
                if (_cluster.Leader is not { } leader) { continue; }
                ImmutableArray<ReplicaId> voters = leader.Core.Membership.Voters;
                if (!voters.Contains(leader.Id)) { leader.Core.TransferLeadership(voters[0]); }
                if (target == LogIndex.Zero && leader.Core.Propose(new byte[1], out LogPosition position) == ProposeOutcome.Appended)
                {
                    target = position.Index;
                }
                else if (target != LogIndex.Zero && leader.Core.Membership.All.All(id => _cluster.Replicas[id].Applied >= target))
                {
                    return;
                }
            }

            Assert.Fail("not recovered: " + string.Join("; ", _cluster.Replicas.Values.Select(Describe)));
        }

        private static string Describe(TestReplica replica)
        {
            RaftStatus status = replica.Core.Status;
            return $"{status.Id} {status.Role} of {status.Term} under {status.Leader}, {status.FirstIndex} to {status.LastIndex}, " +
                $"commit {status.Commit}, voters {string.Join(' ', status.Membership.Voters)} / {string.Join(' ', status.Membership.Outgoing)}, " +
                string.Join(' ', status.Followers);
        }
    }
}
