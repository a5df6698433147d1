using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Node.Logging;
using Xunit;

namespace Quorate.Tests.FrontDoors;

/// <summary>The door on a free port over a <see cref="FakeNode"/>, with a client, plain HTTP, and raw sockets.</summary>
internal sealed class EtcdDoor : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly EtcdServer _server;
    private readonly EtcdGrpcClient _client;
    private readonly HttpClient _http = new() { Timeout = Patience };

    private EtcdDoor(FakeNode node, EtcdServer server, Lines log)
    {
        Node = node;
        _server = server;
        Log = log;
        Address = server.Addresses[0];
        // What is tested is the door's one answer.
        _client = new EtcdGrpcClient([new Uri($"http://{Address}")], Patience, EtcdRetryPolicy.Never);
    }

    public FakeNode Node { get; }

    public Lines Log { get; }

    public IPEndPoint Address { get; }

    /// <summary>All addresses, in the order of the options.</summary>
    public IReadOnlyList<IPEndPoint> Addresses => _server.Addresses;

    public static async Task<EtcdDoor> Open(Func<EtcdServerOptions, EtcdServerOptions>? change = null)
    {
        var node = new FakeNode();
        var log = new Lines();
        var options = new EtcdServerOptions
        {
            Node = node,
            Shard = FakeNode.Shard,
            Listen = [new IPEndPoint(IPAddress.Loopback, 0)],
            Members = _ => new EtcdMember("one", ["http://peer:1"], ["http://client:2"]),
            DrainTimeout = TimeSpan.FromSeconds(5),
        };
        return new EtcdDoor(node, await EtcdServer.StartAsync(change?.Invoke(options) ?? options, log), log);
    }

    public Task<TResponse> Call<TRequest, TResponse>(
        EtcdMethod<TRequest, TResponse> method, TRequest request, TimeSpan? timeout = null)
        where TRequest : IMessage<TRequest>
        where TResponse : IMessage<TResponse> => _client.CallAsync(method, request, timeout ?? Patience);

    public async Task<string> ErrorOf<TRequest, TResponse>(
        EtcdMethod<TRequest, TResponse> method, TRequest request, TimeSpan? timeout = null)
        where TRequest : IMessage<TRequest>
        where TResponse : IMessage<TResponse>
    {
        EtcdRpcException error =
            await Assert.ThrowsAsync<EtcdRpcException>(() => Call(method, request, timeout));
        return $"{error.Status}: {error.Message}";
    }

    public int OpenStreams => _server.OpenStreams;

    public EtcdGrpcStream<TRequest, TResponse> OpenStream<TRequest, TResponse>(
        EtcdMethod<TRequest, TResponse> method, bool requireLeader = false)
        where TRequest : IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> => _client.OpenStream(method, endpoint: 0, requireLeader);

    /// <summary>Waits for what must come, and fails the test if it does not.</summary>
    public async Task Until(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!condition()) { await Task.Delay(5, patience.Token); }
    }

    public Task<PutResponse> Put(string key, string value) => Call(EtcdMethods.Put, NewPut(key, value));

    public static PutRequest NewPut(string key, string value) =>
        new() { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFromUtf8(value) };

    public static RangeRequest NewRange(string key) => new() { Key = ByteString.CopyFromUtf8(key) };

    /// <summary>Another client is served: the server is alive and well.</summary>
    public async Task AssertServes()
    {
        string value = Guid.NewGuid().ToString();
        using var other = new EtcdGrpcClient([new Uri($"http://{Address}")], Patience);
        await other.CallAsync(EtcdMethods.Put, NewPut("alive", value), Patience);
        RangeResponse read = await other.CallAsync(EtcdMethods.Range, NewRange("alive"), Patience);
        Assert.Equal(value, read.Kvs.Single().Value.ToStringUtf8());
        Assert.Contains("\"health\":\"true\"", await Get("/health"), StringComparison.Ordinal);
    }

    public async Task<string> Get(string path)
    {
        using HttpResponseMessage response = await _http.GetAsync(new Uri($"http://{Address}{path}"));
        return $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}";
    }

    public async Task<string> Post(string path, string json)
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/x-www-form-urlencoded");
        using HttpResponseMessage response = await _http.PostAsync(new Uri($"http://{Address}{path}"), content);
        return $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}";
    }

    public async Task<RawConnection> Connect()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(Address);
        return new RawConnection(socket);
    }

    public Task Stop() => _server.StopAsync();

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        _http.Dispose();
        await _server.DisposeAsync();
        Assert.Equal(0, Node.OpenViews);
    }

    /// <summary>Bytes in, bytes out.</summary>
    internal sealed class RawConnection(Socket socket) : IDisposable
    {
        public async Task Send(ReadOnlyMemory<byte> bytes) => await socket.SendAsync(bytes);

        public Task Send(string latin1) => Send(Encoding.Latin1.GetBytes(latin1));

        public void FinishSending() => socket.Shutdown(SocketShutdown.Send);

        /// <summary>So many bytes; fails the test if they do not come.</summary>
        public async Task<byte[]> Read(int count)
        {
            using var patience = new CancellationTokenSource(Patience);
            byte[] bytes = new byte[count];
            for (int at = 0; at < count;)
            {
                int read = await socket.ReceiveAsync(bytes.AsMemory(at), patience.Token);
                Assert.NotEqual(0, read);
                at += read;
            }

            return bytes;
        }

        /// <summary>All that comes until the server closes, or fails the test if it does not.</summary>
        public async Task<byte[]> ReadToEnd()
        {
            using var patience = new CancellationTokenSource(Patience);
            using var all = new MemoryStream();
            byte[] buffer = new byte[4096];
            try
            {
                while (await socket.ReceiveAsync(buffer, patience.Token) is > 0 and int read)
                {
                    all.Write(buffer, 0, read);
                }
            }
            catch (SocketException)
            {
                // Reset: closed, too.
            }

            return all.ToArray();
        }

        public void Dispose() => socket.Dispose();
    }

    internal sealed class Lines : INodeLog
    {
        private readonly ConcurrentQueue<string> _lines = new();

        public IEnumerable<string> All => _lines;

        public void Write(LogSeverity severity, string name, params ReadOnlySpan<LogField> fields)
        {
            string line = $"{severity} {name}";
            foreach (LogField field in fields) { line += $" {field.Key}={field.Value}"; }
            _lines.Enqueue(line);
        }
    }
}
