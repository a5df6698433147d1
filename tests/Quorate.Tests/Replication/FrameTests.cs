using Quorate.Core;
using Quorate.Raft;
using Quorate.Replication;
using Xunit;

namespace Quorate.Tests.Replication;

public sealed class FrameTests
{
    [Fact]
    public void An_entry_has_the_bytes_that_DESIGN_shows()
    {
        var writer = new ByteWriter();
        EntryPayload.Begin(writer, HybridTime.FromUnixMilliseconds(1), elapsed: 300, due: 5, count: 1);
        EntryPayload.Add(writer, new(7, 1, new(2), new byte[] { 0xAB }));
        Assert.Equal("020000010000000000" + "AC02" + "05" + "01" + "0700000000000000" + "0102" + "01AB", Convert.ToHexString(writer.Written));
        var reader = new EntryPayload.Reader(writer.Written);
        Assert.Equal((1L, 300L, 5L), (reader.Stamp.UnixMilliseconds, reader.Elapsed, reader.Due));
        Assert.True(reader.TryNext(out ulong session, out ulong sequence, out LogIndex first, out ReadOnlySpan<byte> command));
        Assert.Equal((7UL, 1UL, new LogIndex(2), "AB"), (session, sequence, first, Convert.ToHexString(command)));
        Assert.False(reader.TryNext(out _, out _, out _, out _));
    }

    // Entries of the first version may still stand in a log.
    [Fact]
    public void An_entry_without_a_clock_is_read_too()
    {
        var reader = new EntryPayload.Reader(Convert.FromHexString("01000001000000000001070000000000000001" + "0201AB"));
        Assert.Equal((1L, 0L, 0L), (reader.Stamp.UnixMilliseconds, reader.Elapsed, reader.Due));
        Assert.True(reader.TryNext(out _, out _, out _, out ReadOnlySpan<byte> command));
        Assert.Equal("AB", Convert.ToHexString(command));
    }

    [Fact]
    public void Every_item_survives_the_way_through_a_frame()
    {
        var writer = new ByteWriter();
        var header = new MessageHeader(new(9), new(1), new(2), new(3));
        var offer = new SnapshotOffer(
            new(9), 1, new(1), new(2), new(3), 77, new(new(50), new(3)), [("000001.sst", 4096), ("000002.sst", 0)], new byte[] { 1, 2 });
        PeerFrame.AddRaft(writer, new Heartbeat(header, new(4), 5));
        PeerFrame.AddForward(writer, new(9), [new(1, 2, new(3), new byte[] { 4 }), new(1, 3, new(3), default)]);
        PeerFrame.AddForwardRefused(writer, new(9), [2, 3]);
        PeerFrame.AddOffer(writer, offer);
        PeerFrame.AddChunk(writer, new(new(9), 77, 4096, new byte[] { 9, 9 }));
        PeerFrame.AddProgress(writer, new(new(9), 77, SnapshotState.Receiving, 4098));

        ReadOnlyMemory<byte> frame = writer.WrittenMemory;
        var body = new ReadOnlyMemory<byte>[6];
        for (int i = 0; i < 6; i++)
        {
            Assert.True(PeerFrame.TryNext(ref frame, out PeerItem item, out body[i]));
            Assert.Equal((PeerItem)(i + 1), item);
        }

        Assert.True(frame.IsEmpty);
        var commands = new List<QueuedCommand>();
        Assert.True(PeerFrame.TryReadForward(body[1], out ShardId shard, commands));
        Assert.Equal((9UL, 2, 4), (shard.Value, commands.Count, commands[0].Command.Span[0]));
        var sequences = new List<ulong>();
        Assert.True(PeerFrame.TryReadForwardRefused(body[2].Span, out _, sequences));
        Assert.Equal([2UL, 3UL], sequences);
        Assert.True(PeerFrame.TryReadOffer(body[3].Span, out SnapshotOffer? read));
        Assert.Equal((offer.Stream, offer.Position, 2), (read!.Stream, read.Position, read.Files.Length));
        Assert.True(PeerFrame.TryReadChunk(body[4], out SnapshotChunk chunk));
        Assert.Equal((4096L, 2), (chunk.Offset, chunk.Bytes.Length));
        Assert.True(PeerFrame.TryReadProgress(body[5].Span, out SnapshotProgress progress));
        Assert.Equal((SnapshotState.Receiving, 4098L), (progress.State, progress.Offset));
    }

    // A file name from a peer becomes a path here.
    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("a/b")]
    [InlineData(".hidden")]
    [InlineData("")]
    [InlineData("nul\0")]
    public void A_snapshot_with_a_strange_file_name_is_refused(string name)
    {
        var writer = new ByteWriter();
        PeerFrame.AddOffer(writer, new(new(1), 1, new(1), new(2), new(3), 7, default, [(name, 1)], default));
        ReadOnlyMemory<byte> frame = writer.WrittenMemory;
        Assert.True(PeerFrame.TryNext(ref frame, out _, out ReadOnlyMemory<byte> body));
        Assert.False(PeerFrame.TryReadOffer(body.Span, out _));
    }

    // Whatever bytes a peer sends, reading them neither throws nor allocates from a number that was only announced.
    [Fact]
    public void Random_and_damaged_frames_are_refused_quietly()
    {
        var random = new Prng(5);
        var writer = new ByteWriter();
        PeerFrame.AddForward(writer, new(9), [new(1, 2, new(3), new byte[40])]);
        PeerFrame.AddOffer(writer, new(new(9), 1, new(1), new(2), new(3), 7, default, [("a", 1)], new byte[20]));
        byte[] good = writer.ToArray();
        for (int run = 0; run < 20_000; run++)
        {
            byte[] bytes = (byte[])good.Clone();
            for (int flips = 1 + random.Below(4); flips > 0; flips--) { bytes[random.Below(bytes.Length)] = (byte)random.Below(256); }
            ReadOnlyMemory<byte> frame = bytes.AsMemory(0, random.Below(bytes.Length + 1));
            while (!frame.IsEmpty && PeerFrame.TryNext(ref frame, out PeerItem item, out ReadOnlyMemory<byte> body))
            {
                switch (item)
                {
                    case PeerItem.Forward: PeerFrame.TryReadForward(body, out _, []); break;
                    case PeerItem.ForwardRefused: PeerFrame.TryReadForwardRefused(body.Span, out _, []); break;
                    case PeerItem.SnapshotOffer: PeerFrame.TryReadOffer(body.Span, out _); break;
                    case PeerItem.SnapshotChunk: PeerFrame.TryReadChunk(body, out _); break;
                    case PeerItem.SnapshotProgress: PeerFrame.TryReadProgress(body.Span, out _); break;
                    default: break;
                }
            }
        }
    }
}
