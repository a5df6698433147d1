using Quorate.Core;
using Quorate.Raft;

namespace Quorate.Tests.Raft.Scripts;

/// <summary>Raft's promises (paper, figure 3, and persist-before-send), checked at every step of every script.</summary>
/// <remarks>A script can be recorded wrongly; these cannot. A breach throws and is never written to a file.</remarks>
internal sealed class ScriptSafety
{
    private readonly SortedDictionary<Term, ReplicaId> _leaders = [];
    private readonly SortedDictionary<LogIndex, LogEntry> _applied = [];
    private readonly SortedDictionary<(Term Term, ReplicaId Voter), ReplicaId> _votes = [];
    private readonly SortedDictionary<ReplicaId, LogIndex> _commits = [];

    /// <summary>Election safety: at most one leader in a term. And a leader's commit index is on the disks of a majority.</summary>
    public void CheckState(ScriptNode node, IReadOnlyCollection<ScriptNode> all)
    {
        LogIndex commit = node.Core.Commit;
        bool hasRisen = commit > _commits.GetValueOrDefault(node.Id);
        _commits[node.Id] = commit;
        if (node.Core.Role != Role.Leader) { return; }
        if (!_leaders.TryAdd(node.Core.Term, node.Id) && _leaders[node.Core.Term] != node.Id)
        {
            throw new SafetyException($"{_leaders[node.Core.Term]} and {node.Id} both lead term {node.Core.Term}");
        }

        // Only at the moment when it rises: later the membership may be another one.
        if (!hasRisen) { return; }
        Membership membership = node.Core.Membership;
        bool holds = HoldMajority(membership.Voters) && (!membership.IsJoint || HoldMajority(membership.Outgoing));
        if (!holds) { throw new SafetyException($"{node.Id} has committed {commit}, which no majority has on disk"); }

        bool HoldMajority(IReadOnlyCollection<ReplicaId> voters) =>
            voters.Count(id => all.Any(other => other.Id == id && other.Disk.LastIndex >= commit)) * 2 > voters.Count;
    }

    /// <summary>State machine safety: no two replicas apply different entries at an index.</summary>
    public void CheckApplied(ScriptNode node, LogEntry entry)
    {
        if (_applied.TryAdd(entry.Index, entry)) { return; }
        LogEntry other = _applied[entry.Index];
        if (other.Position != entry.Position || !other.Payload.Span.SequenceEqual(entry.Payload.Span))
        {
            throw new SafetyException(
                $"{node.Id} applies {ScriptPrinter.Entry(entry)}, another has applied {ScriptPrinter.Entry(other)}");
        }
    }

    /// <summary>What a reply promises is on the sender's disk when the reply leaves, and a vote is given once.</summary>
    public void CheckSent(ScriptNode node, RaftMessage message)
    {
        if (message is AppendEntriesReply { Accepted: true } reply && reply.Index > node.Disk.LastIndex)
        {
            throw new SafetyException(
                $"{node.Id} acknowledges {reply.Index}, but its disk ends at {node.Disk.LastIndex}");
        }

        // A request for votes too: a vote it wins must not outlive the log tail that won it.
        bool needsDurableTerm =
            message is AppendEntriesReply or RequestVote { IsPreVote: false } or RequestVoteReply { IsPreVote: false };
        if (needsDurableTerm && message.Term > node.Disk.HardState.Term)
        {
            throw new SafetyException($"{node.Id} speaks of term {message.Term} before that term is on its disk");
        }

        if (message is RequestVoteReply { IsPreVote: false, Granted: true })
        {
            CheckVote(node, message.Term, message.To);
        }
        else if (message is RequestVote { IsPreVote: false })
        {
            CheckVote(node, message.Term, node.Id);
        }
    }

    /// <summary>Log matching: two disks that hold the same index and term hold the same entries up to there.</summary>
    public static void CheckLogs(IReadOnlyCollection<ScriptNode> all)
    {
        foreach (ScriptNode left in all)
        {
            foreach (ScriptNode right in all.Where(node => node.Id > left.Id)) { CheckLogs(left, right); }
        }
    }

    private static void CheckLogs(ScriptNode left, ScriptNode right)
    {
        bool mustMatch = false;
        LogIndex last = LogIndex.Min(left.Disk.LastIndex, right.Disk.LastIndex);
        for (LogIndex index = last; index > LogIndex.Zero; index = index.Previous)
        {
            if (left.Disk.At(index) is not { } one || right.Disk.At(index) is not { } two) { return; }
            mustMatch |= one.Term == two.Term;
            bool isEqual = one.Position == two.Position && one.Payload.Span.SequenceEqual(two.Payload.Span);
            if (mustMatch && !isEqual)
            {
                throw new SafetyException($"the logs of {left.Id} and {right.Id} agree further on but not at {index}");
            }
        }
    }

    private void CheckVote(ScriptNode node, Term term, ReplicaId candidate)
    {
        if (node.Disk.HardState.Term == term && node.Disk.HardState.Vote != candidate)
        {
            throw new SafetyException(
                $"{node.Id} votes for {candidate} in term {term}, its disk says {node.Disk.HardState}");
        }

        if (!_votes.TryAdd((term, node.Id), candidate) && _votes[(term, node.Id)] != candidate)
        {
            throw new SafetyException($"{node.Id} votes for {_votes[(term, node.Id)]} and {candidate} in term {term}");
        }
    }
}
