using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>Reads of a view. What they return is copied out of it, and good after the view is disposed.</summary>
/// <remarks>Any thread, each view on one. As linearizable as the view is: it is taken as the state of now.</remarks>
public static class KvQueries
{
    /// <summary>The newest revision: 1 on a new store, then one more for each write that changed something.</summary>
    public static long CurrentRevision(IStoreReader view) => KvMeta.Read(view).Current;

    /// <summary>The oldest revision that can be read; -1 as long as nothing was compacted.</summary>
    public static long CompactedRevision(IStoreReader view) => KvMeta.Read(view).Compacted;

    /// <summary>
    /// No change of this revision or a later one is missing in a view, and every state since it can be read: it is at most
    /// <see cref="CompactedRevision"/>, and less as long as files only know of an earlier compaction.
    /// </summary>
    public static long DroppedBelow(IReadView view)
    {
        ArgumentNullException.ThrowIfNull(view);
        return CompactedRevision(view.Flushed);
    }

    /// <summary>The hash of the history up to a revision: etcd's HashKV. Walks all versions.</summary>
    /// <param name="view">The state.</param>
    /// <param name="revision">0 or less: the current one.</param>
    /// <returns>With a refusal if the revision is below the compacted one, or does not exist yet.</returns>
    public static (KvRefusal Refusal, KvHash Hash) HashHistory(IStoreReader view, long revision)
    {
        KvMeta meta = KvMeta.Read(view);
        if (revision > meta.Current) { return (KvRefusal.FutureRevision, default); }
        if (revision > 0 && revision < meta.Compacted) { return (KvRefusal.Compacted, default); }
        if (revision <= 0) { revision = meta.Current; }
        return (KvRefusal.None, new KvHash(KvHistoryHash.Compute(view, revision, meta.Compacted), meta.Compacted, revision));
    }

    /// <summary>The hash of all that replicas must agree on, leases and alarms too. Walks everything.</summary>
    public static ulong HashState(IStoreReader view) => KvStateHash.Compute(view);

    /// <summary>The alarms that are raised, by type and then by member.</summary>
    public static ImmutableArray<KvAlarm> Alarms(IStoreReader view) => AlarmStore.ReadAll(view);

    /// <summary>Reads one key or a range of keys, as of a revision.</summary>
    /// <param name="view">The state.</param>
    /// <param name="query">The record of a single key refers to the memory of <see cref="RangeQuery.Key"/>.</param>
    /// <returns>With a refusal if <see cref="RequestChecks"/> refuses or the revision cannot be read.</returns>
    public static RangeResult Range(IStoreReader view, in RangeQuery query)
    {
        KvMeta meta = KvMeta.Read(view);
        KvRefusal refusal = RequestChecks.Check(query);
        return refusal == KvRefusal.None
            ? RangeReader.Read(view, query, meta.Current, meta.Compacted)
            : new RangeResult([], More: false, Count: 0, meta.Current, refusal);
    }

    /// <summary>As <see cref="Range"/>, but copies only the first records of a large answer, and measures the others.</summary>
    /// <param name="view">The state.</param>
    /// <param name="query">As of <see cref="Range"/>.</param>
    /// <param name="maxBytes">Bytes of keys and values after which nothing more is copied.</param>
    /// <param name="beyond">Is told of each record of the answer that was not copied; to be read by <see cref="Page"/>.</param>
    /// <returns>
    /// More and Count are of the whole answer. What is sorted is copied whole, or refused if it is more than 64 times <paramref name="maxBytes"/>.
    /// </returns>
    public static RangeResult RangeHead(IStoreReader view, in RangeQuery query, long maxBytes, IRecordMeter beyond)
    {
        KvMeta meta = KvMeta.Read(view);
        KvRefusal refusal = RequestChecks.Check(query);
        return refusal == KvRefusal.None
            ? RangeReader.Read(view, query, meta.Current, meta.Compacted, maxBytes, beyond)
            : new RangeResult([], More: false, Count: 0, meta.Current, refusal);
    }

    /// <summary>Reads the first part of a range, in order of key, and does not look at the rest.</summary>
    /// <param name="view">The state.</param>
    /// <param name="query">Not sorted.</param>
    /// <param name="maxBytes">Most bytes of keys and values; a first record that is larger comes alone.</param>
    /// <returns>
    /// <see cref="RangeResult.Count"/> is of what was read, <see cref="RangeResult.More"/> tells of the rest, and
    /// <see cref="RangeResult.Revision"/> is the one read at. With a refusal as <see cref="Range"/>.
    /// </returns>
    public static RangeResult Page(IStoreReader view, in RangeQuery query, long maxBytes)
    {
        KvMeta meta = KvMeta.Read(view);
        KvRefusal refusal = RequestChecks.Check(query);
        return refusal == KvRefusal.None
            ? RangeReader.ReadPage(view, query, meta.Current, meta.Compacted, maxBytes)
            : new RangeResult([], More: false, Count: 0, meta.Current, refusal);
    }

    /// <summary>Runs a transaction that only reads.</summary>
    /// <param name="view">The state; ranges and conditions see the same one.</param>
    /// <param name="txn">Must be <see cref="KvCommand.Txn.IsReadOnly"/>: the others change the state and go through the log.</param>
    /// <returns><see cref="KvReply.Txn"/>, or <see cref="KvReply.Refused"/>; duplicates and lengths are not checked here.</returns>
    public static KvReply Txn(IStoreReader view, KvCommand.Txn txn)
    {
        var reply = new ByteWriter();
        new TxnRun(view, KvMeta.Read(view), writer: null).Run(txn, reply);
        bool isReply = KvReply.TryDecode(reply.WrittenMemory, out KvReply? decoded);
        Invariant.Holds(isReply && decoded is not null, $"{reply.Length} bytes");
        return decoded;
    }
}
