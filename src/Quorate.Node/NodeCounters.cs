using Quorate.Core;
using Quorate.Node.Loop;

namespace Quorate.Node;

/// <summary>Counts of one peer's link since the node started.</summary>
/// <param name="Peer">The peer.</param>
/// <param name="IsConnected">True while a connection stands.</param>
/// <param name="QueuedBytes">Bytes that wait to be sent.</param>
/// <param name="SentBytes">Bytes given to the network.</param>
/// <param name="SentFrames">Frames taken for sending.</param>
/// <param name="ReceivedBytes">Bytes received.</param>
/// <param name="ReceivedFrames">Frames received.</param>
/// <param name="DroppedFrames">Frames dropped for want of a connection or of room in the queue.</param>
/// <param name="Connects">Connections established.</param>
public sealed record PeerCounters(
    NodeId Peer, bool IsConnected, long QueuedBytes, long SentBytes, long SentFrames, long ReceivedBytes, long ReceivedFrames,
    long DroppedFrames, long Connects);

/// <summary>What a node can be measured by; a copy, as of now.</summary>
/// <param name="Syncs">Each write and sync of the log.</param>
/// <param name="SyncQueueBatches">Batches that wait for the sync thread.</param>
/// <param name="SyncQueueBytes">Their bytes.</param>
/// <param name="InboxRequests">Requests that wait for the loop.</param>
/// <param name="InboxBytes">Their bytes.</param>
/// <param name="JobsWaiting">Jobs that wait for a thread.</param>
/// <param name="JobsRunning">Jobs that run.</param>
/// <param name="LoopTurns">Turns of the loop.</param>
/// <param name="SkippedTicks">Ticks that were not made up for after a pause.</param>
/// <param name="FreeBytes">Free space of the disk when last looked; -1 if it could not be told.</param>
/// <param name="DiskNearlyFull">True while commands are refused for want of space.</param>
/// <param name="MergeRate">Bytes a second that merges may write now; the greatest number there is: no limit.</param>
/// <param name="MergesWaited">How long merges have waited for that, in all.</param>
/// <param name="Peers">Links, ordered by peer.</param>
public sealed record NodeCounters(
    LatencySummary Syncs, int SyncQueueBatches, long SyncQueueBytes, int InboxRequests, long InboxBytes, int JobsWaiting,
    int JobsRunning, long LoopTurns, long SkippedTicks, long FreeBytes, bool DiskNearlyFull, long MergeRate, TimeSpan MergesWaited,
    IReadOnlyList<PeerCounters> Peers);
