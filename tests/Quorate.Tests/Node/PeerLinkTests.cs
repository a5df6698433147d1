using System.Net;
using System.Net.Sockets;
using Quorate.Core;
using Quorate.Node.Peers;
using Xunit;

namespace Quorate.Tests.Node;

public sealed class PeerLinkTests
{
    // Goal: who is no peer yet can ask, and gets the answer of this very node; a node without answers closes instead.
    [Fact]
    public void A_stranger_is_answered()
    {
        using var one = new PeerEnd(1, static o => o with { Answer = static question => [.. question.Span, .. " answered"u8] });
        using var two = new PeerEnd(2);
        PeerOptions plain = new() { Listen = new IPEndPoint(IPAddress.Loopback, 0) };
        byte[] answer = PeerInquiry.Ask(plain.Streams, Address(one), "who"u8.ToArray(), TimeSpan.FromSeconds(5)).ToArray();
        Assert.Equal("who answered"u8.ToArray(), answer);
        Assert.Throws<PeerProtocolException>(() => PeerInquiry.Ask(plain.Streams, Address(two), "who"u8.ToArray(), TimeSpan.FromSeconds(5)));

        static PeerAddress Address(PeerEnd end) => new(NodeId.None, "127.0.0.1", end.Network.Local.Port);
    }

    [Fact]
    public void Frames_travel_both_ways_in_order()
    {
        using var one = new PeerEnd(1);
        using var two = new PeerEnd(2);
        Connect(one, two);

        for (int i = 0; i < 2000; i++)
        {
            one.Send(2, $"from one {i}");
            two.Send(1, $"from two {i}");
        }

        Waiting.Until(() => one.Frames.Count == 2000 && two.Frames.Count == 2000, "all frames");
        Assert.Equal(Enumerable.Range(0, 2000).Select(static i => $"from one {i}"), two.Frames);
        Assert.Equal(Enumerable.Range(0, 2000).Select(static i => $"from two {i}"), one.Frames);
        PeerLinkCounts counts = one.Network.Links[two.Node].Counts;
        Assert.Equal((2000, 2000, 0, 1), (counts.SentFrames, counts.ReceivedFrames, counts.DroppedFrames, counts.Connects));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(64 * 1024 - 10)]
    [InlineData(64 * 1024)]
    [InlineData(1_000_003)]
    [InlineData(8 * 1024 * 1024)]
    public void Frames_of_every_size_arrive_whole(int length)
    {
        using var one = new PeerEnd(1);
        using var two = new PeerEnd(2);
        Connect(one, two);

        string text = string.Create(length, 0, static (span, _) =>
        {
            for (int i = 0; i < span.Length; i++) { span[i] = (char)('a' + (i % 23)); }
        });
        one.Send(2, text);
        one.Send(2, "after");

        Waiting.Until(() => two.Frames.Count == 2, "both frames");
        Assert.Equal([text, "after"], two.Frames);
    }

    [Fact]
    public void A_link_comes_back_after_the_other_side_restarted_on_its_port()
    {
        using var one = new PeerEnd(1);
        int port;
        using (var two = new PeerEnd(2))
        {
            Connect(one, two);
            port = two.Port;
        }

        Waiting.Until(() => !one.Losses.IsEmpty, "the loss to be told");
        using var again = new PeerEnd(2, port: port);
        again.Knows(1);
        Waiting.Until(() => one.IsConnectedTo(2) && again.IsConnectedTo(1), "the second connection");
        one.Send(2, "hello again");
        Waiting.Until(() => !again.Frames.IsEmpty, "the frame");
        Assert.Equal(["hello again"], again.Frames);
    }

    [Fact]
    public void A_caller_that_restarted_is_let_in_again()
    {
        using var two = new PeerEnd(2, static o => o with { PingInterval = TimeSpan.FromMilliseconds(20), IdleTimeout = Waiting.Longest });
        using (var one = new PeerEnd(1)) { Connect(one, two); }

        using var again = new PeerEnd(1);
        Connect(again, two);
        again.Send(2, "new life");
        Waiting.Until(() => two.Frames.Contains("new life"), "the frame");
    }

    // Goal: a member is found at the one of its addresses that works, whichever that is, and again after it went away from there.
    [Fact]
    public void Addresses_of_a_peer_are_called_in_turn()
    {
        using var one = new PeerEnd(1);
        using var two = new PeerEnd(2);
        two.Knows(1);
        PeerAddress At(int port, PeerAddress? next = null) => new(two.Node, "localhost", port) { Next = next };
        one.Network.SetPeer(At(1, At(2, At(two.Port))));
        Waiting.Until(() => one.IsConnectedTo(2), "the connection");
        Assert.Equal(At(1, At(2)), At(1, At(2)));
        Assert.NotEqual(At(1, At(2)), At(1, At(3)));
    }

    [Fact]
    public void A_changed_address_is_used_for_the_next_call()
    {
        using var one = new PeerEnd(1);
        using var two = new PeerEnd(2);
        one.Knows(2);
        two.Knows(1);
        Waiting.Until(() => one.Log.Count("peer-unreachable") > 0, "a failed call");
        one.Knows(two);
        Waiting.Until(() => one.IsConnectedTo(2), "the connection");
    }

    [Fact]
    public void Silence_is_filled_with_pings_and_a_dead_side_is_noticed()
    {
        static PeerOptions Brisk(PeerOptions o) =>
            o with { PingInterval = TimeSpan.FromMilliseconds(20), IdleTimeout = TimeSpan.FromMilliseconds(400) };

        using var one = new PeerEnd(1, Brisk);
        using var two = new PeerEnd(2, Brisk);
        Connect(one, two);
        Waiting.Until(() => one.Network.Links[two.Node].Counts.ReceivedBytes > 30 * PeerFrame.HeaderBytes, "thirty pings");

        // This one shakes hands and then says nothing any more.
        using var three = new PeerEnd(3, Brisk);
        three.Knows(1);
        using var mute = new RawPeer(three.Port);
        mute.Shake(PeerIdentity.New(PeerEnd.Cluster, new NodeId(1)), 3);
        Assert.True(mute.IsClosedByOther());
        Waiting.Until(() => three.Losses.Contains(new NodeId(1)), "the loss to be told");
    }

    [Fact]
    public void What_does_not_fit_is_dropped_and_told_once()
    {
        using var one = new PeerEnd(1, static o => o with { MaxFrameBytes = 64 * 1024, SendQueueBytes = 64 * 1024 });
        using var two = new PeerEnd(2, static o => o with { MaxFrameBytes = 64 * 1024, ReceiveQueueBytes = 64 * 1024 }, release: false);
        Connect(one, two);
        string frame = new('x', 30_000);

        // The receiver stops reading, so sooner or later the socket and then the queue are full. The sender is never held up.
        Waiting.Until(
            () =>
            {
                one.Send(2, frame);
                return one.Network.Links[two.Node].Counts is { DroppedFrames: > 100, QueuedBytes: > 0 };
            },
            "the queue to overflow");
        Assert.True(one.IsConnectedTo(2));

        // Once for each time the queue overflows; while the socket's buffers still fill, that may be more than once.
        Assert.NotEmpty(one.Losses);
        Assert.All(one.Losses, lost => Assert.Equal(two.Node, lost));
        Assert.True(one.Losses.Count < 100, $"{one.Losses.Count} losses were told");
        Assert.InRange(one.Network.Links[two.Node].Counts.QueuedBytes, 0, 2 * 64 * 1024);
        Assert.True(two.Frames.Count <= 3, $"{two.Frames.Count} frames were read though nobody took them");

        // Nothing that was accepted is lost: once the receiver takes frames again, all of them come.
        long sent = one.Network.Links[two.Node].Counts.SentFrames;
        Waiting.Until(
            () =>
            {
                two.ReleaseAll();
                return two.Frames.Count == sent;
            },
            "the accepted frames");
    }

    [Fact]
    public void Without_a_connection_frames_are_dropped_and_the_loss_is_told_once()
    {
        using var one = new PeerEnd(1);
        one.Knows(2);
        for (int i = 0; i < 10; i++) { one.Send(2, "into the void"); }
        Assert.Equal([new NodeId(2)], one.Losses);
        Assert.Equal(10, one.Network.Links[new NodeId(2)].Counts.DroppedFrames);
        one.Send(99, "to a stranger");
        Assert.Equal(1, one.Log.Count("peer-without-address"));
    }

    [Fact]
    public void A_graceful_close_delivers_what_was_sent()
    {
        var one = new PeerEnd(1);
        using var two = new PeerEnd(2);
        Connect(one, two);
        for (int i = 0; i < 500; i++) { one.Send(2, $"{i}"); }
        one.Network.Close(Waiting.Longest);
        Waiting.Until(() => two.Frames.Count == 500, "the last frames");
    }

    [Fact]
    public void A_removed_peer_is_disconnected_and_refused()
    {
        using var one = new PeerEnd(1);
        using var two = new PeerEnd(2);
        Connect(one, two);
        two.Network.RemovePeer(one.Node);
        Waiting.Until(() => two.Log.Lines.Any(static l => l.Contains("kind=unknown-node", StringComparison.Ordinal)), "the refusal");
        Assert.False(one.IsConnectedTo(2) && two.Network.Links.ContainsKey(one.Node));
    }

    [Fact]
    public void A_call_that_nobody_answers_is_given_up_and_tried_again()
    {
        // A listener that accepts nothing: once its queue is full, the kernel does not even answer the connection request.
        using var deaf = new Socket(SocketType.Stream, ProtocolType.Tcp);
        deaf.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        deaf.Listen(0);
        int port = ((IPEndPoint)deaf.LocalEndPoint!).Port;
        using var one = new PeerEnd(1, static o => o with { HandshakeTimeout = TimeSpan.FromMilliseconds(50), LogInterval = TimeSpan.Zero });
        one.Network.SetPeer(new PeerAddress(new NodeId(2), "127.0.0.1", port));
        Waiting.Until(() => one.Log.Count("peer-unreachable") >= 6, "six failed calls");
        Assert.All(
            one.Log.Lines.Where(static l => l.StartsWith("peer-unreachable", StringComparison.Ordinal)),
            static line => Assert.Contains("no answer in time", line, StringComparison.Ordinal));
    }

    [Fact]
    public void A_port_in_use_is_told_at_once()
    {
        using var one = new PeerEnd(1);
        IOException e = Assert.Throws<IOException>(() => new PeerEnd(2, port: one.Port));
        Assert.Contains($"{IPAddress.Loopback}:{one.Port}", e.Message, StringComparison.Ordinal);
    }

    private static void Connect(PeerEnd one, PeerEnd two)
    {
        two.Knows(one);
        one.Knows(two);
        Waiting.Until(() => one.IsConnectedTo(two.Node.Value) && two.IsConnectedTo(one.Node.Value), "the connection");
    }
}
