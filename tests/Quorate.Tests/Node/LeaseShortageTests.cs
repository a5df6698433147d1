using Quorate.Core;
using Quorate.Node;
using Quorate.Node.Files;
using Quorate.Replication;
using Quorate.StateMachines;
using Quorate.StateMachines.KeyValue;
using Xunit;

namespace Quorate.Tests.Node;

/// <summary>Leases on nodes that refuse ordinary writes.</summary>
public sealed class LeaseShortageTests
{
    private readonly long[] _free = [500_000, 500_000, 500_000];

    // Goal: no disk that is nearly full keeps an owner from its lease, the leader's nor that of the node it asks; what gives back
    // space is taken too, and what needs some is not.
    [Fact]
    public void With_nearly_full_disks_leases_are_renewed_and_space_is_given_back()
    {
        using var nodes = Start(3);
        Done(nodes[1], new KvCommand.LeaseGrant(7, 60));
        Done(nodes[1], new KvCommand.Put("a"u8.ToArray(), "1"u8.ToArray()) { Lease = 7 });
        Array.Fill(_free, 1000);
        Waiting.Until(() => nodes.Running.All(static n => n.Counters().DiskNearlyFull), "all disks to be nearly full");
        foreach (NodeRuntime node in nodes.Running)
        {
            Assert.Equal(RequestOutcome.NoSpace, Propose(node, new KvCommand.Put("b"u8.ToArray(), default)).Outcome);
            Assert.Equal(RequestOutcome.NoSpace, Propose(node, new KvCommand.LeaseGrant(8, 60)).Outcome);
            Assert.Equal(60, Assert.IsType<KvReply.LeaseRenew>(Done(node, new KvCommand.LeaseRenew(7))).Seconds);
        }

        Assert.Equal(1, Assert.IsType<KvReply.DeleteRange>(Done(nodes[1], new KvCommand.DeleteRange("a"u8.ToArray(), default))).Deleted);
        Done(nodes[2], new KvCommand.Compact(2, Physical: false));
        Done(nodes[3], new KvCommand.LeaseRevoke(7));
    }

    // Goal: what nobody renews ends, though the leader's disk is nearly full.
    [Fact]
    public void A_lease_ends_on_a_nearly_full_disk()
    {
        using var nodes = Start(1);
        Done(nodes[1], new KvCommand.LeaseGrant(7, 1));
        Array.Fill(_free, 1000);
        Waiting.Until(() => nodes[1].Counters().DiskNearlyFull, "the disk to be nearly full");
        Waiting.Until(() => !IsThere(nodes[1], 7), "the lease to end");
    }

    private Nodes Start(int count)
    {
        var nodes = new Nodes(count);
        for (int node = 1; node <= count; node++)
        {
            int disk = node - 1;
            nodes.Start(
                node,
                static o => o with
                {
                    ReserveBytes = 10_000,
                    Node = o.Node with { Machines = static (_, id) => id == 1 ? Catalog.KeyValue.Create() : null },
                },
                new NodeSurroundings { Space = () => new DiskSpace(1_000_000, Volatile.Read(ref _free[disk])) });
        }

        return nodes;
    }

    private static bool IsThere(NodeRuntime node, long lease)
    {
        using IReadView? view = Nodes.Read(node, ReadLevel.Local).View;
        return LeaseQueries.Find(view!, lease) is not null;
    }

    private static KvReply Done(NodeRuntime node, KvCommand command)
    {
        ProposeResult result = default;
        Waiting.Until(() => (result = Propose(node, command)).Outcome == RequestOutcome.Done, $"{command} to be done");
        Assert.True(KvReply.TryDecode(result.Reply, out KvReply? reply));
        return reply;
    }

    private static ProposeResult Propose(NodeRuntime node, KvCommand command)
    {
        var bytes = new ByteWriter();
        command.Encode(bytes);
        return Nodes.Result(node.ProposeAsync(Nodes.Shard, bytes.ToArray(), TestContext.Current.CancellationToken).AsTask());
    }
}
