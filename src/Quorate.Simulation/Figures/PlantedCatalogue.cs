using System.Collections.Immutable;

namespace Quorate.Simulation.Figures;

/// <summary>A kind of bug that the nets must catch.</summary>
/// <param name="Row">Its number.</param>
/// <param name="What">In a few words.</param>
/// <param name="Missing">Why it cannot be planted yet; null if it can.</param>
public sealed record PlantedRow(int Row, string What, string? Missing = null);

/// <summary>The kinds of bugs that a suite of planted bugs must have: each has cost somebody's system its promises.</summary>
public static class PlantedCatalogue
{
    /// <summary>In order.</summary>
    public static ImmutableArray<PlantedRow> All { get; } =
    [
        new(1, "a write is acknowledged before its sync"),
        new(2, "a write is acknowledged before a majority has it"),
        new(3, "term or vote are not made durable"),
        new(4, "an entry of an earlier term is committed by counting"),
        new(5, "a linearizable read asks nobody, or is answered by what was asked before"),
        new(6, "a leader's lease ignores that clocks drift"),
        new(7, "a node that lost its disk votes"),
        new(8, "the torn end of the log is read as data"),
        new(9, "damage in the middle of the log is taken for its torn end"),
        new(10, "a file gets its name, or its directory's, without a sync"),
        new(11, "retried commands are not recognized, or no longer after a restart or a snapshot"),
        new(12, "an installed snapshot keeps what was there before, or replaces what is newer"),
        new(13, "a watch misses events during a compaction"),
        new(14, "a progress notice comes before its events"),
        new(15, "a transaction's lock is lost when the leader changes", "transactions are of one shard and need no locks"),
        new(16, "a read timestamp is ahead of the closed time", "no reads at timestamps yet"),
        new(17, "a split loses the writes in flight", "shards do not split yet"),
        new(18, "a producer's epoch is not checked", "no log service yet"),
        new(19, "an offset is used again after the leader changed", "no log service yet"),
        new(20, "a time to live by the wall clock"),
        new(21, "a failed sync is swallowed, or tried again"),
        new(22, "an AppendEntries that comes twice is applied twice"),
    ];
}
