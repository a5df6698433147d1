using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Node.Peers;
using Quorate.Replication;

namespace Quorate.Node;

/// <summary>What a running node needs beside what it is. Read once, when it starts.</summary>
public sealed record NodeRuntimeOptions
{
    /// <summary>Where the node keeps its data; created if it does not exist. One node per directory.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>What the node is.</summary>
    public required NodeConfig Node { get; init; }

    /// <summary>Listening, timers and limits of the links to other nodes.</summary>
    public required PeerOptions Peer { get; init; }

    /// <summary>Where the other nodes listen. The node itself may be among them and is passed over.</summary>
    public ImmutableArray<PeerAddress> Peers { get; init; } = [];

    /// <summary>Threads for long work: flush, compaction, snapshot files. Default: 2; one long compaction must not hold up a flush.</summary>
    public int JobThreads { get; init; } = 2;

    /// <summary>
    /// How long a sync of the log may take, on average, before merges of files give way to requests. Default: 10 ms, above what disks
    /// that are fit for it take. 0: merges are never held up.
    /// </summary>
    public TimeSpan SyncTarget { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>Most requests that wait for the loop; beyond it they are refused as TooBusy. Default: 100,000.</summary>
    public int MaxInboxRequests { get; init; } = 100_000;

    /// <summary>Most bytes of requests that wait for the loop; beyond it they are refused as TooBusy. Default: 64 MiB.</summary>
    public long MaxInboxBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>Most bytes of one command. Default: 16 MiB; doors have lower limits of their own (etcd's is 1.5 MiB).</summary>
    public int MaxCommandBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>
    /// Commands are refused while less than this is free on the disk; on small disks, a tenth of the disk. Default: 256 MiB,
    /// room for some log segments and a flush. 0: never refuse.
    /// </summary>
    public long ReserveBytes { get; init; } = 256L * 1024 * 1024;

    /// <summary>Longest graceful stop: handing leaderships over, finishing jobs, closing. Default: 10 s.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Says what is wrong with these options, in the operator's words. Empty if nothing is.</summary>
    public IEnumerable<string> Problems()
    {
        if (string.IsNullOrWhiteSpace(DataDirectory)) { yield return "dataDirectory is empty; it must name a directory."; }
        if (Node.Node == NodeId.None) { yield return "node.id is 0; it must be any other number."; }
        if (Node.Cluster.Value == 0) { yield return "cluster.id is 0; it must be any other number."; }
        if (Node.TickMilliseconds is < 1 or > 1000)
        {
            yield return $"node.tickMilliseconds is {Node.TickMilliseconds}; it must be from 1 to 1000.";
        }

        if (JobThreads is < 1 or > 64) { yield return $"jobThreads is {JobThreads}; it must be from 1 to 64."; }
        if (MaxInboxRequests < 1) { yield return $"maxInboxRequests is {MaxInboxRequests}; the least is 1."; }
        if (MaxInboxBytes < 64 * 1024) { yield return $"maxInboxBytes is {MaxInboxBytes}; the least is 65536."; }
        if (MaxCommandBytes < 1024 || MaxCommandBytes > Peer.MaxFrameBytes / 2)
        {
            yield return $"maxCommandBytes is {MaxCommandBytes}; it must be from 1024 to half of peer.maxFrameBytes, {Peer.MaxFrameBytes}.";
        }

        if (SyncTarget < TimeSpan.Zero || SyncTarget > TimeSpan.FromMinutes(1)) { yield return $"syncTarget is {SyncTarget}; it must be from 0 to 1 minute."; }
        if (ReserveBytes < 0) { yield return $"reserveBytes is {ReserveBytes}; the least is 0."; }
        if (StopTimeout < TimeSpan.Zero || StopTimeout > TimeSpan.FromHours(1))
        {
            yield return $"stopTimeout is {StopTimeout}; it must be from 0 to 1 hour.";
        }

        foreach (string problem in Node.Raft.Problems().Concat(Node.Wal.Problems()).Concat(Peer.Problems()).Concat(PeerProblems()))
        {
            yield return problem;
        }
    }

    private IEnumerable<string> PeerProblems()
    {
        foreach (IGrouping<NodeId, PeerAddress> same in Peers.GroupBy(static peer => peer.Node))
        {
            if (same.Count() > 1) { yield return $"peers lists {same.Key} {same.Count()} times; once is enough."; }
        }

        foreach (PeerAddress peer in Peers)
        {
            if (peer.Node == NodeId.None) { yield return $"peers lists {peer.Host}:{peer.Port} without a node id."; }
            if (string.IsNullOrWhiteSpace(peer.Host)) { yield return $"peers lists {peer.Node} without a host."; }
            if (peer.Port is < 1 or > 65535) { yield return $"peers lists {peer.Node} with port {peer.Port}; it must be from 1 to 65535."; }
        }
    }
}
