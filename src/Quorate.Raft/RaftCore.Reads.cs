using Quorate.Core;

namespace Quorate.Raft;

/// <summary>Linearizable reads without a log entry (Raft thesis, 6.4 and 6.4.1).</summary>
public sealed partial class RaftCore
{
    private readonly ReadRounds _reads = new();
    private readonly Func<ReplicaId, ulong> _roundConfirmed;

    // When the newest confirmed round of heartbeats was sent; null if none was in this term and membership.
    private long? _lease;

    // TimeoutNow was sent in this term. However late it arrives, the votes it asks for are not withheld for our lease's sake.
    private bool _mayBeDeposed;

    /// <summary>
    /// Asks at which index a linearizable read may be served. The answer comes in <see cref="Ready.Reads"/>, or the context in
    /// <see cref="Ready.DroppedReads"/>; a message lost between nodes can mean neither, so the host asks again after a while.
    /// </summary>
    /// <param name="context">Comes back with the answer.</param>
    public void ReadIndex(ulong context)
    {
        if (_role == Role.Leader)
        {
            LeadRead(_id, context);
        }
        else if (_leader.IsNone)
        {
            _reads.Refuse(context);
        }
        else
        {
            Send(new ReadIndexRequest(HeaderTo(_leader), context));
        }
    }

    private void LeadRead(ReplicaId from, ulong context)
    {
        // Before it commits in its own term, a leader does not know what its predecessors acknowledged.
        if (HasCommittedInTerm && HoldsLease)
        {
            AnswerRead(new WaitingRead(from, context), _commit);
        }
        else
        {
            _reads.Wait(new WaitingRead(from, context));
        }
    }

    /// <summary>
    /// A majority reset its election timers after the round was sent, and will not vote for an election timeout from then.
    /// One tick is lost because our ticks and theirs do not coincide, one more is left for clocks that drift.
    /// </summary>
    private bool HoldsLease =>
        _options.LeaseReads && !_mayBeDeposed && _lease is { } sent && _ticks - sent < _options.ElectionTicks - 2;

    private void AnswerRead(WaitingRead read, LogIndex index)
    {
        if (read.From == _id)
        {
            _reads.Answered(new ReadState(read.Context, index));
        }
        else
        {
            Send(new ReadIndexReply(HeaderTo(read.From), read.Context, index));
        }
    }

    /// <summary>True if reads wait for a round to be started.</summary>
    private bool IsReadRoundDue => _role == Role.Leader && HasCommittedInTerm && _reads.HasWaiting;

    /// <summary>All reads that came since the last round share a new one. A single voter confirms it at once by itself.</summary>
    private void StartReadRound()
    {
        _reads.StartRound(_commit, _ticks);
        ConfirmReads();
        if (_reads.OpenRound != 0) { BroadcastHeartbeat(); }
    }

    /// <summary>Answers all rounds that a majority has confirmed.</summary>
    private void ConfirmReads()
    {
        ulong confirmed = Quorum.Reached(_membership, _roundConfirmed);
        while (_reads.TryConfirm(confirmed, out ReadRound round))
        {
            _lease = round.Sent;
            foreach (WaitingRead read in round.Reads) { AnswerRead(read, round.Index); }
        }
    }

    private ulong ConfirmedBy(ReplicaId voter) => voter == _id ? _reads.LastRound : Peer(voter)?.ReadRound ?? 0;
}
