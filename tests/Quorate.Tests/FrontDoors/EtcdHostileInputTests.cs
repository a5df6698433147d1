using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Google.Protobuf;
using Quorate.Core;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Xunit;

namespace Quorate.Tests.FrontDoors;

/// <summary>Whatever comes in: an error, a closed connection, a log line at most; and the next client is served.</summary>
public class EtcdHostileInputTests
{
    private const string Put = "/etcdserverpb.KV/Put";
    private const string Txn = "/etcdserverpb.KV/Txn";

    // What a client sends for one put, up to the end of its request.
    private static byte[] OnePut(byte[]? authority = null) =>
    [
        .. Http2Bytes.Preface,
        .. Http2Bytes.Settings,
        .. Http2Bytes.Headers(stream: 1, Put, authority),
        .. Http2Bytes.Data(stream: 1, PutMessage()),
    ];

    private static byte[] PutMessage()
    {
        byte[] put = EtcdDoor.NewPut("raw", "1").ToByteArray();
        return Http2Bytes.Message(flag: 0, (uint)put.Length, put);
    }

    [Theory]
    [InlineData("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "Warning tls-on-cleartext-port")]
    [InlineData("\0\0\0\0\0\0\0\0", "Warning noise-on-client-port")]
    [InlineData("*3\r\n$3\r\nSET\r\n", "Warning noise-on-client-port")]
    public async Task Noise_is_closed_with_one_line(string bytes, string line)
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        for (int i = 0; i < 3; i++)
        {
            using EtcdDoor.RawConnection raw = await door.Connect();
            await raw.Send(bytes);
            Assert.Empty(await raw.ReadToEnd());
        }

        Assert.StartsWith(line, Assert.Single(door.Log.All), StringComparison.Ordinal);
        await door.AssertServes();
    }

    [Theory]
    [InlineData("")]
    [InlineData("P")]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM")]
    public async Task A_connection_that_does_not_say_what_it_is_gets_closed(string bytes)
    {
        await using EtcdDoor door = await EtcdDoor.Open(
            options => options with { FirstBytesTimeout = TimeSpan.FromMilliseconds(200) });
        using EtcdDoor.RawConnection raw = await door.Connect();
        await raw.Send(bytes);
        Assert.Empty(await raw.ReadToEnd());
        await door.AssertServes();
    }

    [Theory]
    [InlineData("GARBAGE\r\n\r\n")]
    [InlineData("POST /v3/kv/put HTTP/9.9\r\n\r\n")]
    public async Task Broken_http1_gets_a_400(string bytes)
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        using EtcdDoor.RawConnection raw = await door.Connect();
        await raw.Send(bytes);
        Assert.Matches("^HTTP/1.1 (400|505) ", Encoding.Latin1.GetString(await raw.ReadToEnd()));
        await door.AssertServes();
    }

    // Host header values that etcd never looks at and Kestrel would reset: a URL (etcdctl 3.4), a list (early 3.5 clients),
    // and "://" in Huffman's code (RFC 7541, appendix B).
    public static TheoryData<byte[]> StrangeAuthorities =>
    [
        Http2Bytes.Text("http://127.0.0.1:2379"),
        Http2Bytes.Text("#initially=[http://a:1;http://b:2]"),
        new byte[] { 0x83, 0xB8, 0xC3, 0x1F },
        new byte[] { 0 },
    ];

    [Theory]
    [MemberData(nameof(StrangeAuthorities))]
    public async Task Any_authority_is_served_even_byte_by_byte(byte[] authority)
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        byte[] bytes = [.. OnePut(authority), .. Http2Bytes.Headers(3, Put, authority), .. Http2Bytes.Data(3, PutMessage())];
        using EtcdDoor.RawConnection raw = await door.Connect();
        for (int i = 0; i < bytes.Length; i++) { await raw.Send(bytes.AsMemory(i, 1)); }
        for (int i = 0; i < 2000 && door.Node.Proposals < 2; i++) { await Task.Delay(5, TestContext.Current.CancellationToken); }

        RangeResponse read = await door.Call(EtcdMethods.Range, EtcdDoor.NewRange("raw"));
        Assert.Equal(2, read.Kvs.Single().Version);
    }

    [Fact]
    public async Task A_preface_gone_wrong_is_closed()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        using EtcdDoor.RawConnection raw = await door.Connect();
        await raw.Send("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");
        await raw.ReadToEnd();
        await door.AssertServes();
    }

    [Fact]
    public async Task A_request_cut_off_anywhere_disturbs_nobody()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        byte[] bytes = OnePut();
        for (int length = 0; length < bytes.Length; length += 3)
        {
            using EtcdDoor.RawConnection raw = await door.Connect();
            await raw.Send(bytes.AsMemory(0, length));
        }

        await door.AssertServes();
        Assert.Equal(0, (await door.Call(EtcdMethods.Range, EtcdDoor.NewRange("raw"))).Count);
    }

    [Fact]
    public async Task Requests_with_flipped_bytes_disturb_nobody()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        var prng = new Prng(20261121);
        for (int i = 0; i < 200; i++)
        {
            byte[] bytes = OnePut();
            for (int flips = prng.Below(8); flips >= 0; flips--)
            {
                bytes[Http2Bytes.Preface.Length + prng.Below(bytes.Length - Http2Bytes.Preface.Length)] = (byte)prng.Below(256);
            }

            using EtcdDoor.RawConnection raw = await door.Connect();
            await raw.Send(bytes);
            if (prng.Chance(1, 2)) { raw.FinishSending(); }
        }

        await door.AssertServes();
    }

    [Fact]
    public async Task Messages_out_of_bounds_are_refused()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        byte[] put = EtcdDoor.NewPut("a", "1").ToByteArray();
        string[] answers =
        [
            await Raw(door, Put, Http2Bytes.Message(0, uint.MaxValue, [1, 2, 3])),
            await Raw(door, Put, Http2Bytes.Message(0, 5_000_000, new byte[5_000_000])),
            await Raw(door, Put, Http2Bytes.Message(1, (uint)put.Length, put)),
            await Raw(door, Put, Http2Bytes.Message(0, (uint)put.Length, put), ("grpc-encoding", "gzip")),
            await Raw(door, Put, Http2Bytes.Message(0, 100, put)),
            await Raw(door, Put, []),
            await Raw(door, Put, [0, 0]),
            await Raw(door, "/nothing", Http2Bytes.Message(0, 0, [])),
        ];
        Assert.Equal(
            [
                "8 grpc: received message larger than max (4294967295 vs. 2097152)",
                "8 grpc: received message larger than max (5000000 vs. 2097152)",
                "13 grpc: compressed flag set with identity or empty encoding",
                "12 grpc: Decompressor is not installed for grpc-encoding \"gzip\"",
                "13 unexpected EOF",
                "13 unexpected EOF",
                "13 unexpected EOF",
                "12 malformed method name: \"/nothing\"",
            ],
            answers);
        await door.AssertServes();
    }

    [Fact]
    public async Task Messages_that_cannot_be_read_are_invalid_arguments()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        byte[][] messages =
        [
            NestedTxn(levels: 10_000),
            [0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0x07], // A value of 2 GiB.
            [0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], // An endless varint.
            [0x0A, 0x05, 0x01], // Cut short.
            [.. Enumerable.Repeat((byte)0x0B, 10_000)], // Start of a group, 10,000 times.
            [0x00], // Field number 0.
        ];
        foreach (byte[] message in messages)
        {
            string answer = await Raw(door, Txn, Http2Bytes.Message(0, (uint)message.Length, message));
            Assert.True(
                answer.StartsWith("3 grpc: error unmarshalling request: ", StringComparison.Ordinal),
                $"{Convert.ToHexString(message.AsSpan(0, Math.Min(20, message.Length)))}: {answer} {string.Join(' ', door.Log.All)}");
        }

        byte[] unknown = [0xFA, 0x7F, 0xC0, 0x84, 0x3D, .. new byte[1_000_000]];
        Assert.Equal(
            "3 etcdserver: key is not provided",
            await Raw(door, Put, Http2Bytes.Message(0, (uint)unknown.Length, unknown)));
        await door.AssertServes();
    }

    [Fact]
    public async Task A_call_that_requires_a_leader_fails_at_once_without_one()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        door.Node.HasLeader = false;
        byte[] range = new RangeRequest { Key = ByteString.CopyFromUtf8("a"), Serializable = true }.ToByteArray();
        byte[] message = Http2Bytes.Message(0, (uint)range.Length, range);
        Assert.Equal(
            "14 etcdserver: no leader", await Raw(door, "/etcdserverpb.KV/Range", message, ("hasleader", "true")));
        Assert.Equal("0 ", await Raw(door, "/etcdserverpb.KV/Range", message));
    }

    [Fact]
    public async Task Streams_reset_as_fast_as_they_are_opened_disturb_nobody()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        using EtcdDoor.RawConnection raw = await door.Connect();
        await raw.Send((byte[])[.. Http2Bytes.Preface, .. Http2Bytes.Settings]);
        try
        {
            for (int stream = 1; stream < 20_000; stream += 2)
            {
                byte[] reset = Http2Bytes.Frame(type: 3, flags: 0, stream, [0, 0, 0, 8]);
                await raw.Send((byte[])[.. Http2Bytes.Headers(stream, Put), .. reset]);
            }
        }
        catch (System.Net.Sockets.SocketException)
        {
            // The server had enough of it.
        }

        await door.AssertServes();
    }

    [Fact]
    public async Task Connections_beyond_the_limit_are_closed()
    {
        await using EtcdDoor door = await EtcdDoor.Open(options => options with { MaxConnections = 3 });
        var idle = new List<EtcdDoor.RawConnection>();
        for (int i = 0; i < 3; i++)
        {
            idle.Add(await door.Connect());
            await idle[i].Send("P");
        }

        using (EtcdDoor.RawConnection extra = await door.Connect())
        {
            Assert.Empty(await extra.ReadToEnd());
        }

        idle.ForEach(connection => connection.Dispose());
    }

    [Fact]
    public async Task Stopping_lets_a_request_in_flight_end()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await door.Put("a", "0");
        door.Node.Gate = gate.Task;
        Task<PutResponse> put = door.Put("a", "1");
        while (door.Node.Waiting == 0) { await Task.Delay(5, TestContext.Current.CancellationToken); }
        Task stop = door.Stop();
        gate.SetResult();
        Assert.Equal(3, (await put).Header.Revision);
        await stop;
        Assert.StartsWith("Unavailable: no endpoint", await door.ErrorOf(EtcdMethods.Put, EtcdDoor.NewPut("a", "2")), StringComparison.Ordinal);
    }

    // TxnRequest.success (2) > RequestOp.request_txn (4) > TxnRequest ...
    private static byte[] NestedTxn(int levels)
    {
        byte[] message = [];
        for (int i = 0; i < levels; i++)
        {
            using var inner = new MemoryStream();
            using (var output = new CodedOutputStream(inner, leaveOpen: true))
            {
                output.WriteTag(i % 2 == 0 ? 4 : 2, WireFormat.WireType.LengthDelimited);
                output.WriteBytes(UnsafeByteOperations.UnsafeWrap(message));
            }

            message = inner.ToArray();
        }

        return message;
    }

    // Status and text of a call whose body is given.
    private static async Task<string> Raw(EtcdDoor door, string path, byte[] body, (string Name, string Value)? header = null)
    {
        using var http = new HttpMessageInvoker(new SocketsHttpHandler());
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"http://{door.Address}{path}"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        if (header is { } field) { request.Headers.TryAddWithoutValidation(field.Name, field.Value); }
        using HttpResponseMessage response = await http.SendAsync(request, TestContext.Current.CancellationToken);
        await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        HttpHeaders trailers = response.Headers.Contains("grpc-status") ? response.Headers : response.TrailingHeaders;
        return $"{trailers.GetValues("grpc-status").Single()} {(trailers.TryGetValues("grpc-message", out IEnumerable<string>? text) ? text.Single() : "")}";
    }
}
