namespace Quorate.FrontDoors.Etcd;

/// <summary>
/// When automatic compaction compacts, and what: the rules of etcd's --auto-compaction-mode, without a clock of its own.
/// Every member looks; only the leader's look leads to a compaction, and a new leader has watched for as long as the old one.
/// </summary>
internal sealed class AutoCompaction
{
    // etcd's: ten looks in a period, of an hour at most; by number, a look every five minutes.
    private const int LooksPerPeriod = 10;
    private static readonly TimeSpan LongestPeriod = TimeSpan.FromHours(1);
    private static readonly TimeSpan LooksByNumber = TimeSpan.FromMinutes(5);

    private readonly TimeSpan _retention;
    private readonly long _revisions;
    private readonly int _window;
    private readonly Queue<long> _seen = new();
    private TimeSpan _nextDue;
    private long _last;

    /// <summary>Creates the rule; at most one of the two is more than zero.</summary>
    /// <param name="retention">Keep what changed within this time.</param>
    /// <param name="revisions">Keep this many revisions.</param>
    public AutoCompaction(TimeSpan retention, long revisions)
    {
        _retention = retention;
        _revisions = revisions;
        Interval = revisions > 0 ? LooksByNumber : Shorter(retention, LongestPeriod) / LooksPerPeriod;
        _window = revisions > 0 ? 1 : (int)(retention / Interval) + 1;
        _nextDue = retention;
    }

    /// <summary>Time between two looks.</summary>
    public TimeSpan Interval { get; }

    /// <summary>A look: to be taken once at the start and then every <see cref="Interval"/>.</summary>
    /// <param name="now">Time since the start.</param>
    /// <param name="current">The current revision.</param>
    /// <param name="isLeader">Whether this member leads.</param>
    /// <returns>The revision to compact now; null for none.</returns>
    public long? Look(TimeSpan now, long current, bool isLeader)
    {
        if (_revisions > 0)
        {
            long revision = current - _revisions;
            return isLeader && revision > 0 && revision != _last ? revision : null;
        }

        // What is compacted is what was current a whole period ago.
        long? then = _seen.Count >= _window - 1 && _seen.TryPeek(out long oldest) ? oldest : null;
        _seen.Enqueue(current);
        if (_seen.Count > _window - 1) { _seen.Dequeue(); }
        return isLeader && now >= _nextDue - Interval / 2 && then is { } due && due != _last ? due : null;
    }

    /// <summary>The compaction that was asked for at that look is done, or somebody else has compacted as much.</summary>
    public void Done(TimeSpan now, long revision)
    {
        _last = revision;
        _nextDue = now + Shorter(_retention, LongestPeriod);
    }

    private static TimeSpan Shorter(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
