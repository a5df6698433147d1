using System.Buffers.Binary;
using System.Text;
using Google.Protobuf;
using Quorate.Conformance.Tests.Faults;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.Tests.FrontDoors;
using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>Three servers that all bad input goes to, one attack after the other.</summary>
public sealed class AttackedCluster : IAsyncLifetime
{
    internal ClusterProcesses Cluster { get; } = new(3);

    internal ServerProcess Victim => Cluster.Servers[0];

    public async ValueTask InitializeAsync()
    {
        Cluster.StartAll();
        await Cluster.FindLeaderAsync();
        using var client = new KeyValues(Victim);
        await client.PutManyAsync("warm/", 1, 50);
    }

    public ValueTask DisposeAsync()
    {
        Cluster.Dispose();
        return ValueTask.CompletedTask;
    }
}

/// <summary>
/// Hostile bytes on the open ports of a running server. After each: it lives, other clients and the other members are served,
/// few lines are logged, and memory has not grown by what the input announced.
/// </summary>
public sealed class BadInputTests(AttackedCluster attacked) : IClassFixture<AttackedCluster>
{
    // What a garbage collection may leave uncollected; announced lengths are gigabytes, so one that was believed stands out.
    private const long MostGrowth = 300L * 1024 * 1024;
    private const int MostLines = 12;

    private static readonly byte[] TlsHello =
        [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03, .. new byte[501]];

    private static readonly byte[] HttpGet = "GET /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"u8.ToArray();

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [InlineData(false, true)]
    public Task Garbage(bool isClientPort, bool behindPreface) => AttackAsync(() =>
    {
        var random = new Random(7); // Always the same garbage.
        for (int i = 0; i < 40; i++)
        {
            byte[] garbage = new byte[random.Next(1, 20_000)];
            random.NextBytes(garbage);
            byte[] preface = !behindPreface ? [] : isClientPort ? [.. Http2Bytes.Preface, .. Http2Bytes.Settings] : "QRPL"u8.ToArray();
            using var connection = new RawConnection(Port(isClientPort));
            connection.Send([.. preface, .. garbage]);
        }
    });

    [Fact]
    public Task Oversized_lengths_on_the_client_port() => AttackAsync(() =>
    {
        // A frame of 2^24-1 bytes, then a message of 2^32-1 bytes inside of a good frame.
        using (var connection = new RawConnection(Port(isClientPort: true)))
        {
            connection.Send([.. Http2Bytes.Preface, .. Http2Bytes.Settings, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1]);
            connection.ReadToEnd();
        }

        for (int i = 0; i < 50; i++)
        {
            using var connection = new RawConnection(Port(isClientPort: true));
            connection.Send(
            [
                .. Http2Bytes.Preface, .. Http2Bytes.Settings, .. Http2Bytes.Headers(1, "/etcdserverpb.KV/Put"),
                .. Http2Bytes.Data(1, Http2Bytes.Message(0, uint.MaxValue, new byte[100])),
            ]);
        }

        using (var connection = new RawConnection(Port(isClientPort: true)))
        {
            connection.Send("POST /v3/kv/put HTTP/1.1\r\nHost: x\r\nContent-Length: 4294967295\r\n\r\n{"u8);
            Assert.StartsWith("HTTP/1.1 ", Encoding.ASCII.GetString(connection.ReadToEnd()), StringComparison.Ordinal);
        }
    });

    [Theory]
    [InlineData(uint.MaxValue)]
    [InlineData(0x7fffffffu)]
    [InlineData(64u * 1024 * 1024)]
    [InlineData(0u)]
    public Task Oversized_lengths_on_the_peer_port(uint length) => AttackAsync(() =>
    {
        byte[] frame = new byte[4 + 9 + 100];
        "QRPL"u8.CopyTo(frame);
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(4), length);
        frame[12] = 0x13; // Version 1, hello.
        using var connection = new RawConnection(Port(isClientPort: false));
        connection.Send(frame);
        Assert.Empty(connection.ReadToEnd());
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public Task Half_frames_then_close(bool isClientPort) => AttackAsync(() =>
    {
        byte[] whole = Opening(isClientPort);
        for (int length = 1; length < whole.Length; length += 3)
        {
            using var connection = new RawConnection(Port(isClientPort));
            connection.Send(whole.AsSpan(0, length));
        }
    });

    // More of them than a peer port lets in at once without a name: the members must not be kept out for long.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Half_frames_then_silence(bool isClientPort)
    {
        byte[] whole = Opening(isClientPort);
        var silent = new List<RawConnection>();
        try
        {
            await AttackAsync(() =>
            {
                for (int i = 0; i < 100; i++)
                {
                    var connection = new RawConnection(Port(isClientPort));
                    silent.Add(connection);
                    connection.Send(whole.AsSpan(0, 1 + (i % (whole.Length - 1))));
                }
            });
            if (isClientPort) { return; }
            foreach (RawConnection connection in silent) { connection.ReadToEnd(); } // Each is closed in the end.
        }
        finally
        {
            silent.ForEach(connection => connection.Dispose());
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public Task A_tls_hello_is_closed_without_an_answer(bool isClientPort) => AttackAsync(() =>
    {
        for (int i = 0; i < 20; i++)
        {
            using var connection = new RawConnection(Port(isClientPort));
            connection.Send(TlsHello);
            Assert.Empty(connection.ReadToEnd());
        }
    });

    [Fact]
    public Task Http_1_is_served_on_the_client_port() => AttackAsync(() =>
    {
        using var connection = new RawConnection(Port(isClientPort: true));
        connection.Send(HttpGet);
        string answer = Encoding.ASCII.GetString(connection.ReadToEnd());
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", answer, StringComparison.Ordinal);
        Assert.Contains("\"etcdserver\":\"3.", answer, StringComparison.Ordinal);
    });

    [Fact]
    public Task Http_1_on_the_peer_port_is_closed_without_an_answer() => AttackAsync(() =>
    {
        using var connection = new RawConnection(Port(isClientPort: false));
        connection.Send(HttpGet);
        Assert.Empty(connection.ReadToEnd());
    });

    [Fact]
    public Task A_message_of_5_MB_is_refused() => AttackAsync(async () =>
    {
        using var client = new KeyValues(attacked.Victim);
        for (int i = 0; i < 10; i++)
        {
            EtcdRpcException refusal = await Assert.ThrowsAsync<EtcdRpcException>(
                () => client.PutAsync("large", ByteString.CopyFrom(new byte[5_000_000])));
            Assert.Contains("larger than max", refusal.Message, StringComparison.Ordinal);
        }

        Assert.Null(await client.GetAsync("large"));
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public Task A_thousand_quick_connects(bool isClientPort) => AttackAsync(
        () =>
        {
            for (int i = 0; i < 1000; i++) { new RawConnection(Port(isClientPort)).Dispose(); }
        },
        "L3");

    [Fact]
    public async Task Two_thousand_idle_clients()
    {
        var idle = new List<RawConnection>();
        try
        {
            await AttackAsync(() => { for (int i = 0; i < 2000; i++) { idle.Add(new RawConnection(Port(isClientPort: true))); } }, "L3");
        }
        finally
        {
            idle.ForEach(connection => connection.Dispose());
        }
    }

    private static byte[] Opening(bool isClientPort) => isClientPort
        ?
        [
            .. Http2Bytes.Preface, .. Http2Bytes.Settings, .. Http2Bytes.Headers(1, "/etcdserverpb.KV/Put"),
            .. Http2Bytes.Data(1, Http2Bytes.Message(0, 40, new byte[40])),
        ]
        : [.. "QRPL"u8, 43, 0, 0, 0, 1, 2, 3, 4, 0x13, .. new byte[42]];

    private int Port(bool isClientPort) => isClientPort ? attacked.Victim.ClientPort : attacked.Victim.PeerPort;

    private Task AttackAsync(Action attack, string row = "S1") => AttackAsync(
        () =>
        {
            attack();
            return Task.CompletedTask;
        },
        row);

    private async Task AttackAsync(Func<Task> attack, string row = "S1")
    {
        ServerProcess victim = attacked.Victim;
        int[] logs = [.. attacked.Cluster.Servers.Select(server => server.Log.Length)];
        long memory = victim.ResidentBytes;

        await attack();

        string key = "after/" + Guid.NewGuid().ToString("N");
        foreach (ServerProcess server in attacked.Cluster.Servers)
        {
            using var client = new KeyValues(server);
            await client.PutAsync(key, server.Name);
            foreach (ServerProcess other in attacked.Cluster.Servers)
            {
                using var reader = new KeyValues(other);
                Assert.Equal(server.Name, await reader.GetAsync(key));
            }
        }

        Assert.All(attacked.Cluster.Servers, server => Assert.True(server.IsRunning, server.Log));
        for (int i = 0; i < logs.Length; i++)
        {
            string log = attacked.Cluster.Servers[i].Log[logs[i]..];
            Assert.True(log.Count(c => c == '\n') <= MostLines, $"{attacked.Cluster.Servers[i].Name} logged too much:\n{log}");
            Assert.DoesNotContain("level=error", log, StringComparison.Ordinal);
        }

        long growth = victim.ResidentBytes - memory;
        Assert.True(growth < MostGrowth, $"memory grew by {growth} bytes");
        FaultRecord.Book(row, "service");
    }
}
