using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>Reads of members from a view; as <see cref="KvQueries"/>.</summary>
public static class MemberQueries
{
    /// <summary>What is known of all members, in order of id.</summary>
    public static IReadOnlyList<MemberRecord> All(IStoreReader view) => MemberStore.ReadAll(view);

    /// <summary>What is known of one member; null if nothing is.</summary>
    public static MemberRecord? Find(IStoreReader view, NodeId node) => MemberStore.Find(view, node.Value);

    /// <summary>True if this was a member and was removed.</summary>
    public static bool IsRemoved(IStoreReader view, NodeId node) => MemberStore.IsRemoved(view, node.Value);
}
