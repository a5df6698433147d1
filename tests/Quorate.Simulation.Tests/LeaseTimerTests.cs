using Quorate.Core;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;
using Xunit;

namespace Quorate.Simulation.Tests;

public sealed class LeaseTimerTests
{
    private static readonly ShardId Shard = new(1);

    // Goal: a renewal that came before the timer counts, though there is more in its way than one entry holds.
    // Method: entries of one command each; in one turn of the leader a put and a renewal, and then the tick that may make the timer
    // due. One of the 40 ticks around the deadline is that tick.
    [Fact]
    public void A_timer_does_not_overtake_a_renewal()
    {
        using var cluster = SimCluster.Start(5, new SimOptions { Nodes = 1, MaxEntryBytes = 1 });
        cluster.RunUntil(c => c.LeaderOf(Shard) is not null, TimeSpan.FromSeconds(10));
        for (int tick = 0; tick < 40; tick++)
        {
            long lease = tick + 1;
            bool isGranted = false;
            Propose(cluster, new KvCommand.LeaseGrant(lease, 1), _ => isGranted = true);
            cluster.RunUntil(_ => isGranted, TimeSpan.FromSeconds(10));
            long turn = cluster.Now + 1_000_000 + ((tick - 20) * 1000L * cluster.Options.TickMilliseconds);
            cluster.RunUntil(c => c.Now >= turn - 1, TimeSpan.FromSeconds(10));

            // Between here and the turn the lease may have ended: then this tick was not the one.
            bool wasThere = IsThere(cluster, lease);
            long renewed = -1;
            cluster.LeaderOf(Shard)!.Do(core =>
            {
                core.Propose(Of(new KvCommand.Put("in the way"u8.ToArray(), default), static _ => { }));
                core.Propose(Of(new KvCommand.LeaseRenew(lease), reply => renewed = ((KvReply.LeaseRenew)reply).Seconds));
                core.Tick(0);
            });
            cluster.RunUntil(_ => renewed >= 0, TimeSpan.FromSeconds(10));
            Assert.Equal(wasThere ? 1 : 0, renewed);
        }
    }

    private static bool IsThere(SimCluster cluster, long lease)
    {
        using IReadView view = cluster.LeaderOf(Shard)!.Core!.OpenLocalView(Shard)!;
        return LeaseQueries.Find(view, lease) is not null;
    }

    private static void Propose(SimCluster cluster, KvCommand command, Action<KvReply> done) =>
        cluster.LeaderOf(Shard)!.Do(core => core.Propose(Of(command, done)));

    private static Request Of(KvCommand command, Action<KvReply> done)
    {
        var bytes = new ByteWriter();
        command.Encode(bytes);
        return new Request { Shard = Shard, Command = bytes.ToArray(), Done = done };
    }

    private sealed class Request : ProposeRequest
    {
        public required Action<KvReply> Done { get; init; }

        public override void Complete(RequestOutcome outcome, ReadOnlySpan<byte> reply)
        {
            Assert.Equal(RequestOutcome.Done, outcome);
            Assert.True(KvReply.TryDecode(reply.ToArray(), out KvReply? decoded));
            Done(decoded);
        }
    }
}
