using System.Net;
using System.Net.Sockets;
using Quorate.Core;

namespace Quorate.Node.Peers;

/// <summary>Where a peer listens.</summary>
/// <param name="Node">The peer.</param>
/// <param name="Host">Name or address.</param>
/// <param name="Port">TCP port, 1 to 65,535.</param>
/// <param name="IsTls">It speaks TLS there.</param>
public sealed record PeerAddress(NodeId Node, string Host, int Port, bool IsTls = false)
{
    /// <summary>Where it listens too: called in turn while this does not work. Null: nowhere.</summary>
    public PeerAddress? Next { get; init; }

    /// <summary>This address and all that come after it.</summary>
    public IEnumerable<PeerAddress> All
    {
        get
        {
            for (PeerAddress? address = this; address is not null; address = address.Next) { yield return address; }
        }
    }
}

/// <summary>Makes the stream that frames travel on: the one place where TLS comes in, see <see cref="PeerTls"/>.</summary>
/// <param name="socket">Connected; owned by the stream.</param>
/// <param name="dialed">Whom the dialer called; null on the accepting side, which does not know yet who calls.</param>
/// <exception cref="IOException">No stream came about; the socket is the caller's to close.</exception>
public delegate Stream PeerStreamFactory(Socket socket, PeerAddress? dialed);

/// <summary>Timers and limits of the links between nodes. Read once, when the node starts.</summary>
public sealed record PeerOptions
{
    /// <summary>Where to listen. Port 0: any free port, for tests.</summary>
    public required IPEndPoint Listen { get; init; }

    /// <summary>Most bytes of one frame. Default: 64 MiB; far above what a node sends, far below what would hurt.</summary>
    public int MaxFrameBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Most bytes that wait for one peer's connection; beyond it the newest frames are dropped. Default: 64 MiB.</summary>
    public int SendQueueBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Most bytes from one peer that wait for the loop; beyond it the peer's connection is not read. Default: 64 MiB.</summary>
    public int ReceiveQueueBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>From connecting to the end of the handshake. Default: 2 s; two round trips, with room for a lost packet.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A connection that has sent nothing for so long sends a ping. Default: 500 ms.</summary>
    public TimeSpan PingInterval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>A connection on which nothing arrives, or nothing can be sent, for so long is closed. Default: 3 s, six pings.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>First pause before a new attempt to connect; doubles, with jitter. Default: 50 ms.</summary>
    public TimeSpan ReconnectLeast { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Longest pause before a new attempt to connect. Default: 1 s, an election timeout.</summary>
    public TimeSpan ReconnectMost { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Most connections that have not said yet who they are. Default: 32.</summary>
    public int MaxUnidentified { get; init; } = 32;

    /// <summary>Least time between two log lines of one kind about one peer. Default: 1 minute.</summary>
    public TimeSpan LogInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Answers a question that somebody asks who is no peer, or not yet (<see cref="PeerInquiry"/>); opaque here. Any thread. An
    /// answer has at most <see cref="MostAnswerBytes"/>. Default: null, questions are refused.
    /// </summary>
    public Func<ReadOnlyMemory<byte>, byte[]>? Answer { get; init; }

    /// <summary>Most bytes of an answer: the names and addresses of all members, and room.</summary>
    public const int MostAnswerBytes = 256 * 1024;

    /// <summary>Makes streams of sockets. Default: plain TCP.</summary>
    public PeerStreamFactory Streams { get; init; } = static (socket, _) => new NetworkStream(socket, ownsSocket: true);

    /// <summary>Says what is wrong with these options, in the operator's words. Empty if nothing is.</summary>
    public IEnumerable<string> Problems()
    {
        if (MaxFrameBytes is < 64 * 1024 or > 1024 * 1024 * 1024)
        {
            yield return $"peer.maxFrameBytes is {MaxFrameBytes}; it must be from 65536 to 1073741824.";
        }

        if (SendQueueBytes < MaxFrameBytes || SendQueueBytes > 1024 * 1024 * 1024)
        {
            yield return $"peer.sendQueueBytes is {SendQueueBytes}; it must be from peer.maxFrameBytes, {MaxFrameBytes}, to 1073741824.";
        }

        if (ReceiveQueueBytes < 64 * 1024)
        {
            yield return $"peer.receiveQueueBytes is {ReceiveQueueBytes}; the least is 65536.";
        }

        if (HandshakeTimeout <= TimeSpan.Zero || HandshakeTimeout > TimeSpan.FromMinutes(1))
        {
            yield return $"peer.handshakeTimeout is {HandshakeTimeout}; it must be above 0 and at most 1 minute.";
        }

        if (PingInterval <= TimeSpan.Zero || IdleTimeout < 2 * PingInterval || IdleTimeout > TimeSpan.FromHours(1))
        {
            yield return $"peer.idleTimeout is {IdleTimeout}; it must be at least twice peer.pingInterval, {PingInterval}, " +
                "and at most 1 hour, so that one late ping does not end a connection.";
        }

        if (ReconnectLeast <= TimeSpan.Zero || ReconnectMost < ReconnectLeast || ReconnectMost > TimeSpan.FromHours(1))
        {
            yield return $"peer.reconnectLeast is {ReconnectLeast} and peer.reconnectMost {ReconnectMost}; " +
                "0 < least <= most <= 1 hour must hold.";
        }

        if (MaxUnidentified < 1) { yield return $"peer.maxUnidentified is {MaxUnidentified}; the least is 1."; }
    }
}
