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

    // Goal: from a snapshot file three nodes come to life with etcd's very revisions: keys, history, leases, HashKV, watches of the past; then the
    // rest follows live, revision by revision, and one foreign write is found out at once.
    [Fact]
    public async Task A_snapshot_file_is_imported_with_its_revisions_and_followed()
    {
        string etcdctl = Tool.Find("etcdctl");
        using var etcd = new RealEtcd(Tool.Find("etcd"));
        etcd.WaitUntilReady(etcdctl);
        using var source = new EtcdGrpcClient([new Uri($"http://{etcd.Endpoint}")], Patience);
        await source.CallAsync(EtcdMethods.LeaseGrant, new LeaseGrantRequest { ID = 77, TTL = 600 }, Patience);
        await Put(source, "leased", "stays", 77);
        for (int i = 0; i < 300; i++)
        {
            await Put(source, $"k{i % 40:D3}", $"{i}");
            if (i % 10 == 0) { await source.CallAsync(EtcdMethods.Txn, TwoWrites(i % 30), Patience); }
        }

        await source.CallAsync(EtcdMethods.Compact, new CompactionRequest { Revision = 120 }, Patience);
        string file = Path.Combine(Directory.CreateTempSubdirectory("quorate-migrate-").FullName, "etcd.db");
        Tool.Run(etcdctl, ["--endpoints", etcd.Endpoint, "snapshot", "save", file]).Succeeded();
        long revision = (await source.CallAsync(EtcdMethods.Range, All(), Patience)).Header.Revision;
        (long hash, long compacted) = HashKv(etcdctl, etcd.Endpoint, revision);

        using var ours = new ClusterProcesses(3);
        foreach (ServerProcess server in ours.Servers) { Tool.Quorate(["restore", file, .. RestoreFlags(server)]).Succeeded(); }
        ours.StartAll();
        foreach (ServerProcess server in ours.Servers) { server.WaitUntilReady(); }
        await ours.FindLeaderAsync();
        using var destination = new EtcdGrpcClient(ours.Servers.Select(server => server.Endpoint), Patience);
        Assert.Equal(Records(await source.CallAsync(EtcdMethods.Range, All(), Patience)), Records(await destination.CallAsync(EtcdMethods.Range, All(), Patience)));
        RangeRequest past = All();
        past.Revision = 150;
        Assert.Equal(Records(await source.CallAsync(EtcdMethods.Range, past, Patience)), Records(await destination.CallAsync(EtcdMethods.Range, past, Patience)));
        foreach (ServerProcess server in ours.Servers) { Assert.Equal((hash, compacted), HashKv(etcdctl, $"127.0.0.1:{server.ClientPort}", revision)); }
        Assert.Equal(await Changes(source, 121, revision), await Changes(destination, 121, revision));
        LeaseTimeToLiveResponse lease = await destination.CallAsync(EtcdMethods.LeaseTimeToLive, new LeaseTimeToLiveRequest { ID = 77, Keys = true }, Patience);
        Assert.Equal((600, "leased"), (lease.GrantedTTL, Assert.Single(lease.Keys).ToStringUtf8()));

        using RunningTool migration = RunningTool.Quorate(
            "migrate", "from-etcd", "--from", $"http://{etcd.Endpoint}", "--to", ours.Endpoints, "--format", "json");
        for (int i = 0; i < 200; i++)
        {
            await Put(source, $"k{i % 50:D3}", $"again {i}");
            if (i % 10 == 0) { await source.CallAsync(EtcdMethods.Txn, TwoWrites(i % 30), Patience); }
            if (i == 100) { (await ours.FindLeaderAsync()).Kill(); }
        }

        revision = (await source.CallAsync(EtcdMethods.Range, All(), Patience)).Header.Revision;
        string[] alive = [.. ours.Servers.Where(server => server.IsRunning).Select(server => $"http://127.0.0.1:{server.ClientPort}")];
        using var left = new EtcdGrpcClient(alive.Select(url => new Uri(url)), Patience);
        for (int i = 0; i < 300 && (await left.CallAsync(EtcdMethods.Range, All(), Patience)).Header.Revision < revision; i++) { await Task.Delay(100); }
        Assert.Equal(await Changes(source, 121, revision), await Changes(left, 121, revision));

        await Put(left, "foreign", "write");
        await Put(source, "k001", "one more");
        Assert.Equal(3, migration.WaitForExit());
        Assert.Contains("somebody else writes to it", migration.Error, StringComparison.Ordinal);
        Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
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

    // Goal: out of an etcd and into a cluster that both ask for users, each with its own root; who is not root copies nothing.
    [Fact]
    public void Each_side_has_a_user_of_its_own()
    {
        string etcdctl = Tool.Find("etcdctl");
        using var etcd = new RealEtcd(Tool.Find("etcd"));
        using ClusterProcesses ours = ClusterProcesses.StartReady(1, "--bcrypt-cost", "4");
        etcd.WaitUntilReady(etcdctl);
        foreach ((string endpoint, string password) in ((string, string)[])[(etcd.Endpoint, "theirs"), (ours.Endpoints, "ours")])
        {
            foreach (string line in (string[])[$"user add root:{password}", "user add plain:p", "user grant-role root root"])
            {
                Tool.Run(etcdctl, ["--endpoints", endpoint, .. line.Split(' ')]).Succeeded();
            }
        }

        Tool.Run(etcdctl, ["--endpoints", etcd.Endpoint, "put", "k", "v"]).Succeeded();
        foreach (string endpoint in (string[])[etcd.Endpoint, ours.Endpoints]) { Tool.Run(etcdctl, ["--endpoints", endpoint, "auth", "enable"]).Succeeded(); }
        Tool.Result Migrate(params string[] users) => Tool.Quorate(
            ["migrate", "from-etcd", "--from", $"http://{etcd.Endpoint}", "--to", ours.Endpoints, "--until-caught-up", .. users]);
        Assert.Contains("user name is empty", Migrate("--to-user", "root:ours").Error, StringComparison.Ordinal);
        Assert.Contains("user name is empty", Migrate("--from-user", "root:theirs").Error, StringComparison.Ordinal);
        Assert.Contains("permission denied", Migrate("--from-user", "root:theirs", "--to-user", "plain:p").Error, StringComparison.Ordinal);
        Assert.Contains("invalid user ID or password", Migrate("--from-user", "root:ours", "--to-user", "root:ours").Error, StringComparison.Ordinal);
        Migrate("--from-user", "root:theirs", "--to-user", "root:ours").Succeeded();
        Assert.Equal("k\nv\n", Tool.Run(etcdctl, ["--endpoints", ours.Endpoints, "--user", "root:ours", "get", "k"]).Succeeded());
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

    private static (long Hash, long Compacted) HashKv(string etcdctl, string endpoint, long revision)
    {
        string json = Tool.Run(etcdctl, ["--endpoints", endpoint, "endpoint", "hashkv", "--rev", $"{revision}", "-w", "json"]).Succeeded();
        JsonElement hash = JsonDocument.Parse(json).RootElement[0].GetProperty("HashKV");
        return (hash.GetProperty("hash").GetInt64(), hash.GetProperty("compact_revision").GetInt64());
    }

    // Each change of the past as a watch tells it.
    private static async Task<List<string>> Changes(EtcdGrpcClient client, long from, long to)
    {
        var changes = new List<string>();
        await using EtcdGrpcStream<WatchRequest, WatchResponse> stream = client.OpenStream(EtcdMethods.Watch, endpoint: 0, requireLeader: false);
        await stream.WriteAsync(new WatchRequest
        {
            CreateRequest = new WatchCreateRequest { Key = ByteString.CopyFrom(0), RangeEnd = ByteString.CopyFrom(0), StartRevision = from, PrevKv = true },
        });
        while (await stream.ReadAsync() is { } response)
        {
            changes.AddRange(response.Events.Select(change => change.ToString()));
            if (response.Events.Count > 0 && response.Events[^1].Kv.ModRevision >= to) { break; }
        }

        return changes;
    }

    // What a server is started with, as far as restore takes it.
    private static IEnumerable<string> RestoreFlags(ServerProcess server)
    {
        string[] taken = ["--name", "--data-dir", "--initial-cluster", "--initial-cluster-token", "--initial-advertise-peer-urls"];
        for (int i = 0; i + 1 < server.Arguments.Count; i++)
        {
            if (!taken.Contains(server.Arguments[i])) { continue; }
            yield return server.Arguments[i];
            yield return server.Arguments[i + 1];
        }
    }

    private static IEnumerable<string> Records(RangeResponse range) => range.Kvs.Select(kv => kv.ToString());

    private static RangeRequest All() => new() { Key = ByteString.CopyFrom(0), RangeEnd = ByteString.CopyFrom(0) };

    private static IEnumerable<(ByteString, ByteString, long)> Contents(RangeResponse range) => range.Kvs.Select(kv => (kv.Key, kv.Value, kv.Lease));
}
