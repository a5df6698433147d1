using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>etcdctl's verbs of maintenance, on the real etcd and here; a quota that is used up and made room in.</summary>
public sealed class MaintenanceTests : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("quorate-maintenance-").FullName;

    // Goal: the same verbs print the same, HashKV's numbers included. Method: one script for both servers.
    [Fact]
    public void Etcdctl_says_the_same_of_both()
    {
        string etcdctl = Tool.Find("etcdctl");
        string program = Tool.Find("etcd");
        using var etcd = new RealEtcd(program);
        using ClusterProcesses ours = ClusterProcesses.StartReady(1);
        etcd.WaitUntilReady(etcdctl);
        Assert.Equal(Converse(etcdctl, etcd.Endpoint, "etcd"), Converse(etcdctl, ours.Endpoints, "ours"));
    }

    // Goal: over the quota all members refuse with NOSPACE; deleting and compacting gives back space without a defragmentation, and once
    // the alarm is disarmed all take writes again.
    [Fact]
    public async Task A_quota_that_is_used_up_is_refused_everywhere_until_there_is_room()
    {
        const long Quota = 8 * 1024 * 1024;
        string etcdctl = Tool.Find("etcdctl");
        using ClusterProcesses cluster = ClusterProcesses.StartReady(3, "--quota-backend-bytes", $"{Quota}");
        using var client = new KeyValues(cluster.Servers[0]);
        EtcdRpcException? refusal = null;
        for (int i = 0; i < 400 && refusal is null; i++)
        {
            try
            {
                await client.PutAsync($"big/{i}", Google.Protobuf.ByteString.CopyFrom(new byte[60_000]));
            }
            catch (EtcdRpcException e)
            {
                refusal = e;
            }
        }

        Assert.Equal("etcdserver: mvcc: database space exceeded", refusal?.Message);
        foreach (ServerProcess server in cluster.Servers)
        {
            Tool.Result put = Tool.Run(etcdctl, ["--endpoints", $"127.0.0.1:{server.ClientPort}", "put", "small", "1"]);
            Assert.Contains("mvcc: database space exceeded", put.Error, StringComparison.Ordinal);
        }

        Assert.Contains("alarm:NOSPACE", Etcdctl(etcdctl, cluster.Endpoints, "alarm", "list"), StringComparison.Ordinal);
        Etcdctl(etcdctl, cluster.Endpoints, "del", "--prefix", "big/");
        long revision = (await StatusOf(cluster.Servers[0])).Header.Revision;
        Etcdctl(etcdctl, cluster.Endpoints, "compaction", $"{revision}");
        foreach (ServerProcess server in cluster.Servers)
        {
            long size = long.MaxValue;
            for (int i = 0; i < 600 && size > Quota / 4; i++)
            {
                size = (await StatusOf(server)).DbSize;
                await Task.Delay(50);
            }

            Assert.True(size <= Quota / 4, $"{server.Name} has {size} bytes");
        }

        Etcdctl(etcdctl, cluster.Endpoints, "alarm", "disarm");
        Assert.Equal("", Etcdctl(etcdctl, cluster.Endpoints, "alarm", "list"));
        foreach (ServerProcess server in cluster.Servers)
        {
            Assert.Equal("OK\n", Etcdctl(etcdctl, $"127.0.0.1:{server.ClientPort}", "put", "small", "1"));
        }
    }

    public void Dispose() => Directory.Delete(_path, recursive: true);

    private string Converse(string etcdctl, string endpoint, string name)
    {
        var lines = new List<string>();
        void Do(params string[] arguments)
        {
            Tool.Result result = Tool.Run(etcdctl, ["--endpoints", endpoint, .. arguments]);
            lines.Add($"{string.Join(' ', arguments)}: {result.ExitCode} {result.Output}".Replace(endpoint, "ENDPOINT", StringComparison.Ordinal));
        }

        Do("endpoint", "hashkv");
        Do("alarm", "list");
        for (int i = 0; i < 8; i++) { Do("put", $"k{i % 5}", $"{i}"); }
        Tool.Run(etcdctl, ["--endpoints", endpoint, "txn"], "value(\"k0\") = \"5\"\n\nput t yes\ndel k1\n\nput t no\n\n").Succeeded();
        Do("del", "k2");
        Do("endpoint", "hashkv");
        Do("endpoint", "hashkv", "--rev=6");
        Do("compaction", "6", "--physical=true");
        Do("compaction", "3");
        Do("endpoint", "hashkv");
        Do("endpoint", "hashkv", "--rev=8");
        Do("endpoint", "hashkv", "--rev=5");
        Do("defrag");
        Do("alarm", "disarm");
        Do("del", "--prefix", "");
        Do("endpoint", "hashkv");
        string file = Path.Combine(_path, name);
        Tool.Run(etcdctl, ["--endpoints", endpoint, "snapshot", "save", file]).Succeeded();
        lines.Add($"{new FileInfo(file).Length % 512}");
        return string.Join('\n', lines);
    }

    private static string Etcdctl(string etcdctl, string endpoints, params IEnumerable<string> arguments) =>
        Tool.Run(etcdctl, ["--endpoints", endpoints, .. arguments]).Succeeded();

    private static async Task<StatusResponse> StatusOf(ServerProcess server)
    {
        using var client = new EtcdGrpcClient([server.Endpoint]);
        return await client.CallAsync(EtcdMethods.Status, new StatusRequest(), TimeSpan.FromSeconds(10));
    }
}
