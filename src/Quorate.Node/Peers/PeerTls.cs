using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Quorate.Node.Tls;

namespace Quorate.Node.Peers;

// The TLS handshake between two nodes failed. The kind is for counting and for limiting lines.
internal sealed class PeerTlsException(string kind, string text, Exception? inner = null) : IOException(text, inner)
{
    public string Kind { get; } = kind;
}

/// <summary>
/// TLS on links, on the blocking threads that links have anyway. The dialer checks that the listener's certificate is for the
/// host it called; the listener checks that the caller's is of the peers' authority and, once the caller has said which member
/// it is, that it is for that member's host: a client's certificate of the same authority opens nothing here.
/// </summary>
/// <remarks>The time for all of it is <see cref="PeerOptions.HandshakeTimeout"/>, which closes the socket.</remarks>
public static class PeerTls
{
    private const byte HandshakeRecord = 0x16; // RFC 8446, 5.1.

    /// <summary>The streams of a node.</summary>
    /// <param name="keeper">Its certificates.</param>
    /// <param name="listens">True if its own peer URL is https; which others are called by TLS is said by their addresses.</param>
    public static PeerStreamFactory Streams(TlsKeeper keeper, bool listens) => (socket, dialed) =>
        dialed is { IsTls: true } ? Dial(socket, dialed, keeper)
        : dialed is null && listens ? Accept(socket, keeper)
        : new NetworkStream(socket, ownsSocket: true);

    // What speaks against taking a caller for the member it says it is; null if nothing does. Callers that were not asked for
    // a certificate are taken at their word, as on a plain link.
    internal static string? Objection(Stream stream, PeerAddress member) =>
        stream is SslStream { RemoteCertificate: X509Certificate2 certificate } && !member.All.Any(address => TlsMaterial.IsFor(certificate, address.Host))
            ? $"the certificate '{certificate.Subject}' is for {TlsMaterial.HostsOf(certificate)}, not for {string.Join(" or ", member.All.Select(static a => a.Host))}, where {member.Node} is"
            : null;

    private static SslStream Dial(Socket socket, PeerAddress peer, TlsKeeper keeper)
    {
        TlsObjection? objection = null;
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        try
        {
            stream.AuthenticateAsClient(keeper.ForClient(peer.Host, o => objection = o));
            return stream;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            stream.Dispose();
            throw Failure(objection, e, "the peer ended the TLS handshake; it may not speak TLS, or its log says why");
        }
    }

    private static SslStream Accept(Socket socket, TlsKeeper keeper)
    {
        RefusePlain(socket);
        TlsObjection? objection = null;
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        try
        {
            stream.AuthenticateAsServer(keeper.ForServer(o => objection = o));
            return stream;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            stream.Dispose();
            throw Failure(objection, e, "the caller ended the TLS handshake; its log may say why");
        }
    }

    // A node that calls in the clear is told so, in the clear: its operator would otherwise only see a broken connection.
    private static void RefusePlain(Socket socket)
    {
        Span<byte> start = stackalloc byte[4];
        if (Peek(socket, start) == 0) { throw new PeerProtocolException("the connection ended before anything came"); }
        if (start[0] == HandshakeRecord) { return; }
        while (Peek(socket, start) is > 0 and < 4) { Thread.Sleep(1); } // The deadline of the handshake ends this.
        if (!PeerHandshake.IsPlain(start)) { throw new PeerTlsException("not-tls", "what came is not TLS, which this port speaks"); }
        string text = "this member's peer URL is https://, and a plaintext call came";
        using (var plain = new NetworkStream(socket, ownsSocket: false))
        {
            PeerHandshake.Refuse(plain, withMagic: true, PeerRefusal.TlsRequired, text);
        }

        // Unread bytes would make the kernel send a reset, which can overtake the refusal.
        socket.Shutdown(SocketShutdown.Send);
        Span<byte> rest = stackalloc byte[512];
        while (socket.Receive(rest) > 0)
        {
            // Until the caller hangs up.
        }

        throw new PeerRefusedException(PeerRefusal.TlsRequired, text);
    }

    private static int Peek(Socket socket, Span<byte> into) => socket.Receive(into, SocketFlags.Peek);

    // For whatever the platform throws while it reads what somebody sent: that is a connection's end, never the node's.
    private static PeerTlsException Failure(TlsObjection? objection, Exception e, string otherwise)
    {
        if (objection is var (kind, text)) { return new PeerTlsException(kind, text, e); }
        Exception cause = e.GetBaseException();
        return cause is AuthenticationException || cause.Message.Contains("alert", StringComparison.Ordinal) || cause.Message.Contains("SSL", StringComparison.Ordinal)
            ? new PeerTlsException("tls-handshake", $"TLS: {cause.Message}", e)
            : new PeerTlsException("tls-handshake", otherwise, e);
    }
}
