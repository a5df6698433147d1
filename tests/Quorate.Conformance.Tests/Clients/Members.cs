using System.Diagnostics;
using Quorate.Client;

namespace Quorate.Conformance.Tests;

/// <summary>Three members of one kind: ours, or the real etcd of the distribution. The client must not see the difference.</summary>
internal static class Members
{
    public const string Ours = "quorate";
    public const string Etcds = "etcd";

    public static ClusterProcesses Start(string kind, int count)
    {
        string? etcd = kind == Etcds ? Tool.Find("etcd") : null;
        var cluster = new ClusterProcesses(count);
        foreach (ServerProcess server in cluster.Servers)
        {
            if (etcd is not null) { server.Launch = start => Process.Start(InsteadOfOurs(start, etcd))!; }
        }

        cluster.StartAll();
        return cluster;
    }

    public static QuorateClient Client(this ClusterProcesses cluster) => new([.. cluster.Servers.Select(static server => server.Endpoint.ToString())]);

    // "dotnet quorate.dll etcd FLAGS": the flags are etcd's own.
    private static ProcessStartInfo InsteadOfOurs(ProcessStartInfo start, string etcd)
    {
        start.FileName = etcd;
        start.ArgumentList.RemoveAt(0);
        start.ArgumentList.RemoveAt(0);
        return start;
    }
}
