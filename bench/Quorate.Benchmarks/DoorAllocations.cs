using System.Globalization;
using System.Net;
using Quorate.Core;
using Quorate.FrontDoors.Etcd;
using Quorate.Node;
using Quorate.Node.Logging;
using Quorate.Node.Peers;
using Quorate.Replication;
using Quorate.StateMachines;

namespace Quorate.Benchmarks;

/// <summary>What the collector has to clean up after each request, from the socket of the real door to the log and back.</summary>
/// <param name="Operation">Put or get.</param>
/// <param name="BytesPerRequest">Bytes allocated in this process per request. The load generator, which is in it too, allocates none.</param>
/// <param name="Collections">Collections, of any generation, while this was measured.</param>
internal sealed record DoorAllocations(string Operation, double BytesPerRequest, int Collections)
{
    private static readonly ShardId Shard = new(1);

    /// <summary>Starts a node of one with its door in this process, and measures puts and gets of 64 clients, 256-byte values.</summary>
    /// <param name="requests">How many are counted of each; as many before them make the code warm.</param>
    public static async Task<IReadOnlyList<DoorAllocations>> MeasureAsync(int requests)
    {
        string directory = Directory.CreateTempSubdirectory("quorate-benchmarks-").FullName;
        try
        {
            await using NodeRuntime node = NodeRuntime.Start(NodeOptions(directory), NoLog.Instance);
            var door = new EtcdServerOptions { Node = node, Shard = Shard, Members = static _ => null, Listen = [new IPEndPoint(IPAddress.Loopback, 0)] };
            await using EtcdServer server = await EtcdServer.StartAsync(door, NoLog.Instance, CancellationToken.None);
            string url = $"http://{server.Addresses[0]}";
            while (node.StatusOf(Shard) is not { Role: Raft.Role.Leader }) { await Task.Delay(10); }
            await RunAsync(["get", "--endpoints", url], requests: 1); // Fills 10,000 keys first.

            // Gets first, while all there is fits into memory: behind many puts they would read blocks from files.
            return
            [
                await MeasureAsync("get, linearizable", requests, ["get", "--skip-fill", "--endpoints", url]),
                await MeasureAsync("get, serializable", requests, ["get", "--skip-fill", "--serializable", "--endpoints", url]),
                await MeasureAsync("put", requests, ["put", "--endpoints", url]),
            ];
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task<DoorAllocations> MeasureAsync(string name, int requests, string[] load)
    {
        await RunAsync(load, requests);

        // A run has costs of its own, as its connections; the difference of two runs has not.
        (long few, _) = await RunAsync(load, requests / 10);
        (long many, int collections) = await RunAsync(load, requests + (requests / 10));
        return new DoorAllocations(name, (double)(many - few) / requests, collections);
    }

    private static async Task<(long Bytes, int Collections)> RunAsync(string[] load, int requests)
    {
        (long bytes, int collections) = (GC.GetTotalAllocatedBytes(precise: true), GC.CollectionCount(0));
        var output = new StringWriter();
        string total = requests.ToString(CultureInfo.InvariantCulture);
        int code = await Cli.CommandLine.RunAsync(["bench", .. load, "--clients", "64", "--total", total, "--warm-up", "0"], output, output);
        return code == 0
            ? (GC.GetTotalAllocatedBytes(precise: true) - bytes, GC.CollectionCount(0) - collections)
            : throw new InvalidOperationException($"the load failed with exit code {code}: {output}");
    }

    private static NodeRuntimeOptions NodeOptions(string directory) => new()
    {
        DataDirectory = directory,
        Peer = new PeerOptions { Listen = new IPEndPoint(IPAddress.Loopback, 0) },
        Node = new NodeConfig
        {
            Cluster = new ClusterId(1),
            Node = new NodeId(1),
            Bootstrap = [new ShardDescriptor(Shard, (int)Catalog.KeyValue.Id, [new ReplicaPlace(new ReplicaId(1), new NodeId(1))])],
            Machines = static (_, id) => id < 0 ? null : Catalog.Find((uint)id)?.Create(),
        },
    };
}
