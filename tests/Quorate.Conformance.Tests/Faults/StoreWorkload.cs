using System.Globalization;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>Clients that use the store as a whole: ranges, old revisions, transactions on several keys, deletes, compactions.</summary>
internal sealed class StoreWorkload
{
    private const int KeyCount = 12;

    private long _values;
    private long _greatestRevision;

    /// <summary>One operation. The client says whether it can be used again.</summary>
    public async Task StepAsync(RecordedClient client, Random random)
    {
        switch (random.Next(20))
        {
            case < 6:
                Note((await client.CallAsync<PutResponse>(Put(random))).Answer?.Header);
                break;
            case < 8:
                Note((await client.CallAsync<DeleteRangeResponse>(Delete(random))).Answer?.Header);
                break;
            case < 12:
                Note((await client.CallAsync<TxnResponse>(Txn(random))).Answer?.Header);
                break;
            case 12 when random.Next(10) == 0:
                // Far behind, so that reads of old revisions still find something.
                long revision = Math.Max(1, Volatile.Read(ref _greatestRevision) - 500);
                await client.CallAsync<CompactionResponse>(new CompactionRequest { Revision = revision });
                break;
            default:
                Note((await client.CallAsync<RangeResponse>(Range(random))).Answer?.Header);
                break;
        }
    }

    private static ByteString Key(Random random) =>
        ByteString.CopyFromUtf8("e/" + random.Next(KeyCount).ToString("D2", CultureInfo.InvariantCulture));

    private PutRequest Put(Random random) => new() { Key = Key(random), Value = NewValue() };

    private ByteString NewValue() => ByteString.CopyFromUtf8("v" + Interlocked.Increment(ref _values).ToString(CultureInfo.InvariantCulture));

    private static DeleteRangeRequest Delete(Random random)
    {
        var request = new DeleteRangeRequest { Key = Key(random) };
        if (random.Next(4) == 0) { request.RangeEnd = Key(random); }
        return request;
    }

    private RangeRequest Range(Random random)
    {
        var request = new RangeRequest { Key = Key(random) };
        if (random.Next(2) == 0) { request.RangeEnd = ByteString.CopyFromUtf8("e0"); } // Behind all of these keys: '0' follows '/'.
        if (random.Next(4) == 0) { request.Limit = random.Next(1, 5); }
        if (random.Next(5) == 0) { request.Serializable = true; }
        long behind = Volatile.Read(ref _greatestRevision) - random.Next(700);
        if (random.Next(5) == 0 && behind > 0) { request.Revision = behind; }
        return request;
    }

    // Keys differ within each list: etcd refuses to put one twice.
    private TxnRequest Txn(Random random)
    {
        ByteString[] keys = [.. Enumerable.Range(0, 4).Select(_ => Key(random)).Distinct()];
        var compare = new Compare { Key = keys[0], Result = Compare.Types.CompareResult.Less };
        switch (random.Next(3))
        {
            case 0:
                compare.Target = Compare.Types.CompareTarget.Mod;
                compare.ModRevision = Math.Max(1, Volatile.Read(ref _greatestRevision) - random.Next(40));
                break;
            case 1:
                compare.Target = Compare.Types.CompareTarget.Version;
                compare.Version = random.Next(4);
                break;
            default:
                compare.Target = Compare.Types.CompareTarget.Create;
                compare.Result = Compare.Types.CompareResult.Equal;
                compare.CreateRevision = 0;
                break;
        }

        var txn = new TxnRequest { Compare = { compare } };
        foreach (ByteString key in keys)
        {
            RequestOp operation = random.Next(4) == 0
                ? new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = key } }
                : new RequestOp { RequestPut = new PutRequest { Key = key, Value = NewValue() } };
            (random.Next(4) > 0 ? txn.Success : txn.Failure).Add(operation);
        }

        txn.Success.Add(new RequestOp { RequestRange = new RangeRequest { Key = keys[0] } });
        txn.Failure.Add(new RequestOp { RequestRange = new RangeRequest { Key = ByteString.CopyFromUtf8("e/"), RangeEnd = ByteString.CopyFromUtf8("e0") } });
        return txn;
    }

    private void Note(ResponseHeader? header)
    {
        for (long seen = Volatile.Read(ref _greatestRevision); header is not null && header.Revision > seen;)
        {
            long before = Interlocked.CompareExchange(ref _greatestRevision, header.Revision, seen);
            if (before == seen) { return; }
            seen = before;
        }
    }
}
