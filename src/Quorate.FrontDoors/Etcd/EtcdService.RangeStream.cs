using Quorate.Core;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;

namespace Quorate.FrontDoors.Etcd;

// etcdserverpb.KV/RangeStream: a range of any size in bounded memory.
internal sealed partial class EtcdService
{
    // Keys and values of one response; one record may be larger.
    private const int PageBytes = 256 * 1024;

    /// <remarks>
    /// All pages are of the revision of the first. No view is held while the client reads: a compaction in between ends the
    /// stream with "compacted", as in etcd.
    /// </remarks>
    public async ValueTask<EtcdError?> RangeStream(IEtcdStream stream, EtcdCall call)
    {
        StreamRead read = await stream.ReadAsync(call.Stop).ConfigureAwait(false);
        if (read.Request is not RangeRequest request) { return read.Error ?? EtcdErrors.CutShort; }
        RangeQuery query = EtcdMessages.ToQuery(request);
        KvRefusal refusal = RequestChecks.Check(query);
        if (refusal != KvRefusal.None) { return EtcdErrors.Of(refusal); }
        if (query.SortTarget != KvSortTarget.Key || query.SortOrder == KvSortOrder.Descending) { return EtcdErrors.NoSortInStreams; }
        if (query.HasRevisionFilter) { return EtcdErrors.NoFiltersInStreams; }

        ReadLevel level = request.Serializable ? ReadLevel.Local : ReadLevel.Linearizable;
        KvNeeds needs = KvNeeds.Range(query.Key, query.RangeEnd);
        long sent = 0;
        while (true)
        {
            (IReadView? view, EtcdError? error) = await Read(level, call, allowedOnLearner: false, needs).ConfigureAwait(false);
            if (view is null) { return error; }
            RangeResult page;
            bool isLast;
            using (view)
            {
                page = KvQueries.Page(view, query, PageBytes);
                isLast = !page.More || page.Records.Length == query.Limit;
                if (isLast && page.More) { page = page with { Count = page.Count + Rest(view, After(query, page)) }; }
            }

            if (page.Refusal != KvRefusal.None) { return EtcdErrors.Of(page.Refusal); }
            if (!isLast) { sent += page.Count; }
            RangeResponse response = EtcdMessages.ToMessage(page, isLast ? Header(page.Revision) : null);
            response.Count = isLast ? sent + page.Count : 0;
            response.More = isLast && page.More;
            await stream.WriteAsync(new RangeStreamResponse { RangeResponse = response }, call.Stop).ConfigureAwait(false);
            if (isLast) { return null; }

            // This node has that revision, so it need not ask the others again; and whoever may read it may read all of it.
            level = ReadLevel.Local;
            needs = KvNeeds.Nothing;
            query = After(query, page);
        }
    }

    private static RangeQuery After(in RangeQuery query, in RangeResult page) => query with
    {
        Key = (byte[])[.. page.Records[^1].Key.Span, 0],
        Revision = page.Revision,
        Limit = query.Limit <= 0 ? 0 : query.Limit - page.Records.Length,
    };

    private static long Rest(IReadView view, in RangeQuery query) =>
        KvQueries.Range(view, query with { Limit = 0, CountOnly = true }).Count;
}
