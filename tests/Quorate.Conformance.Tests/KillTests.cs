using System.Collections.Concurrent;
using System.Diagnostics;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>What is promised first: an acknowledged write survives.</summary>
public sealed class KillTests(ITestOutputHelper output)
{
    private static readonly TimeSpan TakeOverLimit = TimeSpan.FromSeconds(3);

    // Goal: kill -9 of the leader ten times and of all nodes at once twice loses no acknowledged write, and each take-over is
    // under 3 seconds. Method: a client writes through every node all the time and notes what was acknowledged; in the end every
    // noted key is read through every node.
    [Fact]
    public async Task Acknowledged_writes_survive_kill_9_of_the_leader_and_of_all()
    {
        using ClusterProcesses cluster = ClusterProcesses.StartReady(3);
        await cluster.FindLeaderAsync();
        using var stop = new CancellationTokenSource();
        var acknowledged = new ConcurrentDictionary<string, string>();
        Task[] writers = [.. cluster.Servers.Select((server, i) => WriteAsync(server, i, acknowledged, stop.Token))];

        var takeOvers = new List<TimeSpan>();
        for (int round = 0; round < 10; round++)
        {
            await Task.Delay(500);
            ServerProcess leader = await cluster.FindLeaderAsync();
            leader.Kill();
            takeOvers.Add(await TimeToNextWriteAsync(cluster.Servers.First(server => server != leader)));
            leader.Start();
            leader.WaitUntilReady();
            if (round is 4 or 9)
            {
                foreach (ServerProcess server in cluster.Servers) { server.Kill(); }
                cluster.StartAll();
                await cluster.FindLeaderAsync();
            }
        }

        await Task.Delay(500);
        await stop.CancelAsync();
        await Task.WhenAll(writers);

        output.WriteLine($"{acknowledged.Count} acknowledged writes; take-overs: {string.Join(", ", takeOvers.Select(t => $"{t.TotalSeconds:F2} s"))}");
        Assert.True(acknowledged.Count >= 1000, $"only {acknowledged.Count} writes: the run proves too little");
        foreach (ServerProcess server in cluster.Servers)
        {
            Dictionary<string, string> found = await ReadAllAsync(server);
            string[] lost = [.. acknowledged.Where(write => found.GetValueOrDefault(write.Key) != write.Value).Select(write => write.Key).Take(10)];
            Assert.True(lost.Length == 0, $"{server.Name} lost {string.Join(", ", lost)} of {acknowledged.Count}\n{server.Log}");
        }

        Assert.All(takeOvers, takeOver => Assert.True(takeOver < TakeOverLimit, $"a take-over took {takeOver.TotalSeconds:F2} s"));
    }

    // Goal: SIGTERM hands leadership over and ends with exit code 0; a client that retries sees no failed write.
    [Fact]
    public async Task A_graceful_stop_hands_over_and_exits_with_0()
    {
        using ClusterProcesses cluster = ClusterProcesses.StartReady(3);
        for (int round = 0; round < 3; round++)
        {
            ServerProcess leader = await cluster.FindLeaderAsync();
            leader.Signal("TERM");
            Assert.Equal(0, leader.WaitForExit());
            TimeSpan takeOver = await TimeToNextWriteAsync(cluster.Servers.First(server => server != leader));
            Assert.True(takeOver < TakeOverLimit, $"the hand-over took {takeOver.TotalSeconds:F2} s");
            leader.Start();
            leader.WaitUntilReady();
        }
    }

    private static async Task WriteAsync(
        ServerProcess server, int writer, ConcurrentDictionary<string, string> acknowledged, CancellationToken stop)
    {
        using var client = new EtcdGrpcClient([server.Endpoint], TimeSpan.FromSeconds(1));
        for (int i = 0; !stop.IsCancellationRequested; i++)
        {
            string key = $"kill/{writer}/{i}";
            string value = Guid.NewGuid().ToString("N");
            try
            {
                await PutAsync(client, key, value, TimeSpan.FromSeconds(5));
                acknowledged[key] = value;
            }
            catch (EtcdRpcException)
            {
                await Task.Delay(20, CancellationToken.None); // Not acknowledged: it may be there or not, so it proves nothing.
            }
        }
    }

    private static Task PutAsync(EtcdGrpcClient client, string key, string value, TimeSpan timeout) => client.CallAsync(
        EtcdMethods.Put,
        new PutRequest { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFromUtf8(value) },
        timeout);

    private static async Task<TimeSpan> TimeToNextWriteAsync(ServerProcess server)
    {
        using var client = new EtcdGrpcClient([server.Endpoint]);
        for (var watch = Stopwatch.StartNew(); ;)
        {
            try
            {
                await PutAsync(client, "take-over", "x", TimeSpan.FromSeconds(10));
                return watch.Elapsed;
            }
            catch (EtcdRpcException) when (watch.Elapsed < TimeSpan.FromSeconds(30))
            {
                await Task.Delay(5);
            }
        }
    }

    private static async Task<Dictionary<string, string>> ReadAllAsync(ServerProcess server)
    {
        using var client = new EtcdGrpcClient([server.Endpoint]);
        RangeResponse range = await client.CallAsync(
            EtcdMethods.Range,
            new RangeRequest { Key = ByteString.CopyFromUtf8("kill/"), RangeEnd = ByteString.CopyFromUtf8("kill0") },
            TimeSpan.FromSeconds(30));
        return range.Kvs.ToDictionary(kv => kv.Key.ToStringUtf8(), kv => kv.Value.ToStringUtf8());
    }
}
