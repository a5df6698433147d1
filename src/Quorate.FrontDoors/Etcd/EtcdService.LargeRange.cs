using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Node;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;

namespace Quorate.FrontDoors.Etcd;

// A range whose answer is large: it goes out page by page, so that no more than a page of it is in memory.
internal sealed partial class EtcdService
{
    // Keys and values up to which an answer is made whole; beyond, its rest is walked twice, to measure and to send it.
    private const long WholeAnswerBytes = 4 * 1024 * 1024;

    /// <remarks>
    /// As in a stream no view is held while the client reads. All pages are of one revision, so what was measured stays true; a compaction
    /// of that revision in between cuts the answer.
    /// </remarks>
    private EtcdParts InParts(in RangeQuery query, in RangeResult head, RangeRest rest, ResponseHeader header, EtcdCall call)
    {
        RangeResponse first = EtcdMessages.ToMessage(head with { More = false, Count = 0 }, header);
        var last = new RangeResponse { More = head.More, Count = head.Count };
        RangeQuery next = After(query with { Limit = 0 }, head) with
        {
            Revision = query.Revision <= 0 ? head.Revision : query.Revision,
            Limit = rest.Records,
        };
        return new EtcdParts(first.CalculateSize() + rest.EncodedBytes + last.CalculateSize(), Parts(first, next, last, call));
    }

    private async IAsyncEnumerable<IMessage> Parts(RangeResponse first, RangeQuery next, RangeResponse last, EtcdCall call)
    {
        yield return first;
        while (next.Limit > 0)
        {
            ReadResult read = await _node.ReadAsync(_shard, ReadLevel.Local, call.Stop).ConfigureAwait(false);
            if (read.View is null) { throw new AnswerCutException($"no view of the rest of a range: {read.Outcome}"); }
            RangeResult page;
            using (read.View) { page = KvQueries.Page(read.View, next, PageBytes); }
            if (page.Records.IsDefaultOrEmpty)
            {
                throw new AnswerCutException($"the rest of a range cannot be read: {page.Refusal}");
            }

            next = After(next, page);
            yield return EtcdMessages.ToMessage(page with { More = false, Count = 0 }, header: null);
        }

        yield return last;
    }

    /// <summary>Counts what the rest of an answer takes as the repeated field <c>kvs</c>.</summary>
    private sealed class RangeRest : IRecordMeter
    {
        public long Records { get; private set; }

        public long EncodedBytes { get; private set; }

        // Tags of the fields up to 15 take a byte.
        public void Add(int keyBytes, int valueBytes, in KeyValueRecord record)
        {
            long size = OfBytes(keyBytes) + OfNumber(record.CreateRevision) + OfNumber(record.ModRevision) + OfNumber(record.Version)
                + OfBytes(valueBytes) + OfNumber(record.Lease);
            Records++;
            EncodedBytes += 1 + CodedOutputStream.ComputeInt64Size(size) + size;
        }

        private static long OfBytes(int length) => length == 0 ? 0 : 1 + CodedOutputStream.ComputeLengthSize(length) + length;

        private static long OfNumber(long number) => number == 0 ? 0 : 1 + CodedOutputStream.ComputeInt64Size(number);
    }
}
