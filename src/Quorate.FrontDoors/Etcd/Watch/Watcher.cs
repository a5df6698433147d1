using Google.Protobuf;

namespace Quorate.FrontDoors.Etcd;

/// <summary>One watch of one stream: what it wants, and how far it was told.</summary>
internal sealed class Watcher
{
    private List<ByteString> _events = [];

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

    /// <summary>The first revision it asked for; 0: from its creation on.</summary>
    public long Start { get; set; }

    /// <summary>No event below this revision is wanted (any more). Whoever has the set it is in changes it.</summary>
    public long Next { get; set; }

    /// <summary>Its place among those that watch the same.</summary>
    public int Slot { get; set; }

    /// <summary>Cancelled by the client, by a compaction, or with its stream.</summary>
    public bool IsGone { get; set; }

    /// <summary>The hub has had it: of a compaction it notices only what that took away.</summary>
    public bool WasSynced { get; set; }

    /// <summary>Told something since the last progress notice; then it needs none.</summary>
    public bool WasTold { get; set; }

    /// <summary>Events of the pass that is under way, not handed over yet.</summary>
    public IReadOnlyList<ByteString> Events => _events;

    public long EventBytes { get; private set; }

    public void Add(ByteString e)
    {
        _events.Add(e);
        EventBytes += e.Length;
    }

    /// <summary>Hands the events over; none are left. The list is the taker's: the room for one huge revision is not kept.</summary>
    public IReadOnlyList<ByteString> TakeEvents()
    {
        if (_events.Count == 0) { return []; }
        IReadOnlyList<ByteString> taken = _events;
        _events = [];
        EventBytes = 0;
        return taken;
    }

    public bool Wants(bool isDelete) => isDelete ? !NoDeletes : !NoPuts;
}
