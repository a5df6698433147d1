using System.Net.Sockets;
using System.Security.Authentication;

namespace Quorate.Node.Peers;

// What a connection can throw at the thread that uses it. Anything else is a bug.
internal static class PeerErrors
{
    public static bool IsConnectionError(Exception failure) =>
        failure is IOException or SocketException or ObjectDisposedException or AuthenticationException;

    public static string Describe(Exception failure) => failure switch
    {
        PeerRefusedException refused => $"refused by the peer ({Word(refused.Reason)}): {refused.Message}",
        PeerProtocolException => failure.Message,
        ObjectDisposedException => "timed out or closed",
        { InnerException: SocketException { SocketErrorCode: SocketError.TimedOut or SocketError.WouldBlock } } => "silent too long",
        { InnerException: SocketException inner } => inner.Message,
        _ => failure.Message,
    };

    public static string Word(PeerRefusal reason) => reason switch
    {
        PeerRefusal.Version => "version",
        PeerRefusal.WrongCluster => "wrong-cluster",
        PeerRefusal.WrongNode => "wrong-node",
        PeerRefusal.Self => "self",
        PeerRefusal.UnknownNode => "unknown-node",
        PeerRefusal.WrongDirection => "wrong-direction",
        PeerRefusal.DuplicateNode => "duplicate-node",
        PeerRefusal.TlsRequired => "tls-required",
        PeerRefusal.Certificate => "certificate",
        _ => $"reason-{(byte)reason}",
    };
}
