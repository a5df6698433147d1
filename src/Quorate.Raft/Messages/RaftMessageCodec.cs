using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Quorate.Core;

namespace Quorate.Raft;

/// <summary>Bytes of <see cref="RaftMessage"/> between nodes. Format: DESIGN.md.</summary>
public static class RaftMessageCodec
{
    /// <summary>Terms and indexes at or above this are refused: with one step a second they are out of reach, and sums stay in range.</summary>
    public const ulong MaxNumber = 1UL << 62;

    private const int LeastEntryBytes = 3; // Term, kind, length of the payload.

    /// <summary>The first byte of a message. The numbers are on the wire; they never change, and new ones are added at the end.</summary>
    private enum Kind : byte
    {
        AppendEntries = 1,
        AppendEntriesReply = 2,
        Heartbeat = 3,
        HeartbeatReply = 4,
        RequestVote = 5,
        RequestVoteReply = 6,
        InstallSnapshot = 7,
        TimeoutNow = 8,
        TransferRequest = 9,
        ReadIndexRequest = 10,
        ReadIndexReply = 11,
        Recall = 12,
        RecallReply = 13,
        HoldsUncounted = 14,
    }

    /// <summary>Writes a message. It says itself where it ends, so several may follow each other.</summary>
    public static void Encode(RaftMessage message, ByteWriter writer)
    {
        switch (message)
        {
            case AppendEntries append:
                Start(Kind.AppendEntries, append, writer);
                EncodePosition(append.Previous, writer);
                writer.VarUInt(append.Commit.Value);
                EncodeEntries(append.Entries, writer);
                break;
            case AppendEntriesReply reply:
                Start(Kind.AppendEntriesReply, reply, writer);
                writer.Bool(reply.Accepted);
                writer.VarUInt(reply.Index.Value);
                EncodePosition(reply.Hint, writer);
                break;
            case Heartbeat heartbeat:
                Start(Kind.Heartbeat, heartbeat, writer);
                writer.VarUInt(heartbeat.Commit.Value);
                writer.VarUInt(heartbeat.ReadRound);
                break;
            case HeartbeatReply reply:
                Start(Kind.HeartbeatReply, reply, writer);
                writer.VarUInt(reply.ReadRound);
                break;
            case RequestVote request:
                Start(Kind.RequestVote, request, writer);
                EncodePosition(request.Last, writer);
                writer.Bool(request.IsPreVote);
                writer.Bool(request.IsTransfer);
                break;
            case RequestVoteReply reply:
                Start(Kind.RequestVoteReply, reply, writer);
                writer.Bool(reply.IsPreVote);
                writer.Bool(reply.Granted);
                EncodePosition(reply.Committed, writer);
                break;
            case InstallSnapshot install:
                Start(Kind.InstallSnapshot, install, writer);
                EncodePosition(install.Snapshot.Position, writer);
                MembershipCodec.Encode(install.Snapshot.Membership, writer);
                break;
            case TimeoutNow now:
                Start(Kind.TimeoutNow, now, writer);
                break;
            case TransferRequest request:
                Start(Kind.TransferRequest, request, writer);
                writer.VarUInt(request.Transferee.Value);
                break;
            case ReadIndexRequest request:
                Start(Kind.ReadIndexRequest, request, writer);
                writer.VarUInt(request.Context);
                break;
            case ReadIndexReply reply:
                Start(Kind.ReadIndexReply, reply, writer);
                writer.VarUInt(reply.Context);
                writer.VarUInt(reply.Index.Value);
                break;
            case Recall recall:
                Start(Kind.Recall, recall, writer);
                writer.VarUInt(recall.Life);
                break;
            case HoldsUncounted holds:
                Start(Kind.HoldsUncounted, holds, writer);
                writer.VarUInt(holds.Index.Value);
                break;
            case RecallReply reply:
                Start(Kind.RecallReply, reply, writer);
                writer.VarUInt(reply.Life);
                EncodePosition(reply.Last, writer);
                writer.VarUInt(reply.Applied.Value);
                MembershipCodec.Encode(reply.Membership, writer);
                break;
            default: throw Invariant.Unreachable(message);
        }
    }

    /// <summary>
    /// Reads one message; the payloads are copied. False, and never an exception, if the bytes are no message that a replica
    /// could have sent: unknown kind, truncated, numbers out of range, entries whose terms fall or exceed the sender's.
    /// </summary>
    public static bool TryDecode(ref ByteReader reader, [NotNullWhen(true)] out RaftMessage? message)
    {
        message = null;
        var kind = (Kind)reader.U8();
        var header = new MessageHeader(
            new ShardId(reader.VarUInt()), new ReplicaId(reader.VarUInt()), new ReplicaId(reader.VarUInt()), ReadTerm(ref reader));
        if (header.Shard.Value == 0 || header.From.IsNone || header.To.IsNone) { return false; }
        RaftMessage? decoded = kind switch
        {
            Kind.AppendEntries => DecodeAppend(header, ref reader),
            Kind.AppendEntriesReply => new AppendEntriesReply(header, reader.Bool(), ReadIndex(ref reader), ReadPosition(ref reader)),
            Kind.Heartbeat => new Heartbeat(header, ReadIndex(ref reader), reader.VarUInt()),
            Kind.HeartbeatReply => new HeartbeatReply(header, reader.VarUInt()),
            Kind.RequestVote => new RequestVote(header, ReadPosition(ref reader), reader.Bool(), reader.Bool()),
            Kind.RequestVoteReply => new RequestVoteReply(header, reader.Bool(), reader.Bool(), ReadPosition(ref reader)),
            Kind.InstallSnapshot => DecodeSnapshot(header, ref reader),
            Kind.TimeoutNow => new TimeoutNow(header),
            Kind.TransferRequest => new TransferRequest(header, new ReplicaId(reader.VarUInt())),
            Kind.ReadIndexRequest => new ReadIndexRequest(header, reader.VarUInt()),
            Kind.ReadIndexReply => new ReadIndexReply(header, reader.VarUInt(), ReadIndex(ref reader)),
            Kind.Recall => new Recall(header, reader.VarUInt()),
            Kind.RecallReply => DecodeRecallReply(header, ref reader),
            Kind.HoldsUncounted => new HoldsUncounted(header, ReadIndex(ref reader)),
            _ => null,
        };
        message = reader.Failed ? null : decoded;
        return message is not null;
    }

    private static void Start(Kind kind, RaftMessage message, ByteWriter writer)
    {
        writer.U8((byte)kind);
        writer.VarUInt(message.Shard.Value);
        writer.VarUInt(message.From.Value);
        writer.VarUInt(message.To.Value);
        writer.VarUInt(message.Term.Value);
    }

    private static void EncodePosition(LogPosition position, ByteWriter writer)
    {
        writer.VarUInt(position.Index.Value);
        writer.VarUInt(position.Term.Value);
    }

    // All payloads at the end, side by side, so that the receiver copies them at once into one array.
    private static void EncodeEntries(ImmutableArray<LogEntry> entries, ByteWriter writer)
    {
        writer.VarUInt((ulong)entries.Length);
        foreach (ref readonly LogEntry entry in entries.AsSpan())
        {
            writer.VarUInt(entry.Term.Value);
            writer.U8((byte)entry.Kind);
            writer.VarUInt((ulong)entry.Payload.Length);
        }

        foreach (ref readonly LogEntry entry in entries.AsSpan()) { writer.Raw(entry.Payload.Span); }
    }

    private static AppendEntries? DecodeAppend(MessageHeader header, ref ByteReader reader)
    {
        LogPosition previous = ReadPosition(ref reader);
        LogIndex commit = ReadIndex(ref reader);
        int count = reader.Count(reader.Remaining / LeastEntryBytes);
        var entries = new LogEntry[count];
        Span<int> lengths = count <= 256 ? stackalloc int[count] : new int[count];
        long total = 0;
        LogPosition last = previous;
        for (int i = 0; i < count; i++)
        {
            Term term = ReadTerm(ref reader);
            byte kind = reader.U8();
            lengths[i] = reader.Count(reader.Remaining);
            total += lengths[i];
            if (term < last.Term || term > header.Term || kind > (byte)EntryKind.Membership) { return null; }
            last = new LogPosition(last.Index.Next, term);
            entries[i] = new LogEntry(last.Index, term, (EntryKind)kind, default);
        }

        if (reader.Failed || total > reader.Remaining || previous.Term > header.Term) { return null; }
        ReadOnlyMemory<byte> payloads = reader.Raw((int)total).ToArray();
        for (int i = 0, offset = 0; i < count; offset += lengths[i], i++)
        {
            entries[i] = entries[i] with { Payload = payloads.Slice(offset, lengths[i]) };
        }

        return new AppendEntries(header, previous, ImmutableCollectionsMarshal.AsImmutableArray(entries), commit);
    }

    private static InstallSnapshot? DecodeSnapshot(MessageHeader header, ref ByteReader reader)
    {
        LogPosition position = ReadPosition(ref reader);
        bool valid = MembershipCodec.TryDecode(ref reader, out Membership? membership) && position.Term <= header.Term;
        return valid ? new InstallSnapshot(header, new SnapshotMeta(position, membership!)) : null;
    }

    private static RecallReply? DecodeRecallReply(MessageHeader header, ref ByteReader reader)
    {
        ulong life = reader.VarUInt();
        LogPosition last = ReadPosition(ref reader);
        LogIndex applied = ReadIndex(ref reader);
        bool valid = MembershipCodec.TryDecode(ref reader, out Membership? membership) && last.Term <= header.Term;
        return valid ? new RecallReply(header, life, last, applied, membership!) : null;
    }

    private static LogPosition ReadPosition(ref ByteReader reader) => new(ReadIndex(ref reader), ReadTerm(ref reader));

    private static LogIndex ReadIndex(ref ByteReader reader) => new(ReadNumber(ref reader));

    private static Term ReadTerm(ref ByteReader reader) => new(ReadNumber(ref reader));

    private static ulong ReadNumber(ref ByteReader reader)
    {
        ulong number = reader.VarUInt();
        if (number < MaxNumber) { return number; }

        // The reader has no way to be failed from outside, but for an impossible read; that is checked with all others.
        _ = reader.Raw(-1);
        return 0;
    }
}
