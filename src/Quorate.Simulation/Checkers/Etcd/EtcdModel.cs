using Quorate.Simulation.Checkers.Etcd;

namespace Quorate.Simulation.Checkers;

/// <summary>
/// A whole etcd store: puts, deletes, ranges, transactions, compactions and watches, checked in the order of the revisions
/// that the store itself reported.
/// </summary>
/// <remarks>
/// <para>
/// The store is empty and at revision 1 at the first line, and only the recorded clients change it; a lease may end, once. Keys
/// are ordered by code unit, which is etcd's order of bytes below U+D800.
/// </para>
/// <para>Never accuses a history that etcd's promises allow. Accuses every other one if all writes in it were answered; what an unanswered
/// write did is taken from any answer that shows it, and where none does, each answer that could be right is.</para>
/// <para>Costs n log n and the keys that ranges cover. The members of each operation are in this folder's DESIGN.md.</para>
/// </remarks>
internal sealed class EtcdModel : IModel
{
    /// <inheritdoc/>
    public string Name => "etcd";

    /// <inheritdoc/>
    public string About => "an etcd store: each change has one revision, every answer is the store at its revision, watches tell all of it once";

    /// <inheritdoc/>
    public Verdict Check(History history, CheckOptions options)
    {
        EtcdOperation[] operations = EtcdReader.Read(history);
        var findings = new Findings(history, options);
        string[] keys = HistoryKeys.Of(operations);
        UnknownWrite[] unknown = Effects.Unknown(operations);
        var order = new RevisionOrder(operations, findings);
        order.Check(unknown.Select(u => u.Invoked));
        CompactionRules.Check(operations, findings);
        int watches = 0;

        // Without an order that explains every revision, a replay would only repeat in other words what is wrong.
        if (findings.All.Count == 0)
        {
            var table = new StoreTable(keys);
            var sightings = new Sightings(operations, order.Gaps);
            sightings.Pin(unknown, order, findings);
            MarkOpen(table, unknown, order, sightings);
            new StoreReplay(order, sightings, table, findings).Run(operations);
            watches = new WatchRules(table, CompactionRules.Greatest(operations), findings).Check(operations);
        }

        return new Verdict
        {
            Model = Name,
            Operations = operations.Length,
            Unknown = history.Unknown,
            Keys = keys.Length,
            Violations = findings.All,
            Figures = [$"{order.Writes.Length} known revisions", $"{order.Gaps.Count} others", $"{watches} watches"],
        };
    }

    // Any unanswered write that is not pinned may have made any open missing revision by whose deadline it had been asked.
    private static void MarkOpen(StoreTable table, UnknownWrite[] unknown, RevisionOrder order, Sightings sightings)
    {
        long[] open = [.. order.Gaps.Where(g => sightings.MadeBy(g) is null)];
        long[] deadlines = [.. open.Select(order.Deadline)];
        foreach (UnknownWrite write in unknown.Where(u => u.Revision == 0))
        {
            int first = FirstAtLeast(deadlines, write.Invoked);
            if (first == open.Length) { continue; }
            foreach ((string key, string _) in write.Puts()) { table.MayChange(new KeySpan(key, null), open[first], isPut: true); }
            foreach (KeySpan span in write.Deletes()) { table.MayChange(span, open[first], isPut: false); }
        }
    }

    private static int FirstAtLeast(long[] sorted, long value)
    {
        int low = 0;
        int high = sorted.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (sorted[middle] < value) { low = middle + 1; } else { high = middle; }
        }

        return low;
    }
}
