using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Node;
using Quorate.Replication;
using Quorate.Settings;
using Quorate.StateMachines.KeyValue;

namespace Quorate.Host;

/// <summary>Tells the cluster, through its log, what this member is called and where clients reach it; as etcd, each time it starts.</summary>
internal static class MemberPublisher
{
    /// <summary>Tells it if the cluster does not know it yet. A founder also tells who the founders are, if nobody has.</summary>
    /// <param name="settings">Name and client URLs.</param>
    /// <param name="founders">The members that the cluster began with; empty on one that joined.</param>
    /// <param name="node">The node.</param>
    /// <param name="view">A linearizable view.</param>
    /// <param name="stop">Gives it up.</param>
    /// <returns>True if the cluster knows it; false: try again with a new view.</returns>
    public static async ValueTask<bool> PublishAsync(
        ServerSettings settings, ImmutableArray<MemberRecord> founders, NodeRuntime node, IStoreReader view, CancellationToken stop)
    {
        MemberRecord? self = MemberQueries.Find(view, node.Node);
        ImmutableArray<string> clientUrls = [.. settings.AdvertiseClientUrls.Select(u => u.Text)];
        bool lacksFounders = founders.Any(f => MemberQueries.Find(view, new NodeId(f.Id)) is null && !MemberQueries.IsRemoved(view, new NodeId(f.Id)));
        if (lacksFounders && !await ProposeAsync(node, new KvCommand.MemberSeed(founders), stop)) { return false; }
        return (self is not null && self.Name == settings.Name && self.ClientUrls.SequenceEqual(clientUrls)) ||
            await ProposeAsync(node, new KvCommand.MemberPublish(node.Node.Value, settings.Name, clientUrls), stop);
    }

    private static async ValueTask<bool> ProposeAsync(NodeRuntime node, KvCommand command, CancellationToken stop)
    {
        var bytes = new ByteWriter();
        command.Encode(bytes);
        ProposeResult result = await node.ProposeAsync(ServerHost.FirstShard, bytes.WrittenMemory, stop);
        return result.Outcome == RequestOutcome.Done && KvReply.TryDecode(result.Reply, out KvReply? reply) && reply is KvReply.Member;
    }
}
