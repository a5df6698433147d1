using System.Collections.Immutable;
using Proto = Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Client;

/// <summary>How keys are watched.</summary>
public sealed record WatchOptions
{
    /// <summary>The first revision whose events are wanted; 0: what changes from now on.</summary>
    public long StartRevision { get; init; }

    /// <summary>Tell with each event what was there before.</summary>
    public bool Previous { get; init; }

    /// <summary>Leave out puts.</summary>
    public bool WithoutPuts { get; init; }

    /// <summary>Leave out deletions.</summary>
    public bool WithoutDeletes { get; init; }

    /// <summary>Begin with an empty batch as soon as the server has the watch; its revision is the last that is "before now".</summary>
    public bool Announce { get; init; }

    /// <summary>Ask for an empty batch now and then if nothing changes (etcd: every 10 minutes): "all up to this revision was told".</summary>
    public bool Progress { get; init; }
}

/// <summary>What happened to a key.</summary>
public enum WatchEventKind
{
    /// <summary>It was created or changed.</summary>
    Put = 0,

    /// <summary>It was deleted, by somebody or with its lease.</summary>
    Delete = 1,
}

/// <summary>One change of one key.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Item">The key after it; of a deletion only key and <see cref="KeyValue.ModRevision"/> count.</param>
/// <param name="Previous">The key before it, if asked for, there, and not compacted.</param>
public sealed record WatchEvent(WatchEventKind Kind, KeyValue Item, KeyValue? Previous)
{
    /// <summary>The key did not exist before.</summary>
    public bool IsCreate => Kind == WatchEventKind.Put && Item.CreateRevision == Item.ModRevision;

    internal static WatchEvent Of(Proto.Event change) =>
        new((WatchEventKind)change.Type, KeyValue.Of(change.Kv), KeyValue.OfOptional(change.PrevKv));
}

/// <summary>Events in the order of their revisions; all events of one revision are in the same batch.</summary>
/// <param name="Revision">All events up to and with this revision have been told. To go on later, watch from the next one.</param>
/// <param name="Events">Empty if it only tells progress.</param>
public sealed record WatchBatch(long Revision, ImmutableArray<WatchEvent> Events);
