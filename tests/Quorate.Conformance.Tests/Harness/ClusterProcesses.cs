using System.Collections.Immutable;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Conformance.Tests;

/// <summary>A cluster of real processes on loopback, in a directory that is deleted with it.</summary>
internal sealed class ClusterProcesses : IDisposable
{
    public ClusterProcesses(int count, params string[] extraArguments)
        : this(count, "etcd", Directory.CreateTempSubdirectory("quorate-conformance-").FullName, extraArguments)
    {
    }

    /// <summary>A cluster that is not started yet.</summary>
    /// <param name="count">How many servers.</param>
    /// <param name="verb"><c>etcd</c>, or <c>start</c> for settings that etcd does not have.</param>
    /// <param name="dataDirectory">Holds the servers' data directories; deleted at the end.</param>
    /// <param name="extraArguments">Flags for each of them.</param>
    public ClusterProcesses(int count, string verb, string dataDirectory, params string[] extraArguments)
        : this(count, verb, dataDirectory, _ => extraArguments)
    {
    }

    /// <summary>The same, with flags that differ from server to server.</summary>
    public ClusterProcesses(int count, string verb, string dataDirectory, Func<int, IEnumerable<string>> extraArguments)
    {
        DataDirectory = dataDirectory;
        int[] ports = ServerProcess.FreePorts(2 * count);
        string cluster = string.Join(',', Enumerable.Range(0, count).Select(i => $"n{i}=http://127.0.0.1:{ports[count + i]}"));
        Servers =
        [
            .. Enumerable.Range(0, count).Select(i => new ServerProcess(
                $"n{i}", ports[i], ports[count + i],
                [
                    verb, "--name", $"n{i}", "--data-dir", DataDirectoryOf(i),
                    "--listen-client-urls", $"http://127.0.0.1:{ports[i]}", "--advertise-client-urls", $"http://127.0.0.1:{ports[i]}",
                    "--listen-peer-urls", $"http://127.0.0.1:{ports[count + i]}",
                    "--initial-advertise-peer-urls", $"http://127.0.0.1:{ports[count + i]}",
                    "--initial-cluster", cluster, "--initial-cluster-token", "conformance", "--initial-cluster-state", "new",
                    .. extraArguments(i),
                ])),
        ];
    }

    public string DataDirectory { get; }

    public ImmutableArray<ServerProcess> Servers { get; }

    /// <summary>All client URLs, as etcdctl's --endpoints takes them.</summary>
    public string Endpoints => string.Join(',', Servers.Select(server => $"127.0.0.1:{server.ClientPort}"));

    public static ClusterProcesses StartReady(int count, params string[] extraArguments)
    {
        var cluster = new ClusterProcesses(count, extraArguments);
        cluster.StartAll();
        return cluster;
    }

    public void StartAll()
    {
        foreach (ServerProcess server in Servers)
        {
            if (!server.IsRunning) { server.Start(); }
        }

        foreach (ServerProcess server in Servers) { server.WaitUntilReady(); }
    }

    public string DataDirectoryOf(int server) => Path.Combine(DataDirectory, $"n{server}");

    /// <summary>The server that the others take for the leader.</summary>
    public async Task<ServerProcess> FindLeaderAsync()
    {
        for (int attempt = 0; attempt < 200; attempt++)
        {
            foreach (ServerProcess server in Servers.Where(server => server.IsRunning))
            {
                using var client = new EtcdGrpcClient([server.Endpoint]);
                try
                {
                    StatusResponse status = await client.CallAsync(EtcdMethods.Status, new StatusRequest(), TimeSpan.FromSeconds(2));
                    if (status.Leader == status.Header.MemberId && status.Leader != 0) { return server; }
                }
                catch (EtcdRpcException)
                {
                    // It is starting, or going down; the next one may know.
                }
            }

            await Task.Delay(50);
        }

        throw new InvalidOperationException(
            "no leader after 10 s\n" + string.Join('\n', Servers.Select(server => server.Name + ":\n" + server.Log)));
    }

    public void Dispose()
    {
        foreach (ServerProcess server in Servers) { server.Dispose(); }
        Directory.Delete(DataDirectory, recursive: true);
    }
}
