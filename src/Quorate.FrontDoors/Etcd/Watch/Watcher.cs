using Google.Protobuf;

namespace Quorate.FrontDoors.Etcd;

/// <summary>One watch of one stream: what it wants, and how far it was told.</summary>
internal sealed class Watcher
{
    public required WatchSession Session { get; init; }

    public required long Id { get; init; }

    /// <summary>At least one byte.</summary>
    public required byte[] Key { get; init; }

    /// <summary>Null: the one key. Empty: all keys from <see cref="Key"/> on. Else the key before which the range ends.</summary>
    public required byte[]? End { get; init; }

    public bool NoPuts { get; init; }

    public bool NoDeletes { get; init; }

    public bool WantsPrevious { get; init; }

    public bool WantsFragments { get; init; }

    public bool WantsProgress { get; init; }

    /// <summary>The set it is in: the hub's, guarded by the hub's lock, its session's while it is behind, or none.</summary>
    public WatcherSet? Home { get; set; }

    /// <summary>No event below this revision is wanted (any more). Whoever has the set it is in changes it.</summary>
    public long Next { get; set; }

    /// <summary>Cancelled by the client, by a compaction, or with its stream.</summary>
    public bool IsGone { get; set; }

    /// <summary>Told something since the last progress notice; then it needs none.</summary>
    public bool WasTold { get; set; }

    /// <summary>Events of the pass that is under way, not handed over yet.</summary>
    public List<ByteString> Events { get; } = [];

    public long EventBytes { get; set; }

    public bool Wants(bool isDelete) => isDelete ? !NoDeletes : !NoPuts;
}
