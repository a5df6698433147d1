using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Raft;

namespace Quorate.Replication;

/// <summary>A member of a shard's group.</summary>
/// <param name="Node">Where its replica lives.</param>
/// <param name="IsLearner">It has no vote.</param>
public readonly record struct ShardMember(NodeId Node, bool IsLearner);

/// <summary>Reads the group's membership out of a view of the shard: as of the same entry as all else in the view.</summary>
public static class ShardMembers
{
    /// <summary>The members, in order of id; empty on a replica that has not heard yet who they are.</summary>
    public static ImmutableArray<ShardMember> Read(IStoreReader view)
    {
        ArgumentNullException.ThrowIfNull(view);
        var places = new SortedDictionary<ReplicaId, NodeId>();
        bool isThere = view.TryGet(HostRecords.MembershipKey, out ReadOnlySpan<byte> record);
        if (!isThere || !HostRecords.TryReadMembership(record, out Membership? membership, places) || membership is null) { return []; }
        return
        [
            .. membership.All.Where(places.ContainsKey)
                .Select(replica => new ShardMember(places[replica], membership.IsLearner(replica))).OrderBy(member => member.Node),
        ];
    }
}
