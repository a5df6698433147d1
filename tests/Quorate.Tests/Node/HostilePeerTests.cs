using System.Buffers.Binary;
using Quorate.Core;
using Quorate.Node.Peers;
using Xunit;

namespace Quorate.Tests.Node;

// Whatever comes to the peer port: the connection ends, one line is logged, nothing reaches the node, and a real peer is served.
public sealed class HostilePeerTests
{
    public static TheoryData<string, byte[]> Openings()
    {
        byte[] magic = "QRPL"u8.ToArray();
        byte[] oversized = [.. magic, 0xFF, 0xFF, 0xFF, 0x7F, 1, 2, 3, 4, 5, 6, 7, 8, 0x23];
        byte[] most = [.. magic, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4, 5, 6, 7, 8, 0x23];
        byte[] empty = [.. magic, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0x23];
        byte[] badCrc = [.. magic, .. RawPeer.Frame(PeerFrameKind.Hello, new byte[42])];
        badCrc[^1] ^= 1;
        byte[] noise = new byte[5000];
        new Prng(7).Fill(noise);
        return new TheoryData<string, byte[]>
        {
            { "TLS", [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03] },
            { "HTTP", "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray() },
            { "HTTP", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray() },
            { "QRPL", noise },
            { "QRPL", new byte[64] },
            { "announces", oversized },
            { "announces", most },
            { "announces", empty },
            { "checksum", badCrc },
            { "wrong length", [.. magic, .. RawPeer.Frame(PeerFrameKind.Hello, new byte[41])] },
            { "wrong length", [.. magic, .. RawPeer.Frame(PeerFrameKind.Hello, new byte[43])] },
            { "peer protocol 0", [.. magic, .. RawPeer.Frame(PeerFrameKind.Hello, new byte[42])] },
            { "was due", [.. magic, .. RawPeer.Frame(PeerFrameKind.Node, "append this"u8)] },
            { "was due", [.. magic, .. RawPeer.Frame(PeerFrameKind.Confirm, new byte[8])] },
            { "refuse", [.. magic, .. RawPeer.Frame(PeerFrameKind.Refusal, "\u0002\u0006refuse"u8)] },
            { "unknown kind", [.. magic, .. RawPeer.Frame((PeerFrameKind)15, default)] },
        };
    }

    [Theory]
    [MemberData(nameof(Openings))]
    public void A_wrong_opening_is_closed_with_one_line(string expected, byte[] opening)
    {
        using var node = new PeerEnd(2);
        node.Knows(1);
        using (var raw = new RawPeer(node.Port))
        {
            raw.TrySend(opening);
            Assert.True(raw.IsClosedByOther());
        }

        Waiting.Until(() => node.Log.Count("peer-refused") == 1, "the line");
        Assert.Contains(expected, node.Log.Lines.Single(static l => l.StartsWith("peer-refused", StringComparison.Ordinal)), StringComparison.Ordinal);
        ServesItsRealPeer(node);
    }

    [Fact]
    public void Every_cut_of_a_handshake_is_closed()
    {
        using var node = new PeerEnd(2);
        node.Knows(1);
        byte[] session;
        using (var good = new RawPeer(node.Port))
        {
            good.Shake(PeerIdentity.New(PeerEnd.Cluster, new NodeId(1)), 2);
            session = good.Stream.Sent.ToArray();
        }

        Waiting.Until(() => !node.IsConnectedTo(1), "the end of the good connection");
        for (int length = 0; length < session.Length; length++)
        {
            using var raw = new RawPeer(node.Port);
            raw.TrySend(session.AsSpan(0, length));
            raw.EndSending();
            Assert.True(raw.IsClosedByOther(), $"after {length} bytes");
        }

        Assert.Equal(1, node.Network.Links[new NodeId(1)].Counts.Connects);
        Assert.Equal(1, node.Log.Count("peer-refused"));
        ServesItsRealPeer(node);
    }

    [Fact]
    public void A_recorded_session_cannot_be_played_again()
    {
        using var node = new PeerEnd(2);
        node.Knows(1);
        byte[] session;
        using (var good = new RawPeer(node.Port))
        {
            good.Shake(PeerIdentity.New(PeerEnd.Cluster, new NodeId(1)), 2);
            good.SendFrame(PeerFrameKind.Node, "once"u8);
            session = good.Stream.Sent.ToArray();
            Waiting.Until(() => node.Frames.Count == 1, "the frame");
        }

        using var replay = new RawPeer(node.Port);
        replay.TrySend(session);
        Assert.True(replay.IsClosedByOther());
        Assert.Equal(["once"], node.Frames);
    }

    [Theory]
    [InlineData(0xBADUL, 1UL, 2UL, (byte)PeerRefusal.WrongCluster)]
    [InlineData(0xC1UL, 1UL, 3UL, (byte)PeerRefusal.WrongNode)]
    [InlineData(0xC1UL, 2UL, 2UL, (byte)PeerRefusal.Self)]
    [InlineData(0xC1UL, 7UL, 2UL, (byte)PeerRefusal.UnknownNode)]
    [InlineData(0xC1UL, 0UL, 2UL, (byte)PeerRefusal.UnknownNode)]
    [InlineData(0xC1UL, 9UL, 2UL, (byte)PeerRefusal.WrongDirection)]
    public void A_stranger_is_told_why_it_is_refused(ulong cluster, ulong from, ulong to, byte reason)
    {
        using var node = new PeerEnd(2);
        node.Knows(1);
        node.Knows(9);
        for (int i = 0; i < 3; i++)
        {
            using var raw = new RawPeer(node.Port);
            PeerRefusedException refused = Assert.Throws<PeerRefusedException>(
                () => raw.Shake(PeerIdentity.New(new ClusterId(cluster), new NodeId(from)), to));
            Assert.Equal((PeerRefusal)reason, refused.Reason);
        }

        Waiting.Until(() => node.Log.Count("peer-refused") == 1, "one line for three attempts");
        Assert.All(node.Network.Links.Values, static link => Assert.Equal(0, link.Counts.Connects));
    }

    [Fact]
    public void A_second_process_of_one_id_is_refused_while_the_first_lives_but_its_own_second_connection_is_not()
    {
        using var node = new PeerEnd(2);
        node.Knows(1);
        PeerIdentity first = PeerIdentity.New(PeerEnd.Cluster, new NodeId(1));
        using var old = new RawPeer(node.Port);
        old.Shake(first, 2);
        Waiting.Until(() => node.IsConnectedTo(1), "the first connection");

        old.SendFrame(PeerFrameKind.Ping, default);
        using var impostor = new RawPeer(node.Port);
        impostor.Shake(PeerIdentity.New(PeerEnd.Cluster, new NodeId(1)), 2);
        Assert.True(impostor.Reader.TryRead(PeerHandshake.MaxPayload, out PeerFrameKind kind, out ReadOnlyMemory<byte> payload));
        Assert.Equal(PeerFrameKind.Refusal, kind);
        Assert.Equal(PeerRefusal.DuplicateNode, PeerHandshake.ReadRefusal(payload.Span).Reason);

        using var again = new RawPeer(node.Port);
        again.Shake(first, 2);
        Assert.True(old.IsClosedByOther());
        again.SendFrame(PeerFrameKind.Node, "from the second connection"u8);
        Waiting.Until(() => !node.Frames.IsEmpty, "the frame");
        Assert.Equal([new NodeId(1)], node.Losses);
    }

    public static TheoryData<byte[]> Frames()
    {
        byte[] flipped = RawPeer.Frame(PeerFrameKind.Node, "an append"u8);
        flipped[PeerFrame.HeaderBytes + 3] ^= 0x10;
        byte[] longer = RawPeer.Frame(PeerFrameKind.Node, "an append"u8);
        longer[0]++;
        byte[] huge = new byte[PeerFrame.HeaderBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(huge, 64 * 1024 * 1024 + 2);
        byte[] version = RawPeer.Frame((PeerFrameKind)1, "x"u8);
        version[PeerFrame.HeaderBytes - 1] = 0x11;
        return
        [
            flipped,
            longer,
            huge,
            version,
            RawPeer.Frame(PeerFrameKind.Hello, new byte[42]),
            RawPeer.Frame(PeerFrameKind.Welcome, new byte[50]),
            RawPeer.Frame(PeerFrameKind.Confirm, new byte[8]),
            RawPeer.Frame(PeerFrameKind.Refusal, [7, 200, 1]),
            RawPeer.Frame((PeerFrameKind)0, default),
            "GET / HTTP/1.1\r\n\r\n"u8.ToArray(),
        ];
    }

    [Theory]
    [MemberData(nameof(Frames))]
    public void A_bad_frame_of_a_known_peer_ends_its_connection_and_nothing_else(byte[] frame)
    {
        using var node = new PeerEnd(2);
        node.Knows(1);
        using (var raw = new RawPeer(node.Port))
        {
            raw.Shake(PeerIdentity.New(PeerEnd.Cluster, new NodeId(1)), 2);
            raw.SendFrame(PeerFrameKind.Node, "good"u8);
            raw.TrySend(frame);
            raw.TrySend(RawPeer.Frame(PeerFrameKind.Node, "never to be seen"u8));
            raw.EndSending();
            Assert.True(raw.IsClosedByOther());
        }

        Waiting.Until(() => !node.Losses.IsEmpty, "the loss to be told");
        Assert.Equal(["good"], node.Frames);
        Assert.Equal(1, node.Log.Count("peer-disconnected"));
        ServesItsRealPeer(node);
    }

    // Goal: a damaged length ends a connection at once. It went on before, deaf, for as long as other frames came: they were taken for
    // the rest of the one that was announced.
    [Fact]
    public void A_damaged_length_does_not_make_a_link_deaf()
    {
        using var node = new PeerEnd(2);
        node.Knows(1);
        using var raw = new RawPeer(node.Port);
        raw.Shake(PeerIdentity.New(PeerEnd.Cluster, new NodeId(1)), 2);
        raw.SendFrame(PeerFrameKind.Node, "good"u8);
        byte[] damaged = RawPeer.Frame(PeerFrameKind.Node, "an append"u8);
        damaged[3] ^= 1; // 16 MiB more.
        raw.TrySend(damaged);
        for (int i = 0; i < 100 && node.Losses.IsEmpty; i++)
        {
            raw.TrySend(RawPeer.Frame(PeerFrameKind.Ping, default)); // So that silence does not end it.
            Thread.Sleep(50);
        }

        Assert.False(node.Losses.IsEmpty);
        Assert.Equal(["good"], node.Frames);
        ServesItsRealPeer(node);
    }

    [Fact]
    public void A_large_announced_frame_takes_memory_only_as_its_bytes_come()
    {
        using var node = new PeerEnd(2);
        node.Knows(1);
        byte[] header = RawPeer.Frame(PeerFrameKind.Node, default);
        BinaryPrimitives.WriteUInt32LittleEndian(header, 60 * 1024 * 1024);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(4), Crc32C.Compute(header.AsSpan(0, 4)));

        // Other tests allocate meanwhile, so the least of several tries counts: believing the length would cost 60 MiB each time.
        long least = long.MaxValue;
        for (int attempt = 0; attempt < 20 && least >= 30 * 1024 * 1024; attempt++)
        {
            using var raw = new RawPeer(node.Port);
            raw.Shake(PeerIdentity.New(PeerEnd.Cluster, new NodeId(1)), 2);
            long before = GC.GetTotalAllocatedBytes(precise: true);
            raw.TrySend(header);
            raw.TrySend(new byte[1000]);
            Waiting.Until(() => node.Network.Links[new NodeId(1)].Counts.IsConnected, "the connection");
            Thread.Sleep(50);
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
            raw.EndSending();
            Assert.True(raw.IsClosedByOther());
        }

        Assert.True(least < 30 * 1024 * 1024, $"{least} bytes were allocated");
    }

    [Fact]
    public void Whoever_does_not_finish_the_handshake_in_time_is_closed()
    {
        using var node = new PeerEnd(2, static o => o with { HandshakeTimeout = TimeSpan.FromMilliseconds(100) });
        node.Knows(1);
        using var silent = new RawPeer(node.Port);
        using var slow = new RawPeer(node.Port);
        slow.TrySend("QR"u8);
        Assert.True(silent.IsClosedByOther());
        Assert.True(slow.IsClosedByOther());
    }

    [Fact]
    public void Connections_that_say_nothing_are_few()
    {
        using var node = new PeerEnd(2, static o => o with { MaxUnidentified = 4 });
        node.Knows(1);
        var silent = new List<RawPeer>();
        try
        {
            for (int i = 0; i < 4; i++) { silent.Add(new RawPeer(node.Port)); }
            using (var fifth = new RawPeer(node.Port)) { Assert.True(fifth.IsClosedByOther()); }
            Waiting.Until(() => node.Log.Count("peer-connection-shed") == 1, "the line");
        }
        finally
        {
            silent.ForEach(static raw => raw.Dispose());
        }

        ServesItsRealPeer(node);
    }

    [Fact]
    public void A_caller_refuses_whoever_answers_in_another_name()
    {
        using var stranger = new PeerEnd(3);
        stranger.Knows(1);
        using var one = new PeerEnd(1);
        one.Network.SetPeer(new PeerAddress(new NodeId(2), "localhost", stranger.Port));
        Waiting.Until(() => one.Log.Count("peer-unreachable") == 1, "the line");
        Assert.Contains("wrong-node", one.Log.Lines.First(static l => l.StartsWith("peer-unreachable", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Equal(0, one.Network.Links[new NodeId(2)].Counts.Connects);
    }

    private static void ServesItsRealPeer(PeerEnd node)
    {
        using var one = new PeerEnd(1);
        one.Knows(node);
        Waiting.Until(() => one.IsConnectedTo(node.Node.Value), "the real peer's connection");
        one.Send(node.Node.Value, "real");
        Waiting.Until(() => node.Frames.Contains("real"), "the real peer's frame");
    }
}
