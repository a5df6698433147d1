using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Quorate.Core;
using Quorate.Node.Logging;
using Quorate.Node.Peers;

namespace Quorate.Tests.Node;

// One end of links: a real network on a free port of the loopback address, and what it received.
internal sealed class PeerEnd : IPeerReceiver, IDisposable
{
    public static readonly ClusterId Cluster = new(0xC1);

    private readonly ConcurrentQueue<(PeerLink Link, int Length)> _unreleased = new();

    public PeerEnd(ulong node, Func<PeerOptions, PeerOptions>? change = null, int port = 0, bool release = true)
    {
        Node = new NodeId(node);
        Releases = release;
        var options = new PeerOptions
        {
            Listen = new IPEndPoint(IPAddress.Loopback, port),
            HandshakeTimeout = Waiting.Longest,
            IdleTimeout = Waiting.Longest,
            ReconnectLeast = TimeSpan.FromMilliseconds(5),
            ReconnectMost = TimeSpan.FromMilliseconds(20),
        };
        Network = new PeerNetwork(PeerIdentity.New(Cluster, Node), change?.Invoke(options) ?? options, this, Log);
        Network.Start();
    }

    public NodeId Node { get; }

    public bool Releases { get; }

    public PeerNetwork Network { get; }

    public RecordingLog Log { get; } = new();

    public ConcurrentQueue<string> Frames { get; } = new();

    public ConcurrentQueue<NodeId> Losses { get; } = new();

    public int Port => Network.Local.Port;

    public void Knows(PeerEnd other) => Network.SetPeer(new PeerAddress(other.Node, "localhost", other.Port));

    // A peer of which only its id matters: it calls us, or nobody does.
    public void Knows(ulong node) => Network.SetPeer(new PeerAddress(new NodeId(node), "localhost", 1));

    public bool IsConnectedTo(ulong node) => Network.Links[new NodeId(node)].Counts.IsConnected;

    public void Send(ulong to, string text) => Network.Send(new NodeId(to), Encoding.UTF8.GetBytes(text));

    public void Received(PeerLink link, PeerConnection connection, ReadOnlyMemory<byte> frame)
    {
        Frames.Enqueue(Encoding.UTF8.GetString(frame.Span));
        if (Releases) { link.Release(frame.Length); }
        else { _unreleased.Enqueue((link, frame.Length)); }
    }

    public void ReleaseAll()
    {
        while (_unreleased.TryDequeue(out (PeerLink Link, int Length) item)) { item.Link.Release(item.Length); }
    }

    public void Disconnected(NodeId peer) => Losses.Enqueue(peer);

    public void Failed(Exception bug) => Log.Write(LogSeverity.Error, "bug", new LogField("what", bug.ToString()));

    public void Dispose()
    {
        Network.Dispose();
        Xunit.Assert.DoesNotContain(Log.Lines, static line => line.StartsWith("bug", StringComparison.Ordinal));
    }
}

internal sealed class RecordingLog : INodeLog
{
    public ConcurrentQueue<string> Lines { get; } = new();

    public void Write(LogSeverity severity, string name, params ReadOnlySpan<LogField> fields)
    {
        var line = new StringBuilder(name);
        foreach (LogField field in fields) { line.Append(' ').Append(field.Key).Append('=').Append(field.Value); }
        Lines.Enqueue(line.ToString());
    }

    public int Count(string name) => Lines.Count(line => line.StartsWith(name, StringComparison.Ordinal));
}

// A side of a connection that the test plays byte by byte.
internal sealed class RawPeer : IDisposable
{
    private readonly TcpClient _client;

    public RawPeer(int port)
    {
        _client = new TcpClient();
        _client.Connect(IPAddress.Loopback, port);
        _client.ReceiveTimeout = (int)Waiting.Longest.TotalMilliseconds;
        _client.SendTimeout = (int)Waiting.Longest.TotalMilliseconds;
        Stream = new RecordingStream(_client.GetStream());
        Reader = new PeerFrameReader(Stream);
    }

    public RecordingStream Stream { get; }

    public PeerFrameReader Reader { get; }

    public void Shake(PeerIdentity self, ulong peer) => PeerHandshake.Dial(Stream, Reader, self, new NodeId(peer));

    public void SendFrame(PeerFrameKind kind, ReadOnlySpan<byte> payload) => Stream.Write(Frame(kind, payload));

    public static byte[] Frame(PeerFrameKind kind, ReadOnlySpan<byte> payload)
    {
        var frame = new ByteWriter();
        PeerFrame.Append(frame, kind, payload);
        PeerFrame.Seal(frame);
        return frame.ToArray();
    }

    // Sends, tolerating that the other side has closed already.
    public void TrySend(ReadOnlySpan<byte> bytes)
    {
        try { Stream.Write(bytes); }
        catch (IOException)
        {
            // Closed: what the test is about.
        }
    }

    // True once the other side has closed; whatever it sent before is skipped.
    public bool IsClosedByOther()
    {
        byte[] buffer = new byte[4096];
        try
        {
            while (Stream.Read(buffer) > 0) { }
            return true;
        }
        catch (IOException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.TimedOut or SocketError.WouldBlock })
        {
            return false;
        }
        catch (IOException)
        {
            return true; // Reset, because it closed with bytes of ours unread.
        }
    }

    public void EndSending() => _client.Client.Shutdown(SocketShutdown.Send);

    public void Dispose() => _client.Dispose();
}

internal sealed class RecordingStream(Stream inner) : Stream
{
    public MemoryStream Sent { get; } = new();

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        Sent.Write(buffer);
        inner.Write(buffer);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer) => inner.Read(buffer);

    public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

    public override void Flush() => inner.Flush();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
