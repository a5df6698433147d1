using System.Text.Json;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>Out of a real etcd that is written to, into Quorate.</summary>
public sealed class MigrateTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    // Goal: keys, values and leases arrive while etcd is written to and the destination's leader is killed; what ends at the source ends there; both hashes agree.
    [Fact]
    public async Task A_live_etcd_is_copied_and_followed()
    {
        string etcdctl = Tool.Find("etcdctl");
        using var etcd = new RealEtcd(Tool.Find("etcd"));
        using ClusterProcesses ours = ClusterProcesses.StartReady(3);
        await ours.FindLeaderAsync();
        etcd.WaitUntilReady(etcdctl);
        using var source = new EtcdGrpcClient([new Uri($"http://{etcd.Endpoint}")], Patience);
        await source.CallAsync(EtcdMethods.LeaseGrant, new LeaseGrantRequest { ID = 77, TTL = 600 }, Patience);
        await source.CallAsync(EtcdMethods.LeaseGrant, new LeaseGrantRequest { ID = 5, TTL = 2 }, Patience);
        await Put(source, "leased", "stays", 77);
        await Put(source, "short", "goes", 5);
        for (int i = 0; i < 500; i++) { await Put(source, $"k{i:D3}", $"{i}"); }
        await Put(source, "large", new string('v', 1_000_000));

        using RunningTool migration = RunningTool.Quorate(
            "migrate", "from-etcd", "--from", $"http://{etcd.Endpoint}", "--to", ours.Endpoints, "--format", "json");
        Assert.True(SpinWait.SpinUntil(() => migration.Error.Contains("following", StringComparison.Ordinal), Patience), migration.Error);
        for (int i = 0; i < 300; i++)
        {
            await Put(source, $"k{i % 50:D3}", $"again {i}");
            if (i % 10 == 0) { await source.CallAsync(EtcdMethods.Txn, TwoWrites(i), Patience); }
            if (i == 150) { (await ours.FindLeaderAsync()).Kill(); }
        }

        RangeResponse everything = await source.CallAsync(EtcdMethods.Range, All(), Patience);
        string[] alive = [.. ours.Servers.Where(server => server.IsRunning).Select(server => $"http://127.0.0.1:{server.ClientPort}")];
        using var destination = new EtcdGrpcClient(alive.Select(url => new Uri(url)), Patience);
        for (int i = 0; i < 200; i++)
        {
            everything = await source.CallAsync(EtcdMethods.Range, All(), Patience);
            RangeResponse copied = await destination.CallAsync(EtcdMethods.Range, All(), Patience);
            if (everything.Kvs.All(kv => kv.Lease != 5) && Contents(everything).SequenceEqual(Contents(copied))) { break; }
            await Task.Delay(100);
        }

        migration.Terminate();
        Assert.Equal(0, migration.WaitForExit());
        JsonElement told = JsonDocument.Parse(migration.Output).RootElement;
        Assert.True(told.GetProperty("equal").GetBoolean());
        Assert.Equal(everything.Kvs.Count, told.GetProperty("keys").GetInt32());
        Assert.Equal(everything.Header.Revision, told.GetProperty("revision").GetInt64());

        // The model of what was written, not only the tool's word.
        RangeResponse arrived = await destination.CallAsync(EtcdMethods.Range, All(), Patience);
        Assert.Equal(Contents(everything), Contents(arrived));
        Assert.DoesNotContain(arrived.Kvs, kv => kv.Key.ToStringUtf8() == "short");
        LeaseTimeToLiveResponse lease = await destination.CallAsync(EtcdMethods.LeaseTimeToLive, new LeaseTimeToLiveRequest { ID = 77, Keys = true }, Patience);
        Assert.Equal((600, "leased"), (lease.GrantedTTL, Assert.Single(lease.Keys).ToStringUtf8()));
    }

    // Goal: a cluster with other data is left as it is; one that somebody else writes to meanwhile is found out by the hash.
    [Fact]
    public async Task Other_data_is_neither_overwritten_nor_overlooked()
    {
        string etcdctl = Tool.Find("etcdctl");
        using var etcd = new RealEtcd(Tool.Find("etcd"));
        using ClusterProcesses ours = ClusterProcesses.StartReady(1);
        etcd.WaitUntilReady(etcdctl);
        using var source = new EtcdGrpcClient([new Uri($"http://{etcd.Endpoint}")], Patience);
        using var destination = new EtcdGrpcClient([ours.Servers[0].Endpoint], Patience);
        for (int i = 0; i < 5; i++) { await Put(source, $"k{i}", "etcd's"); }

        using (RunningTool following = RunningTool.Quorate("migrate", "from-etcd", "--from", $"http://{etcd.Endpoint}", "--to", ours.Endpoints))
        {
            Assert.True(SpinWait.SpinUntil(() => following.Error.Contains("following", StringComparison.Ordinal), Patience), following.Error);
            await Put(destination, "k3", "somebody's");
            following.Terminate();
            Assert.Equal(12, following.WaitForExit());
            Assert.Contains("DIFFERENT", following.Output, StringComparison.Ordinal);
        }

        Tool.Result refused = Tool.Quorate("migrate", "from-etcd", "--from", $"http://{etcd.Endpoint}", "--to", ours.Endpoints, "--until-caught-up");
        Assert.Equal(3, refused.ExitCode);
        RangeResponse left = await destination.CallAsync(EtcdMethods.Range, All(), Patience);
        Assert.Equal("somebody's", left.Kvs.Single(kv => kv.Key.ToStringUtf8() == "k3").Value.ToStringUtf8());
    }

    private static Task<PutResponse> Put(EtcdGrpcClient client, string key, string value, long lease = 0) => client.CallAsync(
        EtcdMethods.Put, new PutRequest { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFromUtf8(value), Lease = lease }, Patience);

    private static TxnRequest TwoWrites(int i)
    {
        var txn = new TxnRequest();
        txn.Success.Add(new RequestOp { RequestPut = new PutRequest { Key = ByteString.CopyFromUtf8("pair"), Value = ByteString.CopyFromUtf8($"{i}") } });
        txn.Success.Add(new RequestOp
        {
            RequestDeleteRange = new DeleteRangeRequest { Key = ByteString.CopyFromUtf8($"k{100 + i:D3}"), RangeEnd = ByteString.CopyFromUtf8($"k{103 + i:D3}") },
        });
        return txn;
    }

    private static RangeRequest All() => new() { Key = ByteString.CopyFrom(0), RangeEnd = ByteString.CopyFrom(0) };

    private static IEnumerable<(ByteString, ByteString, long)> Contents(RangeResponse range) => range.Kvs.Select(kv => (kv.Key, kv.Value, kv.Lease));
}
