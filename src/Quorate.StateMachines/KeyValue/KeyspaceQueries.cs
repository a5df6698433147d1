using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>Reads of keyspaces from a view of the first shard; as <see cref="KvQueries"/>.</summary>
public static class KeyspaceQueries
{
    /// <summary>The keyspaces beside the default one.</summary>
    public static KeyspaceList All(IStoreReader view) => KeyspaceBook.ReadAll(view);
}
