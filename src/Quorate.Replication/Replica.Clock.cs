using Quorate.Core;
using Quorate.Raft;

namespace Quorate.Replication;

/// <summary>
/// The shard's clock: each entry says how long its leader has led since the entry before, and the sum is the time. DESIGN.md,
/// "Time", has the argument why it is never ahead of real time. The leader sends the machine's timers by it.
/// </summary>
internal sealed partial class Replica
{
    // As of the last applied entry, in milliseconds, and the tick when that was applied here.
    private long _clock;
    private long _clockTick;

    // Of the term that this replica leads or has led last: ticks it has counted, those that its entries have told, and the clock
    // at the end of the log that it took over, once it has applied that.
    private Term _ledTerm;
    private long _ledTicks;
    private long _toldTicks;
    private long? _ledFrom;

    private LogIndex _timerIndex;
    private bool _wantsEntry;
    private bool _isTimerDue;

    /// <summary>What the shard's clock shows now, as far as this replica can tell.</summary>
    public long ClockEstimate => LeaderClock ?? (_clock + ((Now - _clockTick) * Config.TickMilliseconds));

    // Null unless this replica leads and has applied what it took over.
    private long? LeaderClock => _raft.Role == Role.Leader && _raft.Term == _ledTerm && _ledFrom is { } from
        ? from + (Math.Max(0, _ledTicks) * Config.TickMilliseconds)
        : null;

    private void SetClock(long clock)
    {
        _clock = clock;
        _clockTick = Now;
    }

    // The first tick of a leader ends a time that has begun before it led, so it does not count.
    private void BeginTerm()
    {
        if (_raft.Term == _ledTerm) { return; }
        _ledTerm = _raft.Term;
        _ledTicks = -1;
        _toldTicks = 0;
        _ledFrom = null;
        _timerIndex = LogIndex.Zero;
        _wantsEntry = false;
        _isTimerDue = false;
        _isRefusalQueued = false;
        _refusedAt = LogIndex.Zero;
    }

    private void NoteTermBegins(Term term)
    {
        if (_raft.Role == Role.Leader && term == _ledTerm) { _ledFrom = _clock; }
    }

    // What the entry that is being made is to tell. Its timer lags by a tick: the entry from which a deadline was counted may have
    // been made up to a tick after the time it told.
    private (long Elapsed, long Due) TimeToTell(bool withTimer) => (
        Math.Max(0, _ledTicks - _toldTicks) * Config.TickMilliseconds,
        withTimer && _isTimerDue && LeaderClock is { } clock ? clock - Config.TickMilliseconds : 0);

    private void TimeTold(LogIndex index, bool withTimer)
    {
        _toldTicks = Math.Max(0, _ledTicks);
        if (!withTimer) { return; }
        if (_wantsEntry) { _timerIndex = index; }
        _wantsEntry = false;
        _isTimerDue = false;
    }

    // While this leader takes nobody's command that moves a deadline, no time passes and no timer is sent. A leader whose machine
    // waits for a time sends a timer when that has come, and some entry at least once in an election timeout: time not told is
    // forgotten with its leader.
    private void TickClock()
    {
        if (HasNoRoom)
        {
            (_isTimerDue, _wantsEntry) = (false, false);
            return;
        }

        _ledTicks++;
        if (_machine.NextDeadline is not { } deadline || LeaderClock is not { } clock || _engine.Applied.Index < _timerIndex) { return; }
        _isTimerDue = clock - Config.TickMilliseconds >= deadline;
        _wantsEntry = _isTimerDue || _ledTicks - _toldTicks >= Config.Raft.ElectionTicks;
    }
}
