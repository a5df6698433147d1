using System.Collections.Immutable;
using System.Text;
using Quorate.Core;
using Quorate.Raft;

namespace Quorate.Tests.Raft.Scripts;

/// <summary>The one-line form of everything that scripts show. Zeroes and empty parts are left out.</summary>
internal static class ScriptPrinter
{
    private const int LongestShownPayload = 24;

    public static string Message(RaftMessage message) =>
        $"{message.From}->{message.To} {Name(message)} term={message.Term}{Body(message)}";

    /// <summary>The name by which scripts select messages.</summary>
    public static string Name(RaftMessage message) => message switch
    {
        RequestVote { IsPreVote: true } => "PreVote",
        RequestVoteReply { IsPreVote: true } => "PreVoteReply",
        _ => message.GetType().Name,
    };

    public static string Entry(LogEntry entry) => $"{entry.Position} {Payload(entry)}";

    public static string Entries(IReadOnlyCollection<LogEntry> entries) => $"[{string.Join(", ", entries.Select(Entry))}]";

    public static string Payload(LogEntry entry) => entry.Kind switch
    {
        EntryKind.Empty => "empty",
        EntryKind.Command => Text(entry.Payload.Span),
        EntryKind.Membership => MembershipCodec.TryDecode(entry.Payload.Span, out MembershipChange? change)
            ? Change(change)
            : throw new SafetyException($"{entry} is no membership change"),
        _ => throw Invariant.Unreachable(entry.Kind),
    };

    public static string Membership(Membership membership)
    {
        StringBuilder text = new($"voters={Ids(membership.Voters)}");
        if (membership.IsJoint) { text.Append($"&{Ids(membership.Outgoing)}"); }
        if (!membership.Learners.IsEmpty) { text.Append($" learners={Ids(membership.Learners)}"); }
        if (!membership.LearnersNext.IsEmpty) { text.Append($" learners-next={Ids(membership.LearnersNext)}"); }
        if (membership.AutoLeave) { text.Append(" auto-leave"); }
        return text.ToString();
    }

    public static string Change(MembershipChange change)
    {
        if (change.Steps.IsEmpty) { return "leave-joint"; }
        IEnumerable<string> steps = change.Steps.Select(static step => step.Step switch
        {
            MembershipStep.AddVoter => $"add-voter={step.Replica}",
            MembershipStep.AddLearner => $"add-learner={step.Replica}",
            MembershipStep.Remove => $"remove={step.Replica}",
            _ => throw Invariant.Unreachable(step.Step),
        });
        string transition = change.Transition switch
        {
            JointTransition.Auto => "",
            JointTransition.Implicit => " implicit",
            JointTransition.Explicit => " explicit",
            _ => throw Invariant.Unreachable(change.Transition),
        };
        return string.Join(' ', steps) + transition;
    }

    public static string Snapshot(SnapshotMeta snapshot) => $"{snapshot.Position} {Membership(snapshot.Membership)}";

    /// <summary>What a Ready wants on disk, or null if nothing.</summary>
    public static string? Write(Ready ready)
    {
        List<string> parts = [];
        if (ready.Snapshot is { } snapshot) { parts.Add($"snapshot={Snapshot(snapshot)}"); }
        if (ready.HardState is { } state) { parts.Add($"term={state.Term} vote={state.Vote} commit={state.Commit}"); }
        if (!ready.Entries.IsEmpty) { parts.Add($"entries={Entries(ready.Entries)}"); }
        return parts.Count == 0 ? null : string.Join(' ', parts);
    }

    public static string Ids(ImmutableArray<ReplicaId> ids) => $"({string.Join(' ', ids)})";

    private static string Body(RaftMessage message) => message switch
    {
        AppendEntries { Entries.IsEmpty: true } m => $" prev={m.Previous} commit={m.Commit}",
        AppendEntries m => $" prev={m.Previous} entries={Entries(m.Entries)} commit={m.Commit}",
        AppendEntriesReply { Accepted: true } m => $" accepted index={m.Index}",
        AppendEntriesReply m => $" refused index={m.Index} hint={m.Hint}",
        Heartbeat m => $" commit={m.Commit}{Round(m.ReadRound)}",
        HeartbeatReply m => Round(m.ReadRound),
        RequestVote m => $" last={m.Last}{(m.IsTransfer ? " transfer" : "")}",
        RequestVoteReply m => $" {(m.Granted ? "granted" : "refused")} committed={m.Committed}",
        InstallSnapshot m => $" snapshot={Snapshot(m.Snapshot)}",
        TimeoutNow => "",
        TransferRequest m => $" to={m.Transferee}",
        ReadIndexRequest m => $" context={m.Context}",
        ReadIndexReply m => $" context={m.Context} index={m.Index}",
        _ => throw Invariant.Unreachable(message),
    };

    private static string Round(ulong round) => round == 0 ? "" : $" read-round={round}";

    private static string Text(ReadOnlySpan<byte> payload)
    {
        string text = Encoding.ASCII.GetString(payload[..Math.Min(payload.Length, LongestShownPayload)]);
        return payload.Length <= LongestShownPayload ? $"\"{text}\"" : $"\"{text[..1]}..\" {payload.Length} B";
    }
}
