using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Replication;
using Quorate.Simulation.Disk;
using Quorate.StateMachines.KeyValue;
using Xunit;

namespace Quorate.Simulation.Tests;

/// <summary>Changes of membership as members ask for them: through any node, judged by the leader, with the records that go with them.</summary>
public sealed class MembersTests
{
    private static readonly ShardId Shard = new(1);

    // Goal: whatever crashes in between, the group and the machine's records of its members never part, on any node at any time; a change
    // that is acknowledged has happened, one that is refused has not; and writes go on. Method: three grow to five by way of learners, founders
    // are removed, leaders by their own door too, while nodes crash and lose what they had not synced.
    [Theory]
    [InlineData(1UL)]
    [InlineData(2UL)]
    [InlineData(3UL)]
    [InlineData(4UL)]
    [InlineData(5UL)]
    public void The_group_and_its_records_agree(ulong seed)
    {
        using var cluster = SimCluster.Start(seed, new SimOptions { Spares = 4 });
        var random = new Prng(seed);
        var workload = new RegisterWorkload { ThinkMillis = 50 };
        cluster.RunUntil(c => c.LeaderOf(Shard) is not null, within: TimeSpan.FromSeconds(20));
        workload.Start(cluster, long.MaxValue);
        Do(new KvCommand.MemberSeed([.. Enumerable.Range(1, 3).Select(i => new MemberRecord((ulong)i, $"n{i}", [$"http://h{i}:1"], []))]));
        Crash();

        var added = new List<ulong>();
        for (int i = 0; i < 3; i++)
        {
            bool isLearner = random.Chance(1, 2);
            ulong id = Do(new KvCommand.MemberAdd(isLearner, [$"http://new{i}:1"]));
            added.Add(id);
            if (random.Chance(1, 2)) { Crash(); }
            Do(new KvCommand.MemberPublish(id, $"new{i}", []));
            if (isLearner) { Do(new KvCommand.MemberPromote(id)); }
            if (i == 2) { break; }
            if (random.Chance(1, 2)) { Crash(); }
        }

        // Two founders, the second one through the leader's own door if it leads.
        foreach (ulong founder in new[] { 1UL + (ulong)random.Below(3), added[0] })
        {
            Do(new KvCommand.MemberRemove(founder), by: cluster.Nodes.FirstOrDefault(node => node.Id.Value == founder));
            Crash();
        }

        cluster.RunUntil(c => c.LeaderOf(Shard)?.Core?.StatusOf(Shard)?.Members.Length == 4, within: TimeSpan.FromSeconds(60));
        int written = workload.Acknowledged;
        cluster.RunUntil(_ => workload.Acknowledged >= written + 10, within: TimeSpan.FromSeconds(60));
        cluster.RunUntil(c => c.ReplicasAgree(), within: TimeSpan.FromSeconds(60));
        ExpectAgreement();
        workload.Finish(cluster);
        workload.Check();

        // Asks until it is done. A refusal counts as done if the change has happened: its answer was lost the first time.
        ulong Do(KvCommand command, SimNode? by = null)
        {
            for (int attempt = 0; attempt < 60; attempt++)
            {
                SimNode[] running = [.. cluster.Nodes.Where(node => node.Core?.StatusOf(Shard) is not null)];
                if (running.Length == 0)
                {
                    Pause();
                    continue;
                }

                SimNode asked = attempt == 0 && by is { Core: not null } ? by : running[random.Below(running.Length)];
                var bytes = new ByteWriter();
                command.Encode(bytes);
                var request = new Request { Shard = Shard, Command = bytes.ToArray() };
                int life = asked.Lives;
                asked.Do(core => core.Propose(request));
                cluster.RunUntil(_ => request.Outcome is not null || asked.Lives != life, within: TimeSpan.FromSeconds(30));
                ExpectAgreement();
                switch (request.Outcome is RequestOutcome.Done ? request.Reply : null)
                {
                    case KvReply.Member member: return member.Id;
                    case KvReply.Refused { Refusal: KvRefusal.PeerUrlExists }: return Known(((KvCommand.MemberAdd)command).PeerUrls[0]);
                    case KvReply.Refused { Refusal: KvRefusal.NotLearner or KvRefusal.MemberNotFound }
                        when attempt > 0 && command is KvCommand.MemberPromote or KvCommand.MemberRemove:
                        return 0;
                    default: Pause(); break;
                }
            }

            throw new InvalidOperationException($"{command} was not done");
        }

        void Pause()
        {
            long until = cluster.Now + 500_000;
            cluster.RunUntil(c => c.Now >= until, within: TimeSpan.FromSeconds(1));
        }

        ulong Known(string url)
        {
            using IReadView view = cluster.LeaderOf(Shard)!.Core!.OpenLocalView(Shard)!;
            return MemberQueries.All(view).First(member => member.PeerUrls.Contains(url)).Id;
        }

        void Crash()
        {
            SimNode[] running = [.. cluster.Nodes.Where(node => node.Core?.StatusOf(Shard) is not null)];
            if (running.Length == 0) { return; }
            SimNode victim = running[random.Below(running.Length)];
            victim.Crash(SimCrash.Mixed);
            cluster.After(random.Between(10_000, 3_000_000), victim.Start);
        }

        void ExpectAgreement()
        {
            foreach (SimNode node in cluster.Nodes)
            {
                if (node.Core?.OpenLocalView(Shard) is not { } view) { continue; }
                using (view)
                {
                    ImmutableArray<NodeId> group = [.. ShardMembers.Read(view).Select(member => member.Node)];
                    ImmutableArray<NodeId> records = [.. MemberQueries.All(view).Select(member => new NodeId(member.Id))];
                    Assert.True(records.IsEmpty || group.SequenceEqual(records), $"{node.Id}: group {string.Join(' ', group)}, records {string.Join(' ', records)}");
                    Assert.All(group, member => Assert.False(MemberQueries.IsRemoved(view, member)));
                }
            }
        }
    }

    private sealed class Request : ProposeRequest
    {
        public RequestOutcome? Outcome { get; private set; }

        public KvReply? Reply { get; private set; }

        public override void Complete(RequestOutcome outcome, ReadOnlySpan<byte> reply)
        {
            Outcome = outcome;
            if (outcome == RequestOutcome.Done && KvReply.TryDecode(reply.ToArray(), out KvReply? decoded)) { Reply = decoded; }
        }
    }
}
