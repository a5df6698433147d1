using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Quorate.Core;

namespace Quorate.Raft;

/// <summary>A read that waits at the leader.</summary>
/// <param name="From">Who asked: a follower, or the leader's own host.</param>
/// <param name="Context">Comes back with the answer.</param>
internal readonly record struct WaitingRead(ReplicaId From, ulong Context);

/// <summary>Reads that wait for the same round of heartbeats.</summary>
/// <param name="Number">Goes out in <see cref="Heartbeat.ReadRound"/>.</param>
/// <param name="Index">The commit index when the round started.</param>
/// <param name="Sent">The leader's tick when the round started.</param>
/// <param name="Reads">The reads; all came before the round was sent.</param>
internal readonly record struct ReadRound(ulong Number, LogIndex Index, long Sent, ImmutableArray<WaitingRead> Reads);

/// <summary>Books of reads: waiting for a round, waiting for a round's confirmation, answered, refused.</summary>
internal sealed class ReadRounds
{
    private readonly Queue<ReadRound> _open = [];
    private readonly List<WaitingRead> _waiting = [];
    private List<ReadState> _answered = [];
    private List<ulong> _refused = [];

    /// <summary>Number of the newest round; never used twice, so a late confirmation cannot count for another round.</summary>
    public ulong LastRound { get; private set; }

    /// <summary>Newest round that waits for confirmation; 0 if none. Repeated in every heartbeat, for some get lost.</summary>
    public ulong OpenRound => _open.Count == 0 ? 0 : LastRound;

    /// <summary>True if reads wait for a round to start.</summary>
    public bool HasWaiting => _waiting.Count > 0;

    /// <summary>True if there is something for the host.</summary>
    public bool HasOutput => _answered.Count + _refused.Count > 0;

    /// <summary>A read joins the next round.</summary>
    public void Wait(WaitingRead read) => _waiting.Add(read);

    /// <summary>A read of our own host has its index.</summary>
    public void Answered(ReadState read) => _answered.Add(read);

    /// <summary>A read of our own host gets no answer.</summary>
    public void Refuse(ulong context) => _refused.Add(context);

    /// <summary>A round starts for all that wait.</summary>
    public void StartRound(LogIndex commit, long ticks)
    {
        LastRound++;
        _open.Enqueue(new ReadRound(LastRound, commit, ticks, [.. _waiting]));
        _waiting.Clear();
    }

    /// <summary>Takes out the oldest open round, if it or a later one is confirmed: later heartbeats confirm more.</summary>
    public bool TryConfirm(ulong confirmed, out ReadRound round)
    {
        round = default;
        return _open.TryPeek(out ReadRound oldest) && oldest.Number <= confirmed && _open.TryDequeue(out round);
    }

    /// <summary>Leadership is lost: our own reads are refused; followers ask again when they hear nothing.</summary>
    public void Drop(ReplicaId self)
    {
        foreach (ReadRound round in _open) { Refuse(round.Reads.AsSpan(), self); }
        Refuse(CollectionsMarshal.AsSpan(_waiting), self);
        _open.Clear();
        _waiting.Clear();
    }

    /// <summary>Takes what is for the host.</summary>
    public (ImmutableArray<ReadState> Answered, ImmutableArray<ulong> Refused) TakeOutput()
    {
        (ImmutableArray<ReadState> Answered, ImmutableArray<ulong> Refused) output = ([.. _answered], [.. _refused]);
        if (_answered.Count > 0) { _answered = []; }
        if (_refused.Count > 0) { _refused = []; }
        return output;
    }

    private void Refuse(ReadOnlySpan<WaitingRead> reads, ReplicaId self)
    {
        foreach (WaitingRead read in reads)
        {
            if (read.From == self) { _refused.Add(read.Context); }
        }
    }
}
