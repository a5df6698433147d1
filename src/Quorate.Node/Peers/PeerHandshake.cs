using System.Security.Cryptography;
using System.Text;
using Quorate.Core;

namespace Quorate.Node.Peers;

// Why a node refuses another's connection. The numbers are sent; they never change.
internal enum PeerRefusal : byte
{
    Version = 1,
    WrongCluster = 2,
    WrongNode = 3,
    Self = 4,
    UnknownNode = 5,
    WrongDirection = 6,
    DuplicateNode = 7,

    // The only one that is sent in the clear by a node that speaks TLS.
    TlsRequired = 8,

    // The caller's certificate is valid, but not the one of the member it says it is.
    Certificate = 9,
}

// The other side told us why it will not talk to us.
internal sealed class PeerRefusedException(PeerRefusal reason, string detail) : IOException(detail)
{
    public PeerRefusal Reason { get; } = reason;
}

// Who is at each end of a connection. An incarnation is one run of a process: it tells a restart, or a second process that
// was given the same id, from a second connection of the same process.
internal readonly record struct PeerIdentity(ClusterId Cluster, NodeId Node, ulong Incarnation)
{
    public static PeerIdentity New(ClusterId cluster, NodeId node) => new(cluster, node, PeerHandshake.NewNonce());
}

/*
 * Dialer: "QRPL", Hello(version, cluster, from, to, incarnation, nonce).
 * Acceptor: "QRPL", then Welcome(the same fields, and the dialer's nonce again) or Refusal(reason, text).
 * Dialer: Confirm(the acceptor's nonce again). Only then does the acceptor take frames, so that a recorded session, or what
 * is left of an old connection, cannot be played to it. None of this is authentication: that is mutual TLS's task (PeerTls).
 */
internal static class PeerHandshake
{
    public const int MaxPayload = 512;
    private const ushort Version = 1;
    private static readonly byte[] Magic = "QRPL"u8.ToArray();

    // Whether what a connection starts with is this protocol, unencrypted.
    public static bool IsPlain(ReadOnlySpan<byte> start) => start.SequenceEqual(Magic);

    public static ulong NewNonce()
    {
        Span<byte> bytes = stackalloc byte[8];
        RandomNumberGenerator.Fill(bytes);
        return BitConverter.ToUInt64(bytes) | 1; // 0 is nobody's.
    }

    // Dialer's side. Returns the incarnation of the node that answered.
    public static ulong Dial(Stream stream, PeerFrameReader reader, PeerIdentity self, NodeId peer)
    {
        ulong nonce = NewNonce();
        Send(stream, withMagic: true, PeerFrameKind.Hello, WriteHello(self, peer, nonce));

        ExpectMagic(reader);
        ReadOnlyMemory<byte> answer = Expect(reader, PeerFrameKind.Welcome);
        var bytes = new ByteReader(answer.Span);
        Hello welcome = ReadHello(ref bytes);
        ulong echo = bytes.U64();
        if (!bytes.AtEnd || echo != nonce) { throw new PeerProtocolException("the welcome does not answer our hello"); }
        if (welcome.Version != Version || welcome.Cluster != self.Cluster || welcome.From != peer || welcome.To != self.Node)
        {
            throw new PeerProtocolException(
                $"{peer} of {self.Cluster} was called; {welcome.From} of {welcome.Cluster} answered");
        }

        var confirm = new ByteWriter(16);
        confirm.U64(welcome.Nonce);
        Send(stream, withMagic: false, PeerFrameKind.Confirm, confirm);
        return welcome.Incarnation;
    }

    // Dialer's side of a question: no links come of it.
    public static ReadOnlyMemory<byte> Ask(Stream stream, PeerFrameReader reader, ReadOnlySpan<byte> question)
    {
        var bytes = new ByteWriter(MaxPayload);
        bytes.Raw(question);
        Send(stream, withMagic: true, PeerFrameKind.Question, bytes);
        ExpectMagic(reader);
        return Expect(reader, PeerFrameKind.Answer, PeerOptions.MostAnswerBytes);
    }

    // Acceptor's side. Refusals are sent and thrown. Returns who called; null: it was a question, and is answered.
    public static PeerIdentity? Accept(
        Stream stream, PeerFrameReader reader, PeerIdentity self, Func<NodeId, bool> isPeer, Func<ReadOnlyMemory<byte>, byte[]>? answer)
    {
        ExpectMagic(reader);
        (PeerFrameKind kind, ReadOnlyMemory<byte> frame) = Read(reader, MaxPayload);
        if (kind == PeerFrameKind.Question && answer is not null)
        {
            var answered = new ByteWriter();
            answered.Raw(answer(frame));
            Send(stream, withMagic: true, PeerFrameKind.Answer, answered);
            return null;
        }

        if (kind != PeerFrameKind.Hello) { throw new PeerProtocolException($"{PeerFrameKind.Hello} was due, {kind} came"); }
        var bytes = new ByteReader(frame.Span);
        Hello hello = ReadHello(ref bytes);
        if (!bytes.AtEnd) { throw new PeerProtocolException("the hello has a wrong length"); }

        if (Objection(hello, self, isPeer) is var (reason, text))
        {
            Refuse(stream, withMagic: true, reason, text);
            throw new PeerRefusedException(reason, text);
        }

        ulong nonce = NewNonce();
        ByteWriter welcome = WriteHello(self, hello.From, nonce);
        welcome.U64(hello.Nonce);
        Send(stream, withMagic: true, PeerFrameKind.Welcome, welcome);

        ReadOnlyMemory<byte> confirm = Expect(reader, PeerFrameKind.Confirm);
        var echo = new ByteReader(confirm.Span);
        if (echo.U64() != nonce || !echo.AtEnd)
        {
            throw new PeerProtocolException("the confirmation does not answer our welcome: a replayed session?");
        }

        return new PeerIdentity(hello.Cluster, hello.From, hello.Incarnation);
    }

    public static void Refuse(Stream stream, bool withMagic, PeerRefusal reason, string text)
    {
        var refusal = new ByteWriter();
        refusal.U8((byte)reason);
        refusal.Text(text);
        Send(stream, withMagic, PeerFrameKind.Refusal, refusal);
    }

    public static PeerRefusedException ReadRefusal(ReadOnlySpan<byte> payload)
    {
        var bytes = new ByteReader(payload);
        var reason = (PeerRefusal)bytes.U8();
        string text = bytes.Text();
        return new PeerRefusedException(reason, text.Length > 200 ? text[..200] : text);
    }

    private static (PeerRefusal Reason, string Text)? Objection(Hello hello, PeerIdentity self, Func<NodeId, bool> isPeer)
    {
        if (hello.Version != Version) { return (PeerRefusal.Version, $"peer protocol {hello.Version}; here it is {Version}"); }
        if (hello.Cluster != self.Cluster) { return (PeerRefusal.WrongCluster, $"{hello.Cluster}; this is {self.Cluster}"); }
        if (hello.From == self.Node)
        {
            return (PeerRefusal.Self, hello.Incarnation == self.Incarnation
                ? "the node called itself"
                : $"another process runs as {self.Node}");
        }

        if (hello.To != self.Node) { return (PeerRefusal.WrongNode, $"{hello.To} was called; this is {self.Node}"); }
        if (!isPeer(hello.From)) { return (PeerRefusal.UnknownNode, $"{hello.From} is not among the peers of {self.Node}"); }
        return hello.From.CompareTo(self.Node) > 0
            ? (PeerRefusal.WrongDirection, $"{self.Node} calls {hello.From}, not the other way round")
            : null;
    }

    private static void ExpectMagic(PeerFrameReader reader)
    {
        Span<byte> magic = stackalloc byte[4];
        reader.ReadRaw(magic);
        if (!magic.SequenceEqual(Magic)) { throw new PeerProtocolException(Guess(magic)); }
    }

    private static string Guess(ReadOnlySpan<byte> start)
    {
        if (start[0] == 0x16 && start[1] == 3) { return "a TLS hello came; this port speaks the plain peer protocol"; }
        string text = Encoding.ASCII.GetString(start);
        return text is "GET " or "POST" or "PUT " or "HEAD" or "OPTI" or "DELE" or "PRI " or "HTTP"
            ? "HTTP came; this port speaks the peer protocol"
            : $"the peer protocol starts with QRPL; 0x{Convert.ToHexStringLower(start)} came";
    }

    private static ReadOnlyMemory<byte> Expect(PeerFrameReader reader, PeerFrameKind expected, int mostBytes = MaxPayload)
    {
        (PeerFrameKind kind, ReadOnlyMemory<byte> payload) = Read(reader, mostBytes);
        return kind == expected ? payload : throw new PeerProtocolException($"{expected} was due, {kind} came");
    }

    private static (PeerFrameKind Kind, ReadOnlyMemory<byte> Payload) Read(PeerFrameReader reader, int mostBytes)
    {
        if (!reader.TryRead(mostBytes, out PeerFrameKind kind, out ReadOnlyMemory<byte> payload))
        {
            throw new PeerProtocolException("the connection ended during the handshake");
        }

        return kind == PeerFrameKind.Refusal ? throw ReadRefusal(payload.Span) : (kind, payload);
    }

    private static ByteWriter WriteHello(PeerIdentity self, NodeId to, ulong nonce)
    {
        var hello = new ByteWriter(64);
        hello.U16(Version);
        hello.U64(self.Cluster.Value);
        hello.U64(self.Node.Value);
        hello.U64(to.Value);
        hello.U64(self.Incarnation);
        hello.U64(nonce);
        return hello;
    }

    private static Hello ReadHello(ref ByteReader bytes) => new(
        bytes.U16(), new ClusterId(bytes.U64()), new NodeId(bytes.U64()), new NodeId(bytes.U64()), bytes.U64(), bytes.U64());

    private static void Send(Stream stream, bool withMagic, PeerFrameKind kind, ByteWriter payload)
    {
        var frame = new ByteWriter();
        PeerFrame.Append(frame, kind, payload.Written);
        PeerFrame.Seal(frame);
        byte[] bytes = withMagic ? [.. Magic, .. frame.Written] : frame.ToArray();
        stream.Write(bytes);
        stream.Flush();
    }

    private readonly record struct Hello(
        ushort Version, ClusterId Cluster, NodeId From, NodeId To, ulong Incarnation, ulong Nonce);
}
