using Quorate.Core;

namespace Quorate.Replication;

/// <summary>Rare paths that simulated runs must reach.</summary>
internal static class Probes
{
    public static readonly CodeProbe WritersSlowed = new("replication: writers are slowed since merges are behind");
    public static readonly CodeProbe Retried = new("replication: a command that was applied comes again");
    public static readonly CodeProbe TooOld = new("replication: a command comes too late to know whether it was applied");
    public static readonly CodeProbe ReplyFromRecord = new("replication: a reply comes from the record of an entry");
    public static readonly CodeProbe TooBusy = new("replication: a command is refused because too much waits");
    public static readonly CodeProbe ForwardRefused = new("replication: a forwarded command is given back");
    public static readonly CodeProbe ReadAgain = new("replication: reads ask for an index again");
    public static readonly CodeProbe ReadLate = new("replication: a read gives up");
    public static readonly CodeProbe EngineAhead = new("replication: a node opens with files ahead of its log");
    public static readonly CodeProbe JobOfOldEngine = new("replication: a job of a replaced engine ends");
    public static readonly CodeProbe JobFailed = new("replication: a job is refused by the disk and tried again");
    public static readonly CodeProbe SnapshotUnused = new("replication: a whole snapshot is not wanted any more");
    public static readonly CodeProbe SnapshotReplaced = new("replication: a snapshot on its way is given up for another");
    public static readonly CodeProbe PieceUnexpected = new("replication: a piece of a snapshot comes out of order");
    public static readonly CodeProbe SnapshotOverLog = new("replication: a snapshot replaces entries that were not applied");
    public static readonly CodeProbe Disowned = new("replication: a frame of a node that lost its disk is ignored");
    public static readonly CodeProbe KeyspaceJobFailed = new("replication: creating or deleting a keyspace is refused by the disk and tried again");
    public static readonly CodeProbe LeaderHandsOn = new("replication: a leader that is to be removed hands leadership on first");
    public static readonly CodeProbe FoundDamage = new("replication: a replica's files are damaged and set aside");
    public static readonly CodeProbe Refilled = new("replication: a damaged replica was filled anew");
    public static readonly CodeProbe CheckAgreed = new("replication: replicas were compared and agree");
    public static readonly CodeProbe CheckDiffers = new("replication: a replica's state differs from that of a majority");
    public static readonly CodeProbe CheckSuperseded = new("replication: a state is not hashed to its end, as another comparison has begun");
    public static readonly CodeProbe ScrubFound = new("replication: a scrub finds damage that nobody has read");
    public static readonly CodeProbe JoinedByVote = new("replication: a replica is created by a request for its vote");
}
