using Quorate.Core;

namespace Quorate.Storage;

/// <summary>Rare paths that simulated runs must reach.</summary>
internal static class Probes
{
    public static readonly CodeProbe TornTail = new("wal: a torn tail is dropped");
    public static readonly CodeProbe SegmentsUndone = new("wal: newest segments link to what did not survive");
    public static readonly CodeProbe Carried = new("wal: what was not known to be synced is written again");
    public static readonly CodeProbe LaggardCopied = new("wal: entries of a laggard are copied to free a segment");
    public static readonly CodeProbe SegmentReused = new("wal: a segment is used again");
    public static readonly CodeProbe LargeSegment = new("wal: a batch gets a segment of its own size");
    public static readonly CodeProbe EmptyFlush = new("engine: a flush only moves the position");
    public static readonly CodeProbe FileMoved = new("engine: a file moves down a level as it is");
    public static readonly CodeProbe MergedWithinLevel0 = new("engine: runs of level 0 are merged within it");
    public static readonly CodeProbe Leftovers = new("engine: files of a failed job are left over");
    public static readonly CodeProbe ManifestRetried = new("engine: an edit of the manifest is written again");
}
