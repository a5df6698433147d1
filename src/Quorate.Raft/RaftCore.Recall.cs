using Quorate.Core;

namespace Quorate.Raft;

/// <summary>
/// What a replica does before it promises anything in a new run. Its disk may be an old copy (a restored image), and then votes and
/// acknowledgements of its own are missing there. So it asks all voters for their term and last entry, and until they have answered
/// it neither votes nor campaigns, confirms no entry and no leadership. Why that is enough: DESIGN.md, "A disk that went back in time".
/// </summary>
/// <remarks>The idea is the recovery of Viewstamped Replication Revisited (Liskov and Cowling, 2012), section 4.3.</remarks>
public sealed partial class RaftCore
{
    // A voter that is away for so many election timeouts is taken to be gone: without this a group of three with one lost could not
    // be restarted. Our own choice: longer than a restart, a partition or a long pause usually takes.
    private const int RecallTimeouts = 5;

    private readonly SortedDictionary<ReplicaId, RecallReply> _recalled = [];
    private ulong _life; // Not 0 while recalling.
    private bool _hasRunBefore;
    private bool _hasForgotten;
    private long _recallTicks;
    private LogPosition _floor; // Nobody whose log ends before this gets our vote, nor do we.
    private AppendEntriesReply? _withheldAnswer;

    /// <summary>True while the replica does not know yet what it had promised before it was started.</summary>
    public bool IsRecalling => _life != 0;

    /// <summary>How the questions at the start ended, once they did.</summary>
    public RecallOutcome? Recalled { get; private set; }

    /// <summary>True once all is known that it had promised, and its durable log reaches as far.</summary>
    public bool HoldsWhatItPromised => !IsRecalling && IsAtLeast(_log.Last, _floor) && _log.Durable >= _floor.Index;

    /// <summary>What this replica says to one that has started. Changes nothing.</summary>
    public RecallReply AnswerRecall(Recall question)
    {
        LogPosition last = IsAtLeast(_floor, _log.Last) ? _floor : _log.Last;
        return new(HeaderTo(question.From), question.Life, last, _applied, _membership);
    }

    private void BeginRecall(ulong life, bool hasForgotten)
    {
        _hasForgotten = hasForgotten;

        // Alone there is nobody to ask, if its log says so too. One that knows no membership yet learns from a snapshot whom to ask.
        _hasRunBefore = life != 0;
        bool isAlone = _membership.Voters is [var only] && only == _id && !_membership.IsJoint && !HasUnappliedMembership;
        if (life == 0 || isAlone) { return; }
        _life = life;
        AskVoters();
    }

    // Neither side's term matters here: a replica that has been away must not disturb those that were not.
    private void StepRecall(RaftMessage message)
    {
        switch (message)
        {
            case Recall question:
                if (_role == Role.Leader) { Peer(question.From)?.Restarted(question.Life); }
                SendAfterPersist(AnswerRecall(question));
                break;
            case RecallReply reply when IsRecalling && reply.Life == _life:
                _recalled[reply.From] = reply;
                if (HaveAllAnswered) { EndRecall(missing: 0); }
                break;
            default: break;
        }
    }

    private void TickRecall()
    {
        int patience = RecallTimeouts * _options.ElectionTicks;
        if (IsRecalling)
        {
            _recallTicks++;
            if (HaveAllAnswered) { EndRecall(missing: 0); }
            else if (_recallTicks >= patience && !_hasForgotten) { EndRecall(missing: VotersToAsk.Count(id => !_recalled.ContainsKey(id))); }
            else if (_recallTicks % Math.Max(1, _options.HeartbeatTicks / 4) == 0) { AskVoters(); }
        }
        else if (_floor != LogPosition.Zero && !_hasForgotten)
        {
            // Nobody who holds it comes to lead, for as long as we would have waited for an answer. A leader that fell silent is still
            // ours: who may not campaign forgets none.
            bool hearsLeader = !_leader.IsNone && _electionElapsed < _options.ElectionTicks;
            _recallTicks = hearsLeader ? 0 : _recallTicks + 1;
            if (_recallTicks >= patience) { _floor = LogPosition.Zero; }
        }
    }

    private void AskVoters()
    {
        foreach (ReplicaId voter in VotersToAsk)
        {
            if (!_recalled.ContainsKey(voter)) { Send(new Recall(HeaderTo(voter), _life)); }
        }
    }

    private bool HaveAllAnswered => !NewestMembership.Voters.IsEmpty && VotersToAsk.All(_recalled.ContainsKey) && !HasUnappliedMembership;

    // One that knows no members asks the leader that speaks to it, which tells them.
    private IEnumerable<ReplicaId> VotersToAsk
    {
        get
        {
            Membership newest = NewestMembership;
            if (newest.Voters.IsEmpty) { return _leader.IsNone ? [] : [_leader]; }
            return newest.All.Where(id => id != _id && newest.IsVoter(id));
        }
    }

    // Members may have changed since our disk was written.
    private Membership NewestMembership
    {
        get
        {
            (LogIndex applied, Membership newest) = (_applied, _membership);
            foreach (RecallReply reply in _recalled.Values)
            {
                if (reply.Applied > applied) { (applied, newest) = (reply.Applied, reply.Membership); }
            }

            return newest;
        }
    }

    private void EndRecall(int missing)
    {
        LogPosition before = _log.Last;
        Term term = _term;
        foreach (RecallReply reply in _recalled.Values)
        {
            if (IsAtLeast(reply.Last, _floor)) { _floor = reply.Last; }
            if (reply.Term > term) { term = reply.Term; }
        }

        if (missing > 0) { Probes.RecallGaveUp.Hit(); }
        if (!IsAtLeast(before, _floor) || term > _term) { Probes.RecalledMore.Hit(); }
        Recalled = new(term, _floor, before, missing);
        _life = 0;
        _recallTicks = 0;
        _recalled.Clear();
        AppendEntriesReply? withheld = _withheldAnswer;
        if (term > _term) { BecomeFollower(term, ReplicaId.None); }

        // For whom we voted in that term, if not for the one on the disk, nobody may remember. A vote for ourselves asks for nothing.
        if (_vote.IsNone) { _vote = _id; }
        if (withheld is { } answer && answer.Term == _term) { SendAfterPersist(answer); }
        _withheldAnswer = null;
    }
}

/// <summary>What a replica that was started has learnt of its earlier promises.</summary>
/// <param name="Term">It votes for nobody else up to this term.</param>
/// <param name="Floor">It elects nobody whose log ends before this.</param>
/// <param name="Last">Where its own log ended.</param>
/// <param name="Missing">Voters that did not answer in time.</param>
public sealed record RecallOutcome(Term Term, LogPosition Floor, LogPosition Last, int Missing);
