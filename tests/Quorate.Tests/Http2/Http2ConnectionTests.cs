using System.Buffers.Binary;
using System.Net;
using System.Text;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.FrontDoors.Http2;
using Quorate.Tests.FrontDoors;
using Xunit;

namespace Quorate.Tests.Http2;

/// <summary>Our HTTP/2, frame by frame: what no client library would show.</summary>
public class Http2ConnectionTests
{
    private const string Put = "/etcdserverpb.KV/Put";
    private const string Range = "/etcdserverpb.KV/Range";

    private static byte[] Start => [.. Http2Bytes.Preface, .. Http2Bytes.Settings];

    // Goal: what breaks the protocol ends the connection with the RFC's code (RFC 9113, 5.4.1 and 6), and disturbs nobody else.
    [Theory]
    [InlineData("0:0:1:0102", Http2Error.Protocol)] // DATA of an idle stream.
    [InlineData("0:0:0:0102", Http2Error.Protocol)] // DATA of the connection.
    [InlineData("3:0:1:00000008", Http2Error.Protocol)] // RST_STREAM of an idle stream.
    [InlineData("3:0:1:000008", Http2Error.FrameSize)]
    [InlineData("4:1:0:000000000000", Http2Error.FrameSize)] // An acknowledgement with settings.
    [InlineData("4:0:0:0004000000", Http2Error.FrameSize)]
    [InlineData("4:0:1:", Http2Error.Protocol)] // SETTINGS of a stream.
    [InlineData("4:0:0:0004ffffffff", Http2Error.FlowControl)] // A window beyond 2^31-1.
    [InlineData("4:0:0:000500000001", Http2Error.Protocol)] // MAX_FRAME_SIZE below 16,384.
    [InlineData("5:4:1:00000002", Http2Error.Protocol)] // PUSH_PROMISE.
    [InlineData("6:0:0:01020304", Http2Error.FrameSize)]
    [InlineData("6:0:1:0102030405060708", Http2Error.Protocol)]
    [InlineData("8:0:0:00000000", Http2Error.Protocol)] // WINDOW_UPDATE by nothing.
    [InlineData("8:0:0:7fffffff", Http2Error.FlowControl)]
    [InlineData("8:0:1:00000001", Http2Error.Protocol)] // Of an idle stream.
    [InlineData("9:4:1:82", Http2Error.Protocol)] // CONTINUATION of nothing.
    [InlineData("1:4:2:82", Http2Error.Protocol)] // An even stream.
    [InlineData("1:0:1:82 6:0:0:0102030405060708", Http2Error.Protocol)] // Headers interrupted.
    [InlineData("1:4:1:80", Http2Error.Compression)]
    [InlineData("1:12:1:ff82", Http2Error.Protocol)] // All padding.
    public async Task What_breaks_the_protocol_ends_the_connection(string frames, object expected)
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        using EtcdDoor.RawConnection raw = await door.Connect();
        List<byte> bytes = [.. Start, .. Http2Bytes.Frame(6, 0, 0, new byte[8])]; // A PING: nothing for Kestrel.
        foreach (string frame in frames.Split(' '))
        {
            string[] parts = frame.Split(':');
            bytes.AddRange(Http2Bytes.Frame(byte.Parse(parts[0], null), byte.Parse(parts[1], null), int.Parse(parts[2], null), Convert.FromHexString(parts[3])));
        }

        await raw.Send(bytes.ToArray());
        List<Frame> answer = Frames(await raw.ReadToEnd());
        Assert.Equal((Http2Error)expected, Assert.Single(answer, static f => f.Kind == FrameKind.GoAway).Error(at: 4));
        await door.AssertServes();
    }

    // Goal: floods of frames that ask for nothing, and headers without end, are cut off.
    [Theory]
    [InlineData("ping")]
    [InlineData("settings")]
    [InlineData("continuation")]
    [InlineData("empty data")]
    public async Task Floods_are_cut_off(string kind)
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        using EtcdDoor.RawConnection raw = await door.Connect();
        byte[] first = kind is "continuation" ? Http2Bytes.Frame(1, 0, 1, [0x82])
            : kind is "empty data" ? Http2Bytes.Headers(1, Put)
            : [];
        byte[] one = kind switch
        {
            "ping" => Http2Bytes.Frame(6, 0, 0, new byte[8]),
            "settings" => Http2Bytes.Settings,
            "continuation" => Http2Bytes.Frame(9, 0, 1, [.. Enumerable.Repeat((byte)0x82, 100)]),
            _ => Http2Bytes.Frame(0, 0, 1, []),
        };
        byte[] many = [.. Enumerable.Repeat(one, 1000).SelectMany(static f => f)];
        Task<byte[]> answer = raw.ReadToEnd();
        await raw.Send((byte[])[.. Start, .. first]);
        try
        {
            for (int i = 0; i < 2000 && !answer.IsCompleted; i++) { await raw.Send(many); }
        }
        catch (System.Net.Sockets.SocketException)
        {
            // As it should: the server had enough.
        }

        await answer.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        await door.AssertServes();
    }

    // Goal: an answer larger than the client's windows comes in pieces, each when a window opens, and no byte before (RFC 9113, 6.9).
    [Fact]
    public async Task An_answer_waits_for_its_window()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        string value = new('v', 100_000);
        await door.Put("large", value);
        using EtcdDoor.RawConnection raw = await door.Connect();
        byte[] window = Http2Bytes.Frame(4, 0, 0, [0, 4, 0, 0, 0, 10]);
        await raw.Send((byte[])[.. Http2Bytes.Preface, .. window, .. Http2Bytes.Headers(1, Range), .. Request(1, EtcdDoor.NewRange("large"))]);
        var frames = new FrameReader(raw);
        var body = new List<byte>();
        while (body.Count < 10) { Take(await frames.Next()); }
        Assert.Equal(10, body.Count);

        // The stream's window first: the connection's 65,535 bytes are the limit then.
        await raw.Send(WindowUpdate(1, 1_000_000));
        while (body.Count < 65_535) { Take(await frames.Next()); }
        Assert.Equal(65_535, body.Count);
        await raw.Send(WindowUpdate(0, 1_000_000));
        Frame last;
        do
        {
            last = await frames.Next();
            Take(last);
        }
        while (last.Kind != FrameKind.Headers || (last.Flags & 1) == 0);
        RangeResponse answer = RangeResponse.Parser.ParseFrom([.. body.Skip(5)]);
        Assert.Equal(value, answer.Kvs.Single().Value.ToStringUtf8());

        void Take(Frame frame)
        {
            if (frame.Kind == FrameKind.Data) { body.AddRange(frame.Payload); }
        }
    }

    // Goal: calls beyond the limit are refused in a way that says that nothing happened (REFUSED_STREAM), and those before go on.
    [Fact]
    public async Task Calls_beyond_the_limit_are_refused()
    {
        await using EtcdDoor door = await EtcdDoor.Open(static options => options with { MaxStreamsPerConnection = 2 });
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        door.Node.Gate = gate.Task;
        using EtcdDoor.RawConnection raw = await door.Connect();
        await raw.Send((byte[])[.. Start, .. Http2Bytes.Headers(1, Put), .. Request(1, EtcdDoor.NewPut("a", "1")),
            .. Http2Bytes.Headers(3, Put), .. Request(3, EtcdDoor.NewPut("b", "1")), .. Http2Bytes.Headers(5, Put), .. Request(5, EtcdDoor.NewPut("c", "1"))]);
        var frames = new FrameReader(raw);
        Frame refusal = await frames.Next(FrameKind.RstStream);
        Assert.Equal((5, Http2Error.RefusedStream), (refusal.Stream, refusal.Error(at: 0)));
        gate.SetResult();
        var ended = new HashSet<int>();
        while (ended.Count < 2)
        {
            Frame frame = await frames.Next(FrameKind.Headers);
            if ((frame.Flags & 1) != 0) { ended.Add(frame.Stream); }
        }

        Assert.Equal([1, 3], ended.Order());
    }

    // Goal: a client that gives up frees its place, however its call ends; so a reset call cannot occupy a connection for ever.
    [Fact]
    public async Task Calls_that_were_given_up_free_their_places()
    {
        await using EtcdDoor door = await EtcdDoor.Open(static options => options with { MaxStreamsPerConnection = 2 });
        using EtcdDoor.RawConnection raw = await door.Connect();
        await raw.Send(Start);
        var frames = new FrameReader(raw);
        for (int stream = 1; stream < 200; stream += 2)
        {
            // Of each pair one is cut off before its request is whole, and the other is served.
            bool isServed = stream % 4 == 1;
            await raw.Send((byte[])[.. Http2Bytes.Headers(stream, Put), .. isServed ? Request(stream, EtcdDoor.NewPut("a", $"{stream}")) : Http2Bytes.Frame(0, 0, stream, [0, 0])]);
            if (!isServed) { await raw.Send(Http2Bytes.Frame(3, 0, stream, [0, 0, 0, 8])); }
            while (isServed)
            {
                Frame frame = await frames.Next();
                Assert.NotEqual(FrameKind.RstStream, frame.Kind);
                if (frame.Kind == FrameKind.Headers && (frame.Flags & 1) != 0 && frame.Stream == stream) { break; }
            }
        }
    }

    // Goal: a request whose end comes as trailers, or that is cut short, is answered, not waited for.
    [Fact]
    public async Task Trailers_end_a_request()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        using EtcdDoor.RawConnection raw = await door.Connect();
        await raw.Send((byte[])[.. Start, .. Http2Bytes.Headers(1, Put), .. Http2Bytes.Frame(0, 0, 1, [0, 0, 0]), .. Http2Bytes.Frame(1, 0x5, 1, [0x00, 1, (byte)'x', 1, (byte)'y'])]);
        Frame end = await new FrameReader(raw).Next(FrameKind.Headers);
        Assert.Equal(1, end.Flags & 1);
        Assert.Contains("grpc-status", Encoding.Latin1.GetString(end.Payload), StringComparison.Ordinal);
    }

    // Goal: a silent client is asked whether it is there, and let go if it does not say so.
    [Fact]
    public async Task Silent_clients_are_pinged_and_let_go()
    {
        await using EtcdDoor door = await EtcdDoor.Open(
            static options => options with { KeepAliveInterval = TimeSpan.FromMilliseconds(1000), KeepAliveTimeout = TimeSpan.FromMilliseconds(1000) });
        using EtcdDoor.RawConnection raw = await door.Connect();
        await raw.Send((byte[])[.. Start, .. Http2Bytes.Headers(1, Put), .. Request(1, EtcdDoor.NewPut("a", "1"))]);
        List<Frame> all = Frames(await raw.ReadToEnd());
        Assert.Contains(all, static f => f.Kind == FrameKind.Ping && (f.Flags & 1) == 0);
        await door.AssertServes();
    }

    // Goal: HTTP/2 that is not gRPC is served too, by Kestrel; calls of the other kind on such a connection are refused, not hung.
    [Fact]
    public async Task Plain_http2_has_the_gateway()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        using var http = new HttpClient { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        Assert.Contains("etcdserver", await http.GetStringAsync(new Uri($"http://{door.Address}/version")), StringComparison.Ordinal);
        using var content = new ByteArrayContent([0, 0, 0, 0, 0]);
        content.Headers.ContentType = new("application/grpc");
        using HttpResponseMessage refused = await http.PostAsync(new Uri($"http://{door.Address}{Range}"), content);
        Assert.NotEqual(HttpStatusCode.OK, refused.StatusCode);

        using EtcdDoor.RawConnection raw = await door.Connect();
        await raw.Send((byte[])[.. Start, .. Http2Bytes.Headers(1, Range), .. Request(1, EtcdDoor.NewRange("a"))]);
        var frames = new FrameReader(raw);
        while (((await frames.Next(FrameKind.Headers)).Flags & 1) == 0) { }
        byte[] get = [0x82, 0x86, 0x84, 0x01, 1, (byte)'h']; // :method GET, :scheme http, :path /, :authority.
        await raw.Send(Http2Bytes.Frame(1, 0x5, 3, get));
        Frame answer = await frames.Next(FrameKind.RstStream);
        Assert.Equal((3, Http2Error.Http11Required), (answer.Stream, answer.Error(at: 0)));
    }

    private static byte[] Request(int stream, IMessage message)
    {
        byte[] bytes = message.ToByteArray();
        return Http2Bytes.Data(stream, Http2Bytes.Message(0, (uint)bytes.Length, bytes));
    }

    private static byte[] WindowUpdate(int stream, int more)
    {
        byte[] payload = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(payload, more);
        return Http2Bytes.Frame(8, 0, stream, payload);
    }

    private static List<Frame> Frames(byte[] bytes)
    {
        var frames = new List<Frame>();
        for (int at = 0; at + 9 <= bytes.Length;)
        {
            int length = (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2];
            if (at + 9 + length > bytes.Length) { break; }
            frames.Add(new Frame((FrameKind)bytes[at + 3], bytes[at + 4], BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(at + 5)), bytes[(at + 9)..(at + 9 + length)]));
            at += 9 + length;
        }

        return frames;
    }

    private sealed record Frame(FrameKind Kind, byte Flags, int Stream, byte[] Payload)
    {
        public Http2Error Error(int at) => (Http2Error)BinaryPrimitives.ReadInt32BigEndian(Payload.AsSpan(at));
    }

    private sealed class FrameReader(EtcdDoor.RawConnection raw)
    {
        public async Task<Frame> Next()
        {
            byte[] header = await raw.Read(9);
            byte[] payload = await raw.Read((header[0] << 16) | (header[1] << 8) | header[2]);
            return new Frame((FrameKind)header[3], header[4], BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(5)), payload);
        }

        public async Task<Frame> Next(FrameKind kind)
        {
            while (true)
            {
                Frame frame = await Next();
                if (frame.Kind == kind) { return frame; }
            }
        }
    }
}
