using System.Net.Sockets;

namespace Quorate.Node.Peers;

/// <summary>Asks a node something over its peer port, without being its peer: a node that joins knows nobody's id yet, its own neither.</summary>
/// <remarks>TLS as on links: where certificates are demanded, one of the peers' authority is needed to ask.</remarks>
public static class PeerInquiry
{
    /// <summary>Asks, and waits for the answer. Blocks.</summary>
    /// <param name="streams">As for links.</param>
    /// <param name="address">Where the node listens for peers; its id is not looked at.</param>
    /// <param name="question">At most 512 bytes; opaque here.</param>
    /// <param name="timeout">For all of it.</param>
    /// <exception cref="IOException">No answer came.</exception>
    /// <exception cref="SocketException">Nobody listens there.</exception>
    public static ReadOnlyMemory<byte> Ask(PeerStreamFactory streams, PeerAddress address, ReadOnlyMemory<byte> question, TimeSpan timeout)
    {
        ArgumentNullException.ThrowIfNull(streams);
        ArgumentNullException.ThrowIfNull(address);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var connection = new PeerConnection(socket, timeout);
        try
        {
            socket.Connect(address.Host, address.Port);
            connection.Open(streams(socket, address));
            return PeerHandshake.Ask(connection.Stream, connection.Reader, question.Span);
        }
        catch (ObjectDisposedException e)
        {
            throw new IOException($"no answer from {address.Host}:{address.Port} in time", e);
        }
    }
}
