using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Storage.Wal;

/// <summary>What the log holds of a shard.</summary>
/// <param name="Shard">The shard.</param>
/// <param name="HardState">Last durable hard state; the default if none was written since the shard was new or removed.</param>
/// <param name="Released">Position up to which entries may be missing.</param>
/// <param name="Entries">All entries after <paramref name="Released"/>, without gaps.</param>
/// <param name="Tombstones">Replicas of this shard that were removed from this node, ordered by id.</param>
public sealed record RecoveredShard(
    ShardId Shard, HardState HardState, LogPosition Released, ImmutableArray<LogEntry> Entries,
    ImmutableArray<ReplicaId> Tombstones);

/// <summary>What was found when the log was opened.</summary>
/// <param name="Shards">Ordered by id.</param>
/// <param name="TornBytes">Bytes of unfinished writes that were dropped, as far as they can be told; 0 after a clean stop.</param>
public sealed record WalRecovery(ImmutableArray<RecoveredShard> Shards, long TornBytes);
