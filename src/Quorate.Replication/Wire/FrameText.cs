using System.Globalization;
using System.Text;
using Quorate.Core;
using Quorate.Raft;

namespace Quorate.Replication;

/// <summary>A frame between nodes in words, for traces.</summary>
public static class FrameText
{
    /// <summary>
    /// The items of a frame in one line, in order: kind, shard, and the numbers that tell one from another. Never throws; what cannot be
    /// read is said to be malformed.
    /// </summary>
    public static string Of(ReadOnlyMemory<byte> frame)
    {
        if (frame.Length < PeerFrame.HeaderBytes) { return "malformed"; }
        frame = frame[PeerFrame.HeaderBytes..];
        var text = new StringBuilder();
        while (!frame.IsEmpty)
        {
            if (text.Length > 0) { text.Append("; "); }
            if (!PeerFrame.TryNext(ref frame, out PeerItem item, out ReadOnlyMemory<byte> body)) { return text.Append("malformed").ToString(); }
            text.Append(Item(item, body) ?? $"malformed {item}");
        }

        return text.ToString();
    }

    private static string? Item(PeerItem item, ReadOnlyMemory<byte> body)
    {
        switch (item)
        {
            case PeerItem.Raft:
                var reader = new ByteReader(body.Span);
                return RaftMessageCodec.TryDecode(ref reader, out RaftMessage? message) ? Raft(message) : null;
            case PeerItem.Forward:
                var commands = new List<QueuedCommand>();
                return PeerFrame.TryReadForward(body, out ShardId to, commands) ? $"{to} Forward of {Count(commands.Count, "command")}" : null;
            case PeerItem.ForwardRefused:
                var sequences = new List<ulong>();
                return PeerFrame.TryReadForwardRefused(body.Span, out ShardId by, sequences) ? $"{by} ForwardRefused of {Count(sequences.Count, "command")}" : null;
            case PeerItem.SnapshotOffer:
                return PeerFrame.TryReadOffer(body.Span, out SnapshotOffer? offer)
                    ? $"{offer!.Shard} SnapshotOffer at {offer.Position} term {offer.Term}: {Count(offer.Files.Length, "file")}, stream {offer.Stream:x}"
                    : null;
            case PeerItem.SnapshotChunk:
                return PeerFrame.TryReadChunk(body, out SnapshotChunk chunk)
                    ? $"{chunk.Shard} SnapshotChunk of stream {chunk.Stream:x}: {chunk.Bytes.Length} bytes from {chunk.Offset}"
                    : null;
            case PeerItem.SnapshotProgress:
                return PeerFrame.TryReadProgress(body.Span, out SnapshotProgress progress)
                    ? $"{progress.Shard} SnapshotProgress of stream {progress.Stream:x}: {progress.State} up to {progress.Offset}"
                    : null;
            default:
                return string.Create(CultureInfo.InvariantCulture, $"{item} of {body.Length} bytes");
        }
    }

    private static string Raft(RaftMessage message) => $"{message.Shard} " + message switch
    {
        AppendEntries { Entries.IsEmpty: true } append => $"AppendEntries term {append.Term} after {append.Previous}: none, commit {append.Commit}",
        AppendEntries append =>
            $"AppendEntries term {append.Term} after {append.Previous}: {Count(append.Entries.Length, "entry")} to {append.Entries[^1].Position}, commit {append.Commit}",
        AppendEntriesReply { Accepted: true } reply => $"AppendEntriesReply term {reply.Term}: accepted to {reply.Index}",
        AppendEntriesReply reply => $"AppendEntriesReply term {reply.Term}: refused at {reply.Index}, hint {reply.Hint}",
        Heartbeat beat => $"Heartbeat term {beat.Term} commit {beat.Commit} round {beat.ReadRound}",
        HeartbeatReply beat => $"HeartbeatReply term {beat.Term} round {beat.ReadRound}",
        RequestVote vote => $"{(vote.IsPreVote ? "RequestPreVote" : "RequestVote")} term {vote.Term} last {vote.Last}{(vote.IsTransfer ? " by transfer" : "")}",
        RequestVoteReply vote =>
            $"{(vote.IsPreVote ? "PreVote" : "Vote")} term {vote.Term} {(vote.Granted ? "granted" : "refused")}, committed {vote.Committed}",
        InstallSnapshot snapshot => $"InstallSnapshot term {snapshot.Term} at {snapshot.Snapshot.Position}",
        TransferRequest transfer => $"TransferRequest term {transfer.Term} to {transfer.Transferee}",
        ReadIndexRequest read => $"ReadIndexRequest term {read.Term} context {read.Context:x}",
        HoldsUncounted holds => $"HoldsUncounted term {holds.Term}: up to {holds.Index}",
        Recall recall => $"Recall term {recall.Term} life {recall.Life:x}",
        RecallReply reply => $"RecallReply term {reply.Term} life {reply.Life:x} last {reply.Last}, members as of {reply.Applied}",
        ReadIndexReply read => $"ReadIndexReply term {read.Term} context {read.Context:x} at {read.Index}",
        _ => $"{message.GetType().Name} term {message.Term}",
    };

    private static string Count(int count, string one) => (count, one) switch
    {
        (1, _) => $"1 {one}",
        (_, "entry") => $"{count} entries",
        _ => $"{count} {one}s",
    };
}
