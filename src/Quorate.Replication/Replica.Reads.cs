using Quorate.Core;
using Quorate.Raft;

namespace Quorate.Replication;

/// <summary>Linearizable reads: all that came since the last flush share one round of ReadIndex (Raft thesis, 6.4).</summary>
internal sealed partial class Replica
{
    private readonly List<ReadRound> _rounds = [];
    private List<ReadRequest> _newReads = [];

    // Begins at random in each run of the node: a late answer to a question of an earlier run must not pass for one of ours.
    private ulong _lastContext;
    private int _waitingReads;

    /// <summary>Takes a read; it is completed in any case, by its deadline at the latest.</summary>
    public void Read(ReadRequest request)
    {
        if (_waitingReads >= Config.MaxWaitingReads)
        {
            request.Complete(RequestOutcome.TooBusy, null);
            return;
        }

        request.DeadlineTick = Now + Config.RequestTicks;
        _newReads.Add(request);
        _waitingReads++;
        MarkDirty();
    }

    private void FeedReads()
    {
        if (_newReads.Count == 0 || (_raft.Leader.IsNone && _raft.Role != Role.Leader)) { return; }
        _lastContext = unchecked(_lastContext + 1);
        _rounds.Add(new(_lastContext, _newReads, Now));
        _newReads = [];
        _raft.ReadIndex(_lastContext);
    }

    private void TakeReadStates(Ready ready)
    {
        foreach (ReadState state in ready.Reads)
        {
            if (_rounds.Find(round => round.Context == state.Context) is { } round) { round.Index ??= state.Index; }
        }

        foreach (ulong context in ready.DroppedReads)
        {
            // Not at once: there is no leader, or it cannot answer yet.
            if (_rounds.Find(round => round.Context == context) is { Index: null } round)
            {
                round.AskedTick = Now - ReadRetryTicks + Config.Raft.HeartbeatTicks;
            }
        }

        if (!ready.Reads.IsEmpty) { ServeReads(); }
    }

    private void ServeReads()
    {
        LogIndex applied = _engine.Applied.Index;
        for (int i = 0; i < _rounds.Count;)
        {
            ReadRound round = _rounds[i];
            if (round.Index is not { } index || index > applied)
            {
                i++;
                continue;
            }

            _rounds.RemoveAt(i);
            _waitingReads -= round.Requests.Count;
            foreach (ReadRequest request in round.Requests)
            {
                request.Clock = ClockEstimate;
                request.Complete(RequestOutcome.Done, _engine.OpenReadView());
            }
        }
    }

    // Half an election timeout, as etcd's 500 ms: a lost message must not cost a read its deadline.
    private int ReadRetryTicks => Math.Max(1, Config.Raft.ElectionTicks / 2);

    private void TickReads()
    {
        bool isLate = false;
        foreach (ReadRound round in _rounds) { isLate |= round.Index is null && Now - round.AskedTick >= ReadRetryTicks; }
        if (isLate || Buggify("ask-again")) { RetryReads(); }
        foreach (ReadRound round in _rounds) { FailLate(round.Requests); }
        _rounds.RemoveAll(round => round.Requests.Count == 0);
        FailLate(_newReads);
    }

    // The reads of all unanswered rounds start anew together; an index found later is as good for them.
    private void RetryReads()
    {
        foreach (ReadRound round in _rounds)
        {
            if (round.Index is not null) { continue; }
            Probes.ReadAgain.Hit();
            _newReads.AddRange(round.Requests);
        }

        _rounds.RemoveAll(round => round.Index is null);
    }

    private void FailLate(List<ReadRequest> requests)
    {
        int late = requests.RemoveAll(request =>
        {
            if (request.DeadlineTick > Now) { return false; }
            Probes.ReadLate.Hit();
            request.Complete(_raft.Leader.IsNone ? RequestOutcome.NoLeader : RequestOutcome.Unknown, null);
            return true;
        });
        _waitingReads -= late;
    }

    private void CompleteReadsAtClose()
    {
        foreach (ReadRound round in _rounds) { _newReads.AddRange(round.Requests); }
        _rounds.Clear();
        foreach (ReadRequest request in _newReads) { request.Complete(RequestOutcome.Stopping, null); }
        _newReads.Clear();
        _waitingReads = 0;
    }

    private sealed class ReadRound(ulong context, List<ReadRequest> requests, long askedTick)
    {
        public ulong Context { get; } = context;

        public List<ReadRequest> Requests { get; } = requests;

        public long AskedTick { get; set; } = askedTick;

        public LogIndex? Index { get; set; }
    }
}
