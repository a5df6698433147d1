using Quorate.Core;
using Quorate.Replication;
using Quorate.Simulation.Disk;
using Quorate.StateMachines;
using Quorate.StateMachines.KeyValue;
using Quorate.Storage.Wal;
using Xunit;

namespace Quorate.Tests.Replication;

/// <summary>Commands that change members, as they reach a leader that is the only voter, so that the test alone decides what is durable when.</summary>
public sealed class MemberCommandTests
{
    private static readonly ShardId Shard = new(1);
    private static readonly NodeId Self = new(1);

    // Goal: a command that was refused, and comes a second time before the refusal is applied, is not decided otherwise: the log would have
    // it twice, once as a refusal and once as a change. Method: the reason of the refusal (nobody has started) goes between the two copies.
    [Fact]
    public void A_command_that_comes_twice_is_decided_once()
    {
        var host = new Host();
        using NodeCore core = Open(host);
        Settle(core, host);
        var add = new KvCommand.MemberAdd(false, ["http://h2:1"]);
        Forward(core, 1, new KvCommand.MemberSeed([new MemberRecord(1, "n1", ["http://h1:1"], [])]));
        Forward(core, 2, add);
        Assert.Equal(2, host.Batches.Count);
        core.Persisted(host.Batches.Dequeue());
        core.Flush();
        Forward(core, 2, add);
        Settle(core, host);
        Assert.Equal([Self], MembersOf(core));

        // Nothing is in the way of the next command, which is allowed by now.
        Forward(core, 3, add);
        Settle(core, host);
        Assert.Equal(2, MembersOf(core).Length);
    }

    private static NodeId[] MembersOf(NodeCore core)
    {
        NodeId[] group = [.. core.StatusOf(Shard)!.Members.Select(static member => member.Node)];
        using IReadView view = core.OpenLocalView(Shard)!;
        Assert.Equal(group.Order(), MemberQueries.All(view).Select(static member => new NodeId(member.Id)));
        return group;
    }

    private static NodeCore Open(Host host)
    {
        var config = new NodeConfig
        {
            Cluster = new(9),
            Node = Self,
            Bootstrap = [new(Shard, (int)Catalog.KeyValue.Id, [new(new(1), Self)])],
            Machines = static (_, id) => Catalog.Find((uint)id)?.Create(),
        };
        NodeCore core = NodeCore.Open(new SimDisk(), config, host, session: 5, new Prng(1), out WriteAheadLog log);
        log.Dispose(); // What is durable is said by the test.
        return core;
    }

    // As another node sends it, and sends it again.
    private static void Forward(NodeCore core, ulong sequence, KvCommand command)
    {
        var bytes = new ByteWriter();
        command.Encode(bytes);
        var frame = new ByteWriter();
        frame.U64(77);
        PeerFrame.AddForward(frame, Shard, [new QueuedCommand(8, sequence, LogIndex.Zero, bytes.ToArray())]);
        Assert.True(core.Receive(new NodeId(2), frame.ToArray()));
        core.Flush();
    }

    private static void Settle(NodeCore core, Host host)
    {
        for (int i = 0; i < 100; i++)
        {
            bool more = core.Flush();
            more |= host.Batches.Count > 0;
            while (host.Batches.TryDequeue(out WalBatch? batch)) { core.Persisted(batch); }
            if (!more) { return; }
        }

        Assert.Fail("it does not come to rest");
    }

    private sealed class Host : INodeHost
    {
        public Queue<WalBatch> Batches { get; } = [];

        public void Send(NodeId to, ReadOnlyMemory<byte> frame)
        {
        }

        public void Persist(WalBatch batch) => Batches.Enqueue(batch);

        public void Run(NodeJob job)
        {
        }

        public void Report(NodeEvent change)
        {
        }

        public void Published(ShardId shard)
        {
        }
    }
}
