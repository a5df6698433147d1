using System.Collections.Immutable;

namespace Quorate.Simulation.Figures;

/// <summary>A kind of fault that a cluster should survive.</summary>
/// <param name="Row">Its name everywhere: in records, in <see cref="SimCluster.Struck"/>, in the table of figures.</param>
/// <param name="What">What goes wrong.</param>
/// <param name="Missing">Why it cannot be tried, or is not survived yet; null if nothing stands in the way. Not shown once a run counts.</param>
/// <param name="Limit">What the runs that count do not demand; null if they demand all that others do.</param>
public sealed record FaultRow(string Row, string What, string? Missing = null, string? Limit = null);

/// <summary>All kinds of faults that count: those that databases were broken by, whether they are tried here or not.</summary>
public static class FaultCatalogue
{
    /// <summary>In the order of the table: processes, network, clocks, disks, operators, clients, load, strangers, several at once.</summary>
    public static ImmutableArray<FaultRow> All { get; } =
    [
        new("P1", "a process is killed, and comes back"),
        new("P2", "most processes are killed, or all at once"),
        new("P3", "a crash at any write, sync, rename or creation"),
        new("P4", "a process stands still for seconds, and goes on as if nothing had been"),
        new("P5", "a crash while it recovers from a crash, again and again"),
        new("P6", "a node has a tenth of its processor"),
        new("P7", "memory runs out, and the kernel kills the process"),
        new("P8", "a thread of a process hangs for ever"),
        new("P9", "a process has no file descriptor left"),
        new("P10", "graceful stops and restarts, one node after another"),
        new("N1", "a partition into two groups"),
        new("N2", "each node sees another majority, or one node is the only bridge"),
        new("N3", "a link is cut in one direction only"),
        new("N4", "the leader is cut off, alone or together with clients"),
        new("N5", "links go up and down all the time"),
        new("N6", "delays that differ by link and time, with a tail of seconds"),
        new("N7", "up to a third of all frames is lost"),
        new("N8", "frames come twice, and in another order"),
        new("N9", "bits flip on the way"),
        new("N10", "a connection breaks in the middle of a frame"),
        new("N11", "a link is so slow that its buffers are always full"),
        new("N12", "a peer has a new address, or something else answers at its old one"),
        new("N13", "what an earlier life of a node had sent arrives late"),
        new("C1", "the wall clock jumps by an hour, or back and forth"),
        new("C2", "clocks run at different rates"),
        new("C3", "time has passed while the machine slept"),
        new("C4", "the wall clock is wrong when a node starts"),
        new("D1", "what was not synced is gone after a power cut"),
        new("D2", "a write is torn: some of its sectors are there, some are not"),
        new("D3", "of un-synced writes the later one is there, the earlier is not"),
        new("D4", "a creation, rename or deletion is undone, since the directory was not synced"),
        new("D5", "a sync fails"),
        new("D6", "a read or write fails"),
        new("D7", "the disk is full"),
        new("D8", "the disk becomes read-only, or takes no new file"),
        new("D9", "stored bits flip on one node", Limit: "tables are mended from the other nodes; where the log is damaged the node stays down"),
        new("D10", "stored bits flip on all nodes, in places that do not overlap", Limit: "nodes may halt, and never lie"),
        new("D11", "a write or read goes to the wrong place"),
        new("D12", "a file is cut off, zeroed at its end, or gone"),
        new("D13", "a node comes back with an empty disk under its old name", Limit: "a minority; it is heard no more until it is replaced"),
        new("D14", "a node comes back with an old copy of its disk", Limit: "a minority; all others can be asked within five election timeouts"),
        new("D15", "the disk stands still for seconds"),
        new("D16", "the disk is slow all the time"),
        new("D17", "two processes use one data directory"),
        new("D18", "a replica's state changes, and all its checksums are right", Limit: "one replica at a time, found when members are compared"),
        new("O1", "members are added, removed and replaced under load"),
        new("O2", "the leader is removed; members are removed one right after another"),
        new("O3", "shards are split, merged and moved", "shards do not split yet"),
        new("O4", "a rolling upgrade, with two versions at the same time", "there is one version so far"),
        new("O5", "a snapshot is sent, and interrupted"),
        new("O6", "wrong settings: an id used twice, another cluster's id"),
        new("O7", "compaction and cleaning up race everything else"),
        new("K1", "a client hears no answer and asks again"),
        new("K2", "a client dies while it holds something"),
        new("K3", "a watch breaks and resumes at a revision that is gone"),
        new("K4", "consumers come and go all the time", "there are no consumer groups yet"),
        new("K5", "a client asks the wrong shard", "clients do not choose shards yet"),
        new("L1", "ten times more requests than can be served, with retries"),
        new("L2", "one key is hot; values and ranges are huge"),
        new("L3", "thousands connect at once, or sit there idle"),
        new("S1", "bytes that are no protocol, on every port"),
        new("S2", "a stranger plays a peer, or repeats what a peer said"),
        new("X1", "two or more of these at once"),
    ];
}
