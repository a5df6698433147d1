// Goal: members whose data differs are found by comparing them, and are mended, though every checksum is right; and so is damage that a
// client's read meets.
using System.Text;
using Google.Protobuf;
using Quorate.Conformance.Tests.Faults;
using Quorate.Core;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Node.Files;
using Quorate.StateMachines;
using Quorate.Storage.Engine;
using Xunit;

namespace Quorate.Conformance.Tests;

public sealed class CorruptCheckTests
{
    private const string Prefix = "check/";
    private const int Keys = 120;
    private const int Changed = 10;

    private static readonly EtcdMethod<HashKVRequest, HashKVResponse> HashKV =
        new("/etcdserverpb.Maintenance/HashKV", HashKVResponse.Parser, static _ => true);

    // Method: the third member is stopped, and a value in its store is replaced by another one, by the product's own engine, so that all
    // checksums fit. It serves the wrong value, until the members are compared.
    [Fact]
    public async Task A_member_whose_data_was_changed_is_found_and_filled_anew()
    {
        using ClusterProcesses cluster = NewCluster("--corrupt-check-time", "3s");
        cluster.StartAll();
        ServerProcess changed = cluster.Servers[2];
        using var client = new KeyValues(cluster.Servers[0]);
        await client.PutManyAsync(Prefix, 1, Keys);
        await WaitForTablesAsync(cluster.DataDirectoryOf(2));
        changed.Stop();
        Assert.Equal(1, ChangeValue(cluster.DataDirectoryOf(2), KeyValues.Key(Prefix, Changed)));

        changed.Start();
        changed.WaitForLog("state-differs");
        changed.WaitForLog("replica-damaged");
        changed.WaitForLog("replica-healed");
        await client.PutManyAsync("after/", 1, 20);
        changed.WaitUntilReady();
        using var third = new KeyValues(changed);
        await third.ExpectManyAsync(Prefix, 1, Keys);
        await third.ExpectManyAsync("after/", 1, 20);
        Assert.Single((await HistoriesAsync(cluster)).Distinct());
        Assert.Contains("\nquorate_replica_repairs_total 1\n", await PageAsync(changed), StringComparison.Ordinal);

        // The others have seen it too, and have nothing to mend; and nobody raised an alarm.
        cluster.Servers[0].WaitForLog("state-differs");
        Assert.Contains("\nquorate_replica_check_mismatches_total 1\n", await PageAsync(cluster.Servers[0]), StringComparison.Ordinal);
        Assert.Contains("\nquorate_replica_repairs_total 0\n", await PageAsync(cluster.Servers[0]), StringComparison.Ordinal);
        await client.PutAsync("last", "is taken");
        FaultRecord.Book("D18", "service");
    }

    // Method: without comparisons by time, those that are logged come from the start, and from a compaction.
    [Fact]
    public async Task Members_are_compared_at_the_start_and_after_a_compaction()
    {
        using ClusterProcesses cluster = NewCluster(
            "--corrupt-check-time", "0", "--initial-corrupt-check", "--compact-hash-check", "--compact-hash-check-time", "1s");
        cluster.StartAll();
        foreach (ServerProcess server in cluster.Servers) { server.WaitForLog("state-agreed"); }
        using (var client = new KeyValues(cluster.Servers[0])) { await client.PutManyAsync(Prefix, 1, 20); }
        await Task.Delay(2_000); // What was begun by the starts has ended.
        int[] before = [.. cluster.Servers.Select(server => server.Log.Length)];
        using var compactor = new EtcdGrpcClient([cluster.Servers[0].Endpoint]);
        await compactor.CallAsync(EtcdMethods.Compact, new CompactionRequest { Revision = 10 }, TimeSpan.FromSeconds(10));
        for (int i = 0; i < before.Length; i++) { cluster.Servers[i].WaitForLog("state-agreed", before[i]); }
        Assert.DoesNotContain(cluster.Servers, server => server.Log.Contains("state-differs", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_read_of_a_damaged_block_starts_the_mending()
    {
        using ClusterProcesses cluster = NewCluster("--corrupt-check-time", "0", "--scrub-bytes-per-second", "0");
        cluster.StartAll();
        ServerProcess damaged = cluster.Servers[2];
        using var client = new KeyValues(cluster.Servers[0]);
        for (int i = 1; i <= 60; i++) { await client.PutAsync(KeyValues.Key("bulk/", i), i + new string('x', 4000)); }
        await WaitForTablesAsync(cluster.DataDirectoryOf(2));
        damaged.Stop();
        FlipInBlockOf(cluster.DataDirectoryOf(2), "17xxxx");
        damaged.Start();
        damaged.WaitUntilReady();
        using (var reader = new EtcdGrpcClient([damaged.Endpoint]))
        {
            var read = new RangeRequest { Key = ByteString.CopyFromUtf8(KeyValues.Key("bulk/", 17)), Serializable = true };
            EtcdRpcException refusal = await Assert.ThrowsAsync<EtcdRpcException>(() => reader.CallAsync(EtcdMethods.Range, read, TimeSpan.FromSeconds(10)));
            Assert.Contains("corrupt", refusal.Message, StringComparison.Ordinal);
        }

        damaged.WaitForLog("replica-damaged");
        damaged.WaitForLog("replica-healed");
        using var third = new KeyValues(damaged);
        Assert.Equal(17 + new string('x', 4000), await third.GetAsync(KeyValues.Key("bulk/", 17)));
        FaultRecord.Book("D9", "service");
    }

    private static ClusterProcesses NewCluster(params string[] arguments) => new(
        3, "start", Directory.CreateTempSubdirectory("quorate-conformance-").FullName,
        ["--snapshot-count", "50", "--wal-segment-bytes", "1048576", .. arguments]);

    // Versions of a key: 02 and the key, then which one it is. Values end with the key's.
    private static int ChangeValue(string dataDirectory, string key)
    {
        IStateMachine machine = Catalog.KeyValue.Create();
        var files = new RealFileSystem(dataDirectory);
        string generation = Directory.EnumerateDirectories(Path.Combine(dataDirectory, "shards", "1"), "gen-*").Single();
        using StorageEngine engine = StorageEngine.Open(
            files, $"shards/1/{Path.GetFileName(generation)}", new EngineOptions(),
            new EngineKeys(bytes => bytes[0] == 0 ? bytes.Length : machine.FilterPrefixLength(bytes), machine.CreateCompactionFilter));
        byte[] prefix = [2, .. Encoding.UTF8.GetBytes(key)];
        var found = new List<(byte[] Key, byte[] Value)>();
        using (ICursor versions = engine.OpenCursor(prefix, [.. prefix, 0xFF]))
        {
            for (bool isValid = versions.SeekFirst(); isValid; isValid = versions.Next()) { found.Add((versions.Key.ToArray(), versions.Value.ToArray())); }
        }

        foreach ((byte[] version, byte[] value) in found)
        {
            value[^1] ^= 1;
            engine.Put(version, value);
        }

        engine.Publish(engine.Applied);
        engine.RequestFlush();
        while (engine.NextJob() is { } job)
        {
            job.Run();
            engine.Complete(job, failed: false);
        }

        return found.Count;
    }

    private static async Task WaitForTablesAsync(string directory)
    {
        for (int i = 0; i < 200 && Tables(directory).Length == 0; i++) { await Task.Delay(50); }
        Assert.NotEmpty(Tables(directory));
    }

    private static string[] Tables(string directory) => Directory.GetFiles(directory, "*.sst", SearchOption.AllDirectories);

    private static void FlipInBlockOf(string directory, string text)
    {
        foreach (string table in Tables(directory))
        {
            byte[] bytes = File.ReadAllBytes(table);
            int at = bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text));
            if (at < 0) { continue; }
            bytes[at + 1_000] ^= 0x10;
            File.WriteAllBytes(table, bytes);
            return;
        }

        Assert.Fail($"'{text}' is in no table of {directory}");
    }

    // As of the revision that all have.
    private static async Task<uint[]> HistoriesAsync(ClusterProcesses cluster)
    {
        var hashes = new List<uint>();
        long revision = 0;
        foreach (ServerProcess server in cluster.Servers)
        {
            using (var keys = new KeyValues(server)) { await keys.GetAsync("anything"); } // It has applied what the first one had.
            using var client = new EtcdGrpcClient([server.Endpoint]);
            HashKVResponse hash = await client.CallAsync(HashKV, new HashKVRequest { Revision = revision }, TimeSpan.FromSeconds(10));
            revision = hash.HashRevision;
            hashes.Add(hash.Hash);
        }

        return [.. hashes];
    }

    private static async Task<string> PageAsync(ServerProcess server)
    {
        using var http = new HttpClient();
        return await http.GetStringAsync(new Uri(server.Endpoint, "/metrics"));
    }
}
