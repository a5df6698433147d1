using Quorate.Core;

namespace Quorate.Node.Peers;

// What the links tell the node. Any thread; must be quick.
internal interface IPeerReceiver
{
    // A frame of a peer whose identity is checked. The receiver calls link.Release(frame.Length) once it is dealt with.
    void Received(PeerLink link, PeerConnection connection, ReadOnlyMemory<byte> frame);

    // What was sent last may be lost.
    void Disconnected(NodeId peer);

    // A thread of the links met a bug of ours and ended.
    void Failed(Exception bug);
}
