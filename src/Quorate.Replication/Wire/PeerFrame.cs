using System.Buffers.Binary;
using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Raft;

namespace Quorate.Replication;

/// <summary>What one item of a frame between nodes is. The numbers are on the wire; they never change.</summary>
internal enum PeerItem : byte
{
    /// <summary>A message of a shard's Raft group.</summary>
    Raft = 1,

    /// <summary>Commands for the leader of a shard.</summary>
    Forward = 2,

    /// <summary>Commands came to a replica that cannot propose them now: send them again.</summary>
    ForwardRefused = 3,

    /// <summary>A snapshot is coming: its files and manifest.</summary>
    SnapshotOffer = 4,

    /// <summary>A piece of a snapshot's file.</summary>
    SnapshotChunk = 5,

    /// <summary>How far the receiver of a snapshot has come.</summary>
    SnapshotProgress = 6,

    /// <summary>The sender knows the receiver by another data directory and hears nothing it says.</summary>
    Disowned = 7,

    /// <summary>Two that do not lead or follow each other get to know each other; body: 1 if an answer is wanted, else 0.</summary>
    Greeting = 8,
}

/// <summary>The files of a snapshot that a leader offers to a follower.</summary>
internal sealed record SnapshotOffer(
    ShardId Shard, int Machine, ReplicaId From, ReplicaId To, Term Term, ulong Stream, LogPosition Position,
    ImmutableArray<(string Name, long Length)> Files, ReadOnlyMemory<byte> Manifest);

/// <summary>A piece of a snapshot. Pieces come in order; <paramref name="Offset"/> counts over all files together.</summary>
internal readonly record struct SnapshotChunk(ShardId Shard, ulong Stream, long Offset, ReadOnlyMemory<byte> Bytes);

/// <summary>What a receiver says of a snapshot.</summary>
internal enum SnapshotState : byte
{
    /// <summary>Send more from the offset on.</summary>
    Receiving = 1,

    /// <summary>All is verified and in use, or the replica no longer needs it.</summary>
    Installed = 2,

    /// <summary>It could not be used; the stream is over.</summary>
    Failed = 3,
}

/// <summary>How far the receiver has come.</summary>
internal readonly record struct SnapshotProgress(ShardId Shard, ulong Stream, SnapshotState State, long Offset);

/// <summary>
/// Codec of the frames between nodes. A frame is the number of the sender's data directory, u64, and a sequence of items: kind u8 |
/// length u32 | body. Framing, checksum and identity of the connection are the host's.
/// </summary>
internal static class PeerFrame
{
    /// <summary>Bytes before the first item.</summary>
    public const int HeaderBytes = 8;

    private const int MaxFiles = 1_000_000;

    /// <summary>The number of the sender's data directory.</summary>
    public static ulong DirectoryOf(ReadOnlySpan<byte> frame) => BinaryPrimitives.ReadUInt64LittleEndian(frame);

    public static void AddGreeting(ByteWriter frame, bool wantsAnswer)
    {
        int start = Begin(frame, PeerItem.Greeting);
        frame.U8(wantsAnswer ? (byte)1 : (byte)0);
        End(frame, start);
    }

    public static void AddDisowned(ByteWriter frame, ulong directory)
    {
        int start = Begin(frame, PeerItem.Disowned);
        frame.U64(directory);
        End(frame, start);
    }

    public static bool TryReadDisowned(ReadOnlySpan<byte> body, out ulong directory)
    {
        var reader = new ByteReader(body);
        directory = reader.U64();
        return reader.AtEnd;
    }

    public static void AddRaft(ByteWriter frame, RaftMessage message)
    {
        int start = Begin(frame, PeerItem.Raft);
        RaftMessageCodec.Encode(message, frame);
        End(frame, start);
    }

    public static void AddForward(ByteWriter frame, ShardId shard, ReadOnlySpan<QueuedCommand> commands)
    {
        int start = Begin(frame, PeerItem.Forward);
        frame.VarUInt(shard.Value);
        frame.VarUInt((ulong)commands.Length);
        foreach (ref readonly QueuedCommand command in commands) { EntryPayload.Add(frame, command); }
        End(frame, start);
    }

    public static bool TryReadForward(ReadOnlyMemory<byte> body, out ShardId shard, List<QueuedCommand> commands)
    {
        ReadOnlySpan<byte> span = body.Span;
        var reader = new ByteReader(span);
        shard = new(reader.VarUInt());
        int count = reader.Count(reader.Remaining);
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            ulong session = reader.U64();
            ulong sequence = reader.VarUInt();
            var firstIndex = new LogIndex(reader.VarUInt());
            int length = reader.Bytes().Length;
            commands.Add(new(session, sequence, firstIndex, body.Slice(reader.Offset - length, length)));
        }

        return reader.AtEnd;
    }

    public static void AddForwardRefused(ByteWriter frame, ShardId shard, ReadOnlySpan<ulong> sequences)
    {
        int start = Begin(frame, PeerItem.ForwardRefused);
        frame.VarUInt(shard.Value);
        frame.VarUInt((ulong)sequences.Length);
        foreach (ulong sequence in sequences) { frame.VarUInt(sequence); }
        End(frame, start);
    }

    public static bool TryReadForwardRefused(ReadOnlySpan<byte> body, out ShardId shard, List<ulong> sequences)
    {
        var reader = new ByteReader(body);
        shard = new(reader.VarUInt());
        int count = reader.Count(reader.Remaining);
        for (int i = 0; i < count; i++) { sequences.Add(reader.VarUInt()); }
        return reader.AtEnd;
    }

    public static void AddOffer(ByteWriter frame, SnapshotOffer offer)
    {
        int start = Begin(frame, PeerItem.SnapshotOffer);
        frame.VarUInt(offer.Shard.Value);
        frame.VarUInt((ulong)offer.Machine);
        frame.U64(offer.From.Value);
        frame.U64(offer.To.Value);
        frame.VarUInt(offer.Term.Value);
        frame.U64(offer.Stream);
        frame.VarUInt(offer.Position.Index.Value);
        frame.VarUInt(offer.Position.Term.Value);
        frame.VarUInt((ulong)offer.Files.Length);
        foreach ((string name, long length) in offer.Files)
        {
            frame.Text(name);
            frame.VarUInt((ulong)length);
        }

        frame.Bytes(offer.Manifest.Span);
        End(frame, start);
    }

    public static bool TryReadOffer(ReadOnlySpan<byte> body, out SnapshotOffer? offer)
    {
        var reader = new ByteReader(body);
        offer = null;
        var shard = new ShardId(reader.VarUInt());
        int machine = reader.Count(int.MaxValue);
        var from = new ReplicaId(reader.U64());
        var to = new ReplicaId(reader.U64());
        var term = new Term(reader.VarUInt());
        ulong stream = reader.U64();
        var position = new LogPosition(new(reader.VarUInt()), new(reader.VarUInt()));
        int count = reader.Count(Math.Min(MaxFiles, reader.Remaining));
        ImmutableArray<(string, long)>.Builder files = ImmutableArray.CreateBuilder<(string, long)>();
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            string name = reader.Text();
            ulong length = reader.VarUInt();

            // The name becomes a path here: only plain file names may pass, whatever a peer sends.
            if (!IsPlainName(name) || length > long.MaxValue / MaxFiles) { return false; }
            files.Add((name, (long)length));
        }

        byte[] manifest = reader.Bytes().ToArray();
        if (!reader.AtEnd) { return false; }
        offer = new(shard, machine, from, to, term, stream, position, files.ToImmutable(), manifest);
        return true;
    }

    public static void AddChunk(ByteWriter frame, in SnapshotChunk chunk)
    {
        int start = Begin(frame, PeerItem.SnapshotChunk);
        frame.VarUInt(chunk.Shard.Value);
        frame.U64(chunk.Stream);
        frame.VarUInt((ulong)chunk.Offset);
        frame.Bytes(chunk.Bytes.Span);
        End(frame, start);
    }

    public static bool TryReadChunk(ReadOnlyMemory<byte> body, out SnapshotChunk chunk)
    {
        ReadOnlySpan<byte> span = body.Span;
        var reader = new ByteReader(span);
        var shard = new ShardId(reader.VarUInt());
        ulong stream = reader.U64();
        ulong offset = reader.VarUInt();
        int length = reader.Bytes().Length;
        chunk = default;
        if (!reader.AtEnd || offset > long.MaxValue) { return false; }
        chunk = new(shard, stream, (long)offset, body.Slice(reader.Offset - length, length));
        return true;
    }

    public static void AddProgress(ByteWriter frame, in SnapshotProgress progress)
    {
        int start = Begin(frame, PeerItem.SnapshotProgress);
        frame.VarUInt(progress.Shard.Value);
        frame.U64(progress.Stream);
        frame.U8((byte)progress.State);
        frame.VarUInt((ulong)progress.Offset);
        End(frame, start);
    }

    public static bool TryReadProgress(ReadOnlySpan<byte> body, out SnapshotProgress progress)
    {
        var reader = new ByteReader(body);
        var shard = new ShardId(reader.VarUInt());
        ulong stream = reader.U64();
        byte state = reader.U8();
        ulong offset = reader.VarUInt();
        progress = default;
        if (!reader.AtEnd || state is < 1 or > 3 || offset > long.MaxValue) { return false; }
        progress = new(shard, stream, (SnapshotState)state, (long)offset);
        return true;
    }

    /// <summary>Cuts the next item off a frame; false if the frame is malformed there.</summary>
    public static bool TryNext(ref ReadOnlyMemory<byte> frame, out PeerItem item, out ReadOnlyMemory<byte> body)
    {
        var reader = new ByteReader(frame.Span);
        item = (PeerItem)reader.U8();
        uint length = reader.U32();
        body = default;
        if (reader.Failed || length > (uint)reader.Remaining) { return false; }
        body = frame.Slice(reader.Offset, (int)length);
        frame = frame[(reader.Offset + (int)length)..];
        return true;
    }

    private static bool IsPlainName(string name) =>
        name.Length is > 0 and <= 64 && name[0] != '.' &&
        name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');

    private static int Begin(ByteWriter frame, PeerItem item)
    {
        frame.U8((byte)item);
        frame.U32(0);
        return frame.Length;
    }

    private static void End(ByteWriter frame, int start)
    {
        uint length = (uint)(frame.Length - start);
        BinaryPrimitives.WriteUInt32LittleEndian(frame.Patch(start - 4, 4), length);
    }
}
