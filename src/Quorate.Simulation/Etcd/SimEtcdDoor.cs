using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Simulation.Etcd;

/// <summary>The etcd API over one shard, on every node of a cluster.</summary>
internal sealed class SimEtcdDoor
{
    public SimEtcdDoor(SimCluster cluster, ShardId shard)
    {
        Cluster = cluster;
        Prng random = cluster.StreamFor($"etcd {shard}");
        Servers = [.. cluster.Nodes.Select(node => new SimEtcdServer(cluster, node, shard, random.Split((ulong)node.Index)))];
    }

    public SimCluster Cluster { get; }

    /// <summary>By position of the node.</summary>
    public ImmutableArray<SimEtcdServer> Servers { get; }
}

/// <summary>The connections between clients and nodes, and how often they break. Partitions between nodes do not touch them.</summary>
internal sealed class SimClientLinks
{
    private int _clients;

    /// <summary>Whether a client, by its number, reaches a node, by its position; null if all do.</summary>
    public Func<int, int, bool>? Reaches { get; set; }

    /// <summary>The number of a new client.</summary>
    public int NextClient() => _clients++;

    /// <summary>Requests lost out of 100, with their connection.</summary>
    public int LoseRequestPercent { get; set; }

    /// <summary>Answers lost out of 100, with their connection: the server has acted, and the client does not know.</summary>
    public int LoseAnswerPercent { get; set; }
}
