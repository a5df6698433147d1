using System.Collections.Immutable;

namespace Quorate.Core;

/// <summary>What a replica says of its state in a check.</summary>
/// <param name="Replica">The replica.</param>
/// <param name="Generation">Which of its sets of files it was: what it says does not hold for files that have replaced them.</param>
/// <param name="Hash">Of its state as of the entry that began the check.</param>
public readonly record struct StateReport(ReplicaId Replica, int Generation, ulong Hash);

/// <summary>
/// A comparison of a shard's replicas: each hashes its state as of one entry of the log, at which all that follow the log have the same.
/// </summary>
/// <param name="At">The entry. No two checks have the same.</param>
/// <param name="Format">How the state is hashed; only a build that knows this way takes part.</param>
/// <param name="Voters">The shard's voters as of that entry: they decide.</param>
/// <param name="Reports">What replicas have said so far, at most once each, in the order of the log.</param>
public sealed record StateCheck(LogIndex At, int Format, ImmutableArray<ReplicaId> Voters, ImmutableArray<StateReport> Reports)
{
    /// <summary>The hash that a majority of the voters has, so the right one; null as long as there is none.</summary>
    public ulong? Agreed => Majority(Voters, Reports);

    /// <summary>True once all voters have reported, and no hash has a majority: nobody can tell who is wrong.</summary>
    public bool IsUndecided => Agreed is null && !Voters.IsEmpty && Voters.All(Has);

    /// <summary>The reports that differ from the hash agreed on.</summary>
    public IEnumerable<StateReport> Wrong => Reports.Where(report => Agreed is { } agreed && report.Hash != agreed);

    /// <summary>True if the replica has reported.</summary>
    public bool Has(ReplicaId replica) => Reports.Any(report => report.Replica == replica);

    private static ulong? Majority(ImmutableArray<ReplicaId> voters, ImmutableArray<StateReport> reports)
    {
        foreach (IGrouping<ulong, StateReport> same in reports.Where(report => voters.Contains(report.Replica)).GroupBy(report => report.Hash))
        {
            if (2 * same.Count() > voters.Length) { return same.Key; }
        }

        return null;
    }
}

/// <summary>Hashes a state step by step, so that no other work waits for a large one. One use.</summary>
public interface IStateHasher
{
    /// <summary>The hash, once a step has said that it was the last.</summary>
    ulong Value { get; }

    /// <summary>Goes on. Steps may be on different threads, one after the other.</summary>
    /// <param name="store">The same unchanged state for each step.</param>
    /// <param name="bytes">How much of it to read, about.</param>
    /// <returns>True if all is read.</returns>
    bool Step(IStoreReader store, long bytes);
}

/// <summary>
/// How the replicas of a machine's shard are compared. Checks begin and are reported by commands of the machine, so all replicas
/// gather the same reports; what to do about them is the host's business.
/// </summary>
public interface IStateChecks
{
    /// <summary>The check that was begun last; another object whenever it has changed. Null if there was none.</summary>
    StateCheck? Last { get; }

    /// <summary>The way in which this build hashes; see <see cref="StateCheck.Format"/>.</summary>
    int Format { get; }

    /// <summary>The command that begins a check, in place of the last one: the entry that it is applied with is <see cref="StateCheck.At"/>.</summary>
    ReadOnlyMemory<byte> Begin();

    /// <summary>The command that adds a report. It changes nothing if another check was begun since, or the replica has reported.</summary>
    ReadOnlyMemory<byte> Report(LogIndex at, StateReport report);

    /// <summary>Begins to hash a state in the way of <see cref="Format"/>.</summary>
    IStateHasher NewHasher();
}
